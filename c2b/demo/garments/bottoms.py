"""Skirts and trousers."""

from collections.abc import Callable
from dataclasses import dataclass

from c2b.demo.garments.pen import ACCENT, DEEP, LINE, PALE, Pen, Segment, path, sided, symmetric


@dataclass(frozen=True)
class Skirt:
    """Half widths and heights of a skirt."""

    top: float = 120
    waist: float = 66
    hip: float = 98
    hem: float = 150
    length: float = 360
    dip: float = 14


@dataclass(frozen=True)
class Legs:
    """Half widths and heights of trousers; `foot` is the outer edge, `inseam` the inner edge of a leg's end."""

    top: float = 80
    waist: float = 72
    hip: float = 98
    foot: float = 96
    inseam: float = 26
    rise: float = 150
    length: float = 440


def draw_skirt(pen: Pen, skirt: Skirt) -> None:
    """Draw a skirt without its waistband."""
    low = skirt.top + skirt.length
    pen.area(
        symmetric(
            [
                (0, skirt.top),
                (skirt.waist, skirt.top),
                (skirt.hip - 6, skirt.top + 70, skirt.hip + (skirt.hem - skirt.hip) * 0.5, low - skirt.length * 0.4, skirt.hem, low),
                (skirt.hem * 0.5, low + skirt.dip, 0, low + skirt.dip),
            ]
        )
    )
    for start, end, strength in ((0.3, 0.62, 0.09), (-0.55, -0.4, 0.07)):
        x, wide = skirt.waist * start, skirt.hem * end
        pen.shade(path((x, skirt.top + 30), (wide, low + 6), (wide + 40, low), close=True), strength)


def _pleats(pen: Pen, skirt: Skirt) -> None:
    low = skirt.top + skirt.length
    for number in range(-3, 4):
        share = number / 3.6
        x, wide = skirt.waist * share, skirt.hem * share
        foot = low + skirt.dip * (1 - abs(share)) - 1
        pen.shade(path((x, skirt.top + 22), (wide, foot), (wide + skirt.hem * 0.13, foot - 2), close=True), 0.13)
        pen.line(path((x, skirt.top + 10), (wide, foot)))


def _slit(pen: Pen, skirt: Skirt) -> None:
    low = skirt.top + skirt.length + skirt.dip * 0.7
    pen.line(path((30, low), (28, low - 96)))
    pen.stitch(path((-40, skirt.top + 12), (-34, skirt.top + 74)) + path((40, skirt.top + 12), (34, skirt.top + 74)))


def _wrapped(pen: Pen, skirt: Skirt) -> None:
    low = skirt.top + skirt.length
    pen.line(path((skirt.waist * 0.7, skirt.top), (skirt.hem * 0.6, low - 160, skirt.hem * 0.34, low + skirt.dip)))
    pen.shade(
        path(
            (skirt.waist * 0.7, skirt.top),
            (skirt.hem * 0.6, low - 160, skirt.hem * 0.34, low + 10),
            (skirt.hem * 0.58, low + 6),
            close=True,
        ),
        0.1,
    )
    for end in (34, 62):
        pen.stroke(
            path((skirt.waist * 0.66, skirt.top - 6), (skirt.waist + 4, skirt.top + 40, skirt.waist * 0.5 + end, skirt.top + 88)),
            6,
            LINE,
        )


def _tiered(pen: Pen, skirt: Skirt) -> None:
    for share in (0.36, 0.69):
        y, x = skirt.top + skirt.length * share, skirt.hip * 0.9 + (skirt.hem - skirt.hip * 0.9) * share
        pen.line(path((-x, y), (0, y + 18, x, y)))
        pen.line("".join(path((x * k, y + 12), (x * k * 1.04, y + 40)) for k in (-0.82, -0.6, -0.36, -0.1, 0.14, 0.4, 0.66, 0.86)))


def _buttoned(pen: Pen, skirt: Skirt) -> None:
    low = skirt.top + skirt.length + skirt.dip
    pen.line(path((-14, skirt.top), (-14, low)) + path((14, skirt.top), (14, low)))
    for number in range(6):
        pen.button(0, skirt.top + 22 + number * (skirt.length - 40) / 5, 6)


def _gathers(pen: Pen, skirt: Skirt) -> None:
    for share in (-0.75, -0.45, -0.15, 0.2, 0.5, 0.8):
        x = skirt.waist * share
        pen.line(path((x, skirt.top + 4), (x * 1.2, skirt.top + 70, x * 1.5 + share * 20, skirt.top + 120 + 50 * abs(share))))


def draw_legs(pen: Pen, legs: Legs) -> None:
    """Draw trousers without their waistband."""
    low, fork = legs.top + legs.length, legs.top + legs.rise
    knee = (legs.hip + legs.foot) / 2 - 2
    pen.area(
        symmetric(
            [
                (0, legs.top),
                (legs.waist, legs.top),
                (legs.hip, legs.top + 60, knee + 3, fork + (low - fork) * 0.3, legs.foot, low),
                ((legs.foot + legs.inseam) / 2, low + 7, legs.inseam, low + 4),
                (legs.inseam * 0.5 + 4, fork + 70, 0, fork),
            ]
        )
    )
    for side, strength in ((1, 0.12), (-1, 0.07)):
        inner: list[Segment] = [
            (2, fork),
            (legs.inseam * 0.5 + 4, fork + 70, legs.inseam, low + 4),
            (legs.inseam + 20, low + 5),
            (legs.inseam * 0.5 + 30, fork + 70, 14, fork - 30),
        ]
        pen.shade(path(*sided(side, inner), close=True), strength)
    pen.line(path((0, legs.top), (3, fork - 40, 0, fork)))
    pen.line(path((0, fork), (18, fork - 14, 34, fork - 18)) + path((0, fork), (-18, fork - 12, -30, fork - 12)))


def _slant_pockets(pen: Pen, legs: Legs) -> None:
    for side in (-1, 1):
        pen.line(path((side * (legs.waist - 26), legs.top), (side * (legs.waist - 6), legs.top + 40, side * (legs.hip - 7), legs.top + 62)))


def _jeans(pen: Pen, legs: Legs) -> None:
    for side in (-1, 1):
        pen.line(path((side * 30, legs.top), (side * 40, legs.top + 44, side * (legs.hip - 9), legs.top + 40)))
        pen.stitch(path((side * 25, legs.top + 2), (side * 35, legs.top + 51, side * (legs.hip - 9), legs.top + 47)))
        pen.stitch(path((side * (legs.hip - 7), legs.top + 70), (side * (legs.foot - 7), legs.top + legs.length - 4)))
    pen.stitch(path((22, legs.top + 4), (24, legs.top + 84, 2, legs.top + 102)))


def _crease(pen: Pen, legs: Legs) -> None:
    x, low = (legs.foot + legs.inseam) / 2, legs.top + legs.length
    for side in (-1, 1):
        pen.line(path((side * x * 0.75, legs.top + 70), (side * x, low - 4)))
    _slant_pockets(pen, legs)


def _waist_pleats(pen: Pen, legs: Legs) -> None:
    for x in (26, 42):
        pen.line(path((x, legs.top), (x + 6, legs.top + 80)) + path((-x, legs.top), (-x - 6, legs.top + 80)))
    _slant_pockets(pen, legs)


def _cargo(pen: Pen, legs: Legs) -> None:
    y = legs.top + legs.rise + 40
    for side in (-1, 1):
        x = side * (legs.hip - 12)
        pen.area(path((x, y), (x - side * 52, y + 3), (x - side * 50, y + 66), (x + side * 2, y + 64), close=True), "{pale}77")
        pen.area(path((x + side * 3, y - 4), (x - side * 55, y - 1), (x - side * 54, y + 18), (x + side * 3, y + 16), close=True))
    _slant_pockets(pen, legs)


def _foot_stitch(pen: Pen, legs: Legs) -> None:
    y = legs.top + legs.length - 12
    for side in (-1, 1):
        pen.stitch(path((side * (legs.foot - 3), y), (side * (legs.inseam), y + 3)))


def _turn_ups(pen: Pen, legs: Legs) -> None:
    low = legs.top + legs.length
    for side in (-1, 1):
        shape: list[Segment] = [
            (legs.foot + 3, low - 26),
            (legs.foot + 5, low + 4),
            (legs.inseam - 3, low + 8),
            (legs.inseam - 4, low - 22),
        ]
        pen.area(path(*sided(side, shape), close=True), PALE)


def waistband(pen: Pen, kind: str, half: float, top: float) -> None:
    """Finish the waist: a plain band, with loops, with elastic, or with a tie."""
    high = top - 30
    pen.area(
        symmetric([(0, high + 4), (half * 0.5, high + 4, half - 2, high), (half + 3, top + 3), (half * 0.5, top + 8, 0, top + 8)]),
        DEEP,
    )
    FASTENINGS.get(kind, _side_button)(pen, half, top)


def _side_button(pen: Pen, half: float, top: float) -> None:
    pen.button(half * 0.72, top - 13, 5)


def _loops(pen: Pen, half: float, top: float) -> None:
    high = top - 30
    for x in (-0.6, 0.6):
        pen.area(path((half * x - 4, high), (half * x + 4, high), (half * x + 4, top + 10), (half * x - 4, top + 10), close=True))
    pen.button(0, top - 10, 5.5)


def _elastic(pen: Pen, half: float, top: float) -> None:
    pen.line("".join(path((x, top - 21), (x, top)) for x in range(-int(half) + 10, int(half) - 4, 13)))


def _tie(pen: Pen, half: float, top: float) -> None:
    _elastic(pen, half, top)
    for end in (-30, 24):
        pen.stroke(path((0, top - 10), (end * 0.4, top + 30, end, top + 62)), 5, ACCENT)


FASTENINGS: dict[str, Callable[[Pen, float, float], None]] = {"loops": _loops, "elastic": _elastic, "tie": _tie}
"""How a waistband of a kind is fastened, with its half width and its lower edge; any other has a button at the side."""


SKIRT_DETAILS: dict[str, Callable[[Pen, Skirt], None]] = {
    "pleats": _pleats,
    "slit": _slit,
    "wrapped": _wrapped,
    "tiered": _tiered,
    "buttoned": _buttoned,
    "gathers": _gathers,
}
LEG_DETAILS: dict[str, Callable[[Pen, Legs], None]] = {
    "slant-pockets": _slant_pockets,
    "jeans": _jeans,
    "crease": _crease,
    "waist-pleats": _waist_pleats,
    "cargo": _cargo,
    "foot-stitch": _foot_stitch,
    "turn-ups": _turn_ups,
}
