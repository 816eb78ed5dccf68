"""The size that somebody usually wears: said once if they like, never needed."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.people.models import Person


def of(session: Session, *, person_id: int) -> str:
    """Return the person's size; empty if they didn't say."""
    return session.scalar(select(Person.size).where(Person.id == person_id)) or ""


def say(session: Session, *, person_id: int, size: str) -> None:
    """Keep the person's size; an empty one removes it."""
    session.execute(update(Person).where(Person.id == person_id).values(size=size))


def bring(session: Session, *, guest_id: int | None, person_id: int) -> None:
    """Let an account take the size that was said before signing in, unless it has one of its own."""
    if guest_id not in {None, person_id} and (size := of(session, person_id=guest_id or 0)):
        session.execute(update(Person).where(Person.id == person_id, Person.size == "").values(size=size))
