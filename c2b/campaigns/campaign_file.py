"""A campaign's rules and timetable as a TOML file says them: checked field by field, turned into the columns of `Campaign`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from c2b import money
from c2b.campaigns.rules import DEPOSIT_CAP_PERCENT, LegalProfile
from c2b.errors import N_, Invalid, Problem
from c2b.people.rules import AddressKind


def _one_line(text: str) -> str:
    if not text.isprintable():  # PostgreSQL keeps no NUL, and a title has no second line
        raise PydanticCustomError("not_one_line", "must be one line")
    return text


OneLine = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
"""Other years are slips of the pen."""
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Strict(BaseModel):
    """Takes TOML's own types only, and no key that nobody reads."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Voting(_Strict):
    """The voting phase."""

    opens: datetime
    closes: datetime
    votes_each: int = Field(ge=1, le=1000)
    places: int = Field(ge=1, le=100_000)
    min_votes: Count = 1
    max_per_category: Count = 0
    identity: Literal["email", "phone", "wechat"] = "email"
    count: list[Literal["verified", "store", "imported"]] = Field(default=["verified", "store", "imported"], min_length=1)
    publish_ballots: bool = False


class Ordering(_Strict):
    """The pre-orders and the deposits."""

    opens: datetime
    closes: datetime
    deposit_percent: int | None = Field(default=None, ge=1, le=100)
    deposit: str | None = None
    minimum: int = Field(ge=1, le=1_000_000)
    max_products: Count = 0
    per_customer: Count = 0
    settle_hours: int = Field(default=24, ge=0, le=720)
    two_person: bool = False


class Balance(_Strict):
    """When the rest of the price is due."""

    opens: datetime
    due: datetime
    grace_days: int = Field(default=7, ge=0, le=365)


class Delivery(_Strict):
    """When, where to and for how much."""

    expected: date | None = None
    shipping: str = "0"
    countries: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = []


class CampaignFile(_Strict):
    """A whole file."""

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    title: Text
    title_en: OneLine = ""
    currency: str
    time_zone: str
    legal_profile: Literal["CN_DINGJIN", "CN_PREPAY", "EU", "US", "GENERIC"]
    voting: Voting | None = None
    ordering: Ordering
    balance: Balance | None = None
    delivery: Delivery = Delivery()


@dataclass(frozen=True)
class Read:
    """What a file says: the columns of its campaign, and what its author should know though it is no mistake."""

    values: dict[str, Any]
    notices: list[Problem]


class InvalidFile(Invalid):
    """A campaign file with mistakes; `problems` has one for each field."""

    def __init__(self, problems: list[Invalid]) -> None:
        what = "; ".join(f"{problem.field}: {problem}" for problem in problems)
        super().__init__(N_("The campaign file can't be used: %(what)s"), what=what, field=problems[0].field)
        self.problems = problems


_MESSAGES = {
    "missing": N_("is missing"),
    "extra_forbidden": N_("is no setting of a campaign; check its spelling"),
    "string_type": N_("must be a text in quotes"),
    "int_type": N_("must be a whole number"),
    "bool_type": N_("must be true or false"),
    "datetime_type": N_("must be a date with a time, like 2027-03-01T10:00:00, without quotes"),
    "date_type": N_("must be a date, like 2027-06-05, without quotes"),
    "list_type": N_("must be a list in square brackets"),
    "model_type": N_("must be a section of its own, headed by its name in square brackets"),
    "greater_than_equal": N_("must be at least %(ge)s"),
    "less_than_equal": N_("must be at most %(le)s"),
    "literal_error": N_("must be one of %(expected)s"),
    "string_too_short": N_("must not be empty"),
    "string_too_long": N_("must have at most %(max_length)s characters"),
    "too_short": N_("must name at least one"),
    "not_one_line": N_("must be one line, without control characters"),
    "string_pattern_mismatch": N_("must look like %(pattern)s"),
}


def read(document: Mapping[str, Any]) -> Read:
    """Check a parsed TOML document and return what it says; raises InvalidFile listing every mistake."""
    try:
        file = CampaignFile.model_validate(dict(document))
    except ValidationError as error:
        raise InvalidFile([_problem(detail) for detail in error.errors()]) from error
    return _Reading(file).read()


def _problem(detail: ErrorDetails) -> Invalid:
    where = ".".join(str(part) for part in detail["loc"])
    message = _MESSAGES.get(detail["type"])
    if message is None:
        return Invalid("%(why)s", why=detail["msg"], field=where)
    return Invalid(message, field=where, **detail.get("ctx", {}))


class _Reading:
    """One file's way into columns, gathering every mistake on the way."""

    def __init__(self, file: CampaignFile) -> None:
        self.file = file
        self.problems: list[Invalid] = []
        self.notices: list[Problem] = []

    def read(self) -> Read:
        file = self.file
        self._check_names()
        head = {name: getattr(file, name) for name in ("slug", "title", "title_en", "currency", "time_zone")}
        values = head | {"legal_profile": LegalProfile(file.legal_profile)} | self._voting() | self._ordering() | self._after()
        self._check_order(values)
        self._stop_if_wrong()
        return Read(values, self.notices)

    def _check_names(self) -> None:
        """Without currency and zone no amount and no time can be read, so that these two stop at once."""
        if self.file.currency not in get_global("all_currencies"):
            self._refuse("currency", N_("“%(text)s” is no currency; write its ISO code, like CNY"), text=self.file.currency)
        if self.file.time_zone not in available_timezones():
            self._refuse("time_zone", N_("“%(text)s” is no time zone; write one like Asia/Shanghai"), text=self.file.time_zone)
        self._stop_if_wrong()

    def _stop_if_wrong(self) -> None:
        if self.problems:
            raise InvalidFile(self.problems)

    def _refuse(self, where: str, message: str, **values: object) -> None:
        self.problems.append(Invalid(message, field=where, **values))

    def _voting(self) -> dict[str, Any]:
        voting = self.file.voting
        if voting is None:  # the limits still stand in the row, for imported ballots of nobody
            return {"voting_opens": None, "voting_closes": None, "votes_each": 1, "places": 1, "count": []}
        plain = voting.model_dump(exclude={"opens", "closes", "identity"})
        opens, closes = self._instant("voting.opens", voting.opens), self._instant("voting.closes", voting.closes)
        return plain | {"voting_opens": opens, "voting_closes": closes, "identity": AddressKind(voting.identity)}

    def _ordering(self) -> dict[str, Any]:
        ordering = self.file.ordering
        self._check_deposit(ordering)
        deposit = None if ordering.deposit is None else self._amount("ordering.deposit", ordering.deposit)
        if deposit == 0:
            self._refuse("ordering.deposit", N_("must be more than nothing"))
        return ordering.model_dump(exclude={"opens", "closes", "deposit"}) | {
            "ordering_opens": self._instant("ordering.opens", ordering.opens),
            "ordering_closes": self._instant("ordering.closes", ordering.closes),
            "deposit_amount": deposit,
        }

    def _check_deposit(self, ordering: Ordering) -> None:
        if (ordering.deposit_percent is None) == (ordering.deposit is None):
            self._refuse("ordering", N_("set either deposit_percent or deposit, not both"))
        cap = DEPOSIT_CAP_PERCENT.get(LegalProfile(self.file.legal_profile))
        if cap is not None and (ordering.deposit_percent or 0) > cap:
            over = N_("%(percent)s %% is above the %(cap)s %% that %(profile)s allows (Civil Code of China, art. 586)")
            values = {"percent": ordering.deposit_percent, "cap": cap, "profile": self.file.legal_profile}
            self._refuse("ordering.deposit_percent", over, **values)

    def _after(self) -> dict[str, Any]:
        balance, delivery = self.file.balance, self.file.delivery
        return {
            "balance_opens": self._instant("balance.opens", balance.opens) if balance else None,
            "balance_due": self._instant("balance.due", balance.due) if balance else None,
            "grace_days": balance.grace_days if balance else 7,
            "delivery_expected": delivery.expected,
            "shipping": self._amount("delivery.shipping", delivery.shipping),
            "countries": delivery.countries,
        }

    def _amount(self, where: str, text: str) -> int | None:
        try:
            return money.price(text, self.file.currency)
        except Invalid as problem:
            self.problems.append(Invalid(problem.message, field=where, **problem.values))
            return None

    def _instant(self, where: str, local: datetime) -> datetime:
        """Turn a time of the campaign's zone into an instant; one with an offset is an instant already."""
        if not _FIRST_YEAR <= local.year <= _LAST_YEAR:
            self._refuse(where, N_("must lie between the years %(first)s and %(last)s"), first=_FIRST_YEAR, last=_LAST_YEAR)
            return local.replace(tzinfo=UTC)
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        zone = ZoneInfo(self.file.time_zone)
        first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if first.astimezone(zone).replace(tzinfo=None) != local:
            skipped = N_("%(time)s doesn't exist in %(zone)s, the clock is set forward over it; choose another time")
            self._refuse(where, skipped, time=local, zone=self.file.time_zone)
        elif first != second:
            twice = N_("%(field)s: %(time)s comes twice in %(zone)s, the clock is set back; the first one is taken, %(utc)s")
            self.notices.append(Problem(twice, field=where, time=local, zone=self.file.time_zone, utc=first.isoformat()))
        return first

    def _check_order(self, values: Mapping[str, Any]) -> None:
        columns = ("voting_opens", "voting_closes", "ordering_opens", "ordering_closes", "balance_opens", "balance_due")
        known = [(column.replace("_", ".", 1), values[column]) for column in columns if values[column] is not None]
        for (before, earlier), (after, later) in pairwise(known):
            # Ordering may open the instant that voting closes.
            wrong = later < earlier if after == "ordering.opens" else later <= earlier
            if wrong:
                self._refuse(after, N_("must be later than %(before)s"), before=before)
