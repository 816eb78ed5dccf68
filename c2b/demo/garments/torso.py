"""Bodies and sleeves: the outline of whatever is worn over the shoulders."""

import math
from dataclasses import dataclass

from c2b.demo.garments.pen import DEEP, PALE, Pen, Segment, path, sided, symmetric

ROUND = {"crew": 44.0, "scoop": 70.0, "boat": 14.0, "low": 96.0}


@dataclass(frozen=True)
class Body:
    """Half widths from the middle, and heights, of a body in units of the tile."""

    top: float = 110
    neck: float = 50
    shoulder: float = 104
    drop: float = 26
    inset: float = 14
    armpit: float = 110
    """Below the shoulder."""
    chest: float = 98
    waist: float = 94
    waist_at: float = 200
    """Below the top."""
    hem: float = 98
    length: float = 340
    dip: float = 8
    tail: float = 0
    """How much higher the hem is at the sides: a shirt's tail."""

    @property
    def tip(self) -> tuple[float, float]:
        """The end of the right shoulder."""
        return self.shoulder, self.top + self.drop

    @property
    def pit(self) -> tuple[float, float]:
        """The right armpit."""
        return self.chest, self.top + self.drop + self.armpit

    @property
    def bottom(self) -> float:
        """The hem's height."""
        return self.top + self.length

    @property
    def middle(self) -> float:
        """The waist's height."""
        return self.top + self.waist_at

    def across(self, y: float) -> float:
        """Return the half width at a height below the armpit, near enough for seams and bands."""
        if y <= self.middle:
            share = (y - self.pit[1]) / max(self.middle - self.pit[1], 1)
            return self.chest + (self.waist - self.chest) * min(max(share, 0), 1)
        return self.waist + (self.hem - self.waist) * min((y - self.middle) / (self.bottom - self.middle), 1)


@dataclass(frozen=True)
class Sleeve:
    """A sleeve: its length and width at the cuff, and how it ends."""

    length: float = 240
    width: float = 48
    reach: float = 26
    """How far it stands out from the shoulder."""
    cuff: str = "stitch"


def neckline(body: Body, kind: str) -> list[Segment]:
    """Return the front edge of the neck, from the middle up to the right shoulder."""
    if kind in ("v", "deep-v"):
        depth = body.top + (88 if kind == "v" else 128)
        return [(0, depth), (body.neck * 0.55, depth - 48, body.neck, body.top)]
    if kind == "square":
        depth = body.top + 58
        return [(0, depth), (body.neck - 6, depth), (body.neck, body.top)]
    depth = body.top + ROUND.get(kind, 18)
    return [(0, depth), (body.neck * 0.86, depth, body.neck, body.top)]


def outline(body: Body, neck: str) -> str:
    """Return the body's outline: neck, shoulder, armhole, side, hem."""
    tip, pit, waist = body.tip, body.pit, (body.waist, body.middle)
    fall = body.bottom - body.middle
    hem = (body.hem, body.bottom - body.tail)
    side = (body.waist, body.middle + fall * 0.22, body.hem - (body.hem - body.waist) * 0.3, hem[1] - fall * 0.35, *hem)
    curve = (body.hem - 10, body.bottom + body.dip, body.hem * 0.45, body.bottom + body.dip, 0, body.bottom + body.dip)
    flat = (body.hem * 0.5, body.bottom + body.dip, 0, body.bottom + body.dip)
    return symmetric(
        [
            *neckline(body, neck),
            tip,
            (body.shoulder - body.inset, pit[1] - body.armpit * 0.32, *pit),
            (body.chest - 2, pit[1] + (waist[1] - pit[1]) * 0.45, waist[0], waist[1] - (waist[1] - pit[1]) * 0.3, *waist),
            side,
            curve if body.tail else flat,
        ]
    )


def draw_back(pen: Pen, body: Body, neck: str) -> None:
    """Draw the inside of the back that shows in the neck's opening."""
    edge = neckline(body, neck)
    inside = symmetric([(0, body.top + 12), (body.neck * 0.6, body.top + 12, body.neck, body.top), *falling(edge)])
    pen.area(inside, DEEP)
    pen.shade(inside, 0.16)


def falling(edge: list[Segment]) -> list[Segment]:
    """Walk a neckline the other way: from the shoulder down to the middle."""
    ends = [segment[-2:] for segment in edge]
    return [(*segment[:-2], *before) for before, segment in zip(reversed(ends[:-1]), reversed(edge[1:]), strict=True)]


def draw_body(pen: Pen, body: Body, neck: str) -> None:
    """Draw the body with the soft shades at its sides."""
    pen.area(outline(body, neck))
    low = body.bottom - body.tail - 4
    for side, strength in ((1, 0.11), (-1, 0.06)):
        fold: list[Segment] = [
            (body.chest - 2, body.pit[1] + 4),
            (body.chest - 34, body.pit[1] + 50, body.across(low) * 0.7, body.middle + 30, body.across(low) * 0.78, low),
            (body.across(low) - 2, low),
            (body.waist, body.middle + 20, body.waist - 2, body.middle, body.chest - 2, body.pit[1] + 4),
        ]
        pen.shade(path(*sided(side, fold), close=True), strength)


def draw_sleeve(pen: Pen, body: Body, sleeve: Sleeve, *, side: int, angle: float) -> float:
    """Draw one sleeve, hanging at `angle` degrees from straight down, side 1 the picture's right; returns how far it reaches."""
    room = (214 - body.shoulder - sleeve.reach) / sleeve.length
    turn = min(math.radians(angle), math.asin(max(min(room, 0.9), 0.05)))  # the tile ends somewhere
    along, inward = (math.sin(turn), math.cos(turn)), (-math.cos(turn), math.sin(turn))
    tip, pit = body.tip, body.pit
    start = (tip[0] + sleeve.reach, tip[1])
    outer = (start[0] + along[0] * sleeve.length, start[1] + along[1] * sleeve.length)
    inner = (outer[0] + inward[0] * sleeve.width, outer[1] + inward[1] * sleeve.width)
    bend = (outer[0] - along[0] * sleeve.length * 0.62, outer[1] - along[1] * sleeve.length * 0.62)
    shape: list[Segment] = [
        (tip[0] - 24, tip[1] + 2),
        tip,
        (tip[0] + sleeve.reach * 0.78, tip[1] + 6, *bend, *outer),
        inner,
        (pit[0] + (inner[0] - pit[0]) * 0.35 + 2, pit[1] + (inner[1] - pit[1]) * 0.4, *pit),
        (tip[0] - 30, pit[1] - 10),
    ]
    pen.area(path(*sided(side, shape), close=True), "url(#r)" if side == 1 else "url(#l)")
    fold: list[Segment] = [
        inner,
        (pit[0] + (inner[0] - pit[0]) * 0.4 + 2, pit[1] + (inner[1] - pit[1]) * 0.4, *pit),
        (pit[0] + 16, pit[1] + 20, inner[0] + (outer[0] - inner[0]) * 0.4, inner[1] + (outer[1] - inner[1]) * 0.4),
    ]
    pen.shade(path(*sided(side, fold), close=True), 0.13)
    _draw_cuff(pen, sleeve.cuff, side, (outer, inner, along))
    return outer[0]


Point = tuple[float, float]


CLOTH_CUFFS = {"rib": 30, "fold": 34, "band": 26}
"""How high cuffs are that are sewn on or turned up."""
CUFF_STITCHES = {"stitch": (14,), "double-stitch": (10, 17)}
"""How far above the end the rows of stitches run."""


def _draw_cuff(pen: Pen, cuff: str, side: int, end: tuple[Point, Point, Point]) -> None:
    outer, inner, along = end

    def up(by: float) -> list[Segment]:
        edge: list[Segment] = [(point[0] - along[0] * by, point[1] - along[1] * by) for point in (outer, inner)]
        return sided(side, edge)

    for by in CUFF_STITCHES.get(cuff, ()):
        pen.stitch(path(*up(by)))
    if cuff in CLOTH_CUFFS:
        near, far = up(0), up(CLOTH_CUFFS[cuff])
        pen.area(path(near[0], near[1], far[1], far[0], close=True), PALE if cuff == "fold" else DEEP)
        if cuff == "band":
            middle = up(13)
            pen.button((middle[0][0] * 0.75 + middle[1][0] * 0.25), middle[0][1] * 0.75 + middle[1][1] * 0.25, 4)


def draw_folded_sleeve(pen: Pen, body: Body, sleeve: Sleeve, *, side: int) -> None:
    """Draw the forearm of a sleeve that is laid across the body, as shops lay shirts."""
    tip, pit = body.tip, body.pit
    elbow = (tip[0] + 40, pit[1] + 58)
    wrist = (10.0, pit[1] + 128)
    shape: list[Segment] = [
        (tip[0] - 8, tip[1] + 36),
        (tip[0] + 18, tip[1] + 30, elbow[0] - 2, elbow[1] - 60, *elbow),
        (elbow[0] + 4, elbow[1] + 40, elbow[0] - 36, elbow[1] + 46),
        (wrist[0] + 10, wrist[1] + sleeve.width * 0.5),
        (wrist[0], wrist[1] - sleeve.width * 0.45),
        (pit[0] - 26, elbow[1] - 8),
        (pit[0] - 12, pit[1] - 12, tip[0] - 8, tip[1] + 36),
    ]
    turned = sided(side, shape)
    lower = [tuple(value + 12 * (index % 2) for index, value in enumerate(segment)) for segment in turned]
    pen.shade(path(*lower, close=True), 0.14)
    pen.area(path(*turned, close=True), "url(#f)")
    low, high = shape[3], shape[4]
    back = ((low[0] + 26, low[1] - 9), (high[0] + 26, high[1] - 9))
    if sleeve.cuff in CLOTH_CUFFS:
        band: list[Segment] = [low, high, back[1], back[0]]
        pen.area(path(*sided(side, band), close=True), DEEP)
    crease: list[Segment] = [(elbow[0] - 52, elbow[1] + 16), (elbow[0] - 30, elbow[1] + 20, elbow[0] - 14, elbow[1] + 4)]
    pen.line(path(*sided(side, crease)))
