"""Bringing statements in: once a file, once a movement, and never a guess."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.errors import Invalid, NotFound
from c2b.jobs.models import Job
from c2b.payments import statements
from c2b.payments.checks import checks
from c2b.payments.gateways.sandbox import statement as sheet
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Statement, StatementRow
from c2b.payments.protocol import Entry, StatementLine
from c2b.payments.statements import Imported
from tests.payments.conftest import START
from tests.statements import counted

PAID = StatementLine(2, Entry.PAYMENT, "pay-1", "SBX-pay-1", 5980, 35, "CNY", START)
BACK = StatementLine(3, Entry.REFUND, "pay-1-1", "SBX-pay-1-1", -5000, -30, "CNY", START + timedelta(hours=1))
MONTHLY = StatementLine(4, Entry.FEE, "", "SBX-march", -990, 0, "CNY", START + timedelta(hours=2))
TO_BANK = StatementLine(5, Entry.PAYOUT, "", "SBX-out", -900, 0, "CNY", START + timedelta(hours=3))
ALL = (PAID, BACK, MONTHLY, TO_BANK)


def bring(database: Database, sandbox: Sandbox, lines: Sequence[StatementLine], name: str = "march.csv") -> Imported:
    read = statements.read({"sandbox": sandbox}, gateway="sandbox", content=sheet.write(lines))
    with database.transaction() as session:
        return statements.import_statement(session, read, name=name, actor="cli:anna", now=START + timedelta(days=1))


def rows(database: Database) -> list[StatementRow]:
    with database.reading() as session:
        return list(session.scalars(select(StatementRow).order_by(StatementRow.id)))


def test_a_statement_is_stored_with_its_period_and_sums(database: Database, sandbox: Sandbox) -> None:
    done = bring(database, sandbox, ALL)
    assert (done.gateway, done.merchant, done.lines, done.new, done.repeated, done.again) == ("sandbox", "main", 4, 4, 0, False)
    assert (done.begins_at, done.ends_at) == (PAID.at, TO_BANK.at)
    assert done.sums == {"CNY": {"fees": 995, "payment": 5980, "payout": -900, "refund": -5000}}
    assert [(row.line, row.entry, row.key, row.reference, row.amount, row.fee, row.at) for row in rows(database)] == [
        (line.line, line.entry, line.key, line.reference, line.amount, line.fee, line.at) for line in ALL
    ]


def test_the_same_file_twice_changes_nothing(database: Database, sandbox: Sandbox) -> None:
    first = bring(database, sandbox, ALL)
    again = bring(database, sandbox, ALL, name="the same by another name.csv")
    assert again == replace(first, again=True)
    with database.reading() as session:
        assert session.scalars(select(Statement.name)).all() == ["march.csv"]
        assert len(session.scalars(select(AuditEntry)).all()) == 1
        assert len(session.scalars(select(Job).where(Job.kind == "payments.match")).all()) == 1
    assert len(rows(database)) == 4


def test_files_that_overlap_count_no_line_twice(database: Database, sandbox: Sandbox) -> None:
    bring(database, sandbox, ALL[:2])
    second = bring(database, sandbox, ALL[1:])
    assert (second.lines, second.new, second.repeated) == (3, 2, 1)
    assert second.sums == {"CNY": {"fees": 990, "payout": -900}}
    assert [row.reference for row in rows(database)] == [line.reference for line in ALL]


def test_a_line_that_stands_twice_in_one_file_is_one_movement(database: Database, sandbox: Sandbox) -> None:
    done = bring(database, sandbox, [PAID, replace(PAID, line=3)])
    assert (done.lines, done.new, done.repeated) == (2, 1, 1)


def test_a_dispute_and_its_end_share_a_reference_and_are_two_movements(database: Database, sandbox: Sandbox) -> None:
    lost = StatementLine(2, Entry.DISPUTE, "pay-1", "dp_1", -5980, 0, "CNY", START)
    assert bring(database, sandbox, [lost, replace(lost, line=3, amount=5980)]).new == 2


@pytest.mark.parametrize("other", [{"fee": 36}, {"currency": "EUR"}])
def test_a_movement_that_two_files_tell_differently_stops_the_second(
    database: Database, sandbox: Sandbox, other: dict[str, object]
) -> None:
    bring(database, sandbox, ALL)
    with pytest.raises(Invalid, match="Line 3 says something else of SBX-pay-1") as refused:
        bring(database, sandbox, [TO_BANK, replace(PAID, **other)])  # type: ignore[arg-type]  # one field at a time
    assert refused.value.field == "file"
    assert len(rows(database)) == 4


def test_lines_without_a_reference_are_told_apart_and_still_counted_once(database: Database, sandbox: Sandbox) -> None:
    nameless = replace(MONTHLY, reference="")
    lines = [nameless, replace(nameless, line=5), replace(nameless, line=6, amount=-1)]
    assert bring(database, sandbox, lines).new == 3
    assert bring(database, sandbox, [PAID, *lines]).new == 1
    assert bring(database, sandbox, [replace(PAID, key="pay-2", reference="")]).new == 1
    assert rows(database)[-1].reference == "pay-2"


def test_two_accounts_at_one_gateway_have_books_of_their_own(database: Database, sandbox: Sandbox) -> None:
    bring(database, sandbox, ALL)
    sandbox.merchant = "second"
    done = bring(database, sandbox, ALL)
    assert (done.merchant, done.new, done.again) == ("second", 4, False)


def test_a_day_without_any_movement_is_a_statement_too(database: Database, sandbox: Sandbox) -> None:
    done = bring(database, sandbox, [])
    assert (done.lines, done.begins_at, done.ends_at, done.sums) == (0, None, None, {})


def test_an_import_is_one_entry_of_the_audit_log(database: Database, sandbox: Sandbox) -> None:
    done = bring(database, sandbox, ALL)
    with database.reading() as session:
        (entry,) = session.scalars(select(AuditEntry))
    assert (entry.actor, entry.action, entry.object) == ("cli:anna", "payments.import_statement", "sandbox: march.csv")
    assert entry.after == {"lines": 4, "new": 4, "sha256": done.sha256, "sums": done.sums, "merchant": "main"}


def test_a_gateway_that_is_not_switched_on_has_no_statements(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound, match="“stripe” isn't switched on here; there are sandbox"):
        statements.read({"sandbox": sandbox}, gateway="stripe", content=b"")


def test_a_reference_that_no_provider_writes_names_its_line(sandbox: Sandbox) -> None:
    for name, length in (("reference", 71), ("key", 41)):
        content = sheet.write([PAID, replace(PAID, line=3, **{name: "x" * length})])  # type: ignore[arg-type]  # both are texts
        with pytest.raises(Invalid, match="Line 3: the reference is longer"):
            statements.read({"sandbox": sandbox}, gateway="sandbox", content=content)


def test_more_than_a_provider_sends_in_one_file_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "LARGEST", 10)
    with pytest.raises(Invalid, match="larger than"):
        statements.read({"sandbox": sandbox}, gateway="sandbox", content=b"x" * 11)


def test_a_long_statement_takes_no_more_questions_than_a_short_one(database: Database, sandbox: Sandbox) -> None:
    with counted(database) as few:
        bring(database, sandbox, ALL[:1])
    lines = [replace(PAID, line=n, key=f"k-{n}", reference=f"SBX-k-{n}") for n in range(2, 1000)]
    with counted(database) as many:
        assert bring(database, sandbox, lines).new == 998
    assert len(few) == len(many)


def test_the_audit_adds_every_statement_up_again(database: Database, sandbox: Sandbox) -> None:
    bring(database, sandbox, ALL)
    with database.transaction() as session:
        assert checks(session) == []
        session.scalars(select(StatementRow).where(StatementRow.reference == "SBX-march")).one().amount = -991
    with database.reading() as session:
        (finding,) = checks(session)
    assert finding.check == "payments.statement_sums"
    assert "march.csv" in finding.what


def test_the_audit_misses_a_line_that_is_gone(database: Database, sandbox: Sandbox) -> None:
    bring(database, sandbox, [*ALL, replace(PAID, line=9, key="free", reference="free", amount=0, fee=0)])
    with database.transaction() as session:
        session.delete(session.scalars(select(StatementRow).where(StatementRow.reference == "free")).one())
    with database.reading() as session:
        assert [finding.check for finding in checks(session)] == ["payments.statement_sums"]
