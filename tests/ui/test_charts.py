"""Charts: one picture with a sentence, within its frame, and never more points than a page can carry."""

import re

import pytest

from c2b.ui import charts
from c2b.ui.charts import Bar, Span


@pytest.mark.parametrize(("value", "top"), [(0, 4), (3, 4), (4, 4), (5, 5), (7, 10), (21400, 25000), (2419, 2500), (1001, 2000), (10, 10)])
def test_the_axis_ends_at_a_round_number_not_below_the_highest_bar(value: int, top: int) -> None:
    assert charts.ceiling(value) == top
    assert charts.ceiling(value) >= value


def test_bars_stand_for_their_values_with_held_votes_on_top() -> None:
    picture = charts.bars([Bar("1 Mar", 100, 0), Bar("2 Mar", 50, 50)], sentence="Votes per day")
    heights = [float(height) for height in re.findall(r'<rect [^>]*height="([\d.]+)"', picture)]
    assert len(heights) == 3
    assert heights[0] == pytest.approx(heights[1] * 2)
    assert heights[2] == pytest.approx(heights[1] - 1)  # a gap of one between the two colours
    assert 'role="img" aria-label="Votes per day"' in picture


def test_no_days_are_an_empty_axis() -> None:
    assert "<rect" not in charts.bars([], sentence="nothing yet")


def test_labels_of_many_days_leave_some_out() -> None:
    picture = charts.bars([Bar(f"day {number}", 1) for number in range(35)], sentence="s")
    assert picture.count("day ") <= 10


def test_words_from_the_merchant_are_escaped() -> None:
    picture = charts.bars([Bar("<script>", 1)], sentence='"><script>')
    assert "<script>" not in picture


def test_the_cut_stands_after_the_last_place() -> None:
    picture = charts.ranks([10, 8, 6, 4, 2], cut=2, sentence="s", label="top 2", note="8 votes at the line")
    dot = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)"', picture)
    assert dot is not None
    quarter = charts.LEFT + (charts.RIGHT - charts.LEFT - 8) / 4
    assert float(dot[1]) == pytest.approx(quarter, abs=0.1)
    assert "top 2" in picture


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 500, 5000])
def test_a_line_has_few_points_and_both_its_ends(count: int) -> None:
    points = charts.thinned(1, count)
    assert points[0] == 1
    assert points[-1] == count
    assert len(points) <= charts.MOST_POINTS
    assert points == sorted(set(points))


@pytest.mark.parametrize("votes", [[], [5], [5, 5], [0, 0, 0]])
def test_few_candidates_are_no_trouble(votes: list[int]) -> None:
    picture = charts.ranks(votes, cut=3, sentence="s", label="top 3", note="n")
    assert "nan" not in picture
    assert picture.startswith("<svg")


def test_the_timetable_marks_the_present_only_while_it_is_within() -> None:
    spans = [Span("Vote", "1 Mar", 30, "done"), Span("Order", "17 Mar", 70, "now")]
    within = charts.timetable(spans, at=0.5, now_label="now", sentence="s")
    assert ">now</text>" in within
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', within)]
    assert widths[1] / widths[0] == pytest.approx(7 / 3, rel=0.01)
    assert ">now</text>" not in charts.timetable(spans, at=None, now_label="now", sentence="s")
