"""Where customers want money that can't go back the way it came: they say it on their order's page, finance reads it when it pays out.

The account is personal data of the worst kind to lose: it stands in its table alone, in no address, log, message or audit entry, customers
see its end only, and each look of staff is in the audit log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.audit.queries import entries
from c2b.deposits.locking import own_order
from c2b.deposits.models import Order, PayoutAccount
from c2b.deposits.payout_ways import Account, PayoutWay, checked, masked, offered
from c2b.errors import N_, NotFound, Refused
from c2b.ledger import rules as accounts
from c2b.ledger.queries import balances

LOOK = "deposits.look_at_account"
"""Its name in the audit log."""
LASTS = timedelta(minutes=15)
"""How long an account stays open to the one whose look was recorded."""
CHANGES_A_DAY = 5


@dataclass(frozen=True)
class Asked:
    """What a customer's page says of an account; `amount` (minor units) is what waits for it, 0: nothing is asked any more."""

    amount: int
    ways: tuple[PayoutWay, ...]
    way: str = ""
    """What was given; empty: nothing yet."""
    end: str = ""
    given_at: datetime | None = None


@dataclass(frozen=True)
class Given:
    """What staff see: that and when an account was given, and with a recorded look the account itself."""

    order: str
    amount: int
    given_at: datetime | None
    account: Account | None = None


def asked(session: Session, *, order_ref: str, person_id: int) -> Asked | None:
    """Return what an own order asks or keeps of an account; None: nothing is owed, and nothing was given. Raises NotFound."""
    order = _own(session, order_ref, person_id)
    amount, kept = _owed(session, order), session.get(PayoutAccount, order.id)
    if amount <= 0 and kept is None:
        return None
    ways = offered(order.campaign.currency)
    return Asked(max(amount, 0), ways, kept.way, masked(kept.account), kept.given_at) if kept else Asked(amount, ways)


def give(session: Session, *, order_ref: str, person_id: int, given: Account, now: datetime) -> None:
    """Say, or say anew, where the money that an own order is owed shall go; it can be changed until it is paid out.

    Raises NotFound for somebody else's order, Invalid naming the field, Refused where nothing is owed or it was changed too often today.
    """
    order = own_order(session, order_ref, person_id)
    if _owed(session, order) <= 0:
        raise Refused(N_("No money waits for an account any more; your order says where it went"))
    account = checked(given, order.campaign.currency)
    kept = session.get(PayoutAccount, order.id, populate_existing=True)
    before = kept.changes if kept and kept.given_at.astimezone(UTC).date() == now.astimezone(UTC).date() else 0
    if before >= CHANGES_A_DAY:
        raise Refused(N_("You changed it %(most)s times today; it can be changed again tomorrow"), most=CHANGES_A_DAY)
    session.merge(PayoutAccount(order_id=order.id, given_at=now, changes=before + 1, **vars(account)))
    session.flush()


def look(session: Session, *, campaign: str, order_ref: str, actor: str, now: datetime) -> None:
    """Record that a member of staff looks at the account of an order; raises NotFound where none was given in this campaign."""
    order = session.scalar(select(Order).where(Order.ref == order_ref))
    if order is None or order.campaign.slug != campaign or session.get(PayoutAccount, order.id) is None:
        raise NotFound(N_("The customer of order %(ref)s gave no account"), ref=order_ref)
    record(session, actor=actor, action=LOOK, campaign=campaign, object=order_ref, now=now)


def given(session: Session, *, order_ref: str, actor: str, now: datetime) -> Given:
    """Return what staff may see of an order's account: whole for `LASTS` after their look was recorded."""
    order = session.scalars(select(Order).where(Order.ref == order_ref)).one()
    kept = session.get(PayoutAccount, order.id)
    if kept is None:
        return Given(order_ref, _owed(session, order), None)
    looks = entries(session, campaign=order.campaign.slug, actor=actor, action=LOOK)
    recent = any(each.object == order_ref and each.at > now - LASTS for each in looks)
    account = Account(kept.way, kept.holder, kept.account, kept.bank) if recent else None
    return Given(order_ref, _owed(session, order), kept.given_at, account)


def have_given(session: Session, orders: Collection[str]) -> set[str]:
    """Return which of these orders (references) have an account to pay out to."""
    query = select(Order.ref).join(PayoutAccount, PayoutAccount.order_id == Order.id).where(Order.ref.in_(orders))
    return set(session.scalars(query))


def _own(session: Session, order_ref: str, person_id: int) -> Order:
    order = session.scalar(select(Order).where(Order.ref == order_ref, Order.person_id == person_id))
    if order is None:
        raise NotFound(N_("There is no such order"))
    return order


def _owed(session: Session, order: Order) -> int:
    """Return what waits to be paid out by hand: money on its way back by itself stands on other accounts."""
    account = accounts.owed(order.ref)
    return balances(session, [account])[account]
