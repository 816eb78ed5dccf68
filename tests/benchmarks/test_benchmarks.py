"""The benchmarks themselves run and say what they should; nothing is timed here."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits.models import OrderLine, RefundLine
from c2b.jobs.models import Job
from c2b.ledger.models import Transfer
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Refund
from c2b.voting import queries
from c2b.voting.checks import checks
from c2b.voting.models import Pick
from c2b.work import audit
from tests.benchmarks import ceilings, driving, money, population, serving, takings, votes
from tests.benchmarks.__main__ import CASES, main
from tests.benchmarks.figures import Figure, Scale, compared, table, write
from tests.voting.simulation import STYLES

TINY = Scale(0.05, 1, 40, 30)


def test_a_row_holds_medians_and_the_median_of_the_ratios() -> None:
    row = compared("votes", ">= 0.40", "votes/s", [(10, 20), (12, 100), (40, 50)])
    assert (row.c2b, row.ceiling, row.ratio) == (12, 50, 0.5)


def test_the_table_names_case_figures_ratio_and_goal() -> None:
    row = Figure("a vote", 1234.5, 2469.0, 0.5, ">= 0.40", "votes/s", "4 statements")
    assert table([row]).splitlines()[-1] == "| a vote | 1,234 votes/s | 2,469 votes/s | 0.50 | >= 0.40; 4 statements |"


def test_the_rows_are_written_as_json(tmp_path: Path) -> None:
    write([Figure("a vote", 1.0, 2.0, 0.5, "-", "votes/s")], tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text())[0]["ratio"] == 0.5


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no case nothing" in capsys.readouterr().err
    assert len(CASES) == 7


def test_the_table_of_the_detection_has_every_style_and_says_what_cannot_be_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["detection", "--voters", "1000", "--seeds", "1", "--votes", str(tmp_path)])
    head, _, *rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert head[:2] == ["ring of 50", "1,000 simulated"]
    assert [row[0] for row in rows[: len(STYLES)]] == [style.name for style in STYLES]
    assert sum(len(row) > 2 for row in rows[: len(STYLES)]) == len([style for style in STYLES if style.why]) > 0
    assert rows[-2][0] == "honest ballots suspected, at worst"


def test_voters_by_the_million_are_whole_ballots_that_the_counts_agree_with(database: Database) -> None:
    population.open_poll(database)
    population.enter(database, first=1, last=TINY.voters)
    population.vote(database, first=1, last=10)
    population.vote_more(database, first=11, last=TINY.voters)
    with database.reading() as session:
        sizes = session.execute(select(func.count(), func.count(Pick.candidate_id.distinct())).group_by(Pick.person_id)).all()
        assert {tuple(row) for row in sizes} == {(population.VOTES_EACH, population.VOTES_EACH)}
        assert len(sizes) == TINY.voters
        assert queries.counts(session, population.CAMPAIGN) == queries.recount(session, population.CAMPAIGN)
        assert {finding.check for finding in checks(session)} == {"voting.commitment"}, "the only thing that is made up"


def test_taps_are_saved_and_their_statements_taken_down(sqlite_database: Database, tmp_path: Path) -> None:
    opened = (sqlite_database, sqlite_database.engine.url.render_as_string(hide_password=False))
    votes._prepare(opened, ceilings.PERSON)
    statements = votes._statements(opened, tmp_path)
    assert [sql.split()[0] for sql, _ in statements] == ["WITH", "SELECT", "INSERT", "INSERT", "INSERT", "UPDATE"]
    with sqlite_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Pick)) == ceilings.SLOT
    path = Path(sqlite_database.engine.url.database or "")
    assert ceilings.raw_sqlite(path, statements, first=1, seconds=0.05) > 0
    with sqlite_database.reading() as session:
        given = session.scalar(select(func.count()).where(Pick.person_id == 1)) or 0
        assert 1 <= given <= 15
        assert session.scalars(select(Pick.candidate_id).where(Pick.person_id == 1, Pick.slot == 1)).one() == driving.wanted(1, 1)


def test_the_script_for_pgbench_names_no_fixed_voter() -> None:
    values = {"person": ceilings.PERSON, "code": f"K{ceilings.CANDIDATE}", "slots": [ceilings.SLOT, 2], "held": False, "name": "it's"}
    sql = "SELECT %(person)s, %(code)s, %(slots)s, %(held)s, %(name)s"
    made = ceilings.script([(sql, values)], first=100, block=10)
    assert "SELECT :person, ('K' || (:candidate)::text), ARRAY[:slot, 2], false, 'it''s';" in made
    assert "\\set person 100 + :client_id * 10 + :n / 15" in made


def test_a_page_and_a_ballot_are_answered(sqlite_database: Database, tmp_path: Path) -> None:
    opened = (sqlite_database, sqlite_database.engine.url.render_as_string(hide_password=False))
    votes._prepare(opened, 3)
    app = driving.shop(opened[1], str(tmp_path))
    body = driving.send(app, driving.page(app, 1), expect="200")
    assert body.count(b'class="it') == 24
    assert b'"left":5' in driving.send(app, driving.ballot(app, 2), expect="200").replace(b" ", b"")
    hello = serving.hello()
    assert driving.send(hello, driving.page(app, 1) | {"PATH_INFO": "/"}, expect="200") == b"hello"
    with sqlite_database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM pick")) == 15


def test_takings_are_orders_that_the_audit_finds_nothing_wrong_with(database: Database) -> None:
    takings.open_shop(database, minimum=1)
    takings.sell(database, orders=TINY.lines)
    with database.reading() as session:
        assert audit(session) == []
        assert session.scalar(select(func.count()).select_from(OrderLine)) == TINY.lines


def test_the_decision_and_the_bare_statements_write_the_same(database: Database) -> None:
    takings.open_shop(database, minimum=1000)
    takings.sell(database, orders=TINY.lines)
    written = []
    for act in (money.decide, money.bare):
        with database.engine.connect().execution_options(c2b_write=True) as connection, Session(connection) as session:
            act(session)
            lines = select(Refund.key, Refund.amount, Refund.state, RefundLine.line_id, RefundLine.reason).join(RefundLine)
            moved = select(Transfer.id, Transfer.debit, Transfer.credit, Transfer.amount, Transfer.at)
            of_lines = select(OrderLine.id, OrderLine.outcome, OrderLine.ended_at)
            written.append([sorted(map(tuple, session.execute(query))) for query in (lines, moved, of_lines)])
            session.rollback()
    assert written[0] == written[1]
    assert len(written[0][0]) == TINY.lines


def test_a_bought_piece_is_paid_booked_and_told(database: Database, tmp_path: Path) -> None:
    variants = takings.open_shop(database, minimum=1)
    for number in range(3):
        money.buy(database, Sandbox(tmp_path / "sandbox.db", lambda: money.NOW), variant=variants[number], number=number)
    with database.reading() as session:
        assert audit(session) == []
        assert session.scalar(select(func.count()).where(OrderLine.reserved_at.is_not(None))) == 3
        assert session.scalars(select(Job.kind)).all() == ["deposits.tell_paid"] * 3


def test_decision_and_deposits_are_measured(tmp_path: Path) -> None:
    assert [figure.unit for figure in money.decision(TINY, tmp_path)] == ["lines/s", "lines/s"]
    (figure,) = money.deposit(TINY, tmp_path)
    assert (figure.ceiling, figure.c2b > 0) == (money.QUOTED, True)
