import re
from xml.etree import ElementTree as ET

import pytest

from c2b.demo.catalogue import words
from c2b.demo.garments.accessories import ACCESSORIES
from c2b.demo.garments.bottoms import LEG_DETAILS, SKIRT_DETAILS
from c2b.demo.garments.cloth import PATTERNS, Cloth, definitions, lightness, mix
from c2b.demo.garments.details import DETAILS
from c2b.demo.garments.drawing import Look, Pose, document, svg
from c2b.demo.garments.fronts import FRONTS
from c2b.demo.garments.motifs import MOTIFS
from c2b.demo.garments.necks import FINISHES
from c2b.demo.garments.pen import Extent, Pen, mirrored, path, symmetric
from c2b.demo.garments.torso import Body, Sleeve, falling, neckline, outline

STYLES = [(cut, style) for cut, facts in document()["cuts"].items() for style in range(len(facts["styles"]))]
INDIGO, CREAM = "#3c5688", "#f3ecdf"
LARGEST = 5_500


def look(cut: str = "shirt", style: int = 0, *, pattern: str = "plain", pose: Pose | None = None, motif: str = "") -> Look:
    return Look(cut, style, pattern, pose or Pose(), motif)


def parse(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314  our own drawing


def tags(drawing: str) -> set[str]:
    return {element.tag.rpartition("}")[2] for element in parse(drawing).iter()}


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_there_are_more_than_twenty_cuts() -> None:
    assert len(document()["cuts"]) >= 20


@pytest.mark.parametrize(("cut", "style"), STYLES)
def test_every_garment_is_a_file_of_its_own_of_the_tiles_size(cut: str, style: int) -> None:
    root = parse(svg(look(cut, style), colour=INDIGO, accent=CREAM))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == "0 0 500 600"


@pytest.mark.parametrize(("cut", "style"), STYLES)
def test_no_garment_runs_anything_or_loads_anything(cut: str, style: int) -> None:
    drawing = svg(look(cut, style, pattern="leaf"), colour=INDIGO, accent=CREAM)
    assert tags(drawing) <= {"svg", "defs", "radialGradient", "stop", "filter", "feDropShadow", "pattern", "rect", "g", "path", "circle"}
    attributes = {name for element in parse(drawing).iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on")}
    assert attributes.isdisjoint({"style", "class"})  # a strict content policy would drop them
    assert all(address.startswith("#") for address in re.findall(r'href="([^"]*)"', drawing))
    assert drawing.replace("http://www.w3.org/2000/svg", "").count("://") == 0


@pytest.mark.parametrize(("cut", "style"), STYLES)
@pytest.mark.parametrize("pattern", ["blossom", "plaid"])
def test_no_garment_is_heavier_than_a_small_icon_set(cut: str, style: int, pattern: str) -> None:
    busy = Pose(left=20, right=20, folded=1, tilt=-3)
    assert len(svg(look(cut, style, pattern=pattern, pose=busy), colour=INDIGO, accent=CREAM)) <= LARGEST


@pytest.mark.parametrize(("cut", "style"), STYLES)
def test_every_dye_a_garment_names_is_filled_in(cut: str, style: int) -> None:
    drawing = svg(look(cut, style), colour=INDIGO, accent=CREAM)
    assert "{" not in drawing
    assert "None" not in drawing
    assert "nan" not in drawing


@pytest.mark.parametrize(("cut", "style"), STYLES)
def test_every_pattern_a_garment_uses_is_defined_in_it(cut: str, style: int) -> None:
    for folded in (-1, 0, 1):
        drawing = svg(look(cut, style, pose=Pose(folded=folded)), colour=INDIGO, accent=CREAM)
        used = set(re.findall(r"url\(#(\w+)\)", drawing)) | set(re.findall(r'href="#(\w+)"', drawing))
        assert used <= set(re.findall(r'id="(\w+)"', drawing))


@pytest.mark.parametrize(("cut", "style"), STYLES)
def test_no_two_styles_of_a_cut_look_the_same(cut: str, style: int) -> None:
    others = [other for other in range(len(document()["cuts"][cut]["styles"])) if other != style]
    drawing = svg(look(cut, style), colour=INDIGO, accent=CREAM)
    assert drawing not in [svg(look(cut, other), colour=INDIGO, accent=CREAM) for other in others]


@pytest.mark.parametrize("colour", [facts["hex"] for facts in words()["colours"].values()])
def test_the_colour_of_the_variant_is_the_colour_of_the_picture(colour: str) -> None:
    drawing = svg(look(), colour=colour, accent=CREAM)
    assert f'fill="{colour}"' in drawing
    assert parse(drawing) is not None


def test_two_colours_of_one_garment_differ_in_nothing_but_colour() -> None:
    one, two = (svg(look("trench"), colour=colour, accent=CREAM) for colour in (INDIGO, "#b4493c"))
    assert one != two
    assert re.sub("#[0-9a-f]{6}", "", one) == re.sub("#[0-9a-f]{6}", "", two)


def test_the_same_garment_is_drawn_the_same_twice() -> None:
    assert svg(look("qipao", pattern="wave"), colour=INDIGO, accent=CREAM) == svg(
        look("qipao", pattern="wave"), colour=INDIGO, accent=CREAM
    )


def test_a_pose_changes_the_picture() -> None:
    poses = [Pose(), Pose(left=20), Pose(folded=1), Pose(folded=-1), Pose(hanger=True), Pose(tilt=3)]
    drawings = {svg(look(pose=pose), colour=INDIGO, accent=CREAM) for pose in poses}
    assert len(drawings) == len(poses)


def test_short_sleeves_are_not_folded() -> None:
    assert "rotate(64)" not in svg(look("tee", pose=Pose(folded=1)), colour=INDIGO, accent=CREAM)
    assert "rotate(64)" in svg(look("shirt", pose=Pose(folded=1)), colour=INDIGO, accent=CREAM)


def test_a_hood_hides_the_hanger() -> None:
    hung, lying = (svg(look("hoodie", pose=Pose(hanger=hanger)), colour=INDIGO, accent=CREAM) for hanger in (True, False))
    assert hung.count("<path") == lying.count("<path")


@pytest.mark.parametrize("motif", sorted(MOTIFS))
def test_a_print_is_on_the_chest(motif: str) -> None:
    printed = svg(look("tee", motif=motif), colour=INDIGO, accent=CREAM)
    assert len(printed) > len(svg(look("tee"), colour=INDIGO, accent=CREAM))
    assert parse(printed) is not None


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_a_pattern_turns_with_the_sleeve(pattern: str) -> None:
    drawing = svg(look(pattern=pattern, pose=Pose(left=15, right=9)), colour=INDIGO, accent=CREAM)
    assert 'id="l" href="#p" patternTransform="rotate(15)"' in drawing
    assert 'id="r" href="#p" patternTransform="rotate(-9)"' in drawing


def test_a_plain_cloth_is_one_colour() -> None:
    assert set(re.findall("#[0-9a-f]{6}", definitions(Cloth(INDIGO, CREAM, "plain"), {}))) == {INDIGO}


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_a_pattern_shows_on_its_ground(pattern: str) -> None:
    colours = set(re.findall("#[0-9a-f]{6}", definitions(Cloth(INDIGO, CREAM, pattern), {})))
    assert INDIGO in colours
    assert len(colours) > 1


def test_mixing_nothing_in_leaves_a_colour_as_it_is() -> None:
    assert mix(INDIGO, CREAM, 0) == INDIGO
    assert mix(INDIGO, CREAM, 1) == CREAM
    assert mix("#000000", "#ffffff", 0.5) == "#808080"


def test_green_looks_lighter_than_blue() -> None:
    assert lightness("#00ff00") > lightness("#ff0000") > lightness("#0000ff")
    assert round(lightness("#ffffff")) == 255


def test_outlines_are_darker_than_the_cloth_and_thread_shows_on_it() -> None:
    for facts in words()["colours"].values():
        cloth = Cloth(facts["hex"], CREAM, "plain")
        assert lightness(cloth.line) < lightness(cloth.colour)
        assert abs(lightness(cloth.thread) - lightness(cloth.colour)) > 25
        assert lightness(cloth.deep) < lightness(cloth.colour) < lightness(cloth.pale)


def test_the_tile_is_a_pale_tint_of_the_garment() -> None:
    for facts in words()["colours"].values():
        middle, rim = Cloth(facts["hex"], CREAM, "plain").tile()
        assert lightness(middle) > lightness(rim) > 200


def test_a_path_is_written_in_whole_units() -> None:
    assert path((0.4, 1.6), (10, 20), (1, 2, 3, 4), (1, 2, 3, 4, 5, 6), close=True) == "M0 2L10 20Q1 2 3 4C1 2 3 4 5 6Z"


def test_a_mirrored_line_changes_sides_only() -> None:
    assert mirrored([(10, 20), (1, 2, 3, 4)]) == [(-10, 20), (-1, 2, -3, 4)]
    assert mirrored(mirrored([(7, 8, 9, 10)])) == [(7, 8, 9, 10)]


def test_a_symmetric_outline_comes_back_along_the_other_side() -> None:
    assert symmetric([(0, 0), (10, 0), (12, 5, 10, 10), (0, 12)]) == "M0 0L10 0Q12 5 10 10L0 12L-10 10Q-12 5 -10 0L0 0Z"


def test_a_symmetric_curve_has_its_controls_in_reverse() -> None:
    assert symmetric([(0, 0), (1, 2, 3, 4, 0, 9)]) == "M0 0C1 2 3 4 0 9C-3 4 -1 2 0 0Z"


def test_a_neckline_walked_down_ends_in_the_middle() -> None:
    for kind in ("crew", "v", "deep-v", "square", "boat"):
        edge = neckline(Body(), kind)
        assert edge[-1][-2:] == (Body().neck, Body().top)
        assert falling(edge)[-1][-2:] == edge[0]


def test_a_v_neck_is_deeper_than_a_crew_neck() -> None:
    depth = {kind: neckline(Body(), kind)[0][1] for kind in ("boat", "crew", "scoop", "v", "deep-v")}
    assert depth["boat"] < depth["crew"] < depth["scoop"] < depth["v"] < depth["deep-v"]


def test_a_body_is_as_long_as_it_says() -> None:
    body = Body(top=100, length=300, dip=8)
    assert body.bottom == 400
    assert max(numbers(outline(body, "crew"))[1::2]) == pytest.approx(408)


def test_a_bodys_width_follows_its_waist() -> None:
    body = Body(chest=100, waist=70, hem=150)
    assert body.across(body.pit[1]) == 100
    assert body.across(body.middle) == 70
    assert body.across(body.bottom) == 150
    assert 70 < body.across((body.middle + body.bottom) / 2) < 150


def test_a_garment_is_set_into_the_middle_of_the_tile() -> None:
    _, _, scale = numbers(Extent(half=100, top=100, bottom=500).placed())
    assert scale == pytest.approx(1.16)
    _, down, scale = numbers(Extent(half=100, top=0, bottom=948).placed())
    assert (down, scale) == (65, 0.5)


def test_a_wide_garment_is_made_to_fit() -> None:
    assert numbers(Extent(half=444, top=0, bottom=400).placed())[2] == pytest.approx(0.5)


def test_every_part_that_the_cuts_name_can_be_drawn() -> None:
    styles = [style for cut in document()["cuts"].values() for style in cut["styles"]]
    assert {style["finish"] for style in styles if "finish" in style} <= set(FINISHES)
    assert {style["front"] for style in styles if "front" in style} <= set(FRONTS)
    parts = set(DETAILS) | set(SKIRT_DETAILS) | set(LEG_DETAILS)
    assert {name for style in styles for name in style.get("details", [])} <= parts
    assert {style["sleeve"] for style in styles if "sleeve" in style} <= set(document()["sleeves"])
    assert {style["body"] for style in styles if "body" in style} <= set(document()["bodies"])
    assert {style["shape"] for style in document()["cuts"]["bag"]["styles"]} <= set(ACCESSORIES)


def test_no_part_is_left_that_no_cut_uses() -> None:
    styles = [style for cut in document()["cuts"].values() for style in cut["styles"]]
    assert {style.get("finish") for style in styles} >= set(FINISHES)
    assert {style.get("front") for style in styles} >= set(FRONTS)
    assert {name for style in styles for name in style.get("details", [])} >= set(DETAILS) | set(SKIRT_DETAILS) | set(LEG_DETAILS)
    assert {style.get("sleeve") for style in styles} >= set(document()["sleeves"])
    assert {style.get("body") for style in styles} >= set(document()["bodies"])


@pytest.mark.parametrize("name", sorted(document()["sleeves"]))
def test_a_sleeve_ends_in_a_way_that_can_be_drawn(name: str) -> None:
    assert Sleeve(**document()["sleeves"][name]).cuff in {"stitch", "double-stitch", "rib", "fold", "band"}


def test_a_cord_is_a_band_with_its_outline() -> None:
    pen = Pen()
    pen.cord("M0 0L1 1", 6, "{deep}")
    assert [part.count("stroke-width") for part in pen.parts] == [1, 1]
    assert 'stroke-width="12"' in pen.parts[0]
    assert 'stroke-width="6"' in pen.parts[1]
