"""Customers leave without giving a reason: with a login, or by a link that their mail brings. Both sides know at once."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, Signer
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits import actions, leaving
from c2b.deposits.legal import leaving_of
from c2b.deposits.locking import order_by_ref, own_order
from c2b.deposits.models import Order, OrderLine, Withdrawal
from c2b.deposits.rights import Right
from c2b.deposits.rules import Outcome
from c2b.errors import N_, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.messages.actions import queue
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind, address_digest
from c2b.production.defaults import end_left

LINK_LIFE = timedelta(hours=24)
_LANGUAGE = "zh_Hans_CN"


def ask_for_link(session: Session, *, order_ref: str, email: str, locale: str, secret_key: str, now: datetime) -> None:
    """Ask for the link to leave an order; whether there is such an order shows neither in the answer nor in the time it takes.

    The job knows the address by its keyed hash only. Raises Invalid for what can't be an e-mail address. Text messages carry no links:
    who is known by telephone signs in instead.
    """
    digest = address_digest(secret_key, AddressKind.EMAIL, email).hex()
    payload = {"order": order_ref[:24], "digest": digest, "locale": locale}
    key = f"production.withdrawal_link:{order_ref[:24]}:{digest[:16]}:{now:%Y%m%d%H}"
    enqueue(session, kind="production.withdrawal_link", payload=payload, key=key, now=now)


def send_link(database: Database, secret_key: str, payload: Mapping[str, Any], now: datetime) -> None:
    """Send the link that was asked for to its address, if the order is that person's and may be left without signing in."""
    mine = (Address.person_id == Order.person_id) & (Address.kind == AddressKind.EMAIL) & Address.verified_at.is_not(None)
    query = select(Order, Address.value).join(Address, mine)
    with database.transaction() as session:
        found = session.execute(query.where(Order.ref == payload["order"], Address.digest == bytes.fromhex(payload["digest"]))).first()
        if found is None or not without_login(found.Order):
            return
        signed = token(secret_key, found.Order.ref, now)
        fields = {"order": found.Order.ref, "hours": str(LINK_LIFE // timedelta(hours=1)), "path": f"/withdraw/{signed}"}
        event = f"withdrawal_link:{found.Order.ref}:{now:%Y%m%d%H}"
        told = {"channel": AddressKind.EMAIL.value, "recipient": found.value, "template": "withdrawal_link"}
        queue(session, event=event, fields=fields, locale=payload["locale"], now=now, **told)


def without_login(order: Order) -> bool:
    """Say whether the law of an order lets its customer leave without signing in."""
    by = leaving_of(order.legal_profile, order.country)
    return by is not None and by.without_login


def token(secret_key: str, order_ref: str, now: datetime) -> str:
    """Return what stands in the link of a mail: it names its order, nobody else can make it, and it is worth something for a day."""
    return _signer(secret_key).sign(f"{order_ref}.{int((now + LINK_LIFE).timestamp())}").decode()


def order_of(secret_key: str, signed: str, now: datetime) -> str | None:
    """Return which order a link is for, None for one that we didn't make; raises Refused when its day is over."""
    try:
        order_ref, _, ends = _signer(secret_key).unsign(signed).decode().rpartition(".")
    except (BadSignature, UnicodeError):
        return None
    if now >= datetime.fromtimestamp(int(ends), UTC):
        raise Refused(N_("This link is older than a day; ask for a new one"))
    return order_ref


def customer_of(session: Session, order_ref: str) -> int:
    """Return whose order a link is for (person id); raises NotFound."""
    person = session.scalar(select(Order.person_id).where(Order.ref == order_ref))
    if person is None:
        raise NotFound(N_("There is no such order"))
    return person


def _by_link(session: Session, order_ref: str) -> Order:
    """Return the order of a link; raises NotFound where its law doesn't let anybody leave without signing in."""
    order = session.scalar(select(Order).where(Order.ref == order_ref))
    if order is None or not without_login(order):
        raise NotFound(N_("There is no such order"))
    return order


def withdraw(session: Session, *, order_ref: str, lines: Collection[int], person_id: int | None, now: datetime) -> int:
    """Leave these lines of an order, by its customer's login or (`person_id` None) by a link; returns what goes back, minor units.

    Before the goods come everything is queued at once; later once staff enter that they came back. Sent twice it is done once. Raises
    NotFound for somebody else's order, Refused for lines that can't be left any more.
    """
    order = own_order(session, order_ref, person_id) if person_id is not None else order_by_ref(session, _by_link(session, order_ref).ref)
    chosen = {line: way for line, way in leaving.ways_out(session, order, now=now).items() if line in lines}
    if not chosen:
        if _left_all(session, order, lines):
            return 0
        raise Refused(N_("This can’t be withdrawn from or sent back any more; the order’s page says until when it could"))
    by = next(iter(chosen.values()))[0].leaving
    amount = sum(worth for _, worth in chosen.values()) + leaving.shipping_back(session, order, by, chosen)
    session.add_all(Withdrawal(line_id=line, order_id=order.id, right=by.right, received_at=now) for line in chosen)
    session.flush()
    _end(session, order, select(OrderLine.id).where(OrderLine.id.in_(chosen), OrderLine.handed_over_at.is_(None)), now)
    _confirm(session, order, f"withdrawal:{order.ref}:{min(chosen)}", amount, now)
    return amount


def _left_all(session: Session, order: Order, lines: Collection[int]) -> bool:
    left = set(session.scalars(select(Withdrawal.line_id).where(Withdrawal.order_id == order.id)))
    return bool(lines) and set(lines) <= left


def _end(session: Session, order: Order, lines: Select[int], now: datetime) -> None:
    """End lines whose goods haven't come: undecided ones as a cancelling does, confirmed ones with their units left to stock."""
    reason = leaving.REASONS[Right.WITHDRAWAL]
    undecided = lines.where(OrderLine.outcome == Outcome.OPEN)
    actions.end_lines(session, lines=undecided, reason=reason, now=now)
    end_left(session, order.campaign, lines=lines, reason=reason, now=now)


def _confirm(session: Session, order: Order, event: str, amount: int, now: datetime) -> None:
    """Confirm at once, on a medium that lasts (Directive 2011/83/EU, art. 11a): by mail, and by what the customer is known by."""
    campaign: Campaign = order.campaign
    kinds = (AddressKind.EMAIL, campaign.identity)
    query = select(Address, Person.locale).join(Person, Person.id == Address.person_id).order_by(Address.id)
    to = session.execute(query.where(Address.person_id == order.person_id, Address.kind.in_(kinds), Address.verified_at.is_not(None)))
    for address, spoken in to.all():
        locale = spoken or _LANGUAGE
        fields = {
            "order": order.ref,
            "campaign": text(campaign.title, campaign.title_en, locale),
            "amount": money.show(amount, campaign.currency, locale),
            "path": f"/me/orders/{order.ref}",
        }
        told = {"channel": address.kind.value, "recipient": address.value, "template": "withdrawal_received"}
        queue(session, event=event, fields=fields, locale=locale, now=now, **told)


def _signer(secret_key: str) -> Signer:
    return Signer(secret_key, salt="c2b.withdraw", key_derivation="hmac", digest_method=hashlib.sha256)
