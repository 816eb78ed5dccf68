"""Deliberate faults in the handling of money, one at a time: a harness that doesn't notice one of them proves nothing."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from c2b.db import Database
from c2b.deposits import actions, apply_refund, pay, sending
from c2b.ledger import actions as ledger
from c2b.payments import inbox, protocol
from c2b.payments.protocol import Answer, Client, Gateways, Heard, PaymentFacts
from c2b.payments.rules import new_key


def a_new_key_per_attempt(patch: pytest.MonkeyPatch) -> None:
    """Every attempt at a refund calls itself something else."""
    real = sending._send

    def send(gateway: Any, claimed: sending.Claimed) -> Answer:
        renamed = replace(claimed.facts, key=f"{claimed.facts.key}x{secrets.token_hex(3)}")
        return real(gateway, replace(claimed, facts=renamed))

    patch.setattr(sending, "_send", send)


def a_time_out_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    """Who doesn't answer has refused."""
    real = protocol.ask

    def ask(call: Any, facts: Any) -> Answer:
        answer: Answer = real(call, facts)
        return Answer(Heard.FAILED, why="time-out") if answer.heard is Heard.UNKNOWN else answer

    for room in (pay, sending):
        patch.setattr(room, "ask", ask)


def a_bounced_refund_is_ignored(patch: pytest.MonkeyPatch) -> None:
    """What was settled stays settled."""
    patch.setattr(apply_refund, "_bounced", lambda *_rest: None)


def the_call_before_the_intent(patch: pytest.MonkeyPatch) -> None:
    """The gateway hears of a payment before it is written down."""
    real, names = pay.pay, [new_key()]

    def call_first(database: Database, gateways: Gateways, *, gateway: str, now: Any, **about: Any) -> str:
        names[:] = [new_key()]
        by = gateways[gateway]
        protocol.ask(by.start, PaymentFacts(names[0], 5980, "CNY", by.merchant, now + by.lasts, "/", client=Client()))
        return real(database, gateways, gateway=gateway, now=now, **about)

    patch.setattr(actions, "new_key", lambda: names[0])
    patch.setattr(pay, "pay", call_first)


def a_random_transfer_id(patch: pytest.MonkeyPatch) -> None:
    """A transfer is called something else each time that it is booked."""
    real = ledger.post

    def post(session: Any, transfers: Sequence[Any], **about: Any) -> int:
        return real(session, [replace(each, id=secrets.token_hex(16)) for each in transfers], **about)

    patch.setattr(ledger, "post", post)


def an_answer_before_the_inbox(patch: pytest.MonkeyPatch) -> None:
    """The gateway hears 2xx, and its event is written down when there is time."""
    real, heard, waiting = inbox.store, pay.hear, list[dict[str, Any]]()
    patch.setattr("c2b.api.webhooks.inbox.store", lambda _session, **about: waiting.append(about))

    def hear(database: Database, *rest: Any) -> int:
        with database.transaction() as session:
            for about in waiting:
                real(session, **about)
        waiting.clear()
        return heard(database, *rest)

    patch.setattr(pay, "hear", hear)


def no_transaction_at_all(patch: pytest.MonkeyPatch) -> None:
    """Every statement is for good at once."""
    real = Database.transaction

    def tear(connection: Connection, _cursor: Any, _statement: str, *_rest: Any) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        if driver.in_transaction and connection.get_execution_options().get("c2b_write"):
            driver.commit()
            driver.execute("BEGIN IMMEDIATE")

    @contextmanager
    def transaction(self: Database) -> Iterator[Any]:
        if not event.contains(self.engine, "before_cursor_execute", tear):
            event.listen(self.engine, "before_cursor_execute", tear)
        with real(self) as session:
            yield session

    patch.setattr(Database, "transaction", transaction)


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "": lambda _patch: None,
    **{
        fault.__name__: fault
        for fault in (
            a_new_key_per_attempt,
            a_time_out_is_a_failure,
            a_bounced_refund_is_ignored,
            the_call_before_the_intent,
            a_random_transfer_id,
            an_answer_before_the_inbox,
            no_transaction_at_all,
        )
    },
}
