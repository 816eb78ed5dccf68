"""Charts as SVG, drawn by the server: bars per day, votes by rank with the cut, and a timetable.

Each is one picture (`role=img`) with its finding in a sentence; the page shows the same numbers as a table below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 634, 10, 232
MOST_POINTS = 60
_LEAST_TOP = 4
"""An axis has three lines with whole numbers."""
_VISIBLE = 0.5
"""Less than half a pixel is nothing."""
_RECT = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{}" fill="var(--{})" opacity="{}"/>')
_AREA = Markup('<path d="M{} L{} L{:.1f} {} Z" fill="var(--c1)" opacity=".16"/>')
_DASHED = Markup('<path d="M{:.1f} {}V{}" stroke="var(--c2)" stroke-width="2" stroke-dasharray="4 3"/>')
_DOT = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4" fill="var(--surface)" stroke="var(--c2)" stroke-width="2"/>')


@dataclass(frozen=True)
class Bar:
    """One day's number, and what is stacked on top of it (held votes)."""

    label: str
    value: int
    extra: int = 0


@dataclass(frozen=True)
class Span:
    """A phase in the timetable; `kind` is done, now or later."""

    label: str
    when: str
    weight: int
    kind: str = "later"


def ceiling(value: int) -> int:
    """Return the next round number at or above `value`, for the top of an axis: 1, 2, 2.5 or 5 times a power of ten, at least 4."""
    if value <= _LEAST_TOP:
        return _LEAST_TOP
    power = 10 ** int(log10(value))
    return next(int(step * power) for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _y(value: float, top: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * value / top


def _text(x: float, y: float, words: str, *, anchor: str = "start", strong: bool = False) -> Markup:
    kind = Markup(' class="st"') if strong else Markup("")
    return Markup('<text{} x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, words)


def _grid(top: int) -> Markup:
    lines = Markup("")
    for value in (0, top / 2, top):
        y = _y(value, top)
        lines += Markup('<path class="gr" d="M{} {:.1f}H{}"/>').format(LEFT, y, RIGHT)
        lines += _text(LEFT - 8, y + 4, f"{value:,.0f}" if value == int(value) else f"{value:,.1f}", anchor="end")
    return lines


def _picture(sentence: str, body: Markup, *, height: int = HEIGHT, width: int = WIDTH, kind: str = "chart") -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(kind, width, height, sentence, body)


def bars(days: Sequence[Bar], *, sentence: str) -> Markup:
    """Draw a bar a day, `extra` in red on top; at most every few days carries its label, so that they never touch."""
    top = ceiling(max((day.value + day.extra for day in days), default=0))
    step = (RIGHT - LEFT) / max(len(days), 1)
    every = ceil(len(days) / 10) or 1
    body = _grid(top)
    for index, day in enumerate(days):
        x, width = LEFT + index * step + step * 0.08, min(step * 0.84, 64)
        body += _bar(x, width, _y(day.value, top), BOTTOM, "c1")
        body += _bar(x, width, _y(day.value + day.extra, top), _y(day.value, top) - 1, "c2")
        if index % every == 0:
            body += _text(x + width / 2, BOTTOM + 18, day.label, anchor="middle")
    return _picture(sentence, body)


def _bar(x: float, width: float, upper: float, lower: float, colour: str) -> Markup:
    if lower - upper < _VISIBLE:
        return Markup("")
    return _RECT.format(x, upper, width, lower - upper, 2, colour, 1)


def ranks(votes: Sequence[int], *, cut: int, sentence: str, label: str, note: str) -> Markup:
    """Draw votes by rank, best first, the selected part filled, with a dashed red line at the cut after place `cut`."""
    top, last = ceiling(max(votes, default=0)), max(len(votes), 2)

    def point(rank: int) -> str:
        return f"{_x(rank, last):.1f} {_y(votes[rank - 1], top):.1f}"

    body = _grid(top) + Markup("").join(_text(_x(rank, last), BOTTOM + 18, f"{rank:,}", anchor="middle") for rank in _marks(last))
    edge = min(cut, len(votes))
    if votes and edge:
        inside = " L".join(point(rank) for rank in thinned(1, edge))
        outside = " L".join(point(rank) for rank in thinned(edge, len(votes)))
        body += _AREA.format(f"{_x(1, last):.1f} {BOTTOM}", inside, _x(edge, last), BOTTOM)
        body += Markup('<path d="M{}" fill="none" stroke="var(--c4)" stroke-width="2"/>').format(outside)
        body += Markup('<path d="M{}" fill="none" stroke="var(--c1)" stroke-width="2"/>').format(inside)
        body += _cut(_x(edge, last), _y(votes[edge - 1], top), label, note)
    return _picture(sentence, body)


def _x(rank: int, last: int) -> float:
    return LEFT + (RIGHT - LEFT - 8) * (rank - 1) / (last - 1)


def _cut(x: float, y: float, label: str, note: str) -> Markup:
    line = _DASHED.format(x, TOP, BOTTOM) + _DOT.format(x, y)
    side, shift = ("end", -8) if x > WIDTH * 0.7 else ("start", 8)
    words = _text(x + shift, TOP + 10, label, anchor=side, strong=True) + _text(x + shift, TOP + 24, note, anchor=side)
    return line + words


def thinned(first: int, last: int) -> list[int]:
    """Return at most `MOST_POINTS` whole numbers from `first` to `last`, both ends among them."""
    count = min(MOST_POINTS, last - first + 1)
    return sorted({first + round(index * (last - first) / max(count - 1, 1)) for index in range(count)})


def _marks(last: int) -> list[int]:
    return sorted({1, *(round(last * share) for share in (0.25, 0.5, 0.75)), last})


def timetable(spans: Sequence[Span], *, at: float | None, now_label: str, sentence: str) -> Markup:
    """Draw the phases side by side, wide as their weight says, and where the present instant is (`at`: 0 to 1, or not within)."""
    width, gap = 1080, 3
    scale = (width - gap * (len(spans) - 1)) / (sum(span.weight for span in spans) or 1)
    fill = {"done": ("c4", "1"), "now": ("c1", "1"), "later": ("c4", ".45")}
    body, x = Markup(""), 0.0
    for span in spans:
        colour, opacity = fill[span.kind]
        body += _RECT.format(x, 34, span.weight * scale, 26, 4, colour, opacity)
        body += _text(x + 1, 24, span.label, strong=True) + _text(x + 1, 78, span.when)
        x += span.weight * scale + gap
    if at is not None:
        here = min(max(at, 0), 1) * width
        body += Markup('<path d="M{0:.1f} 35V66" stroke="var(--c2)" stroke-width="2.5"/>').format(here)
        body += Markup('<circle cx="{:.1f}" cy="35" r="5" fill="var(--c2)"/>').format(here)
        body += _text(min(max(here, 40), width - 40), 94, now_label, anchor="middle", strong=True)
    return _picture(sentence, body, width=width, height=98, kind="tt")


def crowd(part: Sequence[int], everybody: Sequence[int], *, first: str, last: str, sentence: str) -> Markup:
    """Draw a small histogram: a group in red, at the foot of everybody's bars."""
    width, floor = 320, 70
    top, step = max([*everybody, *part, 1]), width / max(len(everybody), 1)
    body = Markup('<path class="gr" d="M0 {}.5H{}"/>').format(floor, width)
    for index, (own, whole) in enumerate(zip(part, everybody, strict=True)):
        edge, above = floor - (floor - 8) * own / top, floor - (floor - 8) * max(whole, own) / top
        body += _bar(index * step + 1, step - 2, edge, floor, "c2") + _bar(index * step + 1, step - 2, above, edge, "c4")
    body += _text(0, 86, first) + _text(width, 86, last, anchor="end")
    return _picture(sentence, body, width=width, height=92)
