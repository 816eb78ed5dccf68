import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Database
from c2b.voting import queries, seen
from c2b.voting.models import Seen
from c2b.voting.seen import Impressions
from tests import make
from tests.statements import counted

NEVER = 3600.0
"""A pause after which no test is still running: only `flush` writes."""


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Twenty candidates of a campaign with the key 1."""
    with database.transaction() as session:
        made = make.campaign(session)
        return [make.candidate(session, made, f"K{number}", position=number, sizes="").id for number in range(20)]


@pytest.fixture
def impressions(database: Database, ids: list[int]) -> Iterator[Impressions]:
    assert ids
    made = Impressions(database, pause=NEVER)
    yield made
    made.close()


def campaign_id(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(Campaign.id).where(Campaign.slug == "ss27")).one()


def seen_by(database: Database, viewer: int, ids: list[int]) -> list[int]:
    with database.reading() as session:
        return sorted(seen.stored(session, campaign_id(database), viewer, ids))


def views(database: Database) -> dict[int, int]:
    with database.reading() as session:
        return queries.views(session, campaign_id(database))


def test_what_was_shown_is_written_by_a_flush(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    impressions.note(here, 7, ids[:3])
    assert seen_by(database, 7, ids) == []
    impressions.flush()
    assert seen_by(database, 7, ids) == ids[:3]
    assert views(database) == dict.fromkeys(ids[:3], 1)


def test_the_next_page_knows_what_is_not_written_yet(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    impressions.note(here, 7, ids[:3])
    impressions.flush()
    impressions.note(here, 7, ids[2:5])
    with database.reading() as session:
        assert impressions.seen(session, here, 7, ids) == set(ids[:5])
        assert impressions.seen(session, here, 8, ids) == set()
        assert impressions.seen(session, here + 1, 7, ids) == set()


def test_a_page_that_was_begun_before_a_flush_misses_nothing_of_it(database: Database, impressions: Impressions, ids: list[int]) -> None:
    with database.reading() as session:
        here = make.campaign_of(session, "ss27").id
        impressions.note(here, 7, ids[:5])
        impressions.flush()
        assert impressions.seen(session, here, 7, ids) == set(ids[:5])


def test_a_viewer_counts_once_for_a_candidate_however_often_they_look(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    for viewer, shown in ((1, ids[:4]), (1, ids[2:6]), (2, ids[:1]), (1, ids[:6])):
        impressions.note(here, viewer, shown)
        impressions.flush()
    assert views(database) == {ids[0]: 2} | dict.fromkeys(ids[1:6], 1)


def test_two_processes_that_show_the_same_viewer_the_same_page_count_it_once(database: Database, ids: list[int]) -> None:
    here = campaign_id(database)
    processes = [Impressions(database, pause=NEVER) for _ in range(8)]
    for number, process in enumerate(processes):
        for viewer in range(30):
            process.note(here, viewer, ids[number : number + 6])
    threads = [threading.Thread(target=process.flush) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.close()  # whoever had to give way in a deadlock has kept its batch
    assert views(database) == dict.fromkeys(ids[:13], 30)
    assert all(seen_by(database, viewer, ids) == ids[:13] for viewer in range(30))


def test_without_the_lock_between_reading_and_writing_marks_would_be_lost(
    database: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = campaign_id(database)
    read = seen._locked

    def meanwhile(session: Session, campaign: int, viewers: list[int]) -> dict[int, int]:
        before = read(session, campaign, viewers)
        monkeypatch.setattr(seen, "_locked", read)
        seen.write(session, campaign, {1: {ids[1]}})  # what another process would write if it needn't wait
        return before

    monkeypatch.setattr(seen, "_locked", meanwhile)
    with database.transaction() as session:
        seen.write(session, here, {1: {ids[0]}})
    assert seen_by(database, 1, ids) == ids[:1]


def test_many_viewers_are_written_in_short_transactions(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    for viewer in range(450):
        impressions.note(here, viewer, ids[:2])
    commits: list[Any] = []
    event.listen(database.engine, "commit", commits.append)
    impressions.flush()
    assert len(commits) == 3
    assert views(database) == dict.fromkeys(ids[:2], 450)


def test_a_batch_costs_five_statements_however_many_viewers_it_holds(database: Database, ids: list[int]) -> None:
    here = campaign_id(database)
    for size in (1, 150):
        with database.transaction() as session, counted(database) as statements:
            seen.write(session, here, {1000 * size + viewer: set(ids) for viewer in range(size)})
        assert len(statements) == 5


def test_what_was_seen_before_is_not_written_again(database: Database, ids: list[int]) -> None:
    here = campaign_id(database)
    with database.transaction() as session:
        seen.write(session, here, {1: set(ids)})
    with database.transaction() as session, counted(database) as statements:
        seen.write(session, here, {1: set(ids[:4])})
    assert len(statements) == 3
    assert views(database) == dict.fromkeys(ids, 1)


def test_looking_up_marks_costs_one_statement(database: Database, impressions: Impressions, ids: list[int]) -> None:
    with database.reading() as session, counted(database) as statements:
        impressions.seen(session, 1, 7, ids)
    assert len(statements) == 1


def broken(_session: Session, *_rest: object) -> None:
    raise OperationalError("INSERT", {}, OSError("the disk is full"))


def test_a_flush_that_fails_keeps_what_it_has_and_breaks_no_page(
    database: Database, impressions: Impressions, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = campaign_id(database)
    impressions.note(here, 7, ids[:3])
    write = seen.write
    monkeypatch.setattr(seen, "write", broken)
    impressions.flush()
    impressions.note(here, 7, ids[3:5])
    assert impressions.waiting(here, 7) == set(ids[:5])
    assert views(database) == {}
    monkeypatch.setattr(seen, "write", write)
    impressions.flush()
    assert seen_by(database, 7, ids) == ids[:5]
    assert views(database) == dict.fromkeys(ids[:5], 1)
    assert impressions.waiting(here, 7) == set()


def test_one_campaigns_failure_is_not_another_ones(
    database: Database, impressions: Impressions, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = campaign_id(database)
    with database.transaction() as session:
        other = make.campaign(session, slug="aw27")
        theirs = make.candidate(session, other, "A1", sizes="").id
    write = seen.write

    def only_others(session: Session, campaign: int, shown: dict[int, set[int]]) -> None:
        (broken if campaign == here else write)(session, campaign, shown)

    monkeypatch.setattr(seen, "write", only_others)
    impressions.note(here, 7, ids[:3])
    impressions.note(other.id, 7, [theirs])
    impressions.flush()
    assert impressions.waiting(here, 7) == set(ids[:3])
    assert impressions.waiting(other.id, 7) == set()
    with database.reading() as session:
        assert queries.views(session, other.id) == {theirs: 1}


def test_what_is_being_written_is_known_meanwhile(
    database: Database, impressions: Impressions, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = campaign_id(database)
    known: list[set[int]] = []
    monkeypatch.setattr(seen, "write", lambda *_: known.append(impressions.waiting(here, 7)))
    impressions.note(here, 7, ids[:3])
    impressions.flush()
    assert known == [set(ids[:3])]


def test_memory_is_bounded_while_nothing_can_be_written(
    database: Database, impressions: Impressions, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = campaign_id(database)
    monkeypatch.setattr(seen, "MOST", 30)
    for viewer in range(100):
        impressions.note(here, viewer, ids[:10])
    assert [len(impressions.waiting(here, viewer)) for viewer in range(4)] == [10, 10, 10, 0]
    impressions.flush()
    impressions.note(here, 5, ids[:10])
    assert impressions.waiting(here, 5) == set(ids[:10])


def test_what_is_shown_is_written_by_itself_after_a_moment(database: Database, ids: list[int], written: Callable[[], None]) -> None:
    here = campaign_id(database)
    impressions = Impressions(database, pause=0.01)
    impressions.note(here, 7, ids[:3])
    written()
    assert seen_by(database, 7, ids) == ids[:3]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Wait until a flush has ended."""
    ended = threading.Event()
    flush = Impressions.flush

    def told(self: Impressions) -> None:
        flush(self)
        ended.set()

    monkeypatch.setattr(Impressions, "flush", told)

    def wait() -> None:
        assert ended.wait(20)

    return wait


def look_and_end(url: str, campaign: int, shown: list[int]) -> None:
    """Be a process of the server that shows a page and ends."""
    Impressions(Database(url), pause=NEVER).note(campaign, 7, shown)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_process_that_ends_writes_what_it_has(database: Database, ids: list[int], start: str) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    processes: Any = multiprocessing.get_context(start)
    server = processes.Process(target=look_and_end, args=(url, campaign_id(database), ids[:3]))
    server.start()
    server.join(60)
    assert server.exitcode == 0
    assert seen_by(database, 7, ids) == ids[:3]


def test_marks_stand_in_the_order_of_the_file(database: Database, ids: list[int]) -> None:
    here = campaign_id(database)
    with database.transaction() as session:
        seen.write(session, here, {7: {ids[0], ids[9]}})
        assert session.scalars(select(Seen.marks)).one() == bytes((0b1, 0b10, 0))


def test_what_is_no_candidate_of_the_campaign_is_left_out(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    with database.transaction() as session:
        stranger = make.candidate(session, make.campaign(session, slug="aw27"), "A1", sizes="").id
    impressions.note(here, 7, [ids[0], stranger, 10**9])
    impressions.flush()
    assert views(database) == {ids[0]: 1}


def test_who_signs_in_has_seen_what_the_browser_was_shown(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    impressions.note(here, 1, ids[:3])
    impressions.note(here, 9, ids[2:5])
    impressions.flush()
    impressions.note(here, 9, ids[10:11])
    with database.transaction() as session:
        impressions.bring(session, browser=9, account=1)
        assert impressions.seen(session, here, 1, ids) == {*ids[:5], ids[10]}
    impressions.flush()
    assert seen_by(database, 1, ids) == [*ids[:5], ids[10]]
    assert seen_by(database, 9, ids) == ids[2:5]


def test_signing_in_counts_no_view_again(database: Database, impressions: Impressions, ids: list[int]) -> None:
    here = campaign_id(database)
    impressions.note(here, 9, ids[:3])
    impressions.flush()
    with database.transaction() as session:
        impressions.bring(session, browser=9, account=1)
    impressions.note(here, 1, ids[:3])
    impressions.flush()
    assert views(database) == dict.fromkeys(ids[:3], 1)


def test_the_account_of_the_same_browser_needs_nothing(database: Database, impressions: Impressions) -> None:
    with database.reading() as session, counted(database) as statements:
        impressions.bring(session, browser=9, account=9)
    assert statements == []


def test_marks_of_several_campaigns_come_along(database: Database, ids: list[int]) -> None:
    here = campaign_id(database)
    with database.transaction() as session:
        other = make.campaign(session, slug="aw27")
        theirs = [make.candidate(session, other, f"A{number}", position=number, sizes="").id for number in range(3)]
        seen.write(session, here, {9: {ids[19]}})
        seen.write(session, other.id, {9: {theirs[1]}, 1: {theirs[0]}})
        seen.merge(session, browser=9, account=1)
        assert seen.stored(session, here, 1, ids) == {ids[19]}
        assert seen.stored(session, other.id, 1, theirs) == set(theirs[:2])


def test_who_saw_nothing_brings_nothing(database: Database, ids: list[int]) -> None:
    assert ids
    with database.transaction() as session:
        seen.merge(session, browser=9, account=1)
        assert session.scalars(select(Seen)).all() == []


def test_a_withdrawn_candidate_stays_seen(database: Database, impressions: Impressions, ids: list[int], now: Any) -> None:
    here = campaign_id(database)
    impressions.note(here, 7, ids)
    impressions.flush()
    with database.transaction() as session:
        session.get_one(Candidate, ids[3]).withdrawn_at = now
    assert seen_by(database, 7, ids) == ids


def test_noting_touches_no_database(tmp_path: Path) -> None:
    impressions = Impressions(Database(f"sqlite:///{tmp_path}/nowhere/at.all"), pause=NEVER)
    impressions.note(1, 2, [3])
    assert impressions.waiting(1, 2) == {3}
    impressions.close()


def test_closing_writes_what_waits_and_leaves_nothing_for_the_end(database: Database, impressions: Impressions, ids: list[int]) -> None:
    impressions.note(campaign_id(database), 7, ids[:3])
    assert impressions._at_end
    assert impressions._at_end.still_active()
    impressions.close()
    assert seen_by(database, 7, ids) == ids[:3]
    assert not impressions._at_end.still_active()
