"""From a cut and a cloth to a picture: a stand-alone SVG file of 500 x 600 units."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from c2b.demo.garments.accessories import ACCESSORIES
from c2b.demo.garments.bottoms import LEG_DETAILS, SKIRT_DETAILS, Legs, Skirt, draw_legs, draw_skirt, waistband
from c2b.demo.garments.cloth import Cloth, definitions
from c2b.demo.garments.details import DETAILS
from c2b.demo.garments.fronts import FRONTS
from c2b.demo.garments.motifs import MOTIFS
from c2b.demo.garments.necks import FINISHES
from c2b.demo.garments.pen import Extent, Pen, path
from c2b.demo.garments.torso import Body, Sleeve, draw_back, draw_body, draw_folded_sleeve, draw_sleeve, neckline

WIDTH, HEIGHT = 500, 600
LONG = 240
"""Sleeves from this length on can be folded over the front."""
HEADROOM = {"turtle": 40, "mandarin": 24, "straps": 46, "hood": 84, "lapel": 10}
"""How far what finishes the neck stands above it."""
HANGER = 58
"""How far a hanger stands above the neck."""
Style = Mapping[str, Any]


@dataclass(frozen=True)
class Pose:
    """How a garment lies: angles of the sleeves, one folded (1 right, -1 left, 0 none), on a hanger, tilted."""

    left: float = 12
    right: float = 12
    folded: int = 0
    hanger: bool = False
    tilt: float = 0


@dataclass(frozen=True)
class Look:
    """One garment: a style of a cut, its proportions, its pose."""

    cut: str
    style: int
    pattern: str
    pose: Pose
    motif: str = ""
    longer: float = 1.0
    wider: float = 1.0


@cache
def document() -> Mapping[str, Any]:
    """Return `cuts.toml`: bodies, sleeves and cuts."""
    return tomllib.loads(resources.files(__package__).joinpath("cuts.toml").read_text("utf-8"))


def svg(look: Look, *, colour: str, accent: str) -> str:
    """Draw a garment in a colour (#rrggbb); the accent is for prints, cords and piping."""
    cloth = Cloth(colour, accent, look.pattern)
    shapes, place = _shapes(look)
    turns = {"l": look.pose.left, "r": -look.pose.right, "f": 64.0 * look.pose.folded}
    patterns = definitions(cloth, {name: turn for name, turn in turns.items() if f"url(#{name})" in shapes})
    middle, rim = cloth.tile()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"><defs>'
        f'<radialGradient id="t" cy=".45" r=".75"><stop stop-color="{middle}"/><stop offset="1" stop-color="{rim}"/></radialGradient>'
        f'<filter id="d" x="-20%" y="-20%" width="140%" height="140%"><feDropShadow dx="0" dy="9" stdDeviation="8" '
        f'flood-color="{cloth.shadow}" flood-opacity=".2"/></filter>{patterns}</defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#t)"/>'
        f'<g filter="url(#d)" transform="rotate({look.pose.tilt:g} 250 300)"><g transform="{place}" fill="none" stroke="{cloth.line}" '
        f'stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">{cloth.dye(shapes)}</g></g></svg>'
    )


@lru_cache(maxsize=4)
def _shapes(look: Look) -> tuple[str, str]:
    """Draw a garment with its dyes left open; returns it with the transformation that places it."""
    cut = document()["cuts"][look.cut]
    pen = Pen()
    extent = DRAWERS[cut["drawn"]](pen, cut["styles"][look.style], look)
    return "".join(pen.parts), extent.placed()


def _worn(pen: Pen, style: Style, look: Look) -> Extent:
    body = _proportioned(Body(**document()["bodies"][style["body"]]), look)
    neck, finish = style["neck"], style.get("finish", "")
    sleeve = Sleeve(**document()["sleeves"][style["sleeve"]]) if "sleeve" in style else None
    if look.pose.hanger and finish != "hood":
        _hanger(pen, body)
    draw_back(pen, body, neck)
    reaches = [_arm(pen, body, sleeve, side=side, lift=style.get("lift", 0), pose=look.pose) for side in (-1, 1) if sleeve]
    draw_body(pen, body, neck)
    _trim(pen, body, style, look)
    if sleeve and _is_folded(sleeve, look.pose, look.pose.folded):
        draw_folded_sleeve(pen, body, sleeve, side=look.pose.folded)
    above = max(HEADROOM.get(finish, 0), HANGER * look.pose.hanger)
    return Extent(max([body.hem, *reaches]), body.top - above, body.bottom + body.dip)


def _trim(pen: Pen, body: Body, style: Style, look: Look) -> None:
    """Sew on what a body carries: details, closing, print, collar."""
    neck = style["neck"]
    for name in style.get("details", []):
        DETAILS[name](pen, body)
    if front := style.get("front"):
        FRONTS[front](pen, body, neckline(body, neck)[0][1] + style.get("opens", 0))
    if look.motif:
        pen.parts.append(f'<g stroke="none" transform="translate(0 {body.pit[1] - 10:.0f}) scale(1.25)">{MOTIFS[look.motif]}</g>')
    if finish := style.get("finish"):
        FINISHES[finish](pen, body, neck)


def _is_folded(sleeve: Sleeve, pose: Pose, side: int) -> bool:
    return side == pose.folded != 0 and sleeve.length >= LONG


def _arm(pen: Pen, body: Body, sleeve: Sleeve, *, side: int, lift: float, pose: Pose) -> float:
    """Draw a sleeve unless it will be folded over the front; returns how far it reaches."""
    if _is_folded(sleeve, pose, side):
        return body.shoulder + 46
    return draw_sleeve(pen, body, sleeve, side=side, angle=(pose.left if side < 0 else pose.right) + lift)


def _proportioned(body: Body, look: Look) -> Body:
    wide = look.wider
    return replace(
        body,
        length=body.length * look.longer,
        chest=body.chest * wide,
        waist=body.waist * wide,
        hem=body.hem * wide,
        shoulder=body.shoulder * (1 + (wide - 1) * 0.6),
    )


def _hanger(pen: Pen, body: Body) -> None:
    wood = "#c39a6b"
    y = body.top
    pen.stroke(path((0, y + 2), (0, y - 22), (16, y - 30, 15, y - 42), (12, y - 58, -4, y - 56), (-14, y - 54, -14, y - 44)), 5, "#8d94a1")
    pen.stroke(path((-body.neck - 10, y + 22), (0, y - 8, body.neck + 10, y + 22)), 13, "#8a6238")
    pen.stroke(path((-body.neck - 10, y + 22), (0, y - 8, body.neck + 10, y + 22)), 9, wood)


def _skirt(pen: Pen, style: Style, look: Look) -> Extent:
    skirt = Skirt(**style["shape"])
    skirt = replace(skirt, length=skirt.length * look.longer, hem=skirt.hem * look.wider)
    draw_skirt(pen, skirt)
    for name in style["details"]:
        SKIRT_DETAILS[name](pen, skirt)
    low = skirt.top + skirt.length - 14
    pen.stitch(path((-skirt.hem + 8, low), (0, low + 2 * skirt.dip, skirt.hem - 8, low)))
    waistband(pen, style["waistband"], skirt.waist, skirt.top)
    return Extent(skirt.hem, skirt.top - 30, skirt.top + skirt.length + skirt.dip)


def _legs(pen: Pen, style: Style, look: Look) -> Extent:
    legs = Legs(**style["shape"])
    legs = replace(legs, length=legs.length * (1 + (look.longer - 1) * 0.6), foot=legs.foot * look.wider)
    draw_legs(pen, legs)
    for name in style["details"]:
        LEG_DETAILS[name](pen, legs)
    waistband(pen, style["waistband"], legs.waist, legs.top)
    return Extent(legs.foot, legs.top - 30, legs.top + legs.length)


def _accessory(pen: Pen, style: Style, _look: Look) -> Extent:
    ACCESSORIES[style["shape"]](pen)
    return Extent(170, 60, 540)


DRAWERS: dict[str, Callable[[Pen, Style, Look], Extent]] = {"worn": _worn, "skirt": _skirt, "legs": _legs, "accessory": _accessory}
