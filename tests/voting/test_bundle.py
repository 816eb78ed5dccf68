"""The bundle as the shop writes it: both verifiers find that it holds, whoever was erased since, and nobody's name is in it."""

import csv
import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import Refused
from c2b.exports.kinds import Format, Kind
from c2b.people.models import Address, Person
from c2b.voting import bundle, receipts, selecting, verifying
from c2b.voting.models import Ballot
from c2b.voting.published import verify as alone
from c2b.voting.queries import SelectionView
from c2b.voting.verifying import Answer
from tests import make
from tests.exports import files
from tests.exports.test_actions import statements
from tests.voting.elections import dice


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """Three candidates of which one is withdrawn; five ballots, one of them held, one empty; and a draft."""
    made = make.campaign(session, state=CampaignState.TALLY)
    one, two, three = (make.candidate(session, made, code, position=number) for number, code in enumerate(("K1", "K2", "K3"), start=1))
    three.withdrawn_at, three.withdrawn_reason = make.OPENS, "料子断货"
    make.ballot(session, made, one, two)
    make.ballot(session, made, one)
    make.ballot(session, made, two, one)
    make.ballot(session, made, two, held_at=make.OPENS, held_reason="burst")
    make.ballot(session, made, two, source="draft")
    make.ballot(session, made)
    return made


def run(session: Session) -> SelectionView:
    return selecting.select_winners(session, slug="ss27", actor="staff:anna@example.com", now=make.CLOSES)


def written(session: Session, folder: Path, kind: Kind = Kind.BUNDLE) -> Path:
    data, _ = files.made(session, kind, Format.ZIP)
    path = folder / f"{kind}.zip"
    path.write_bytes(data)
    return path


def result(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as packed:
        found: dict[str, Any] = json.loads(packed.read(bundle.RESULT))
        return found


def table(path: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as packed:
        return list(csv.DictReader(io.StringIO(packed.read(name).decode())))


def holds(path: Path, *expected: str) -> bool:
    ours = verifying.verify(path, expected=expected)
    theirs = alone.verify(str(path), "", expected)
    assert ours.valid is not bool(theirs), (ours.failures, theirs)
    return ours.valid


@pytest.mark.usefixtures("campaign")
def test_both_verifiers_find_that_a_fresh_bundle_holds(session: Session, tmp_path: Path) -> None:
    view = run(session)
    report = verifying.verify(written(session, tmp_path), expected=[view.output_hash, view.input_hash, view.ballot_root])
    assert report.failures == ()
    assert (report.counted, report.held, report.opened) == (4, 1, False)
    assert holds(written(session, tmp_path))


@pytest.mark.usefixtures("campaign")
def test_the_result_says_everything_that_people_read_of_it(session: Session, tmp_path: Path) -> None:
    run(session)
    found = result(written(session, tmp_path))
    assert (found["campaign"], found["title"], found["title_en"]) == ("ss27", "2027 春夏", "Spring/Summer 2027")
    assert (found["voting_opens"], found["selected_at"]) == ("2027-03-01T02:00:00+00:00", "2027-03-14T14:00:00+00:00")
    assert [(each["code"], each["withdrawn"], each["reason"]) for each in found["candidates"]] == [
        ("K1", False, ""),
        ("K2", False, ""),
        ("K3", True, "料子断货"),
    ]
    assert [(each["code"], each["votes"], each["held"], each["result"]) for each in found["lines"]] == [
        ("K1", 3, 0, "selected"),
        ("K2", 2, 1, "selected"),
        ("K3", 0, 0, "withdrawn"),
    ]
    assert (found["voters"], found["votes"], found["held_votes"]) == (3, 5, 1)
    assert found["ballots"] == {"counted": 4, "held": 1, "root": found["ballots"]["root"], "picks": False}


@pytest.mark.usefixtures("campaign")
def test_picks_are_in_it_only_if_that_was_said_when_voting_opened(session: Session, tmp_path: Path, campaign: Campaign) -> None:
    campaign.publish_ballots = True
    run(session)
    path = written(session, tmp_path)
    assert verifying.verify(path).opened
    assert sorted(row["codes"] for row in table(path, bundle.PICKS)) == ["", "K1", "K1 K2", "K1 K2", "K2"]
    assert holds(path)


@pytest.mark.usefixtures("campaign")
def test_without_that_nothing_in_it_says_who_picked_what(session: Session, tmp_path: Path) -> None:
    run(session)
    with zipfile.ZipFile(written(session, tmp_path)) as packed:
        assert packed.namelist() == [*bundle.TEXTS, bundle.RESULT, bundle.BALLOTS]
        whole = b"".join(packed.read(name) for name in packed.namelist())
    assert all(nonce.hex().encode() not in whole for nonce in session.scalars(select(Ballot.nonce)))


@pytest.mark.usefixtures("campaign")
def test_an_auditor_can_have_every_ballot_opened_and_count_anew(session: Session, tmp_path: Path) -> None:
    view = run(session)
    path = written(session, tmp_path, Kind.OPENED_BUNDLE)
    assert verifying.verify(path, expected=[view.output_hash]).opened
    assert holds(path)


@pytest.mark.usefixtures("campaign")
def test_the_verifier_is_in_it_and_runs_by_itself(session: Session, tmp_path: Path) -> None:
    run(session)
    with zipfile.ZipFile(written(session, tmp_path)) as packed:
        assert packed.read("verify.py").decode() == Path(alone.__file__).read_text("utf-8")
        assert "python3 verify.py" in packed.read("README.en.txt").decode()
        assert "它不证明什么" in packed.read("README.zh.txt").decode()


@pytest.mark.usefixtures("campaign")
def test_the_same_selection_makes_the_same_bytes(session: Session, tmp_path: Path) -> None:
    run(session)
    assert written(session, tmp_path).read_bytes() == written(session, tmp_path).read_bytes()


@pytest.mark.usefixtures("campaign")
def test_ballots_are_listed_in_the_order_of_their_bytes_whatever_the_databases_language(session: Session, tmp_path: Path) -> None:
    for number, serial in enumerate(["a-b", "aB", "Ab", "a_b", "B-a", "-z", "_y"]):
        session.execute(update(Ballot).where(Ballot.person_id == number + 1).values(serial=serial))
    run(session)
    path = written(session, tmp_path, Kind.OPENED_BUNDLE)
    serials = [row["serial"] for row in table(path, bundle.BALLOTS)]
    assert serials == sorted(serials) == [row["serial"] for row in table(path, bundle.PICKS)]


@pytest.mark.usefixtures("campaign")
def test_ballots_that_changed_since_the_selection_are_not_published(session: Session, tmp_path: Path) -> None:
    run(session)
    session.execute(update(Ballot).where(Ballot.source == "verified").values(commitment="0" * 64))
    with pytest.raises(Refused, match="not what they were at the selection"):
        written(session, tmp_path)


@pytest.mark.usefixtures("campaign")
def test_what_is_withdrawn_after_the_selection_changes_nothing_in_it(session: Session, tmp_path: Path) -> None:
    run(session)
    before = written(session, tmp_path).read_bytes()
    session.execute(update(Candidate).where(Candidate.code == "K1").values(withdrawn_at=make.CLOSES, withdrawn_reason="late"))
    assert written(session, tmp_path).read_bytes() == before


@pytest.mark.usefixtures("campaign")
def test_erasing_who_voted_leaves_the_bundle_as_it_is(session: Session, tmp_path: Path) -> None:
    voters = session.scalars(select(Ballot.person_id)).all()
    for person_id in voters:
        make.address(session, session.get_one(Person, person_id), f"canary{person_id}@example.com")
    run(session)
    before = written(session, tmp_path).read_bytes()
    session.execute(delete(Address).where(Address.person_id.in_(voters)))
    session.execute(update(Person).where(Person.id.in_(voters)).values(name=""))
    path = written(session, tmp_path)
    assert path.read_bytes() == before
    assert b"canary" not in b"".join(zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist())
    assert holds(path)


@pytest.mark.usefixtures("campaign")
def test_a_voters_receipt_says_counted_held_superseded_or_no_match(session: Session, tmp_path: Path, campaign: Campaign) -> None:
    run(session)
    path = written(session, tmp_path)
    people = session.execute(select(Ballot.person_id, Ballot.held_at).where(Ballot.source == "verified", Ballot.version > 0)).all()
    for person_id, held_at in people:
        own = receipts.receipt(session, campaign=campaign, person_id=person_id)
        assert own
        report = verifying.verify(path, receipt=own)
        assert (report.failures, report.answer) == ((), Answer.HELD if held_at else Answer.COUNTED)


def test_random_campaigns_through_the_database_hold_too(session: Session, tmp_path: Path) -> None:
    for number in range(12):
        random = dice(number)
        campaign = elected(session, random, number)
        selecting.select_winners(session, slug=campaign.slug, actor="cli:test", now=make.CLOSES)
        for kind in (Kind.BUNDLE, Kind.OPENED_BUNDLE):
            data, _ = files.made(session, kind, Format.ZIP, slug=campaign.slug)
            (tmp_path / "any.zip").write_bytes(data)
            assert holds(tmp_path / "any.zip"), (number, kind)


def elected(session: Session, random: Random, number: int) -> Campaign:
    each, count = random.randint(1, 5), random.randint(1, 8)
    limits = {"places": random.randint(1, 6), "min_votes": random.randint(0, 3), "max_per_category": random.choice([0, 1, 2])}
    made = make.campaign(
        session, slug=f"c{number}", state=CampaignState.TALLY, votes_each=each, publish_ballots=random.random() < 0.3, **limits
    )
    found = [make.candidate(session, made, f"K{place}", sizes="", category=random.choice(["a", "衬衫"])) for place in range(count)]
    for _ in range(random.randint(0, 12)):
        changes: dict[str, Any] = {"held_at": make.OPENS, "held_reason": "burst"} if random.random() < 0.2 else {}
        picks = random.sample(found, random.randint(0, min(each, count)))
        make.ballot(session, made, *picks, source=random.choice(["verified", "store", "draft"]), **changes)
    return made


@pytest.mark.usefixtures("campaign")
def test_its_memory_does_not_grow_with_the_ballots(session: Session, tmp_path: Path, campaign: Campaign) -> None:
    """Thirty thousand ballots are thirty times what one batch holds; kept as leaves they would take more than ten megabytes."""
    rows = [
        {"c": campaign.id, "p": number, "s": f"s{number:010}", "n": bytes(16), "h": f"{number:064x}", "v": campaign.votes_each}
        for number in range(10**6, 10**6 + 30_000)
    ]
    session.execute(
        text(
            "INSERT INTO person (id, ref, viewer, created_at, locale, name)"
            " SELECT :p, :s, 1, created_at, '', '' FROM campaign WHERE id = :c"
        ),
        rows,
    )
    session.execute(
        text(
            "INSERT INTO ballot (campaign_id, person_id, votes_each, source, serial, version, nonce, commitment, held_reason, created_at)"
            " SELECT :c, :p, :v, 'verified', :s, 1, :n, :h, '', created_at FROM campaign WHERE id = :c"
        ),
        rows,
    )
    del rows
    run(session)
    tracemalloc.start()
    written(session, tmp_path)
    verifying.verify(tmp_path / "bundle.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20, peak


def test_its_statements_do_not_grow_with_the_ballots(session: Session) -> None:
    seen = []
    for slug, ballots in (("ss27", 2), ("aw27", 30)):
        campaign = make.campaign(session, slug=slug, state=CampaignState.TALLY)
        candidate = make.candidate(session, campaign, "K1")
        for _ in range(ballots):
            make.ballot(session, campaign, candidate)
        selecting.select_winners(session, slug=slug, actor="cli:test", now=make.CLOSES)
        with statements(session) as run_now:
            files.made(session, Kind.OPENED_BUNDLE, Format.ZIP, slug=slug)
        seen.append(len(run_now))
    assert seen[0] == seen[1] <= 14
