"""Plain functions that make what a test is about, with defaults for all that it isn't about."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Supplier, Variant
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.deposits.models import Order, OrderLine, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.ledger.models import Transfer
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.production.models import Decision, DecisionLine, ProductionOrder, ProductionOrderLine
from c2b.production.rules import ProductOutcome
from c2b.stores.models import Store
from c2b.voting import counting, publication, seals, selecting, statement, tree
from c2b.voting.models import Ballot, Pick, Selection, SelectionLine, SelectionOverride, Suspicion, SuspicionBallot
from c2b.voting.rules import BallotSource, SelectionResult, SuspicionRule, SuspicionState

OPENS = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
CLOSES = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
ORDERING_OPENS = datetime(2027, 3, 17, 2, 0, tzinfo=UTC)
ORDERING_CLOSES = datetime(2027, 3, 30, 14, 0, tzinfo=UTC)


def campaign(session: Session, **changes: Any) -> Campaign:
    """Make a campaign in its voting phase: 15 votes, 2 places, deposits of 20 %, minimum 50."""
    values: dict[str, Any] = {
        "slug": "ss27",
        "title": "2027 春夏",
        "title_en": "Spring/Summer 2027",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "legal_profile": LegalProfile.CN_DINGJIN,
        "state": CampaignState.VOTING,
        "secret": b"s" * 32,
        "created_at": OPENS,
        "voting_opens": OPENS,
        "voting_closes": CLOSES,
        "votes_each": 15,
        "places": 2,
        "count": ["verified", "store", "imported"],
        "ordering_opens": ORDERING_OPENS,
        "ordering_closes": ORDERING_CLOSES,
        "deposit_percent": 20,
        "minimum": 50,
        "countries": ["CN"],
        **changes,
    }
    made = Campaign(**values)
    session.add(made)
    session.flush()
    return made


def candidate(session: Session, of: Campaign, code: str, *, sizes: str = "S M L", price: int | None = 29900, **changes: Any) -> Candidate:
    """Make a candidate with a variant a size; `price` is the promised unit price in fen."""
    values: dict[str, Any] = {"position": 1, "name": f"款 {code}", "name_en": f"Design {code}", "category": "衬衫", "option1_name": "尺码"}
    made = Candidate(campaign_id=of.id, code=code, price_from=price, price_to=price, **(values | changes))
    session.add(made)
    session.flush()
    keys = {"campaign_id": of.id, "candidate_id": made.id, "price": price}
    for value in option_values(session, made, 1, *sizes.split()):
        session.add(Variant(**keys, position=value.position, option1_id=value.id, sku=f"{of.slug}-{code}-{value.value}"))
    session.flush()
    return made


def supplier(session: Session, code: str = "TX2", **changes: Any) -> Supplier:
    """Make a factory."""
    made = Supplier(code=code, **({"name": "桐乡织造二厂"} | changes))
    session.add(made)
    session.flush()
    return made


def store(session: Session, code: str = "HZ1", **changes: Any) -> Store:
    """Write a store in Hangzhou."""
    values: dict[str, Any] = {"name": f"Store {code}", "city": "Hangzhou", "address": "1 Lake Road", "latitude": 30.25, "longitude": 120.16}
    made = Store(**{"code": code, "hours": "10:00-22:00", **values, **changes})
    session.add(made)
    session.flush()
    return made


def offer(session: Session, of: Candidate, by: Supplier, **changes: Any) -> Offer:
    """Offer a candidate: made by `by`, at 100.00 a unit."""
    made = Offer(candidate_id=of.id, supplier_id=by.id, **({"unit_cost": 10000, "pack": 1} | changes))
    session.add(made)
    session.flush()
    return made


def person(session: Session, **changes: Any) -> Person:
    """Make a person without an address."""
    made = Person(**({"ref": secrets.token_urlsafe(12), "viewer": 1, "created_at": OPENS} | changes))
    session.add(made)
    session.flush()
    return made


def address(session: Session, of: Person, value: str, **changes: Any) -> Address:
    """Give a person a verified e-mail address."""
    values = {"kind": AddressKind.EMAIL, "digest": secrets.token_bytes(32), "verified_at": OPENS, **changes}
    made = Address(person_id=of.id, value=value, **values)
    session.add(made)
    session.flush()
    return made


def ballot(session: Session, of: Campaign, *picks: Candidate, by: Person | None = None, **changes: Any) -> Ballot:
    """Make a counted ballot with one pick for each of `picks`, of a new person unless `by` is given."""
    voter = by or person(session)
    values = {"source": BallotSource.VERIFIED, "serial": secrets.token_urlsafe(12), "nonce": secrets.token_bytes(16), "created_at": OPENS}
    made = Ballot(campaign_id=of.id, person_id=voter.id, votes_each=of.votes_each, version=len(picks), **(values | changes))
    session.add(made)
    session.flush()
    for slot, picked in enumerate(picks, start=1):
        session.add(Pick(campaign_id=of.id, person_id=voter.id, slot=slot, votes_each=of.votes_each, candidate_id=picked.id))
    codes = [picked.code for picked in picks]
    made.commitment = tree.commitment(nonce=made.nonce, serial=made.serial, version=made.version, codes=codes)
    session.flush()
    counting.note(session, (Ballot.campaign_id == of.id) & (Ballot.person_id == voter.id), sign=+1)
    if made.held_at:
        _held(session, made)
    return made


def _held(session: Session, of: Ballot) -> None:
    """Have staff hold it by its serial, as they would."""
    decided = {"state": SuspicionState.HELD, "reason": of.held_reason, "decided_by": "staff:owner@example.com", "decided_at": of.held_at}
    group = Suspicion(campaign_id=of.campaign_id, rule=SuspicionRule.BY_HAND, digest=of.serial, evidence={}, found_at=of.held_at, **decided)
    session.add(group)
    session.flush()
    session.add(SuspicionBallot(suspicion_id=group.id, campaign_id=of.campaign_id, person_id=of.person_id, decided=True))
    session.flush()


_MARGIN = {"last_selected": 0, "first_not_selected": 0, "tie": False, "held_would_add": [], "held_would_drop": []}


def selection(session: Session, of: Campaign, *lines: tuple[Candidate, int], places: int | None = None) -> Selection:
    """Store a selection with its candidates and their votes, best first; the first `places` are selected."""
    places = places or of.places
    seal = tree.sealed(selecting.leaves(session, of))
    hashes = {"input_hash": "1" * 64, "ballot_root": seal.root.hex(), "seed": "3" * 64, "output_hash": "4" * 64}
    votes = sum(count for _, count in lines)
    figures = {"rules_version": 1, "places": places, "voters": votes, "votes": votes, "held_votes": 0, "margin": _MARGIN}
    made = Selection(campaign_id=of.id, at=CLOSES, actor="cli:test", **figures, **hashes)
    session.add(made)
    session.flush()
    seals.keep(session, of.id, seal)
    for rank, (of_line, count) in enumerate(lines, start=1):
        result = SelectionResult.SELECTED if rank <= places else SelectionResult.NOT_SELECTED
        values = {"rank": rank, "votes": count, "held": 0, "result": result, "tie_key": f"{rank:064d}"}
        session.add(SelectionLine(campaign_id=of.id, candidate_id=of_line.id, **values))
    session.flush()
    return made


def override(session: Session, of: Candidate, *, made: bool = True, **changes: Any) -> SelectionOverride:
    """Override what became of a candidate in the selection, agreed to by a second person."""
    people = {"proposed_by": "staff:manager@example.com", "approved_by": "staff:owner@example.com"}
    values = {"reason": "It sells out every year", "proposed_at": CLOSES, "approved_at": CLOSES, **people, **changes}
    found = SelectionOverride(campaign_id=of.campaign_id, candidate_id=of.id, made=made, **values)
    session.add(found)
    session.flush()
    if found.approved_at:
        change = statement.change(code=of.code, change=statement.MADE if made else statement.DROPPED, reason=found.reason)
        publication.follow(session, session.get_one(Campaign, of.campaign_id), change, now=found.approved_at)
    return found


def option_values(session: Session, of: Candidate, axis: int, *values: str) -> list[OptionValue]:
    """Give a candidate values of its first or second option."""
    made = [OptionValue(candidate_id=of.id, axis=axis, position=position, value=value) for position, value in enumerate(values, start=1)]
    session.add_all(made)
    session.flush()
    return made


def variants(session: Session, of: Candidate) -> list[Variant]:
    """Return a candidate's variants in the order of the file."""
    return list(session.scalars(select(Variant).where(Variant.candidate_id == of.id).order_by(Variant.position)))


def order(session: Session, of: Campaign, *lines: tuple[Variant, int], by: Person | None = None, **changes: Any) -> Order:
    """Make an order of variants and units, its deposits of 20 % captured; line values may be given with `line={...}`."""
    customer = by or person(session)
    of_lines = {"outcome": Outcome.OPEN, "reserved_at": ORDERING_OPENS, **changes.pop("line", {})}
    values = {"ref": secrets.token_urlsafe(12), "idempotency_key": secrets.token_urlsafe(12), "placed_at": ORDERING_OPENS}
    terms = {"legal_profile": of.legal_profile, "terms": "terms", "terms_hash": "5" * 64, "terms_accepted_at": ORDERING_OPENS}
    made = Order(campaign_id=of.id, person_id=customer.id, **(values | terms | changes))
    session.add(made)
    session.flush()
    for variant, units in lines:
        price = variant.price or 0
        keys = {"order_id": made.id, "candidate_id": variant.candidate_id, "variant_id": variant.id}
        money = {"units": units, "unit_price": price, "deposit": price * units // 5}
        session.add(OrderLine(campaign_id=of.id, **keys, **(money | of_lines)))
    session.flush()
    return made


def lines_of(session: Session, of: Order) -> list[OrderLine]:
    """Return an order's lines, oldest first."""
    return list(session.scalars(select(OrderLine).where(OrderLine.order_id == of.id).order_by(OrderLine.id)))


def payment(session: Session, of: Order, amount: int, **changes: Any) -> Payment:
    """Capture `amount` fen for an order at the sandbox."""
    values = {"key": secrets.token_urlsafe(12), "gateway": "sandbox", "merchant": "main", "currency": "CNY", "captured": amount}
    times = {"created_at": ORDERING_OPENS, "checked_at": ORDERING_OPENS, "settled_at": ORDERING_OPENS}
    made = Payment(payer=of.ref, amount=amount, **({"state": PaymentState.CAPTURED} | values | times | changes))
    session.add(made)
    session.flush()
    return made


def refund(session: Session, of: Payment, *lines: OrderLine, reason: RefundReason = RefundReason.MISSED, **changes: Any) -> Refund:
    """Queue the deposits of `lines` to go back by the payment that they came with."""
    times = {"queued_at": ORDERING_CLOSES, "next_attempt_at": ORDERING_CLOSES}
    values = {"key": secrets.token_urlsafe(12), "amount": sum(line.deposit for line in lines), **times}
    made = Refund(payment_id=of.id, **(values | changes))
    session.add(made)
    session.flush()
    for line in lines:
        session.add(RefundLine(refund_id=made.id, order_id=line.order_id, line_id=line.id, amount=line.deposit, reason=reason))
    session.flush()
    return made


def transfer(session: Session, of: Campaign, key: str, amount: int, *, debit: str, credit: str, **changes: Any) -> Transfer:
    """Move `amount` fen from `credit` to `debit` in the campaign's books."""
    values = {"currency": of.currency, "event": "captured", "campaign": of.slug, "at": ORDERING_OPENS, **changes}
    made = Transfer(id=key, debit=debit, credit=credit, amount=amount, **values)
    session.add(made)
    session.flush()
    return made


def decision(
    session: Session, of: Campaign, *, reached: dict[Candidate, int] | None = None, missed: dict[Candidate, int] | None = None
) -> Decision:
    """Store a decision: candidates that reached their minimum and that missed it, with their units."""
    made = Decision(campaign_id=of.id, at=ORDERING_CLOSES + timedelta(days=1), actor="cli:test", input_hash="6" * 64, figures={})
    session.add(made)
    session.flush()
    for outcome, products in ((ProductOutcome.REACHED, reached or {}), (ProductOutcome.MISSED, missed or {})):
        for product, units in products.items():
            minimum = min(units, of.minimum) if outcome is ProductOutcome.REACHED else of.minimum
            values = {"units": units, "minimum": minimum, "outcome": outcome, "made": outcome is ProductOutcome.REACHED, "tier": 1}
            session.add(DecisionLine(campaign_id=of.id, candidate_id=product.id, **values))
    session.flush()
    return made


def production_order(session: Session, of: Campaign, by: Supplier, *lines: tuple[Variant, int], **changes: Any) -> ProductionOrder:
    """Ask a supplier to make units of variants, at 100.00 a unit with 13 % tax; the decision must have reached them."""
    values = {"number": f"{of.slug}-{by.code}", "created_at": ORDERING_CLOSES + timedelta(days=1), **changes}
    made = ProductionOrder(campaign_id=of.id, supplier_id=by.id, **values)
    session.add(made)
    session.flush()
    for number, (variant, units) in enumerate(lines, start=1):
        keys = {"candidate_id": variant.candidate_id, "variant_id": variant.id, "production_order_id": made.id}
        costs = {"units_ordered": units, "unit_cost": 10000, "tax_rate": 1300}
        session.add(ProductionOrderLine(campaign_id=of.id, line=number, **keys, **costs))
    session.flush()
    return made


def production_lines_of(session: Session, of: ProductionOrder) -> list[ProductionOrderLine]:
    """Return a production order's lines in their order."""
    lines = ProductionOrderLine
    return list(session.scalars(select(lines).where(lines.production_order_id == of.id).order_by(lines.line)))


def candidate_of(session: Session, of: Campaign, code: str) -> Candidate:
    """Return a campaign's candidate by its code."""
    return session.scalars(select(Candidate).where(Candidate.campaign_id == of.id, Candidate.code == code)).one()


def campaign_of(session: Session, slug: str) -> Campaign:
    """Return a campaign by its slug."""
    return session.scalars(select(Campaign).where(Campaign.slug == slug)).one()


def order_of(session: Session, line: OrderLine) -> Order:
    """Return the order of a line."""
    return session.get_one(Order, line.order_id)
