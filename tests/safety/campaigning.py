"""What voters and customers do in the played campaign, and the clock: each act is done to the program and to the model."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import select, update

from c2b.campaigns import actions as campaigns
from c2b.campaigns.rules import LegalProfile
from c2b.deposits import actions, pay
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.placing import ShippingAddress
from c2b.errors import Refused
from c2b.payments.models import Payment
from c2b.voting import actions as voting
from c2b.voting import selecting
from c2b.voting.rules import Touch
from c2b.work import GATES
from tests import books
from tests.safety import market_ends
from tests.safety.fair import PROFILES, SLUG, Fair, instants
from tests.safety.market import Market
from tests.safety.market_facts import OPEN
from tests.safety.till import Till

HOME = ShippingAddress(recipient="Anna", phone="1", country="CN", address="1 Road")
STAFF = "staff:a@example.com"
which = st.integers(0, 7)
codes = st.sampled_from(["K1", "K2", "K3"])
baskets = st.sampled_from([{"K1": 1}, {"K1": 3}, {"K2": 1}, {"K2": 2}, {"K1": 2, "K2": 1}, {"K1": 1, "K2": 3}, {"K1": 1, "K3": 3}])
goings = st.sampled_from(["", "starts", "pays", "pays", "pays"])
orders = st.tuples(baskets, goings)
votes = st.tuples(st.integers(0, 3), codes)
troubles = st.sampled_from(["", "", "", "lost", "down"])
has_orders = precondition(lambda self: self.market.addressed)
has_payments = precondition(lambda self: self.market.payments)
is_voting = precondition(lambda self: self.market.state in ("voting", "tally"))
is_clear = precondition(
    lambda self: self.market.state in ("voting", "tally", "selected") and self.market.picks and self.market.winners() is not None
)
"""Without lots, which fall differently each time that the same acts are played."""
is_eventful = precondition(lambda self: self.market.state != "ordering" or len(self.market.addressed) > 3)
"""Not yet over before it began: most of what can go wrong happens in between."""
is_sold = precondition(lambda self: self.market.state in ("selected", "ordering", "settling"))


class Campaigning(RuleBasedStateMachine):
    """Four people, three products (one capped, one with a second price), two places."""

    fair: ClassVar[Fair]
    market: Market

    @initialize(
        profile=st.sampled_from(sorted(PROFILES)),
        begun=st.lists(orders, min_size=2, max_size=5),
        votes=st.lists(votes, max_size=5),
        over=st.booleans(),
    )
    def opens(self, profile: LegalProfile, begun: list[tuple[dict[str, int], str]], votes: list[tuple[int, str]], *, over: bool) -> None:
        """Begin with some votes, or with some orders, decided already or not: the depths that chance alone seldom reaches."""
        self.market = self.fair.begin(profile, votes=len(votes) > len(begun))
        self.till = Till(lambda: self.market.now)
        self.people: dict[str, int] = {}
        self.forms: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        for person, code in votes if self.market.state == "voting" else ():
            self.vote(person, code, undo=False)
        for units, goes_on in begun if self.market.state == "ordering" else ():
            self.order(units, goes_on, has_address=goes_on != "starts")
        if over and self.market.state == "ordering":
            self.ordering_is_over("")

    def ordering_is_over(self, trouble: str) -> None:
        """It closes, everything is asked for, and the campaign is decided."""
        raise NotImplementedError

    def act(self, action: Callable[..., Any], **values: Any) -> Any:
        with self.fair.database.transaction() as session:
            return action(session, now=self.market.now, **values)

    def tried(self, action: Callable[..., Any], **values: Any) -> bool:
        try:
            self.act(action, **values)
        except Refused:
            return False
        return True

    # Votes and the clock.

    @is_voting
    @rule(person=st.integers(0, 3), code=codes, undo=st.sampled_from([False, False, True]))
    def vote(self, person: int, code: str, *, undo: bool) -> None:
        voter = self.fair.persons[person]
        done = self.tried(voting.undo if undo else voting.vote, slug=SLUG, code=code, person_id=voter, touch=Touch())
        assert done is self.market.vote(voter, code, undo=undo)

    @rule(minutes=st.sampled_from([1, 29, 31, 60 * 25]), ticks=st.booleans())
    def wait(self, minutes: int, *, ticks: bool) -> None:
        self.market.now += timedelta(minutes=minutes)
        if ticks:
            self.tick()

    @is_eventful
    @rule(ticks=st.booleans(), just_before=st.booleans())
    def wait_for_what_comes_next(self, *, ticks: bool, just_before: bool) -> None:
        at = next((each for each in instants(self.market) if each > self.market.now), self.market.now)
        self.market.now = max(self.market.now, at - timedelta(seconds=just_before))
        if ticks:
            self.tick()

    @rule()
    def tick(self) -> None:
        self.act(campaigns.tick, gates=GATES)
        self.market.tick()

    @is_clear
    @rule()
    def select(self) -> None:
        """Make the selection, once: asked for again it stays what it was."""
        done = self.tried(selecting.select_winners, slug=SLUG, actor=STAFF)
        assert done is (self.market.state != "voting")
        if self.market.state == "tally":
            self.market.state, self.market.selected = "selected", self.market.winners() or set()
        assert not done or self.fair.winners() == self.market.selected - self.market.withdrawn

    @is_clear
    @rule()
    def the_vote_is_over(self) -> None:
        self.market.now = max(self.market.now, self.market.rules.closes)
        self.tick()
        self.select()
        self.market.now = max(self.market.now, self.market.rules.opens)
        self.tick()

    @precondition(lambda self: self.market.state == "ordering" and (self.market.paused or len(self.market.addressed) > 2))
    @rule(stops=st.sampled_from([True, False, False]))
    def pause(self, *, stops: bool) -> None:
        self.act(campaigns.pause if stops else campaigns.resume, slug=SLUG, reason="a storm", actor=STAFF)
        self.market.paused = stops

    # Customers.

    @is_sold
    @rule(units=baskets, has_address=st.sampled_from([True, True, False]), goes_on=goings)
    def order(self, units: dict[str, int], goes_on: str, *, has_address: bool) -> None:
        """Order, and often go on to the payment at once."""
        person, form = self.fair.persons[len(self.people) % 4], books.key()
        lines = [(self.fair.variants[code], number) for code, number in units.items()]
        about = {"person_id": person, "lines": lines, "address": HOME if has_address else None, "idempotency_key": form}
        may = self.market.may_order(units)
        try:
            ref = self.act(actions.place_order, slug=SLUG, locale="en", **about)
        except Refused:
            assert not may
            return
        assert may
        self.people[ref], self.forms[ref] = person, (form, lines)
        self.market.order(ref, self._lines(ref), addressed=has_address)
        if goes_on:
            self.pay(len(self.people) - 1, "", at_once=goes_on == "pays")

    def _lines(self, ref: str) -> dict[int, tuple[str, int]]:
        of = {candidate: code for code, candidate in self.fair.candidates.items()}
        query = select(OrderLine.id, OrderLine.candidate_id, OrderLine.units).join(Order, Order.id == OrderLine.order_id)
        with self.fair.database.reading() as session:
            return {number: (of[candidate], units) for number, candidate, units in session.execute(query.where(Order.ref == ref))}

    @has_orders
    @rule(number=which)
    def send_the_form_again(self, number: int) -> None:
        ref = self._of(self.people, number)
        form, lines = self.forms[ref]
        about = {"person_id": self.people[ref], "lines": lines, "address": None, "idempotency_key": form}
        assert self.act(actions.place_order, slug=SLUG, locale="en", **about) == ref

    @has_orders
    @rule(number=which)
    def say_where(self, number: int) -> None:
        ref = self._of(self.people, number)
        with self.fair.database.transaction() as session:
            session.execute(update(Order).where(Order.ref == ref).values(address="1 Road"))
        self.market.addressed[ref] = True

    @has_orders
    @rule(number=which, trouble=troubles, at_once=st.booleans())
    def pay(self, number: int, trouble: str, *, at_once: bool) -> None:
        ref = self._of(self.people, number)
        running, may = self.market.running(ref), bool(self.market.payable(ref))
        self.till.trouble = trouble
        about = {"order_ref": ref, "person_id": self.people[ref], "gateway": "sandbox"}
        try:
            pay.pay(self.fair.database, self._gateways, now=self.market.now, **about)
        except Refused:
            assert not running
            assert not may
            return
        assert running or may
        key = running.key if running else self._newest(ref)
        if not running:
            self.market.pay(ref, key)
        self.market.hear(key, self._said(key))
        if at_once and not trouble:
            self._approve(key)
            self.come_back(list(self.market.payments).index(key), "")

    @property
    def _gateways(self) -> dict[str, Any]:
        return {"sandbox": self.till}

    def _newest(self, ref: str) -> str:
        with self.fair.database.reading() as session:
            return session.scalars(select(Payment.key).where(Payment.payer == ref).order_by(Payment.id.desc())).first() or ""

    def _said(self, key: str) -> str:
        """Return what anybody who asks hears of a payment now: the world's answer, not the program's."""
        page = self.till.pages.get(key)
        if self.till.trouble or page is None:
            return "unknown" if self.till.trouble else "failed"
        if page.paid:
            return "done"
        return "failed" if page.declined or page.expires_at <= self.market.now else "pending"

    @staticmethod
    def _of(found: Any, number: int) -> Any:
        return list(found)[number % len(found)]

    @has_payments
    @rule(number=which, late=st.booleans())
    def approve(self, number: int, *, late: bool) -> None:
        """The customer pays; sometimes the bank charges for a page that was over."""
        key = self._of(self.market.payments, number)
        if late and key in self.till.pages:
            self.till.pages[key].paid = True
        self._approve(key)

    def _approve(self, key: str) -> None:
        page = self.till.pages.get(key)
        if page and not page.declined and page.expires_at > self.market.now:
            page.paid = True

    @has_payments
    @rule(number=which)
    def decline(self, number: int) -> None:
        page = self.till.pages.get(self._of(self.market.payments, number))
        if page and not page.paid:
            page.declined = True

    @has_payments
    @rule(number=which, trouble=troubles)
    def come_back(self, number: int, trouble: str) -> None:
        self.till.trouble = trouble
        key = self._of(self.market.payments, number)
        payment = self.market.payments[key]
        pay.check(self.fair.database, self._gateways, key=key, now=self.market.now)
        if payment.state in OPEN:
            self.market.hear(key, self._said(key))

    @has_payments
    @rule(number=which)
    def an_event_names(self, number: int) -> None:
        self.till.trouble = ""
        key = self._of(self.market.payments, number)
        pay.ask_again(self.fair.database, self._gateways, key=key, now=self.market.now)
        self.market.hear(key, self._said(key))

    @has_orders
    @rule(number=which)
    def cancel(self, number: int) -> None:
        ref = self._of(self.people, number)
        done = self.tried(actions.cancel_order, order_ref=ref, person_id=self.people[ref])
        assert done is market_ends.cancel_order(self.market, ref)

    @has_orders
    @rule(number=which)
    def cancel_a_line(self, number: int) -> None:
        line = self._of(self.market.lines, number)
        ref = self.market.lines[line].order
        done = self.tried(actions.cancel_line, order_ref=ref, line_id=line, person_id=self.people[ref])
        assert done is market_ends.cancel_line(self.market, line)
