"""Saying no to news: by a link that works without signing in, and by a setting of one's own. What is required is always sent."""

import hashlib
from collections.abc import Collection
from datetime import datetime

from itsdangerous import BadSignature, Signer
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.messages.models import OptOut


def token(secret_key: str, reader: str) -> str:
    """Return what stands in the link of a mail: it names its reader, nobody else can make it, and it never expires."""
    return _signer(secret_key).sign(reader).decode()


def reader_of(secret_key: str, signed: str) -> str | None:
    """Return whose token it is, or None for one that we didn't make."""
    try:
        return _signer(secret_key).unsign(signed).decode()
    except (BadSignature, UnicodeError):
        return None


def refuse(session: Session, *, reader: str, now: datetime) -> None:
    """Send no optional message to this reader from now on; what is waiting to be sent is dropped. The first refusal's time stays."""
    session.execute(insert_into(session, OptOut).values(reader=reader, at=now).on_conflict_do_nothing(index_elements=["reader"]))


def allow(session: Session, *, reader: str) -> None:
    """Send optional messages again."""
    session.execute(delete(OptOut).where(OptOut.reader == reader))


def refused_at(session: Session, *, reader: str) -> datetime | None:
    """Return since when a reader refuses optional messages; None: they get them."""
    return session.scalars(select(OptOut.at).where(OptOut.reader == reader)).one_or_none()


def refusing(session: Session, readers: Collection[str]) -> set[str]:
    """Return which of these refuse optional messages."""
    return set(session.scalars(select(OptOut.reader).where(OptOut.reader.in_(readers)))) if readers else set()


def _signer(secret_key: str) -> Signer:
    return Signer(secret_key, salt="c2b.opt_out", key_derivation="hmac", digest_method=hashlib.sha256)
