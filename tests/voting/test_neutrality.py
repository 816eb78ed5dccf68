"""Nobody has a better place: as viewer numbers are given out, over many campaigns, and whatever staff set or import."""

import ast
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session

import c2b
from c2b.campaigns.campaign_file import Balance, Delivery, Ordering, Voting
from c2b.campaigns.importing.columns import COLUMNS
from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Database
from c2b.people import actions as people
from c2b.ui.viewers import ViewerNumbers
from c2b.voting import queries
from c2b.voting.order import FIRST_PAGE, gallery_order
from c2b.web.shelf import PAGE
from tests import make

SECRET = b"n" * 32
VIEWERS = 5000
HOUSE = Path(c2b.__file__).parent
Order = Callable[[int, int], Iterable[int]]


def fair(viewer: int, count: int) -> Iterable[int]:
    return gallery_order(SECRET, viewer, count)


def plain_shuffle(viewer: int, count: int) -> Iterable[int]:
    """What most shops do: a shuffle of each viewer's own."""
    return random.Random(f"{SECRET!r}{viewer}").sample(range(count), count)  # noqa: S311  the control


def views(order: Order, viewers: Iterable[int], count: int, first: int) -> list[int]:
    """Return how often each candidate stood among the `first` ones."""
    seen = Counter(candidate for viewer in viewers for candidate in list(order(viewer, count))[:first])
    return [seen[candidate] for candidate in range(count)]


def spread(seen: list[int]) -> float:
    """Return by which share the luckiest or unluckiest candidate is off the mean."""
    mean = sum(seen) / len(seen)
    return max(abs(each - mean) for each in seen) / mean


def test_the_first_page_is_the_page_that_people_see() -> None:
    assert FIRST_PAGE == PAGE


@pytest.mark.parametrize("count", [500, 239, 120, 25])
def test_over_five_thousand_viewers_the_first_page_shows_everybody_equally_often(count: int) -> None:
    assert spread(views(fair, range(VIEWERS), count, FIRST_PAGE)) <= 0.01


@pytest.mark.parametrize(("count", "allowed"), [(500, 0.0), (239, 0.05), (7, 0.002), (3, 0.001)])
def test_over_five_thousand_viewers_everybody_is_on_top_equally_often(count: int, allowed: float) -> None:
    assert spread(views(fair, range(VIEWERS), count, 1)) <= allowed


def test_seven_candidates_take_turns_at_every_position() -> None:
    orders = [list(fair(viewer, 7)) for viewer in range(7 * 100)]
    for position in range(7):
        assert Counter(order[position] for order in orders) == dict.fromkeys(range(7), 100)


def test_the_sums_of_everybodys_positions_are_equal() -> None:
    sums = Counter[int]()
    for viewer in range(239 * 4):
        for position, candidate in enumerate(fair(viewer, 239)):
            sums[candidate] += position
    assert set(sums.values()) == {4 * sum(range(239))}


def test_a_plain_shuffle_would_not_be_fair() -> None:
    seen = views(plain_shuffle, range(VIEWERS), 500, FIRST_PAGE)
    assert spread(seen) > 0.1, "if it were, the tests above could not fail"


@pytest.mark.parametrize("pinned", [0, 499])
def test_an_order_that_favours_one_candidate_a_little_would_be_noticed(pinned: int) -> None:
    def favours(viewer: int, count: int) -> list[int]:
        order = list(fair(viewer, count))
        return [pinned, *order] if viewer % 50 == 0 else order

    assert spread(views(favours, range(VIEWERS), 500, FIRST_PAGE)) > 0.01


@pytest.mark.parametrize("first", [1, 137, 250, 4_999, 123_456])
@pytest.mark.parametrize("count", [500, 239])
def test_it_holds_from_whatever_number_a_campaign_begins_at(first: int, count: int) -> None:
    seen = views(fair, range(first, first + VIEWERS), count, FIRST_PAGE)
    mean = VIEWERS * FIRST_PAGE / count
    assert max(abs(each - mean) for each in seen) <= 3, "two blocks are begun and not finished: each is off by a view or two"


@pytest.mark.parametrize("first", [6, 12, 48, 100])
def test_it_holds_for_what_fits_on_a_screen_and_for_who_reads_on(first: int) -> None:
    assert spread(views(fair, range(VIEWERS), 500, first)) == 0
    partly = views(fair, range(333, 333 + VIEWERS), 500, first)
    assert spread(partly) < spread(views(plain_shuffle, range(333, 333 + VIEWERS), 500, first)) / 2


def test_it_holds_for_the_numbers_as_two_servers_give_them_out(database: Database) -> None:
    def reserve(count: int) -> range:
        with database.transaction() as session:
            return people.reserve_viewers(session, count=count)

    servers = [ViewerNumbers(reserve), ViewerNumbers(reserve)]
    given = [servers[visit % 2].take() for visit in range(VIEWERS)]
    assert len(set(given)) == VIEWERS
    seen = views(fair, given, 500, FIRST_PAGE)
    assert max(abs(each - 240) for each in seen) <= 5, "what a server keeps in store is missing at the end"


def test_where_a_candidate_stands_in_the_file_helps_it_in_no_campaign() -> None:
    """One viewer, 4,000 campaigns: the first and the last of the file are on top as often as anybody else."""
    orders = [gallery_order(b"%032d" % campaign, 3, 20) for campaign in range(4000)]
    for position in (0, 5, 19):
        there = Counter(order[position] for order in orders)
        chi_square = sum((there[candidate] - 200) ** 2 / 200 for candidate in range(20))
        assert chi_square < 43.8, "one in a thousand, 19 degrees of freedom"


def test_neighbours_in_the_file_are_not_neighbours_in_the_gallery() -> None:
    orders = [list(gallery_order(b"%032d" % campaign, 3, 50)) for campaign in range(1000)]
    together = sum(abs(order.index(0) - order.index(1)) == 1 for order in orders)
    assert 20 <= together <= 62, "2/50 of a thousand, three standard deviations"


def test_each_campaigns_secret_gives_an_order_of_its_own() -> None:
    assert len({tuple(gallery_order(b"%032d" % campaign, 3, 50)) for campaign in range(1000)}) == 1000


# What staff can do

SHOP = 12
AT = datetime(2031, 1, 1, tzinfo=UTC)
VALUES: dict[type, Any] = {int: 7, str: "7", bool: True, bytes: b"7", datetime: AT, date: AT.date()}


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session)
    for position in range(SHOP):
        make.candidate(session, made, f"K{position:02}", position=position, sizes="")
    return made


def shown(session: Session, campaign: Campaign) -> list[list[int]]:
    with session.no_autoflush:
        return [queries.order_for(session, campaign, viewer) for viewer in range(2 * SHOP)]


def columns(model: type, *, but: set[str]) -> list[str]:
    mapped: Any = inspect(model)
    names = {column.key for column in mapped.columns} - but
    assert len(names) > 10
    return sorted(names)


def set_somehow(row: Any, column: str) -> None:
    kind = inspect(type(row)).columns[column].type.python_type
    enumerated = getattr(inspect(type(row)).columns[column].type, "enums", None)
    setattr(row, column, enumerated[-1] if enumerated else VALUES.get(kind, AT if column.endswith("_at") else []))


@pytest.mark.parametrize("column", columns(Campaign, but={"id", "secret"}))
def test_no_setting_of_the_campaign_moves_a_candidate(session: Session, campaign: Campaign, column: str) -> None:
    before = shown(session, campaign)
    with session.no_autoflush:
        set_somehow(campaign, column)
        assert shown(session, campaign) == before
    session.expunge(campaign)


@pytest.mark.parametrize("column", columns(Candidate, but={"id", "campaign_id", "position"}))
def test_nothing_that_is_written_about_a_candidate_moves_it(session: Session, campaign: Campaign, column: str) -> None:
    before = shown(session, campaign)
    one = make.candidate_of(session, campaign, "K03")
    if column in {"price_from", "price_to"}:
        one.price_from = one.price_to = 1
    else:
        set_somehow(one, column)
    session.flush()
    assert shown(session, campaign) == before


def test_the_secret_moves_them_so_the_tests_above_could_fail(session: Session, campaign: Campaign) -> None:
    before = shown(session, campaign)
    campaign.secret = b"t" * 32
    assert shown(session, campaign) != before


FAVOUR = re.compile(r"\b(pin|boost|featur|promot|sponsor|priorit|rank|weight(?! g)|sort|order|position|seed|secret|viewer|first|top)")


def test_no_key_of_a_campaign_file_and_no_column_of_an_import_says_where_a_candidate_stands() -> None:
    keys = [*(key for part in (Voting, Ordering, Balance, Delivery) for key in part.model_fields), *COLUMNS]
    assert len(keys) > 40
    assert [key for key in keys if FAVOUR.search(key.replace("_", " "))] == []


def test_no_field_of_the_staffs_forms_says_where_a_candidate_stands() -> None:
    fields = {
        name
        for page in (HOUSE / "admin" / "templates").rglob("*.html")
        for name in re.findall(r"""(?:name=|(?:field|select)\()["'](\w+)["']""", page.read_text(encoding="utf-8"))
    }
    assert {"reason", "confirm"} <= fields
    assert [name for name in fields if FAVOUR.search(name.replace("_", " "))] == []


def writes(attribute: str) -> Iterator[str]:
    """Yield the files that set `.attribute` of anything, or pass it by name to a table."""
    for file in sorted(HOUSE.rglob("*.py")):
        if "migrations" in file.parts or "demo" in file.parts:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
        made = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _table(node.func)]
        named = {keyword.arg for call in made for keyword in call.keywords}
        if attribute in named or any(isinstance(target, ast.Attribute) and target.attr == attribute for target in targets):
            yield str(file.relative_to(HOUSE))


def _table(called: ast.expr) -> bool:
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return name in {"Campaign", "Candidate", "Person", "values"}


def test_a_campaigns_secret_is_drawn_once_and_written_nowhere_else() -> None:
    assert list(writes("secret")) == ["campaigns/actions.py"]


def test_a_persons_number_is_that_of_their_first_browser_and_written_nowhere_else() -> None:
    assert list(writes("viewer")) == ["people/codes.py"]
