"""Which pictures the page of a candidate shows for a colour."""

from typing import Any

import pytest

from c2b.campaigns.queries import CandidateCard, CandidateDetail, OptionRow, PictureRow
from c2b.web.product import colours, pictures_of

SMALL, LARGE = OptionRow(1, 1, "S", "", None), OptionRow(2, 1, "L", "", None)
RED, BLUE = OptionRow(3, 2, "red", "#a00", None), OptionRow(4, 2, "blue", "#00a", None)
PLAIN_RED, PLAIN_BLUE = OptionRow(3, 2, "red", "", None), OptionRow(4, 2, "blue", "", None)
WHOLE, OF_RED, OF_RED_TOO, OF_SMALL = (
    PictureRow(name, name, 400, 480, of) for name, of in (("whole", None), ("red", 3), ("red too", 3), ("small", 1))
)


def detail(**values: Any) -> CandidateDetail:
    card = CandidateCard(1, "K1", 1, "Knit", "", None, None, None, "")
    usual: dict[str, Any] = dict.fromkeys(("description", "composition", "care", "option1_name", "option2_name"), "")
    empty: dict[str, Any] = dict.fromkeys(("options1", "options2", "variants", "pictures"), ())
    return CandidateDetail(card=card, offer=None, **(usual | empty | values))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({}, ()),
        ({"options1": (SMALL, LARGE)}, ()),
        ({"options1": (SMALL, LARGE), "options2": (RED, BLUE)}, (RED, BLUE)),
        ({"options1": (SMALL, LARGE), "options2": (PLAIN_RED, BLUE)}, (PLAIN_RED, BLUE)),
        ({"options1": (SMALL, LARGE), "options2": (PLAIN_RED, PLAIN_BLUE)}, ()),
        ({"options1": (SMALL, LARGE), "options2": (PLAIN_RED, PLAIN_BLUE), "pictures": (OF_RED,)}, (PLAIN_RED, PLAIN_BLUE)),
        ({"options1": (SMALL, LARGE), "options2": (PLAIN_RED, PLAIN_BLUE), "pictures": (WHOLE,)}, ()),
        ({"options1": (SMALL, LARGE), "options2": (RED, BLUE), "pictures": (OF_SMALL,)}, (SMALL, LARGE)),
        ({"options1": (RED, BLUE), "options2": (SMALL, LARGE)}, (RED, BLUE)),
    ],
)
def test_the_colours_are_the_option_that_can_be_seen(values: dict[str, Any], shown: tuple[OptionRow, ...]) -> None:
    assert colours(detail(**values)) == shown


@pytest.mark.parametrize(
    ("pictures", "chosen", "shown"),
    [
        ((), None, ()),
        ((), RED, ()),
        ((WHOLE, OF_RED), None, (WHOLE, OF_RED)),
        ((WHOLE, OF_RED, OF_RED_TOO), RED, (OF_RED, OF_RED_TOO, WHOLE)),
        ((OF_RED,), RED, (OF_RED,)),
        ((WHOLE, OF_RED), BLUE, (WHOLE, OF_RED)),
        ((OF_RED, OF_SMALL), RED, (OF_RED,)),
    ],
)
def test_a_colours_own_pictures_come_first_and_other_colours_stay_away(
    pictures: tuple[PictureRow, ...], chosen: OptionRow | None, shown: tuple[PictureRow, ...]
) -> None:
    assert pictures_of(detail(pictures=pictures), chosen) == shown
