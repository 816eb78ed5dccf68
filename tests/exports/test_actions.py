import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openpyxl.utils.escape import unescape
from psycopg import ServerCursor
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.errors import Refused
from c2b.exports import actions, kinds
from c2b.exports.actions import Wanted
from c2b.exports.kinds import Format, Kind
from c2b.exports.sheet import BATCH, Rows
from c2b.ledger.models import Transfer
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

ACTOR = "staff:anna@example.com"


def wanted(kind: Kind, form: Format = Format.CSV) -> Wanted:
    return Wanted("ss27", kind, form, "zh_Hans_CN")


def entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry)))


@contextmanager
def statements(session: Session) -> Iterator[list[Any]]:
    """Collect the cursors on which statements are executed meanwhile."""
    seen: list[Any] = []

    def note(_connection: Any, cursor: Any, *_rest: Any) -> None:
        seen.append(cursor)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_an_export_is_recorded_with_rows_totals_and_hash(database: Database) -> None:
    with database.transaction() as session:
        make.transfer(session, make.campaign(session), "cap:1", 5980, debit="psp:sandbox:main", credit="dep:1")
    stream = io.BytesIO()
    info = actions.export(database, stream, wanted=wanted(Kind.LEDGER), actor=ACTOR, now=files.LATER)
    (entry,) = entries(database)
    assert (entry.actor, entry.action, entry.campaign, entry.object, entry.at) == (ACTOR, "exports.export", "ss27", "ledger", files.LATER)
    assert entry.after == {
        "format": "csv",
        "rows": 1,
        "totals": {"amount": 5980},
        "amounts": ["amount"],
        "currency": "CNY",
        "run": "",
        "sha256": hashlib.sha256(stream.getvalue()).hexdigest(),
    }
    assert info.sha256 == entry.after["sha256"]


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX, Format.JSON, Format.BEANCOUNT])
def test_the_hash_is_that_of_the_file(session: Session, form: Format) -> None:
    make.transfer(session, make.campaign(session), "cap:1", 5980, debit="psp:sandbox:main", credit="dep:1")
    data, info = files.made(session, Kind.LEDGER, form)
    assert info.sha256 == hashlib.sha256(data).hexdigest()


def test_what_is_refused_is_not_recorded(database: Database) -> None:
    with database.transaction() as session:
        make.campaign(session)
    with pytest.raises(Refused):
        actions.export(database, io.BytesIO(), wanted=wanted(Kind.RESULTS), actor=ACTOR, now=files.LATER)
    assert entries(database) == []


@pytest.mark.parametrize("bom", [True, False])
def test_csv_for_people_begins_with_a_byte_order_mark(session: Session, *, bom: bool) -> None:
    make.campaign(session)
    data, _ = files.made(session, Kind.LEDGER, bom=bom)
    assert data.startswith(b"\xef\xbb\xbf") is bom
    assert data.removeprefix(b"\xef\xbb\xbf").startswith(b"id,at,event,debit")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(session: Session, shop: Shop, text: str) -> None:
    shop.knit.name = text
    make.selection(session, shop.campaign, (shop.knit, 1))
    assert files.table(session, Kind.RESULTS)[0]["candidate_name"] == "'" + text
    assert files.document(session, Kind.RESULTS)["rows"][0]["candidate_name"] == text
    cell = files.workbook(session, Kind.RESULTS)["入选结果"].cell(2, 3)
    assert (unescape(str(cell.value)), cell.data_type) == (text, "s")


def test_a_negative_looking_text_in_the_middle_stays_as_it_is(session: Session, shop: Shop) -> None:
    shop.knit.name = 'A-line, "wide"\nhem'
    make.selection(session, shop.campaign, (shop.knit, 1))
    assert files.table(session, Kind.RESULTS)[0]["candidate_name"] == 'A-line, "wide"\nhem'


def test_a_workbook_that_would_not_fit_is_refused_and_not_cut(session: Session, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make.selection(session, shop.campaign, (shop.knit, 1), (shop.formula, 0))
    monkeypatch.setattr("c2b.exports.writers.xlsx.MOST_ROWS", 2)
    with pytest.raises(Refused, match="export CSV instead"):
        files.made(session, Kind.RESULTS, Format.XLSX)


def test_a_currency_without_decimals_has_none_in_any_file(session: Session) -> None:
    make.transfer(session, make.campaign(session, currency="JPY"), "cap:1", 1500, debit="psp:sandbox:main", credit="dep:1", currency="JPY")
    assert files.table(session, Kind.LEDGER)[0]["amount"] == "1500"
    assert files.document(session, Kind.LEDGER)["rows"][0]["amount"] == 1500
    cell = files.workbook(session, Kind.LEDGER)["账本"].cell(2, 5)
    assert (cell.value, cell.number_format) == (1500, "#,##0")


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Paris", "America/New_York"])
def test_times_carry_the_offset_that_the_campaigns_zone_has_on_that_day(session: Session, zone: str) -> None:
    campaign = make.campaign(session, time_zone=zone)
    for key, at in (("winter", make.OPENS), ("summer", make.ORDERING_CLOSES)):
        make.transfer(session, campaign, key, 1, debit="psp:sandbox:main", credit="dep:1", at=at)
    offsets = [row["at"][19:] for row in files.table(session, Kind.LEDGER)]
    assert (
        offsets == {"Asia/Shanghai": ["+08:00"] * 2, "Europe/Paris": ["+01:00", "+02:00"], "America/New_York": ["-05:00", "-04:00"]}[zone]
    )


def transfers(session: Session, count: int) -> None:
    """Book `count` captures of one fen each, in one statement."""
    make.campaign(session)
    common = {
        "debit": "psp:sandbox:main",
        "credit": "suspense:sandbox",
        "amount": 1,
        "currency": "CNY",
        "event": "captured",
        "campaign": "ss27",
    }
    session.execute(insert(Transfer), [{"id": f"cap:{number:06d}", "at": make.ORDERING_OPENS, **common} for number in range(count)])


def resident() -> int:
    """Return how many bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(("form", "count"), [(Format.CSV, 50_000), (Format.XLSX, 20_000)])
def test_ten_times_the_rows_take_no_more_memory(sqlite_database: Database, form: Format, count: int) -> None:
    with sqlite_database.transaction() as session:
        transfers(session, count)
    sizes: list[int] = []

    def measured(rows: Rows) -> Rows:
        for number, row in enumerate(rows, start=1):
            if number % (count // 10) == 0:
                sizes.append(resident())
            yield row

    with sqlite_database.reading() as session, Path(os.devnull).open("wb") as nowhere:
        sheet = kinds.build(session, make.campaign_of(session, "ss27"), Kind.LEDGER, locale="en", counts_allowed=False, now=files.LATER)
        sheet.rows = measured(sheet.rows)
        kinds.writer(Kind.LEDGER, form)(sheet, nowhere)
    assert sheet.tally.rows == count
    assert max(sizes) - sizes[0] < 4_000_000  # 50,000 of them at once take 25 MB


def test_rows_are_fetched_in_batches_and_not_before_they_are_written(database: Database) -> None:
    with database.transaction() as session:
        transfers(session, 3 * BATCH)
    with database.reading() as session:
        campaign = make.campaign_of(session, "ss27")
        sheet = kinds.build(session, campaign, Kind.LEDGER, locale="en", counts_allowed=False, now=files.LATER)
        with statements(session) as seen:
            assert seen == []
            rows = iter(sheet.rows)
            assert next(rows)[0] == "cap:000000"
            assert [isinstance(cursor, ServerCursor) for cursor in seen] == [not database.is_sqlite]
            assert sheet.tally.rows == 1
            assert sum(1 for _ in rows) == 3 * BATCH - 1
            assert len(seen) == 1


@pytest.mark.parametrize("kind", [kind for kind in Kind if Format.ZIP not in kinds.formats(kind)])  # ballots are frozen by then
def test_a_constant_number_of_statements_however_many_rows(session: Session, shop: Shop, kind: Kind) -> None:
    def count() -> int:
        session.expire_all()
        with statements(session) as seen:
            files.made(session, kind, kinds.formats(kind)[-1])
        return len(seen)

    make.selection(session, shop.campaign, (shop.knit, 5), (shop.formula, 3))
    make.decision(session, shop.campaign, reached={shop.knit: 60}, missed={shop.formula: 3})
    grow(session, shop, 1)
    few = count()
    grow(session, shop, 12)
    assert count() == few <= 10


def grow(session: Session, shop: Shop, times: int) -> None:
    """Let so many more people vote, order and get money back, and a factory more make something."""
    sizes = shop.sizes(session, shop.knit)
    for number in range(times):
        make.ballot(session, shop.campaign, shop.knit, shop.formula)
        order = shop.order(session, shop.knit, "S", 1)
        make.refund(session, make.payment(session, order, 5980), *make.lines_of(session, order))
        make.transfer(session, shop.campaign, f"cap:{order.id}", 5980, debit="psp:sandbox:main", credit=f"dep:{order.id}")
        make.production_order(session, shop.campaign, make.supplier(session, f"T{times}-{number}"), (sizes["S"], 5), (sizes["M"], 5))
