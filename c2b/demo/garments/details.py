"""Pockets, hems, belts and what is knitted or sewn into a body."""

from collections.abc import Callable

from c2b.demo.garments.pen import ACCENT, DEEP, LINE, PALE, Pen, Segment, mirrored, path
from c2b.demo.garments.torso import Body

Detail = Callable[[Pen, Body], None]


def _both(pen: Pen, shape: list[Segment], fill: str) -> None:
    pen.area(path(*shape, close=True), fill)
    pen.area(path(*mirrored(shape), close=True), fill)


def _chest_pocket(pen: Pen, body: Body) -> None:
    x, y = body.chest * 0.26, body.pit[1] - 44
    pen.area(path((x, y), (x + 46, y), (x + 46, y + 46), (x + 23, y + 58), (x, y + 46), close=True))
    pen.stitch(path((x + 2, y + 10), (x + 44, y + 10)))


def _two_chest_pockets(pen: Pen, body: Body) -> None:
    x, y = body.chest * 0.28, body.pit[1] - 36
    _both(pen, [(x, y), (x + 46, y), (x + 46, y + 52), (x, y + 52)], "url(#p)")
    _both(pen, [(x - 2, y - 4), (x + 48, y - 4), (x + 48, y + 12), (x + 23, y + 22), (x - 2, y + 12)], PALE)


def _patch_pockets(pen: Pen, body: Body) -> None:
    x, y = body.across(body.bottom) * 0.3, max(body.bottom - 116, body.middle + 10)
    _both(pen, [(x, y), (x + 52, y), (x + 52, y + 52), (x + 46, y + 62, x + 26, y + 62), (x + 4, y + 62, x, y + 52)], "{pale}88")
    for side in (-1, 1):
        pen.line(path((side * x, y + 13), (side * (x + 52), y + 13)))


def _flap_pockets(pen: Pen, body: Body) -> None:
    x, y = body.waist * 0.36, min(body.middle + 62, body.bottom - 90)
    _both(pen, [(x, y), (x + 54, y - 6), (x + 55, y + 16), (x + 1, y + 22)], DEEP)


def _welt_pockets(pen: Pen, body: Body) -> None:
    x, y = body.waist * 0.5, min(body.middle + 20, body.bottom - 110)
    _both(pen, [(x, y + 62), (x + 22, y), (x + 34, y + 3), (x + 12, y + 65)], DEEP)


def _kangaroo(pen: Pen, body: Body) -> None:
    y = body.bottom - 134
    pen.area(path((-46, y), (46, y), (74, y + 74), (72, y + 96), (-72, y + 96), (-74, y + 74), close=True), "{pale}66")
    pen.stitch(path((53, y + 4), (80, y + 76)))
    pen.stitch(path((-53, y + 4), (-80, y + 76)))


def _hem_stitch(pen: Pen, body: Body) -> None:
    y, x = body.bottom - 14, body.across(body.bottom) - 3
    pen.stitch(path((-x, y - body.tail), (0, y + 2 * body.dip + body.tail, x, y - body.tail)))


def _hem_rib(pen: Pen, body: Body) -> None:
    x, y, low = body.across(body.bottom), body.bottom, body.bottom + 30
    pen.area(
        path((-x, y - 4), (0, y + 2 * body.dip - 4, x, y - 4), (x - 6, low), (0, low + 2 * body.dip, 6 - x, low), close=True),
        DEEP,
    )
    steps = range(-int(x) + 16, int(x) - 6, 14)
    pen.line("".join(path((step, y + 10), (step * 0.97, low)) for step in steps))


def _belt(pen: Pen, body: Body) -> None:
    x, y = body.waist + 4, body.middle
    pen.area(path((-x, y - 12), (0, y - 4, x, y - 12), (x, y + 12), (0, y + 20, -x, y + 12), close=True), DEEP)
    pen.area(path((-16, y - 14), (16, y - 14), (16, y + 22), (-16, y + 22), close=True), ACCENT)
    pen.line(path((0, y - 6), (0, y + 14)))


def _sash(pen: Pen, body: Body) -> None:
    x, y = body.waist + 3, body.middle
    colour = ACCENT
    pen.area(path((-x, y - 11), (0, y - 3, x, y - 11), (x, y + 11), (0, y + 19, -x, y + 11), close=True), colour)
    pen.area(path((22, y + 8), (38, y + 50, 34, y + 104), (52, y + 100), (56, y + 44, 34, y + 6), close=True), colour)
    pen.area(path((24, y + 8), (2, y + 52, 4, y + 88), (20, y + 92), (22, y + 44, 34, y + 8), close=True), colour)
    pen.area(path((18, y - 6), (38, y - 6), (40, y + 16), (17, y + 16), close=True), colour)


def _waist_seam(pen: Pen, body: Body) -> None:
    x, y = body.waist, body.middle
    pen.line(path((-x, y), (0, y + 14, x, y)))
    for step in (-0.7, -0.4, -0.12, 0.16, 0.44, 0.72):
        foot = step * body.hem * 0.92
        pen.line(path((step * x, y + 9), (step * x + (foot - step * x) * 0.3, y + 80, foot * 0.82, y + (body.bottom - y) * 0.74)))


def _tiers(pen: Pen, body: Body) -> None:
    for share in (0.34, 0.68):
        y = body.middle + (body.bottom - body.middle) * share
        x = body.across(y) - 2
        pen.line(path((-x, y), (0, y + 16, x, y)))
        pen.line("".join(path((x * k, y + 10), (x * k * 1.02, y + 34)) for k in (-0.8, -0.55, -0.3, -0.05, 0.2, 0.45, 0.7)))
    _waist_seam(pen, body)


def _folds(pen: Pen, body: Body) -> None:
    for step, length in ((-0.55, 0.6), (-0.1, 0.45), (0.35, 0.7)):
        foot = step * body.hem
        pen.line(
            path((foot, body.bottom - 4), (foot * 0.8, body.bottom - 60, foot * 0.66, body.bottom - (body.bottom - body.middle) * length))
        )


def _slits(pen: Pen, body: Body) -> None:
    for side in (-1, 1):
        x = side * (body.across(body.bottom) - 12)
        pen.line(path((x, body.bottom), (side * (body.across(body.bottom - 90) - 12), body.bottom - 90)))
    pen.stroke(path((-body.hem + 6, body.bottom - 10), (0, body.bottom + 2 * body.dip - 10, body.hem - 6, body.bottom - 10)), 5, ACCENT)


def _cables(pen: Pen, body: Body) -> None:
    top, steps = body.top + 64, int((body.bottom - body.top - 80) / 26)
    colour = LINE
    for x in (-52, 0, 52):
        for swing in (11, -11):
            curve: list[Segment] = [(x + swing * (-1 if n % 2 else 1), top + n * 26 + 13, x, top + (n + 1) * 26) for n in range(steps)]
            pen.stroke(path((x, top), *curve), 3.4, colour)
    pen.line(path((-26, top), (-26, body.bottom - 8)) + path((26, top), (26, body.bottom - 8)))


def _yoke(pen: Pen, body: Body) -> None:
    top = body.top
    for y, colour in ((62, ACCENT), (84, PALE), (106, ACCENT)):
        x = body.shoulder - 4 - y * 0.12
        curve = path((-x, top + y - 22), (0, top + y + 26, x, top + y - 22))
        pen.stroke(curve, 9, colour, "1 15")


def _quilt(pen: Pen, body: Body) -> None:
    for step in range(1, int(body.length / 46)):
        y = body.top + 52 + step * 42
        if y > body.bottom - 12:
            break
        x = body.across(y) - 2 if y > body.pit[1] else body.shoulder - 14
        pen.light(path((-x, y - 20), (0, y - 10, x, y - 20), (x, y - 34), (0, y - 22, -x, y - 34), close=True), 0.14)
        pen.line(path((-x, y), (0, y + 12, x, y)))


def _pintucks(pen: Pen, body: Body) -> None:
    for x in (20, 30, 40, 50):
        pen.line(path((x, body.top + 56), (x, body.pit[1] + 34)) + path((-x, body.top + 56), (-x, body.pit[1] + 34)))


def _storm_flap(pen: Pen, body: Body) -> None:
    pen.area(
        path(
            (body.neck + 30, body.top + 24),
            (body.shoulder - 6, body.top + 30),
            (body.chest - 6, body.pit[1] - 10),
            (44, body.pit[1] + 6),
            close=True,
        )
    )
    for side in (-1, 1):
        pen.line(path((side * (body.neck + 20), body.top + 4), (side * (body.shoulder - 6), body.top + body.drop - 2)))


def _ruffle(pen: Pen, body: Body) -> None:
    y, x = body.pit[1] - 36, body.shoulder - 12
    waves: list[Segment] = [
        (-x, y),
        *((x * (-0.84 + 0.3333 * n), y + 44 - 8 * (n % 2), x * (-0.667 + 0.3333 * n), y + 26) for n in range(6)),
        (x, y),
    ]
    pen.area(path(*waves, (0, y + 22, -x, y), close=True), "url(#p)")


def _saddle(pen: Pen, body: Body) -> None:
    for side in (-1, 1):
        pen.line(path((side * (body.neck + 2), body.top + 8), (side * body.chest * 0.9, body.top + 60, side * body.pit[0], body.pit[1])))


DETAILS: dict[str, Detail] = {
    "chest-pocket": _chest_pocket,
    "two-chest-pockets": _two_chest_pockets,
    "patch-pockets": _patch_pockets,
    "flap-pockets": _flap_pockets,
    "welt-pockets": _welt_pockets,
    "kangaroo": _kangaroo,
    "hem": _hem_stitch,
    "rib-hem": _hem_rib,
    "belt": _belt,
    "sash": _sash,
    "waist-seam": _waist_seam,
    "tiers": _tiers,
    "folds": _folds,
    "slits": _slits,
    "cables": _cables,
    "yoke": _yoke,
    "quilt": _quilt,
    "pintucks": _pintucks,
    "storm-flap": _storm_flap,
    "ruffle": _ruffle,
    "saddle": _saddle,
}
