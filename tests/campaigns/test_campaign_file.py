import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from c2b.campaigns import campaign_file
from c2b.campaigns.campaign_file import InvalidFile
from c2b.campaigns.rules import LegalProfile
from c2b.people.rules import AddressKind

EXAMPLE = """
slug = "ss27"
title = "2027 春夏"
title_en = "Spring/Summer 2027"
currency = "CNY"
time_zone = "Asia/Shanghai"
legal_profile = "CN_DINGJIN"

[voting]
opens = 2027-03-01T10:00:00
closes = 2027-03-14T22:00:00
votes_each = 15
places = 150
min_votes = 1
max_per_category = 0
identity = "email"
count = ["verified", "store", "imported"]
publish_ballots = false

[ordering]
opens = 2027-03-17T10:00:00
closes = 2027-03-30T22:00:00
deposit_percent = 20
minimum = 50
max_products = 0
per_customer = 0
settle_hours = 24
two_person = false

[balance]
opens = 2027-04-05T10:00:00
due = 2027-04-20T22:00:00
grace_days = 7

[delivery]
expected = 2027-06-05
shipping = "12.00"
countries = ["CN"]
"""


def document(text: str = EXAMPLE, **sections: Any) -> dict[str, Any]:
    """Return the example with keys of its sections changed; None removes one."""
    whole = tomllib.loads(text)
    for name, changes in sections.items():
        if isinstance(changes, dict):
            whole[name] = {key: value for key, value in (whole.get(name, {}) | changes).items() if value is not None}
        else:
            whole[name] = changes
    return {key: value for key, value in whole.items() if value is not None}


def mistakes(changed: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidFile) as caught:
        campaign_file.read(changed)
    return {problem.field: str(problem) for problem in caught.value.problems}


def test_the_example_of_the_interface_is_understood_to_the_letter() -> None:
    read = campaign_file.read(document())
    assert read.notices == []
    assert read.values == {
        "slug": "ss27",
        "title": "2027 春夏",
        "title_en": "Spring/Summer 2027",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "legal_profile": LegalProfile.CN_DINGJIN,
        "voting_opens": datetime(2027, 3, 1, 2, tzinfo=UTC),
        "voting_closes": datetime(2027, 3, 14, 14, tzinfo=UTC),
        "votes_each": 15,
        "places": 150,
        "min_votes": 1,
        "max_per_category": 0,
        "identity": AddressKind.EMAIL,
        "count": ["verified", "store", "imported"],
        "publish_ballots": False,
        "ordering_opens": datetime(2027, 3, 17, 2, tzinfo=UTC),
        "ordering_closes": datetime(2027, 3, 30, 14, tzinfo=UTC),
        "deposit_percent": 20,
        "deposit_amount": None,
        "minimum": 50,
        "max_products": 0,
        "per_customer": 0,
        "settle_hours": 24,
        "two_person": False,
        "balance_opens": datetime(2027, 4, 5, 2, tzinfo=UTC),
        "balance_due": datetime(2027, 4, 20, 14, tzinfo=UTC),
        "grace_days": 7,
        "delivery_expected": date(2027, 6, 5),
        "shipping": 1200,
        "countries": ["CN"],
    }


def test_a_campaign_may_begin_at_pre_order() -> None:
    values = campaign_file.read(document(voting=None)).values
    assert (values["voting_opens"], values["voting_closes"]) == (None, None)


def test_balance_and_delivery_may_be_left_out() -> None:
    values = campaign_file.read(document(balance=None, delivery=None)).values
    assert (values["balance_due"], values["delivery_expected"], values["shipping"], values["countries"]) == (None, None, 0, [])


def test_what_cards_do_not_take_is_no_deposit_and_no_shipping() -> None:
    changed = document(currency="KWD", ordering={"deposit_percent": None, "deposit": "5.125"}, delivery={"shipping": "1.001"})
    assert mistakes(changed) == {
        "ordering.deposit": "“5.125” can’t be paid by card; in KWD write multiples of 0.010",
        "delivery.shipping": "“1.001” can’t be paid by card; in KWD write multiples of 0.010",
    }


def test_a_fixed_deposit_is_read_in_the_campaigns_currency() -> None:
    values = campaign_file.read(document(ordering={"deposit_percent": None, "deposit": "50.00"})).values
    assert (values["deposit_percent"], values["deposit_amount"]) == (None, 5000)


@pytest.mark.parametrize(
    ("changed", "field", "why"),
    [
        ({"slug": "SS 27"}, "slug", "must look like"),
        ({"slug": None}, "slug", "is missing"),
        ({"title": ""}, "title", "must not be empty"),
        ({"title": 27}, "title", "a text in quotes"),
        ({"titel": "x"}, "titel", "no setting of a campaign"),
        ({"currency": "RMB1"}, "currency", "no currency"),
        ({"time_zone": "Peking"}, "time_zone", "no time zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "no time zone"),
        ({"legal_profile": "CN"}, "legal_profile", "must be one of"),
        ({"voting": "soon"}, "voting", "section of its own"),
        ({"ordering": None}, "ordering", "is missing"),
        ({"voting": {"votes_each": 0}}, "voting.votes_each", "at least 1"),
        ({"voting": {"votes_each": 1001}}, "voting.votes_each", "at most 1000"),
        ({"voting": {"votes_each": "15"}}, "voting.votes_each", "a whole number"),
        ({"voting": {"votes_each": True}}, "voting.votes_each", "a whole number"),
        ({"voting": {"places": None}}, "voting.places", "is missing"),
        ({"voting": {"identity": "fax"}}, "voting.identity", "must be one of"),
        ({"voting": {"count": []}}, "voting.count", "at least one"),
        ({"voting": {"count": ["draft"]}}, "voting.count.0", "must be one of"),
        ({"voting": {"publish_ballots": "no"}}, "voting.publish_ballots", "true or false"),
        ({"voting": {"opens": "2027-03-01"}}, "voting.opens", "without quotes"),
        ({"voting": {"seed": 1}}, "voting.seed", "no setting of a campaign"),
        ({"ordering": {"deposit_percent": 21}}, "ordering.deposit_percent", "21 % is above the 20 % that CN_DINGJIN allows"),
        ({"ordering": {"deposit_percent": 0}}, "ordering.deposit_percent", "at least 1"),
        ({"ordering": {"deposit": "50.00"}}, "ordering", "either deposit_percent or deposit"),
        ({"ordering": {"deposit_percent": None}}, "ordering", "either deposit_percent or deposit"),
        ({"ordering": {"deposit_percent": None, "deposit": "a lot"}}, "ordering.deposit", "not an amount"),
        ({"ordering": {"deposit_percent": None, "deposit": "0"}}, "ordering.deposit", "more than nothing"),
        ({"ordering": {"minimum": 0}}, "ordering.minimum", "at least 1"),
        ({"delivery": {"shipping": "1.234"}}, "delivery.shipping", "more decimal digits"),
        ({"delivery": {"countries": ["China"]}}, "delivery.countries.0", "must look like"),
        ({"delivery": {"expected": "June"}}, "delivery.expected", "must be a date"),
    ],
)
def test_a_mistake_names_its_field_and_what_would_be_right(changed: dict[str, Any], field: str, why: str) -> None:
    found = mistakes(document(**changed))
    assert why in found[field]


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(document(slug="?", voting={"votes_each": 0}, ordering={"minimum": 0}))
    assert set(found) == {"slug", "voting.votes_each", "ordering.minimum"}


def test_more_than_a_fifth_is_allowed_where_the_law_knows_no_cap() -> None:
    values = campaign_file.read(document(legal_profile="EU", ordering={"deposit_percent": 50})).values
    assert values["deposit_percent"] == 50


@pytest.mark.parametrize(
    ("sections", "field"),
    [
        ({"voting": {"closes": datetime(2027, 3, 1, 10)}}, "voting.closes"),  # noqa: DTZ001  as TOML gives them
        ({"voting": {"closes": datetime(2027, 3, 17, 10, 0, 1)}}, "ordering.opens"),  # noqa: DTZ001
        ({"ordering": {"closes": datetime(2027, 3, 17, 9)}}, "ordering.closes"),  # noqa: DTZ001
        ({"balance": {"opens": datetime(2027, 3, 30, 22)}}, "balance.opens"),  # noqa: DTZ001
        ({"balance": {"due": datetime(2027, 4, 5, 10)}}, "balance.due"),  # noqa: DTZ001
    ],
)
def test_the_instants_must_follow_each_other(sections: dict[str, Any], field: str) -> None:
    assert "must be later than" in mistakes(document(**sections))[field]


def test_ordering_may_open_the_instant_that_voting_closes() -> None:
    assert campaign_file.read(document(voting={"closes": datetime(2027, 3, 17, 10)})).notices == []  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("Asia/Shanghai", datetime(2027, 3, 1, 2, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 1, 15, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2027, 3, 1, 4, 30, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2027, 2, 28, 20, 15, tzinfo=UTC)),
        ("UTC", datetime(2027, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_campaigns_own_wherever_it_is(zone: str, utc: datetime) -> None:
    assert campaign_file.read(document(time_zone=zone)).values["voting_opens"] == utc


def test_a_time_with_an_offset_is_that_instant() -> None:
    opens = datetime(2027, 3, 1, 10, tzinfo=UTC) + timedelta(microseconds=1)
    assert campaign_file.read(document(voting={"opens": opens})).values["voting_opens"] == opens


@pytest.mark.parametrize(
    ("zone", "gap"),
    [
        ("Europe/Berlin", datetime(2027, 3, 28, 2, 30)),  # noqa: DTZ001
        ("America/New_York", datetime(2027, 3, 14, 2, 30)),  # noqa: DTZ001
        ("Australia/Lord_Howe", datetime(2027, 10, 3, 2, 15)),  # noqa: DTZ001  half an hour only
    ],
)
def test_a_time_that_the_clock_skips_is_refused(zone: str, gap: datetime) -> None:
    changed = document(time_zone=zone, ordering={"closes": gap}, balance=None, voting=None, delivery=None)
    changed["ordering"]["opens"] = datetime(2027, 3, 1, 10)  # noqa: DTZ001
    assert "doesn't exist" in mistakes(changed)["ordering.closes"]
    changed["ordering"]["closes"] = gap + timedelta(hours=1)
    assert campaign_file.read(changed).notices == []


@pytest.mark.parametrize(
    ("zone", "twice", "first"),
    [
        ("Europe/Berlin", datetime(2027, 10, 31, 2, 30), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),  # noqa: DTZ001
        ("America/New_York", datetime(2027, 11, 7, 1, 30), datetime(2027, 11, 7, 5, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_of_a_time_that_comes_twice_the_first_is_taken_and_that_is_said(zone: str, twice: datetime, first: datetime) -> None:
    read = campaign_file.read(document(time_zone=zone, ordering={"closes": twice}, balance=None))
    assert read.values["ordering_closes"] == first
    (notice,) = read.notices
    assert "ordering.closes" in str(notice)
    assert first.isoformat() in str(notice)
