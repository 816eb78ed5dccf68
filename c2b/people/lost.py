"""The way back for a customer who can't reach their address any more: asked, agreed by two, open to objection, then done.

The ballots stay with the person; nobody on this way sees a pick.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.audit.rules import is_staff
from c2b.db import Database
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.messages import actions as messages
from c2b.people import retired, rules
from c2b.people.actions import end_logins
from c2b.people.codes import prove
from c2b.people.models import Address, LostAddress, Person
from c2b.people.rules import OBJECTION, AddressKind, LostState, mask

_NOBODYS = bytes(32)
"""What no address has as its keyed hash."""
_OPEN = frozenset({LostState.ASKED, LostState.PROPOSED, LostState.WAITING})


@dataclass(frozen=True)
class Request:
    """A request as staff see it: masked, with what is known of the account, never what it picked."""

    ref: str
    kind: AddressKind
    old: str
    new: str
    words: str
    asked_at: datetime
    state: LostState
    reason: str
    proposed_by: str
    approved_by: str
    moves_at: datetime | None
    known_since: datetime | None
    """When the account was made that the old address leads to; None: it leads to none."""
    taken: bool
    """Whether the new address belongs to an account already."""

    @property
    def possible(self) -> bool:
        """Whether there is an account to move and a place to move it to."""
        return self.known_since is not None and not self.taken


def ask(
    session: Session,
    *,
    kind: AddressKind,
    old: str,
    new: str,
    code: str,
    words: str,
    locale: str,
    secret_key: str,
    now: datetime,
) -> bool:
    """Write a request down if `new` is proved by `code`; False if the code isn't valid: leave the transaction normally then.

    The same happens in the same time whether or not anybody is known by `old`. Raises Invalid (field `old`) for what is no address.
    """
    old_digest = _digest_of_old(secret_key, kind, old)
    if not prove(session, kind=kind, address=new, code=code, secret_key=secret_key, now=now):
        return False
    facts: dict[str, Any] = {"kind": kind, "words": words.strip(), "locale": locale, "asked_at": now, "state": LostState.ASKED}
    facts |= {"old_value": rules.reachable(kind, old), "old_digest": old_digest}
    facts |= {"new_value": rules.reachable(kind, new), "new_digest": rules.address_digest(secret_key, kind, new)}
    session.add(LostAddress(ref=secrets.token_urlsafe(12), **facts))
    session.flush()
    return True


def _digest_of_old(secret_key: str, kind: AddressKind, old: str) -> bytes:
    try:
        return rules.address_digest(secret_key, kind, old)
    except Invalid as problem:
        raise Invalid(problem.message, field="old", **problem.values) from problem


def propose(session: Session, *, ref: str, reason: str, actor: str, now: datetime) -> None:
    """Be for a request, with what convinced you; raises Refused where there is nothing to move, NotFound, Invalid without a reason."""
    request = _request(session, ref, LostState.ASKED)
    _movable(session, request)
    request.state, request.reason, request.proposed_by = LostState.PROPOSED, _said(reason), _member(actor)
    audit.record(session, actor=actor, action="people.propose_move", object=ref, reason=request.reason, now=now)


def approve(session: Session, *, ref: str, actor: str, now: datetime) -> None:
    """Agree as a second person: the old address is told at once how to object, and in 72 hours the account moves.

    Raises NotFound, and Refused for who proposed it or where there is nothing to move any more.
    """
    request = _request(session, ref, LostState.PROPOSED)
    if _member(actor) == request.proposed_by:
        raise Refused(N_("You proposed this yourself; somebody else has to agree"))
    known = _movable(session, request)
    token = secrets.token_urlsafe(12)
    request.state, request.approved_by, request.approved_at = LostState.WAITING, actor, now
    request.stop_hash = rules.token_hash(token)
    session.flush()
    fields = {"new": mask(request.kind, request.new_value), "hours": f"{OBJECTION.total_seconds() / 3600:.0f}"}
    _tell(session, request, "address_lost", to=known.value, now=now, path=f"/stop/{token}", **fields)
    enqueue(session, kind="people.move_account", payload={"ref": ref}, now=now, run_at=now + OBJECTION)
    audit.record(session, actor=actor, action="people.approve_move", object=ref, now=now)


def refuse(session: Session, *, ref: str, reason: str, actor: str, now: datetime) -> None:
    """Refuse a request that isn't done yet, with a reason for the books; who asked is told that nothing moves, and no more."""
    request = _request(session, ref, *_OPEN)
    request.state, request.reason = LostState.REFUSED, _said(reason)
    session.flush()
    _tell(session, request, "address_kept", to=request.new_value, now=now)
    audit.record(session, actor=_member(actor), action="people.refuse_move", object=ref, reason=request.reason, now=now)


def stop(session: Session, *, token: str, now: datetime) -> None:
    """Object, as who reads the old address; raises Refused for a link that is used, unknown, or too late."""
    found = select(LostAddress).where(LostAddress.stop_hash == rules.token_hash(token), LostAddress.state == LostState.WAITING)
    request = session.scalars(found.with_for_update()).one_or_none()
    if request is None:
        raise Refused(N_("This link was used or is too old. If your account isn't where it should be, write to us"))
    request.state, request.stop_hash = LostState.STOPPED, None
    session.flush()
    _tell(session, request, "address_kept", to=request.new_value, now=now)
    audit.record(session, actor="customer", action="people.stop_move", object=request.ref, now=now)


def move_account(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Do the job that an approval asked for: the new address for the old one, and everybody signed out; ballots and orders stay.

    A request that was stopped or refused meanwhile, or whose addresses are somebody else's now, moves nothing.
    """
    with database.transaction() as session:
        found = select(LostAddress).where(LostAddress.ref == payload["ref"], LostAddress.state == LostState.WAITING)
        request = session.scalars(found.with_for_update()).one_or_none()
        if request is not None:
            _move(session, request, now)


def _move(session: Session, request: LostAddress, now: datetime) -> None:
    try:
        known = _movable(session, request)
    except Refused as problem:
        request.state, request.reason = LostState.REFUSED, str(problem)
        return
    retired.release(session, digests=[request.new_digest])  # they may come back to one that was theirs
    retired.retire(session, address=known, now=now)
    # The row is changed, not a second one made: who reads the old address from now on is nobody we know.
    known.value, known.digest, known.verified_at = request.new_value, request.new_digest, now
    request.state, request.stop_hash = LostState.DONE, None
    session.flush()
    end_logins(session, person_id=known.person_id, now=now)
    _tell(session, request, "address_moved", to=request.new_value, now=now)
    audit.record(session, actor="worker", action="people.move_account", object=request.ref, now=now)


def _request(session: Session, ref: str, *states: LostState) -> LostAddress:
    """Return a request in one of `states`, locked; raises NotFound for any other, which somebody else may just have decided."""
    found = select(LostAddress).where(LostAddress.ref == ref, LostAddress.state.in_(states))
    request = session.scalars(found.with_for_update()).one_or_none()
    if request is None:
        raise NotFound(N_("There is no such request, or it was decided meanwhile; look at the list again"))
    return request


def _movable(session: Session, request: LostAddress) -> Address:
    """Return the address that the account would move from, its person locked; raises Refused where nothing can move."""
    known = session.scalars(select(Address).where(Address.kind == request.kind, Address.digest == request.old_digest)).one_or_none()
    if known is None:
        raise Refused(N_("The old address leads to no account; there is nothing to move"))
    session.execute(select(Person.id).where(Person.id == known.person_id).with_for_update())
    taken = select(Address.id).where(Address.kind == request.kind, Address.digest == request.new_digest)
    if session.execute(taken).first():
        raise Refused(N_("The new address has an account of its own; two accounts are never joined"))
    before = retired.former(session, kind=request.kind, digest=request.new_digest)
    if before and before.person_id != known.person_id:
        raise Refused(N_("The new address was another account's before it was moved; the customer has to choose a different one"))
    return known


def _tell(session: Session, request: LostAddress, template: str, *, to: str, now: datetime, **fields: str) -> None:
    facts = {"event": f"{template}:{request.ref}", "channel": request.kind.value, "recipient": to, "locale": request.locale}
    messages.queue(session, template=template, fields=fields, now=now, **facts)


def _said(reason: str) -> str:
    if not reason.strip():
        raise Invalid(N_("Say why; it stays in the audit log"))
    return reason.strip()


def _member(actor: str) -> str:
    if not is_staff(actor):
        raise Refused(N_("Only a signed-in member of staff can decide this"))
    return actor


def requests(session: Session, *, limit: int = 100) -> list[Request]:
    """Return the newest requests, those that wait for somebody first."""
    known = select(Person.created_at).join(Address).where(Address.kind == LostAddress.kind, Address.digest == LostAddress.old_digest)
    taken = select(Address.id).where(Address.kind == LostAddress.kind, Address.digest == LostAddress.new_digest).exists()
    query = select(LostAddress, known.scalar_subquery(), taken).order_by(LostAddress.state.not_in(_OPEN), LostAddress.id.desc())
    return [_shown(*row) for row in session.execute(query.limit(limit))]


def _shown(row: LostAddress, known_since: datetime | None, taken: bool) -> Request:  # noqa: FBT001  a column of the query
    moves_at = row.approved_at + OBJECTION if row.approved_at and row.state is LostState.WAITING else None
    old, new = mask(row.kind, row.old_value), mask(row.kind, row.new_value)
    plain = {name: getattr(row, name) for name in ("ref", "kind", "words", "asked_at", "state", "reason", "proposed_by", "approved_by")}
    return Request(old=old, new=new, moves_at=moves_at, known_since=known_since, taken=bool(taken), **plain)


def forget(session: Session, *, digests: list[bytes]) -> None:
    """Blank what requests from or to these addresses say, and end those that are open: decisions stay, personal data goes."""
    about = LostAddress.old_digest.in_(digests) | LostAddress.new_digest.in_(digests)
    open_ = LostAddress.state.in_(_OPEN)
    session.execute(update(LostAddress).where(about, open_).values(state=LostState.REFUSED, stop_hash=None))
    blank = {"old_value": "", "new_value": "", "words": "", "old_digest": _NOBODYS, "new_digest": _NOBODYS}
    session.execute(update(LostAddress).where(about).values(blank))
