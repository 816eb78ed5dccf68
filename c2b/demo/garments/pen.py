"""Drawing in SVG: paths, and a pen that leaves the dyes open, so that a shape is drawn once for all its colours.

Coordinates are units of a 500 x 600 tile; x is counted from the garment's middle, so that a left side is a right side with -x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

Segment = tuple[float, ...]
"""From where the pen is: (x, y) is a line, (cx, cy, x, y) a quadratic curve, six numbers a cubic one."""
COLOUR, ACCENT, LINE, SHADOW = "{colour}", "{accent}", "{line}", "{shadow}"
DEEP, PALE, THREAD, FIGURE = "{deep}", "{pale}", "{thread}", "{figure}"
"""Names of a cloth's dyes, see cloth.py; filled in by `Cloth.dye`."""
_LETTER = {2: "L", 4: "Q", 6: "C"}


def path(start: Segment, *segments: Segment, close: bool = False) -> str:
    """Write a path from `start` along `segments`, in whole units."""
    words = [f"M{_numbers(start)}", *(f"{_LETTER[len(segment)]}{_numbers(segment)}" for segment in segments)]
    return "".join(words) + ("Z" if close else "")


def mirrored(segments: Sequence[Segment]) -> list[Segment]:
    """Return the same segments on the other side of the middle."""
    return [tuple(-value if index % 2 == 0 else value for index, value in enumerate(segment)) for segment in segments]


def sided(side: int, segments: Sequence[Segment]) -> list[Segment]:
    """Return what is drawn for the right, or the same on the left: `side` is 1 or -1."""
    return list(segments) if side == 1 else mirrored(segments)


def symmetric(half: Sequence[Segment]) -> str:
    """Close an outline of which the right half is given: from the middle's top to the middle's bottom."""
    start, *segments = half
    back: list[Segment] = []
    ends = [start, *(segment[-2:] for segment in segments)]
    for before, segment in zip(reversed(ends[:-1]), reversed(segments), strict=True):
        controls = [segment[index : index + 2] for index in range(0, len(segment) - 2, 2)]
        back.append(tuple(chain.from_iterable([*reversed(controls), before])))
    return path(start, *segments, *mirrored(back), close=True)


def _numbers(values: Segment) -> str:
    return " ".join(f"{value:.0f}" for value in values).replace("-0 ", "0 ")


class Pen:
    """Collects the shapes of one garment, from back to front."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def area(self, shape: str, fill: str = "url(#p)") -> None:
        """Lay down a piece of cloth with its outline."""
        self.parts.append(f'<path d="{shape}" fill="{fill}" stroke-width="3.4"/>')

    def shade(self, shape: str, strength: float = 0.1) -> None:
        """Darken a part, where the cloth falls back."""
        self.parts.append(f'<path d="{shape}" fill="{SHADOW}" stroke="none" opacity="{strength:.2g}"/>')

    def light(self, shape: str, strength: float = 0.16) -> None:
        """Lighten a part, where the cloth comes forward."""
        self.parts.append(f'<path d="{shape}" fill="#fff" stroke="none" opacity="{strength:.2g}"/>')

    def line(self, shape: str) -> None:
        """Draw a seam or a fold."""
        self.parts.append(f'<path d="{shape}"/>')

    def stroke(self, shape: str, width: float, colour: str, dashes: str = "") -> None:
        """Draw a band or a cord of a width and colour of its own."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<path d="{shape}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>')

    def cord(self, shape: str, width: float, colour: str) -> None:
        """Draw a cord, a rib or a belt: a band with its outline."""
        self.stroke(shape, width + 6, LINE)
        self.stroke(shape, width, colour)

    def stitch(self, shape: str) -> None:
        """Draw a row of stitches."""
        self.stroke(shape, 2, THREAD, "6 5")

    def button(self, x: float, y: float, radius: float = 5) -> None:
        """Sew on a button."""
        self.parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:g}" fill="{ACCENT}" stroke-width="1.6"/>')


@dataclass(frozen=True)
class Extent:
    """How much room a garment takes: the half width, and the heights where it begins and ends."""

    half: float
    top: float
    bottom: float

    def placed(self) -> str:
        """Return the transformation that sets it into the middle of the tile, as large as its neighbours."""
        scale = min(1.16, 474 / (self.bottom - self.top), 222 / self.half)
        down = 302 - scale * (self.top + self.bottom) / 2
        return f"translate(250 {down:.0f}) scale({scale:.3g})"
