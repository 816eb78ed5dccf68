"""The form of a campaign's rules: its controls by section, and a document read from what was typed.

A control is named as the campaign file names its setting ("voting.opens"), so that what is wrong with the document stands at the control.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from werkzeug.datastructures import MultiDict

from c2b.admin.legal import TITLES
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import LegalProfile, frozen, is_history
from c2b.errors import N_

Document = dict[str, Any]
_COLUMNS = {"ordering.deposit": "deposit_amount", "balance.grace_days": "grace_days"}
_PHASES = ("voting.opens", "voting.closes", "ordering.opens", "ordering.closes", "balance.opens", "balance.due", "delivery.expected")
_IDENTITIES = (("email", N_("E-mail address")), ("phone", N_("Telephone number")), ("wechat", N_("WeChat")))
_SOURCES = (("verified", N_("voted here")), ("store", N_("entered in a store")), ("imported", N_("imported")))


@dataclass(frozen=True)
class Control:
    """One setting: `kind` is text, whole, time, day, tick, choice, several or words (a list with commas)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    rare: bool = False
    """Folded away: the default suits nearly everybody."""

    @property
    def column(self) -> str:
        """The campaign's column behind it."""
        return _COLUMNS.get(self.name, self.name.replace(".", "_") if self.name in _PHASES else self.name.rpartition(".")[2])


@dataclass(frozen=True)
class Section:
    """Controls that belong together; `optional`: the document may leave the section out, as the campaign leaves out the phase."""

    name: str
    title: str
    lead: str
    controls: tuple[Control, ...]
    optional: str = ""


SECTIONS = (
    Section(
        "names",
        N_("Name and law"),
        N_("What customers read, and which law the deposits follow."),
        (
            Control("title", N_("Title in Chinese"), hint=N_("Stands on every page of the campaign.")),
            Control("title_en", N_("Title in English"), hint=N_("Empty: the Chinese title is shown.")),
            Control(
                "slug",
                N_("Web address"),
                hint=N_("Lower-case letters, digits and hyphens: spring-2027 is shown at /c/spring-2027/. It can’t be changed later."),
            ),
            Control("legal_profile", N_("Legal profile"), "choice", choices=tuple((each.value, TITLES[each]) for each in LegalProfile)),
            Control("currency", N_("Currency"), hint=N_("Its ISO code, like CNY. Fixed once candidates have prices.")),
            Control("time_zone", N_("Time zone"), hint=N_("All times below are read in it, like Asia/Shanghai.")),
        ),
    ),
    Section(
        "voting",
        N_("Voting"),
        N_("Rules and candidates are frozen when voting opens; nobody can move them then, you neither."),
        (
            Control("voting.opens", N_("Voting opens"), "time"),
            Control("voting.closes", N_("Voting closes"), "time", N_("Counts stay hidden until then.")),
            Control(
                "voting.votes_each",
                N_("Votes of a customer"),
                "whole",
                N_("At most one for each candidate. 3 per cent of them works well."),
            ),
            Control("voting.places", N_("Places"), "whole", N_("So many of the most voted open for pre-order.")),
            Control(
                "voting.identity",
                N_("Customers sign in by"),
                "choice",
                N_("One ballot for each address of this kind."),
                choices=_IDENTITIES,
            ),
            Control("voting.min_votes", N_("Votes needed"), "whole", N_("A candidate with fewer wins no place."), rare=True),
            Control("voting.max_per_category", N_("Places for a category"), "whole", N_("At most; 0: no limit."), rare=True),
            Control("voting.count", N_("Ballots that count"), "several", choices=_SOURCES, rare=True),
            Control(
                "voting.publish_ballots",
                N_("Publish all ballots with the result, without names"),
                "tick",
                N_("Then anybody can count again; who knows all picks of somebody can find that ballot."),
                rare=True,
            ),
        ),
        N_("Customers vote first"),
    ),
    Section(
        "ordering",
        N_("Pre-orders"),
        N_("Customers put a deposit on a size and colour. What misses its minimum is refunded in whole."),
        (
            Control(
                "ordering.opens", N_("Ordering opens"), "time", N_("Between the vote and this there is time for samples and final prices.")
            ),
            Control("ordering.closes", N_("Ordering closes"), "time"),
            Control(
                "ordering.deposit_percent",
                N_("Deposit in per cent"),
                "whole",
                N_("Of the lowest price. China’s law allows 20 at most for a deposit that binds."),
            ),
            Control(
                "ordering.deposit",
                N_("or a fixed deposit"),
                "text",
                N_("An amount for each piece, like 50; then leave the per cent empty."),
            ),
            Control(
                "ordering.minimum",
                N_("Minimum of a product"),
                "whole",
                N_("Pieces, where its offer doesn’t say otherwise."),
            ),
            Control(
                "ordering.max_products", N_("Products at most"), "whole", N_("The best so many are made; 0: all that reach."), rare=True
            ),
            Control("ordering.per_customer", N_("Pieces of a product for a customer"), "whole", N_("At most; 0: no limit."), rare=True),
            Control(
                "ordering.settle_hours", N_("Hours until the decision"), "whole", N_("Payments under way may still arrive."), rare=True
            ),
            Control(
                "ordering.two_person", N_("Two people decide"), "tick", N_("What costs money needs somebody else’s agreement."), rare=True
            ),
        ),
    ),
    Section(
        "balance",
        N_("Balance"),
        N_("When customers pay the rest. Reminders go out by themselves."),
        (
            Control("balance.opens", N_("Balance opens"), "time"),
            Control("balance.due", N_("Balance is due"), "time"),
            Control(
                "balance.grace_days",
                N_("Days of grace"),
                "whole",
                N_("After them the legal profile says what becomes of the deposit."),
                rare=True,
            ),
        ),
        N_("Customers pay the rest before delivery"),
    ),
    Section(
        "delivery",
        N_("Delivery"),
        N_("What the pages promise."),
        (
            Control(
                "delivery.expected",
                N_("Goods expected on"),
                "day",
                N_("Customers are told, and asked where the law wants it, if it gets later."),
            ),
            Control("delivery.shipping", N_("Shipping of an order"), "text", N_("An amount, like 12; 0: free.")),
            Control("delivery.countries", N_("Delivered to"), "words", N_("Country codes with commas, like CN, HK; empty: no delivery.")),
        ),
    ),
)
CONTROLS = {control.name: control for section in SECTIONS for control in section.controls}


def shut(campaign: Campaign | None) -> set[str]:
    """Return the names of the settings that can't be changed any more; the address never can."""
    if campaign is None:
        return set()
    late = frozen(campaign, {each.column for each in CONTROLS.values()})
    return {name for name, each in CONTROLS.items() if each.column in late or is_history(campaign, each.column)} | {"slug"}


def inside(document: Mapping[str, Any], name: str) -> Any:
    """Return what a document says of a setting; None if nothing."""
    section, _dot, key = name.rpartition(".")
    return (document.get(section) or {}).get(key) if section else document.get(key)


def shown(control: Control, value: Any) -> Any:
    """Return a setting as its control shows it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if control.kind == "words":
        return ", ".join(value or ())
    usual = [key for key, _text in control.choices] if control.kind == "several" else ""
    return usual if value is None else value


def read(form: MultiDict[str, str], base: Document, closed: Iterable[str]) -> Document:
    """Return the document that the form asks for: what is `closed` stays as `base` says, what can't be read stays a text, to be refused."""
    kept = set(closed)
    document: Document = {}
    asked = chain.from_iterable(section.controls for section in SECTIONS if _is_asked(section, form, kept))
    for control in asked:
        _put(document, control.name, inside(base, control.name) if control.name in kept else _typed(control, form))
    return document


def _is_asked(section: Section, form: MultiDict[str, str], kept: set[str]) -> bool:
    """Say whether a section is in: always, or where it is optional if it is ticked, or frozen with what it holds."""
    return not section.optional or section.name in form or all(control.name in kept for control in section.controls)


def _put(document: Document, name: str, value: Any) -> None:
    section, _dot, key = name.rpartition(".")
    if value is not None:
        (document.setdefault(section, {}) if section else document)[key] = value


def _typed(control: Control, form: MultiDict[str, str]) -> Any:
    """Return what was typed as the file's own type; None for nothing."""
    if control.kind == "tick":
        return control.name in form
    if control.kind == "several":
        return form.getlist(control.name)
    text = form.get(control.name, "").strip()
    if control.kind == "words":
        return [word.upper() for word in text.replace("，", ",").replace(",", " ").split()]
    return _READERS.get(control.kind, str)(text) if text else None


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(10**9)) else text


def _time(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


_READERS = {"whole": _whole, "time": _time, "day": _day}
