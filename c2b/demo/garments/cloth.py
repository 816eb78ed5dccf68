"""Colours and patterns of cloth, as SVG."""

from collections.abc import Callable
from dataclasses import dataclass

INK = "#141b2b"
PAPER = "#ffffff"
DARK, PALE = 110, 215
"""Lightness below which a colour counts as dark, above which as nearly white."""


def mix(colour: str, other: str, share: float) -> str:
    """Blend `share` (0 to 1) of `other` into `colour`, both #rrggbb."""
    pairs = ((int(colour[index : index + 2], 16), int(other[index : index + 2], 16)) for index in (1, 3, 5))
    return "#" + "".join(f"{round(one * (1 - share) + two * share):02x}" for one, two in pairs)


def lightness(colour: str) -> float:
    """Return how light `colour` looks, 0 to 255 (ITU-R BT.601 weights)."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@dataclass(frozen=True)
class Cloth:
    """A cloth in a colour (#rrggbb), with an accent for what is printed or sewn onto it."""

    colour: str
    accent: str
    pattern: str

    @property
    def is_dark(self) -> bool:
        """Whether light thread shows better on it."""
        return lightness(self.colour) < DARK

    @property
    def line(self) -> str:
        """Outlines and seams."""
        return mix(self.colour, INK, 0.62 if self.is_dark else 0.48)

    @property
    def shadow(self) -> str:
        """Where light doesn't come."""
        return mix(self.colour, INK, 0.78)

    @property
    def deep(self) -> str:
        """The same colour, a shade deeper: ribs, bands, the inside."""
        return mix(self.colour, INK, 0.16)

    @property
    def pale(self) -> str:
        """The same colour, a shade paler: collars, plackets."""
        return mix(self.colour, PAPER, 0.22)

    @property
    def thread(self) -> str:
        """Stitches that show without shouting."""
        return mix(self.colour, PAPER, 0.5) if self.is_dark else mix(self.colour, INK, 0.36)

    @property
    def figure(self) -> str:
        """What a pattern is printed in: the accent, calmed towards the ground."""
        return mix(self.accent, self.colour, 0.22)

    def dye(self, shapes: str) -> str:
        """Fill in the dyes that drawn shapes name."""
        return shapes.format(
            colour=self.colour,
            accent=self.accent,
            line=self.line,
            shadow=self.shadow,
            deep=self.deep,
            pale=self.pale,
            thread=self.thread,
            figure=self.figure,
        )

    def tile(self) -> tuple[str, str]:
        """Return the picture's ground: the middle and the rim of a tint of the colour."""
        tint = mix(self.colour, "#8a97ad", 0.35) if lightness(self.colour) > PALE else self.colour
        return mix(tint, "#fbfcfe", 0.93), mix(tint, "#f6f8fb", 0.83)


def _stripe(cloth: Cloth) -> tuple[int, int, str]:
    return 40, 34, f'<rect width="40" height="9" fill="{cloth.figure}"/>'


def _double_stripe(cloth: Cloth) -> tuple[int, int, str]:
    return 40, 46, f'<path d="M0 4H40M0 14H40" stroke="{cloth.figure}" stroke-width="4"/>'


def _pin(cloth: Cloth) -> tuple[int, int, str]:
    return 18, 18, f'<path d="M5 0V18" stroke="{cloth.figure}" stroke-width="3"/>'


def _bengal(cloth: Cloth) -> tuple[int, int, str]:
    return 28, 28, f'<rect width="11" height="28" fill="{cloth.figure}" opacity=".75"/>'


def _dot(cloth: Cloth) -> tuple[int, int, str]:
    return 36, 36, f'<g fill="{cloth.figure}"><circle cx="9" cy="9" r="4"/><circle cx="27" cy="27" r="4"/></g>'


def _seed(cloth: Cloth) -> tuple[int, int, str]:
    seeds = "M7 6l3 5M24 14l-4 4M12 25l5 1M30 28l1 5"
    return 36, 36, f'<path d="{seeds}" stroke="{cloth.figure}" stroke-width="3" stroke-linecap="round"/>'


def _gingham(cloth: Cloth) -> tuple[int, int, str]:
    return 36, 36, f'<path d="M0 9H36M9 0V36" stroke="{cloth.figure}" stroke-width="17" opacity=".34"/>'


def _window(cloth: Cloth) -> tuple[int, int, str]:
    return 54, 54, f'<path d="M0 8H54M8 0V54" stroke="{cloth.figure}" stroke-width="3" opacity=".85"/>'


def _plaid(cloth: Cloth) -> tuple[int, int, str]:
    wide = f'<path d="M0 14H64M14 0V64" stroke="{cloth.figure}" stroke-width="20" opacity=".3"/>'
    return 64, 64, wide + f'<path d="M0 44H64M44 0V64" stroke="{mix(cloth.accent, PAPER, 0.35)}" stroke-width="3" opacity=".7"/>'


def _leaf(cloth: Cloth) -> tuple[int, int, str]:
    leaves = "M18 8q11 10 0 25q-11-13 0-25zM50 44q9-12 22-6q-5 14-22 6z"
    stems = "M18 12v28M53 44l14-4"
    return 80, 64, f'<path d="{leaves}" fill="{cloth.figure}"/><path d="{stems}" stroke="{cloth.colour}" stroke-width="1.5"/>'


def _blossom(cloth: Cloth) -> tuple[int, int, str]:
    petals = "".join(f'<circle cx="{x}" cy="{y}" r="5"/>' for x, y in ((20, 12), (28, 18), (25, 27), (15, 27), (12, 18)))
    small = '<circle cx="52" cy="50" r="4"/><circle cx="60" cy="46" r="3"/>'
    return 72, 64, f'<g fill="{cloth.figure}">{petals}{small}</g><circle cx="20" cy="20" r="3" fill="{cloth.colour}"/>'


def _wave(cloth: Cloth) -> tuple[int, int, str]:
    arcs = "M0 18a16 16 0 0 1 32 0M8 18a8 8 0 0 1 16 0M-16 32a16 16 0 0 1 32 0M16 32a16 16 0 0 1 32 0"
    return 32, 28, f'<path d="{arcs}" fill="none" stroke="{cloth.figure}" stroke-width="2" opacity=".8"/>'


def _linen(cloth: Cloth) -> tuple[int, int, str]:
    across = f'<path d="M0 2H11M0 8H7" stroke="{mix(cloth.colour, PAPER, 0.3)}" stroke-width="1.3"/>'
    return 11, 11, across + f'<path d="M4 0V11" stroke="{mix(cloth.colour, INK, 0.14)}"/>'


def _twill(cloth: Cloth) -> tuple[int, int, str]:
    return 10, 10, f'<path d="M-2 12L12-2M-2 2L2-2M8 12L12 8" stroke="{mix(cloth.colour, INK, 0.13)}" stroke-width="1.6"/>'


def _rib(cloth: Cloth) -> tuple[int, int, str]:
    return 13, 13, f'<path d="M3 0V13" stroke="{mix(cloth.colour, INK, 0.14)}" stroke-width="3"/>'


def _herringbone(cloth: Cloth) -> tuple[int, int, str]:
    return 24, 12, f'<path d="M0 12L12 0L24 12M0 6L6 0M18 0L24 6" fill="none" stroke="{mix(cloth.colour, INK, 0.17)}" stroke-width="2"/>'


def _knit(cloth: Cloth) -> tuple[int, int, str]:
    return 14, 12, f'<path d="M1 2L7 9L13 2" fill="none" stroke="{mix(cloth.colour, INK, 0.12)}" stroke-width="2.4"/>'


PATTERNS: dict[str, Callable[[Cloth], tuple[int, int, str]]] = {
    "stripe": _stripe,
    "double-stripe": _double_stripe,
    "pin": _pin,
    "bengal": _bengal,
    "dot": _dot,
    "seed": _seed,
    "gingham": _gingham,
    "window": _window,
    "plaid": _plaid,
    "leaf": _leaf,
    "blossom": _blossom,
    "wave": _wave,
    "linen": _linen,
    "twill": _twill,
    "rib": _rib,
    "herringbone": _herringbone,
    "knit": _knit,
}
"""Width, height and figures of a pattern's repeat; `plain` has none."""


def definitions(cloth: Cloth, turns: dict[str, float]) -> str:
    """Define the cloth as pattern `p`, and once more for each name in `turns`, turned by so many degrees with the sleeve."""
    width, height, figures = PATTERNS[cloth.pattern](cloth) if cloth.pattern in PATTERNS else (8, 8, "")
    ground = f'<rect width="{width}" height="{height}" fill="{cloth.colour}"/>'
    first = f'<pattern id="p" width="{width}" height="{height}" patternUnits="userSpaceOnUse">{ground}{figures}</pattern>'
    return first + "".join(f'<pattern id="{name}" href="#p" patternTransform="rotate({turn:.0f})"/>' for name, turn in turns.items())
