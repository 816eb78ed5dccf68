"""Scarves, bags and hats."""

from collections.abc import Callable

from c2b.demo.garments.pen import ACCENT, DEEP, LINE, PALE, Pen, path, symmetric


def _fringe(pen: Pen, left: tuple[float, float], right: tuple[float, float], count: int) -> None:
    for number in range(count + 1):
        x = left[0] + (right[0] - left[0]) * number / count
        y = left[1] + (right[1] - left[1]) * number / count
        pen.stroke(path((x, y), (x - 3 + 6 * (number % 2), y + 30)), 3.4, LINE)


def _looped(pen: Pen) -> None:
    """A long scarf, wound once."""
    _fringe(pen, (-100, 500), (-30, 510), 8)
    pen.area(path((-62, 210), (-92, 340, -104, 500), (-66, 512, -26, 510), (-16, 350, 6, 224), close=True), "url(#l)")
    _fringe(pen, (24, 446), (98, 432), 8)
    pen.area(path((-4, 226), (18, 330, 20, 448), (60, 446, 100, 434), (92, 300, 64, 204), close=True), "url(#r)")
    loop = path((-100, 166), (-108, 92, 0, 92), (108, 92, 100, 166), (96, 244, 0, 248), (-96, 244, -100, 166), close=True)
    pen.area(loop)
    inner = path((-62, 158), (-58, 122, 0, 122), (58, 122, 62, 158), (48, 186, 0, 188), (-48, 186, -62, 158), close=True)
    pen.area(inner, DEEP)
    pen.shade(inner, 0.28)
    pen.line(path((-88, 190), (-40, 232, 20, 226)) + path((84, 186), (60, 214, 30, 222)) + path((-40, 300), (-56, 380, -60, 440)))


def _draped(pen: Pen) -> None:
    """A wide scarf, laid in half."""
    _fringe(pen, (-118, 470), (-22, 486), 11)
    _fringe(pen, (14, 506), (112, 492), 11)
    pen.area(path((-6, 96), (-84, 100, -96, 190), (-108, 330, -122, 470), (-70, 490, -18, 488), (-4, 320, 4, 190), close=True), "url(#l)")
    pen.area(
        path((-10, 96), (92, 84, 102, 190), (106, 350, 116, 492), (60, 512, 10, 508), (-4, 340, -8, 200), (-14, 140, -10, 96), close=True),
        "url(#r)",
    )
    pen.shade(path((-10, 96), (-14, 140, -8, 200), (-4, 340, 10, 508), (30, 510), (12, 300, 20, 130), close=True), 0.14)
    pen.line(path((56, 160), (64, 300, 66, 420)) + path((-58, 170), (-62, 280, -74, 390)))


def _tote(pen: Pen) -> None:
    """A tote with long handles."""
    pen.cord(path((-62, 250), (-66, 90, 0, 88), (66, 90, 62, 250)), 13, DEEP)
    pen.area(path((-118, 236), (118, 236), (130, 486), (128, 504, 110, 504), (-110, 504), (-128, 504, -130, 486), close=True))
    pen.shade(path((70, 240), (118, 240), (130, 486), (128, 504, 110, 504), (88, 504), close=True), 0.1)
    pen.area(path((-119, 236), (119, 236), (120, 262), (-120, 262), close=True), DEEP)
    pen.cord(path((-62, 268), (-63, 240), (-56, 130, 0, 124), (56, 130, 63, 240), (62, 268)), 13, PALE)
    pen.area(path((-24, 330), (24, 330), (24, 382), (-24, 382), close=True), ACCENT)
    pen.stitch(path((-18, 336), (18, 336), (18, 376), (-18, 376), close=True))


def _satchel(pen: Pen) -> None:
    """A bag with a flap and a long strap."""
    pen.cord(path((-116, 290), (-130, 70, 0, 70), (130, 70, 116, 290)), 12, ACCENT)
    pen.area(path((-124, 280), (124, 280), (132, 474), (130, 496, 108, 496), (-108, 496), (-130, 496, -132, 474), close=True))
    pen.area(path((-128, 268), (128, 268), (130, 372), (124, 410, 84, 414), (-84, 414), (-124, 410, -130, 372), close=True))
    pen.shade(path((-124, 404), (124, 404), (108, 428), (-108, 428), close=True), 0.12)
    pen.stitch(path((-118, 278), (-120, 370), (-116, 400, -82, 403), (82, 403), (116, 400, 120, 370), (118, 278)))
    pen.area(path((-14, 394), (14, 394), (14, 436), (-14, 436), close=True), ACCENT)
    pen.button(0, 424, 5)


def _bucket_hat(pen: Pen) -> None:
    """A hat with a soft brim."""
    pen.area(symmetric([(0, 176), (66, 174, 84, 204), (96, 296), (0, 330)]))
    pen.area(symmetric([(0, 312), (70, 310, 98, 286), (138, 340, 170, 396), (90, 436, 0, 436)]))
    pen.area(symmetric([(0, 296), (64, 294, 95, 272), (99, 294), (66, 318, 0, 320)]), ACCENT)
    for grow in (0.33, 0.66):
        pen.stitch(path((-104 - 62 * grow, 308 + 82 * grow), (0, 344 + 126 * grow, 104 + 62 * grow, 308 + 82 * grow)))
    pen.line(path((0, 178), (4, 240, 0, 296)))


def _beanie(pen: Pen) -> None:
    """A knitted hat with a turned-up brim."""
    for x, y in ((0, 128), (-16, 140), (16, 140), (0, 150)):
        pen.button(x, y, 21)
    pen.area(symmetric([(0, 164), (118, 160, 128, 360), (0, 380)]))
    for x in (-84, -56, -28, 0, 28, 56, 84):
        pen.line(path((x, 356), (x * 1.02, 260, x * 0.45, 186)))
    pen.area(path((-134, 350), (0, 374, 134, 350), (136, 424), (0, 450, -136, 424), close=True), DEEP)
    pen.line("".join(path((x, 368 - abs(x) * 0.06), (x, 434 - abs(x) * 0.06)) for x in range(-120, 128, 15)))


ACCESSORIES: dict[str, Callable[[Pen], None]] = {
    "looped": _looped,
    "draped": _draped,
    "tote": _tote,
    "satchel": _satchel,
    "bucket-hat": _bucket_hat,
    "beanie": _beanie,
}
