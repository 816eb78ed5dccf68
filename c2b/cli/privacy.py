"""c2b privacy: what is known of a customer, given out or gone."""

import json
from typing import Any

import click
from sqlalchemy.orm import Session

from c2b import clock
from c2b.audit import actions as audit
from c2b.cli import context
from c2b.deposits import privacy as deposits
from c2b.messages import privacy as messages
from c2b.people import privacy as people
from c2b.people.models import Person
from c2b.voting import privacy as voting


@click.group("privacy")
def group() -> None:
    """What is known of a customer, given out or gone."""


def _key() -> str:
    return context.settings().with_local_secret().secret_key.get_secret_value()


@group.command()
@click.argument("address")
def export(address: str) -> None:
    """Print everything about the customer with this e-mail ADDRESS or telephone number, as one JSON document.

    It is personal, picks included: give it to nobody else. The audit log keeps that it was made.
    """
    with context.transaction() as session:
        person = people.find(session, address=address, secret_key=_key())
        document = _everything(session, person)
        audit.record(session, actor=context.actor(), action="people.export_person", object=person.ref, now=clock.now())
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _everything(session: Session, person: Person) -> dict[str, Any]:
    theirs = people.is_theirs(session, person, secret_key=_key())
    return {
        "person": people.exported(session, person),
        "ballots": voting.exported(session, person),
        "orders": deposits.exported(session, person),
        "messages": messages.exported(session, theirs=theirs, channels=theirs.channels),
        "news": messages.refused(session, reader=person.ref),
    }


@group.command()
@click.argument("address")
@click.confirmation_option(prompt="This can't be undone. Erase this customer's data?")
def erase(address: str) -> None:
    """Erase the customer with this e-mail ADDRESS or telephone number.

    Name, addresses, size, logins, messages' contents and the addresses of closed orders are gone. Ballots stay without a name, so
    that counts and published results stay true. Refused while an order is open or its money isn't settled.
    """
    with context.transaction() as session:
        person = people.find(session, address=address, secret_key=_key())
        deposits.require_over(session, person)
        theirs = people.is_theirs(session, person, secret_key=_key())
        gone = {"orders": deposits.erase(session, person)}
        told = messages.erase(session, theirs=theirs, channels=theirs.channels, reader=person.ref)
        gone["messages"] = len(told)
        voting.erase(session, person)
        people.erase(session, person)
        audit.record(session, actor=context.actor(), action="people.erase_person", object=person.ref, after=gone, now=clock.now())
    _scrub(told)
    click.echo(f"Erased. {gone['messages']} messages and {gone['orders']} orders no longer say whose they were; the ballots stay.")


def _scrub(told: list[int]) -> None:
    """Take what was erased from the disk too: SQLite keeps old pages in its file and log, and the outbox keeps mails as files."""
    for number in told:
        (context.settings().data / "outbox" / f"{number:08}.eml").unlink(missing_ok=True)
    if context.database().is_sqlite:
        connection = context.database().engine.raw_connection()
        for statement in ("PRAGMA query_only=OFF", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.cursor().execute(statement)
        connection.close()
