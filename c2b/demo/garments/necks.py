"""What finishes a neck: ribs, collars, hoods, lapels."""

from collections.abc import Callable

from c2b.demo.garments.pen import ACCENT, DEEP, LINE, PALE, Pen, Segment, mirrored, path, symmetric
from c2b.demo.garments.torso import Body, falling, neckline


def _edge(body: Body, neck: str) -> str:
    """Return the whole edge of the neck's opening, front and back."""
    return symmetric([(0, body.top + 5), (body.neck * 0.6, body.top + 5, body.neck, body.top), *falling(neckline(body, neck))])


def _pair(pen: Pen, shape: list[Segment], fill: str) -> None:
    pen.area(path(*mirrored(shape), close=True), fill)
    pen.area(path(*shape, close=True), fill)


def _bound(pen: Pen, body: Body, neck: str) -> None:
    """Bind the edge with a narrow band."""
    pen.cord(_edge(body, neck), 7, DEEP)


def _ribbed(pen: Pen, body: Body, neck: str) -> None:
    """Knit a rib to the edge."""
    pen.cord(_edge(body, neck), 11, DEEP)


def _turtle(pen: Pen, body: Body, _neck: str) -> None:
    """A turtle neck, folded over."""
    wide, high = body.neck + 4, body.top - 34
    pen.area(
        symmetric([(0, high - 6), (wide * 0.7, high - 6, wide - 6, high), (wide + 3, body.top + 6), (0, body.top + 34, 0, body.top + 34)]),
        DEEP,
    )
    for x in (-30, -15, 0, 15, 30):
        pen.line(path((x, high + 6), (x * 1.05, body.top + 14)))


def _mandarin(pen: Pen, body: Body, _neck: str) -> None:
    """A low stand."""
    wide, high = body.neck, body.top - 24
    back: list[Segment] = [
        (0, high + 4),
        (wide * 0.7, high + 2, wide - 8, high),
        (wide, body.top + 4),
        (0, body.top + 16, 0, body.top + 16),
    ]
    pen.area(symmetric(back), DEEP)
    _pair(pen, [(2, body.top + 22), (3, high + 26), (wide * 0.7, high + 16, wide - 8, high), (wide + 2, body.top + 4)], PALE)


def _shirt(pen: Pen, body: Body, _neck: str) -> None:
    """A shirt's collar: a stand and two points."""
    wide, top = body.neck, body.top
    pen.area(symmetric([(0, top - 8), (wide * 0.6, top - 8, wide, top), (0, top + 46)]), DEEP)
    _pair(pen, [(0, top + 40), (wide - 2, top - 6), (wide + 14, top + 14), (wide * 0.62, top + 80)], "url(#p)")
    _pair(pen, [(0, top + 40), (wide - 2, top - 6), (wide + 14, top + 14), (wide * 0.62, top + 80)], "{pale}99")


def _camp(pen: Pen, body: Body, _neck: str) -> None:
    """An open collar that lies flat."""
    wide, top = body.neck, body.top
    pen.area(symmetric([(0, top - 4), (wide * 0.6, top - 4, wide, top), (0, top + 84)]), DEEP)
    _pair(
        pen,
        [(0, top + 88), (wide * 0.4, top + 40), (wide - 2, top - 8), (wide + 22, top + 16), (wide + 14, top + 58), (wide, top + 50)],
        PALE,
    )


def _round_collar(pen: Pen, body: Body, _neck: str) -> None:
    """A small round collar."""
    wide, top = body.neck, body.top
    pen.area(symmetric([(0, top - 4), (wide * 0.6, top - 4, wide, top), (0, top + 30)]), DEEP)
    curve: list[Segment] = [
        (1, top + 26),
        (wide * 0.7, top + 22, wide - 2, top - 6),
        (wide + 26, top + 22, wide + 4, top + 54),
        (20, top + 78, 1, top + 26),
    ]
    _pair(pen, curve, PALE)


def _bow(pen: Pen, body: Body, neck: str) -> None:
    """A narrow collar tied into a bow."""
    _bound(pen, body, neck)
    y = body.top + 34
    for shape in (
        [(4, y + 6), (10, y + 50, 30, y + 96), (46, y + 88), (26, y + 40, 8, y)],
        [(2, y), (44, y - 30, 58, y - 4), (56, y + 22, 2, y + 8)],
    ):
        _pair(pen, [tuple(map(float, segment)) for segment in shape], PALE)
    pen.area(path((-9, y - 4), (0, y - 9, 9, y - 4), (10, y + 12), (0, y + 16, -10, y + 12), close=True), PALE)


def _hood(pen: Pen, body: Body, _neck: str) -> None:
    """A hood, with its cord."""
    wide, top = body.neck + 16, body.top
    outer: list[Segment] = [(0, top - 84), (wide + 12, top - 82, wide + 14, top - 6), (wide + 6, top + 34, 0, top + 46)]
    inner: list[Segment] = [(0, top - 56), (wide - 16, top - 54, wide - 14, top), (wide - 22, top + 26, 0, top + 40)]
    pen.area(symmetric(outer))
    pen.area(symmetric(inner), DEEP)
    pen.shade(symmetric(inner), 0.3)
    pen.line(path((0, top - 84), (4, top - 68, 0, top - 56)))
    for side, length in ((-1, 92), (1, 78)):
        pen.stroke(path((side * 20, top + 34), (side * 28, top + 60, side * 22, top + 34 + length)), 5, ACCENT)


def _lapel(pen: Pen, body: Body, _neck: str) -> None:
    """A coat's collar and notched lapels."""
    wide, top, low = body.neck, body.top, body.top + 150
    pen.area(symmetric([(0, top - 2), (wide * 0.6, top - 4, wide, top), (0, low)]), DEEP)
    pen.shade(symmetric([(0, top + 8), (wide * 0.6, top + 6, wide - 4, top + 8), (0, low)]), 0.18)
    _pair(pen, [(0, low), (wide * 0.5, top + 74), (wide + 4, top + 44), (wide + 34, top + 72), (wide + 16, top + 96)], PALE)
    _pair(
        pen,
        [(wide * 0.5, top + 76), (wide - 10, top - 8), (wide + 6, top - 10), (wide + 32, top + 34), (wide + 4, top + 46)],
        DEEP,
    )


def _shawl(pen: Pen, body: Body, neck: str) -> None:
    """A broad knitted edge that runs down the front."""
    pen.cord(_edge(body, neck), 20, DEEP)


def _straps(pen: Pen, body: Body, neck: str) -> None:
    """Thin straps up to where a hanger holds them."""
    for side in (-1, 1):
        pen.stroke(path((side * (body.neck + 6), body.top + 4), (side * (body.neck - 4), body.top - 46)), 5, LINE)
    pen.stitch(path(neckline(body, neck)[0], *neckline(body, neck)[1:]))
    pen.stitch(path(neckline(body, neck)[0], *mirrored(neckline(body, neck)[1:])))


FINISHES: dict[str, Callable[[Pen, Body, str], None]] = {
    "bound": _bound,
    "ribbed": _ribbed,
    "turtle": _turtle,
    "mandarin": _mandarin,
    "shirt": _shirt,
    "camp": _camp,
    "round": _round_collar,
    "bow": _bow,
    "hood": _hood,
    "lapel": _lapel,
    "shawl": _shawl,
    "straps": _straps,
}
