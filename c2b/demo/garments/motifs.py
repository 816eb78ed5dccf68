"""Small prints for the chest of a tee or a sweatshirt."""

from c2b.demo.garments.pen import ACCENT, COLOUR, FIGURE


def _figure(shape: str, rest: str = "") -> str:
    return f'<path d="{shape}" fill="{FIGURE}"/>{rest}'


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>'


MOTIFS: dict[str, str] = {
    "hills": _dot(16, -18, 17, ACCENT) + _figure("M-48 22q20-40 40-12q14-26 26-6q12-14 30 18z"),
    "fish": _figure("M-40 0q26-30 58-4l20-14q-8 18 0 36l-20-14q-32 26-58-4z", _dot(-22, -3, 3, COLOUR)),
    "sprig": _figure("M0 10q-28-2-34-26q26 0 34 26zM0-6q24-6 26-32q-24 4-26 32zM0 26q26 0 34-20q-26-4-34 20zM-2-20h4v64h-4z"),
    "moon": _figure("M8-34a36 36 0 1 0 26 50a30 30 0 0 1-26-50z", _dot(26, -20, 4, FIGURE)),
    "boat": _figure("M-38 14h76l-14 20h-48zM-2 6v-46q34 18 32 46zM-8 6v-34q-24 16-24 34z"),
    "seal": _figure("M-26-26h52v52h-52z", f'<path d="M-14-14h28M0-14v28M-14 2h28M-14 14h28" stroke="{COLOUR}" stroke-width="5"/>'),
}
"""SVG around the point 0 0, with the dyes left open."""
