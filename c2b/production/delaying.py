"""Products that come later than promised: customers are told, and where the law says so asked whether they wait."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.legal import legal
from c2b.deposits.locking import own_order
from c2b.deposits.models import Delay, DelayAnswer, Order, OrderLine
from c2b.deposits.readiness import last_day
from c2b.deposits.rights import question
from c2b.deposits.rules import Outcome, RefundReason
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.messages.actions import queue
from c2b.payments.protocol import Limits
from c2b.people.models import Address, Person
from c2b.production.defaults import end_left

STEP = 200
_LANGUAGE = "zh_Hans_CN"


def announce(
    session: Session, *, slug: str, code: str, expected: date, reason: str, limits: Mapping[str, Limits], actor: str, now: datetime
) -> int:
    """Enter a confirmed product's new expected day, with a public `reason`; returns the delay's id. Its customers are told or asked.

    An earlier question about it that still waits is replaced. Raises NotFound; Invalid without a reason, for a day that isn't later,
    and for one after which a gateway (`limits`, by name) couldn't send the money back any more.
    """
    campaign = locked(session, slug)
    candidate = session.scalar(select(Candidate).where(Candidate.campaign_id == campaign.id, Candidate.code == code))
    if candidate is None:
        raise NotFound(N_("There is no product %(code)s in this campaign"), code=code)
    if not reason.strip():
        raise Invalid(N_("Give the reason; customers read it"), field="reason")
    earlier = session.scalars(select(Delay).where(Delay.candidate_id == candidate.id).order_by(Delay.id)).all()
    promised = earlier[-1].expected if earlier else campaign.delivery_expected or now.astimezone(ZoneInfo(campaign.time_zone)).date()
    if expected <= promised:
        raise Invalid(N_("The new day has to be later than %(day)s, which holds now"), field="expected", day=promised.isoformat())
    _require_refundable(session, candidate, expected, limits)
    for each in earlier:
        each.settled_at = each.settled_at or now
    delay = Delay(campaign_id=campaign.id, candidate_id=candidate.id, promised=promised, expected=expected, reason=reason.strip())
    delay.announced_at = now
    if rule := legal(campaign.legal_profile).delay:
        dates = {"old": promised, "new": expected, "time_zone": campaign.time_zone, "now": now}
        asked = question(rule, is_first=not earlier, **dates)  # type: ignore[arg-type]
        delay.answer_by, delay.silence_agrees = asked.answer_by, asked.silence_agrees
    session.add(delay)
    session.flush()
    enqueue(session, kind="production.tell_delay", payload={"delay": delay.id}, key=f"production.tell_delay:{delay.id}", now=now)
    after = {"promised": promised.isoformat(), "expected": expected.isoformat(), "asked": delay.answer_by is not None}
    record(session, actor=actor, action="production.delay", campaign=slug, object=code, after=after, reason=reason.strip(), now=now)
    return delay.id


def _require_refundable(session: Session, candidate: Candidate, expected: date, limits: Mapping[str, Limits]) -> None:
    last = last_day(session, candidate_id=candidate.id, limits=limits)
    if last is not None and expected > last.day:
        late = N_(
            "%(gateway)s sends nothing back later than %(days)s days after a payment; whoever sends goods back that come after %(day)s "
            "would not get their money. Enter a day until then, or say under Balances that the product can’t be delivered"
        )
        raise Invalid(late, field="expected", gateway=last.gateway, days=last.days, day=last.day.isoformat())


def answer(session: Session, *, order_ref: str, line_id: int, person_id: int, agrees: bool, now: datetime) -> None:
    """Take a customer's answer to the newest delay of a line: who waits can still change their mind, who doesn't gets everything back.

    Raises NotFound for somebody else's line, Refused where nothing is asked any more.
    """
    order = own_order(session, order_ref, person_id)
    line = session.scalar(select(OrderLine).where(OrderLine.id == line_id, OrderLine.order_id == order.id))
    if line is None:
        raise NotFound(N_("There is no such line in this order"))
    delay = session.scalar(select(Delay).where(Delay.candidate_id == line.candidate_id).order_by(Delay.id.desc()).limit(1))
    waits = line.outcome is Outcome.ALLOCATED and line.handed_over_at is None
    if delay is None or delay.answer_by is None or delay.settled_at or now >= delay.answer_by or not waits:
        raise Refused(N_("Nothing is asked about this any more; your order says how it stands"))
    session.merge(DelayAnswer(delay_id=delay.id, line_id=line_id, agrees=agrees, at=now))
    session.flush()
    if not agrees:
        refused = select(OrderLine.id).where(OrderLine.id == line_id)
        end_left(session, order.campaign, lines=refused, reason=RefundReason.WITHDRAWN, now=now)


def over(session: Session, *, now: datetime) -> list[int]:
    """Return the delays whose time to answer is over and whose silence wasn't carried out yet."""
    return list(session.scalars(select(Delay.id).where(Delay.answer_by <= now, Delay.settled_at.is_(None)).order_by(Delay.id)))


def settle(session: Session, *, delay_id: int, now: datetime) -> int:
    """Carry out what silence means: nothing, or everything goes back to who didn't agree. Returns how much, minor units; once only."""
    slug = session.scalars(select(Campaign.slug).join(Delay, Delay.campaign_id == Campaign.id).where(Delay.id == delay_id)).one()
    campaign = locked(session, slug)
    delay = session.get_one(Delay, delay_id, populate_existing=True)
    if delay.settled_at is not None or delay.answer_by is None or now < delay.answer_by:
        return 0
    delay.settled_at = now
    session.flush()
    if delay.silence_agrees:
        return 0
    amount = end_left(session, campaign, lines=_silent(delay), reason=RefundReason.WITHDRAWN, now=now)
    enqueue(session, kind="production.tell_unanswered", payload={"delay": delay_id}, key=f"production.tell_unanswered:{delay_id}", now=now)
    after = {"refund_amount": amount}
    record(session, actor="worker", action="production.delay_unanswered", campaign=slug, object=str(delay_id), after=after, now=now)
    return amount


def _silent(delay: Delay) -> Select[int]:
    agreed = select(DelayAnswer.line_id).where(DelayAnswer.delay_id == delay.id, DelayAnswer.agrees)
    return select(OrderLine.id).where(OrderLine.candidate_id == delay.candidate_id, OrderLine.id.not_in(agreed))


def tell_delay(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell or ask the customers of the delay in `payload`; stopped in between, it tells nobody twice."""
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Delay, payload["delay"]), after, now)


def _step(session: Session, delay: Delay, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    campaign = session.get_one(Campaign, delay.campaign_id)
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    waits = (OrderLine.candidate_id == delay.candidate_id) & (OrderLine.outcome == Outcome.ALLOCATED) & OrderLine.handed_over_at.is_(None)
    query = (
        select(OrderLine.id, Address.id.label("address"), Order.ref, Person.locale, Address.value, Candidate.name, Candidate.name_en)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(waits, tuple_(OrderLine.id, Address.id) > after)
        .order_by(OrderLine.id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for row in rows:
        _tell(session, campaign, delay, row, now)
    return (rows[-1].id, rows[-1].address) if rows else None


def _tell(session: Session, campaign: Campaign, delay: Delay, row: Row[int, int, str, str, str, str, str], now: datetime) -> None:
    line_id, _address, ref, spoken, recipient, name, name_en = row
    locale = spoken or _LANGUAGE
    fields = {
        "order": ref,
        "campaign": text(campaign.title, campaign.title_en, locale),
        "product": text(name, name_en, locale),
        "expected": format_date(delay.expected, "long", locale),
        "path": f"/me/orders/{ref}",
    }
    if delay.answer_by:
        fields["answer_by"] = format_datetime(delay.answer_by.astimezone(ZoneInfo(campaign.time_zone)), "medium", locale=locale)
    told = {"channel": campaign.identity.value, "recipient": recipient, "template": "delay_question" if delay.answer_by else "delay_told"}
    queue(session, event=f"delay:{delay.id}:{line_id}", fields=fields, locale=locale, now=now, **told)
