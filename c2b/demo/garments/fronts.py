"""How a front closes: buttons, zips, frogs, toggles."""

from collections.abc import Callable

from c2b.demo.garments.pen import ACCENT, LINE, PALE, Pen, mirrored, path
from c2b.demo.garments.torso import Body


def _buttons(pen: Pen, body: Body, start: float) -> None:
    """A placket with buttons all the way down."""
    end = body.bottom + body.dip
    pen.line(path((-11, start), (-11, end)))
    pen.line(path((11, start), (11, end)))
    count = max(3, round((end - start - 40) / 54))
    for number in range(count):
        pen.button(0, start + 20 + number * (end - start - 44) / (count - 1))


def _placket(pen: Pen, body: Body, start: float) -> None:
    """A short opening with three buttons."""
    start = min(start, body.top + 46)
    pen.area(path((-12, start), (12, start), (12, start + 96), (-12, start + 96), close=True), PALE)
    for number in range(3):
        pen.button(0, start + 18 + number * 30, 4.5)


def _zip(pen: Pen, body: Body, start: float) -> None:
    """A zip."""
    end = body.bottom + body.dip
    pen.stroke(path((0, start), (0, end)), 9, LINE)
    pen.stroke(path((0, start), (0, end)), 4, ACCENT)
    pen.area(path((-4, start + 12), (4, start + 12), (6, start + 36), (-6, start + 36), close=True), ACCENT)


def _double(pen: Pen, body: Body, start: float) -> None:
    """Two rows of buttons."""
    pen.line(path((26, start - 36), (30, start + 20, 30, body.bottom + body.dip - 1)))
    for number in range(3):
        for side in (-1, 1):
            pen.button(side * 34 - 6, start + 16 + number * 62, 7.5)


def _single(pen: Pen, body: Body, start: float) -> None:
    """A few large buttons on one edge."""
    pen.line(path((4, start), (8, start + 60, 8, body.bottom + body.dip)))
    for number in range(3):
        pen.button(-6, start + 24 + number * 58, 7)


def _frogs(pen: Pen, body: Body, start: float) -> None:
    """Frogs: knotted cords, as on a Tang jacket."""
    end = body.bottom + body.dip
    pen.line(path((0, start), (0, end)))
    for number in range(5):
        y = start + 16 + number * (end - start - 66) / 4
        cord = [(0.0, y), (36.0, y), (44.0, y - 9, 34.0, y - 9), (26.0, y - 7, 34.0, y)]
        pen.stroke(path(*cord), 5, ACCENT)
        pen.stroke(path(*mirrored(cord)), 5, ACCENT)
        pen.button(0, y, 6)


def _toggles(pen: Pen, body: Body, start: float) -> None:
    """Toggles and cords, as on a duffle coat."""
    pen.line(path((14, start), (14, body.bottom + body.dip)))
    for number in range(4):
        y = start + 24 + number * 62
        pen.stroke(path((-34, y), (34, y)), 4, LINE)
        pen.area(path((-12, y - 6), (12, y - 6), (17, y, 12, y + 6), (-12, y + 6), (-17, y, -12, y - 6), close=True), ACCENT)


def _wrap(pen: Pen, body: Body, start: float) -> None:
    """One front laid over the other."""
    pen.line(path((0, start), (body.waist * 0.4, body.middle - 26, body.waist * 0.62, body.middle)))
    pen.line(path((body.waist * 0.62, body.middle), (body.hem * 0.3, body.bottom - 60, body.hem * 0.3, body.bottom + body.dip)))


def _slant(pen: Pen, body: Body, _start: float) -> None:
    """The slanted closing of a qipao, from the collar to the armpit."""
    x, y = body.pit[0] - 4, body.pit[1] - 14
    curve = path((0, body.top + 14), (12, body.top + 74, 56, y - 26), (x - 8, y - 16, x, y))
    pen.stroke(curve, 6, ACCENT)
    for px, py in ((4, body.top + 24), (33, body.top + 76), (x - 14, y - 14)):
        pen.stroke(path((px - 13, py + 4), (px + 13, py - 4)), 6, ACCENT)
        pen.button(px, py, 5.5)


FRONTS: dict[str, Callable[[Pen, Body, float], None]] = {
    "buttons": _buttons,
    "placket": _placket,
    "zip": _zip,
    "double": _double,
    "single": _single,
    "frogs": _frogs,
    "toggles": _toggles,
    "wrap": _wrap,
    "slant": _slant,
}
