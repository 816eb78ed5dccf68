"""The demo's catalogue: products made up from a vocabulary, the same for the same seed."""

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import cycle
from typing import Any

from c2b.demo.garments.cloth import lightness
from c2b.demo.garments.drawing import Look, Pose
from c2b.demo.garments.motifs import MOTIFS

SIZES = ("XS", "S", "M", "L", "XL", "XXL")
ONE_SIZE = ("均码", "One size")
CONTRAST = 70
"""Difference in lightness from which an accent stands out."""
TAX = 1300
"""Basis points: China's value-added tax on goods."""


@dataclass(frozen=True)
class Text:
    """The same in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True)
class Colour:
    """A colour of a product; `hex` is #rrggbb."""

    name: Text
    hex: str
    accent: str


@dataclass(frozen=True)
class Terms:
    """What a product is sold and made at; amounts in fen."""

    estimate: tuple[int, int]
    prices: tuple[int, int, int]
    tier_units: tuple[int, int]
    minimum: int
    pack: int
    cap: int | None
    supplier: str
    unit_cost: int
    lead_days: int


@dataclass(frozen=True)
class Product:
    """One made-up product, complete enough to be imported as a candidate with its offer."""

    code: str
    name: Text
    category: Text
    description: Text
    composition: Text
    care: Text
    colours: tuple[Colour, ...]
    sizes: tuple[Text, ...]
    weight_g: int
    terms: Terms
    look: Look

    @property
    def rarest_minimum(self) -> int | None:
        """Units that the last of several colours needs for itself: half of a product's own, for every third product."""
        return self.terms.minimum // 2 if self.colours[1:] and int(self.code[1:]) % 3 == 0 else None


@cache
def words() -> Mapping[str, Any]:
    """Return the vocabulary, `words.toml`."""
    return tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))


def products(count: int, *, seed: str, minimums: Sequence[int] = (30, 50, 50, 80, 100)) -> list[Product]:
    """Make up `count` products, the same for the same seed; no two share a name in either language."""
    dice = random.Random(seed)  # noqa: S311  made-up goods, no secret
    names: set[str] = set()
    made = []
    for number, cut in enumerate(_cuts(count, dice), start=1):
        made.append(_product(f"K{number:03}", cut, dice, names, minimums))
    return made


def _cuts(count: int, dice: random.Random) -> list[str]:
    """Deal the cuts by their shares, well mixed."""
    shares = {cut: values["share"] for cut, values in words()["cuts"].items()}
    deck = [cut for cut, share in shares.items() for _ in range(share)]
    dice.shuffle(deck)
    source = cycle(deck)
    return [next(source) for _ in range(count)]


def _product(code: str, cut: str, dice: random.Random, names: set[str], minimums: Sequence[int]) -> Product:
    facts = words()["cuts"][cut]
    style = dice.randrange(len(facts["styles"]))
    pattern = dice.choice(facts["patterns"])
    cloth = words()["cloths"][dice.choice(facts["cloths"])]
    uses = words()["uses"][facts["category"]]
    sentences = [dice.choice(cloth["says"]), facts["styles"][style], *dice.sample(uses, dice.choice((0, 1, 1)))]
    motif = dice.choice(sorted(MOTIFS)) if facts.get("motifs") and pattern == "plain" and dice.randrange(2) else ""
    return Product(
        code=code,
        name=_name(facts["noun"], pattern, dice, names),
        category=Text(*words()["categories"][facts["category"]]),
        description=Text("".join(zh for zh, _ in sentences), " ".join(en for _, en in sentences)),
        composition=Text(*cloth["composition"]),
        care=Text(*cloth["care"]),
        colours=_colours(facts.get("colours"), dice),
        sizes=(Text(*ONE_SIZE),) if facts.get("one_size") else tuple(Text(size, size) for size in SIZES),
        weight_g=facts["weight"] + dice.randrange(0, 40, 5),
        terms=_terms(facts, dice, minimums),
        look=Look(cut, style, pattern, _pose(dice), motif, longer=dice.choice((0.95, 1, 1, 1.05)), wider=dice.choice((0.96, 1, 1, 1.06))),
    )


def _name(noun: Sequence[str], pattern: str, dice: random.Random, taken: set[str]) -> Text:
    kind = words()["patterns"][pattern]
    fitting, general = (_shuffled(_modifiers(use), dice) for use in (pattern, ""))
    possible = (Text(f"{zh}{kind['zh']}{noun[0]}", " ".join(filter(None, (en, kind["en"], noun[1])))) for zh, en in fitting + general)
    name = next(name for name in possible if taken.isdisjoint((name.zh, name.en)))
    taken.update((name.zh, name.en))
    return name


def _modifiers(pattern: str) -> list[Sequence[str]]:
    """Return the words, in Chinese and English, that go before a name for `pattern`; those for any pattern for none."""
    groups = (group for group in words()["modifiers"] if (pattern in group["for"] if pattern else not group["for"]))
    return [pair for group in groups for pair in group["words"]]


def _shuffled(pairs: list[Sequence[str]], dice: random.Random) -> list[Sequence[str]]:
    return dice.sample(pairs, len(pairs))


def _colours(allowed: Sequence[str] | None, dice: random.Random) -> tuple[Colour, ...]:
    """Choose two to four colours, each with an accent that stands out from it."""
    palette = words()["colours"]
    chosen = dice.sample(sorted(allowed or palette), dice.choice((2, 3, 3, 4)))
    tones = [palette[name]["hex"] for name in ("cream", "oat", "ink", "indigo", "mustard", "brick")]
    return tuple(
        Colour(
            Text(palette[name]["zh"], palette[name]["en"]),
            palette[name]["hex"],
            dice.choice([tone for tone in tones if abs(lightness(tone) - lightness(palette[name]["hex"])) > CONTRAST]),
        )
        for name in chosen
    )


def _pose(dice: random.Random) -> Pose:
    wide = dice.choice((6, 9, 12, 12, 15, 20))
    folded = dice.choice((0, 0, 0, 0, 1, -1))
    return Pose(
        left=wide + dice.choice((0, 0, 3)),
        right=wide,
        folded=folded,
        hanger=not folded and dice.randrange(5) == 0,
        tilt=dice.choice((-4, -2, -1, 0, 0, 0, 1, 2, 3)),
    )


def _terms(facts: Mapping[str, Any], dice: random.Random, minimums: Sequence[int]) -> Terms:
    low, high = facts["price"]
    price = low + dice.randrange(0, high - low + 1, 10)
    lower = min(_ending_in_nine(price * 0.92), price - 10)
    lowest = min(_ending_in_nine(price * 0.85), lower - 10)
    minimum = dice.choice(minimums)
    supplier = dice.choice([factory for factory in words()["suppliers"] if facts["category"] in factory["makes"]])
    return Terms(
        estimate=(_ending_in_nine(price * 0.9) * 100, _ending_in_nine(price * 1.12) * 100),
        prices=(price * 100, lower * 100, lowest * 100),
        tier_units=(minimum * 2, minimum * 4),
        minimum=minimum,
        pack=dice.choice((1, 1, 1, 5, 10)),
        cap=minimum * 6 if dice.randrange(12) == 0 else None,
        supplier=supplier["code"],
        unit_cost=round(price * dice.uniform(0.34, 0.44)) * 100,
        lead_days=supplier["lead_days"] + dice.choice((0, 2, 5)),
    )


def _ending_in_nine(yuan: float) -> int:
    return round(yuan / 10) * 10 - 1


def barcode(number: int) -> str:
    """Return an in-house EAN-13 (GS1 prefix 200-299, for use within a company) with its check digit."""
    digits = f"20{number:010}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"
