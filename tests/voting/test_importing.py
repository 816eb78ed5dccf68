import csv
from datetime import datetime
from pathlib import Path
from time import perf_counter

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Refused
from c2b.people import actions as people
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.voting import actions, importing, queries, selecting
from c2b.voting.checks import checks
from c2b.voting.importing import BadBallots, ImportReport, import_ballots
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource, SelectionResult, Touch
from tests import make
from tests.statements import counted

KEY = "k" * 32
FIRST = "voter,votes\n101,K1 K2\n102,K2\n103,\n"


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=2)
    for position, code in enumerate(("K1", "K2", "K3"), start=1):
        make.candidate(session, made, code, position=position)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "votes.csv"


def imports(session: Session, file: Path, content: str, now: datetime, slug: str = "ss27") -> ImportReport:
    file.write_text(content)
    return import_ballots(session, slug=slug, path=file, actor="cli:root", secret_key=KEY, now=now)


def votes(session: Session, campaign: Campaign) -> dict[str, int]:
    codes = dict(session.execute(select(Candidate.id, Candidate.code)).all())
    return {codes[key]: count.votes for key, count in queries.counts(session, campaign.id).items()}


def problems(session: Session, file: Path, content: str, now: datetime) -> list[str]:
    with pytest.raises(BadBallots) as refused:
        imports(session, file, content, now)
    assert session.scalars(select(Pick)).all() == []
    assert session.scalars(select(Person)).all() == []
    return [str(problem) for problem in refused.value.problems]


def test_ballots_come_in_and_count(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    assert imports(session, file, FIRST, now) == ImportReport(voters=3, votes=3, new=3)
    assert votes(session, campaign) == {"K1": 1, "K2": 2}
    assert set(session.scalars(select(Ballot.source))) == {BallotSource.IMPORTED}


def test_a_vote_for_what_was_withdrawn_is_a_problem_of_its_line(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    session.execute(update(Candidate).where(Candidate.code == "K2").values(withdrawn_at=now, withdrawn_reason="no yarn"))
    assert problems(session, file, FIRST, now) == [
        f"line {line}: K2 was withdrawn and can have no vote; take it out of the file" for line in (2, 3)
    ]
    imports(session, file, FIRST.replace("K2", ""), now)
    assert votes(session, campaign) == {"K1": 1}
    assert [finding for finding in checks(session) if finding.check == "voting.withdrawn"] == []


def test_rows_of_one_vote_each_make_the_same_ballots(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    imports(session, file, "voter,candidate\n101,K1\n102,K2\n101,K2\n", now)
    assert votes(session, campaign) == {"K1": 1, "K2": 2}
    assert session.scalar(select(func.count()).select_from(Ballot)) == 2


@pytest.mark.usefixtures("campaign")
def test_the_same_file_twice_changes_nothing(session: Session, file: Path, now: datetime) -> None:
    imports(session, file, FIRST, now)
    before = session.execute(select(Ballot.serial, Ballot.version).order_by(Ballot.serial)).all()
    assert imports(session, file, FIRST, now) == ImportReport(voters=3, votes=3, unchanged=3)
    assert session.execute(select(Ballot.serial, Ballot.version).order_by(Ballot.serial)).all() == before
    assert session.scalar(select(func.count()).select_from(Person)) == 3


def test_a_later_import_replaces_an_earlier_one(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    imports(session, file, FIRST, now)
    assert imports(session, file, "voter,votes\n101,K3\n102,K2\n104,K1\n", now) == ImportReport(
        voters=3, votes=3, new=1, replaced=1, unchanged=1
    )
    assert votes(session, campaign) == {"K1": 1, "K2": 1, "K3": 1}
    assert sorted(session.scalars(select(Ballot.version))) == [1, 1, 1, 2]


def test_a_voter_who_is_an_address_is_that_person(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    imports(session, file, "voter,votes\nAnna@Example.com,K1\n", now)
    code = people.send_code(session, kind=AddressKind.EMAIL, address="anna@example.com", locale="en", secret_key=KEY, now=now)
    signed_in = actions.sign_in(
        session,
        kind=AddressKind.EMAIL,
        address="anna@example.com",
        code=code,
        guest_id=None,
        viewer=1,
        locale="en",
        secret_key=KEY,
        now=now,
    )
    assert signed_in is not None
    assert len(queries.ballot(session, campaign_id=campaign.id, person_id=signed_in.person_id).picked) == 1


def test_what_its_owner_tapped_no_import_replaces(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    imports(session, file, "voter,votes\nanna@example.com,K1\n", now)
    person = session.scalars(select(Address.person_id)).one()
    actions.vote(session, slug="ss27", code="K2", person_id=person, touch=Touch(), now=now)
    assert imports(session, file, "voter,votes\nanna@example.com,K3\n", now) == ImportReport(voters=1, votes=1, kept=1)
    assert votes(session, campaign) == {"K1": 1, "K2": 1}


@pytest.mark.usefixtures("campaign")
def test_an_opaque_voter_is_stored_as_a_keyed_hash_only(session: Session, file: Path, now: datetime) -> None:
    imports(session, file, "voter,votes\nmembership-4711,K1\n", now)
    address = session.scalars(select(Address)).one()
    assert (address.kind, address.value, address.verified_at) == (AddressKind.IMPORTED, "", None)
    assert b"4711" not in address.digest


@pytest.mark.usefixtures("campaign")
def test_an_opaque_voter_of_another_campaign_is_somebody_else(session: Session, file: Path, now: datetime) -> None:
    make.candidate(session, make.campaign(session, slug="aw27"), "X")
    imports(session, file, "voter,votes\n101,K1\n", now)
    imports(session, file, "voter,votes\n101,X\n", now, slug="aw27")
    assert session.scalar(select(func.count()).select_from(Person)) == 2


def test_in_a_campaign_by_telephone_a_number_is_an_address(session: Session, campaign: Campaign, file: Path, now: datetime) -> None:
    campaign.identity = AddressKind.PHONE
    session.flush()
    imports(session, file, "voter,votes\n138 0013 8000,K1\nanna@example.com,K2\n", now)
    assert sorted(session.scalars(select(Address.kind))) == [AddressKind.IMPORTED, AddressKind.PHONE]


@pytest.mark.usefixtures("campaign")
def test_every_problem_is_told_with_its_line_and_nothing_is_written(session: Session, file: Path, now: datetime) -> None:
    content = "voter,votes\n101,K1\n102,K9\n,K1\n101,K2\n103,K1 K1\n"
    assert problems(session, file, content, now) == [
        "line 3: there is no candidate “K9” in this campaign",
        "line 4: the voter is missing",
        "line 5: voter 101 has a ballot on line 2 already",
        "line 6: voter 103 votes twice for “K1”",
    ]


@pytest.mark.usefixtures("campaign")
def test_problems_of_single_votes_have_lines_too(session: Session, file: Path, now: datetime) -> None:
    assert problems(session, file, "voter,candidate\n101,K1\n101,K1\n102,\n", now) == [
        "line 3: voter 101 votes twice for “K1”",
        "line 4: the candidate is missing",
    ]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("content", ["voter,votes\n101,K1\n102,K1 K2 K3\n", "voter,candidate\n102,K1\n102,K2\n102,K3\n"])
def test_too_many_votes_are_told_with_the_number_that_is_needed(session: Session, file: Path, now: datetime, content: str) -> None:
    told = problems(session, file, content, now)
    assert told[0].startswith("the largest ballot has 3 votes: set votes_each = 3")
    assert told[1].endswith("voter 102 gives 3 votes, a ballot has 2")


@pytest.mark.usefixtures("campaign")
def test_two_writings_of_one_address_are_one_person_and_a_problem(session: Session, file: Path, now: datetime) -> None:
    told = problems(session, file, "voter,votes\na.nna@gmail.com,K1\nanna+2@gmail.com,K2\n", now)
    assert told == ["line 3: this address has a ballot on line 2 already, written differently"]


@pytest.mark.usefixtures("campaign")
def test_of_many_problems_the_sentence_names_the_first(session: Session, file: Path, now: datetime) -> None:
    with pytest.raises(BadBallots, match=r"line 2: .*\(\+80\)$") as refused:
        imports(session, file, "voter,votes\n" + "".join(f"{n},X\n" for n in range(100)), now)
    assert len(refused.value.problems) == 100


@pytest.mark.parametrize(
    ("state", "allowed"),
    [(state, state in {CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.VOTING}) for state in CampaignState],
)
def test_ballots_come_in_until_voting_ends(
    session: Session, campaign: Campaign, file: Path, now: datetime, state: CampaignState, *, allowed: bool
) -> None:
    campaign.state = state
    session.flush()
    if allowed:
        assert imports(session, file, FIRST, now).new == 3
    else:
        with pytest.raises(Refused, match="over"):
            imports(session, file, FIRST, now)


@pytest.mark.usefixtures("campaign")
def test_after_the_closing_instant_no_ballot_comes_in_even_if_the_worker_is_late(session: Session, file: Path) -> None:
    with pytest.raises(Refused):
        imports(session, file, FIRST, make.CLOSES)


@pytest.mark.usefixtures("campaign")
def test_where_nothing_is_voted_on_nothing_is_imported(session: Session, file: Path, now: datetime) -> None:
    make.campaign(session, slug="aw27", voting_opens=None, voting_closes=None)
    with pytest.raises(Refused, match="no voting phase"):
        imports(session, file, FIRST, now, slug="aw27")
    with pytest.raises(NotFound):
        imports(session, file, FIRST, now, slug="nothing")


@pytest.mark.usefixtures("campaign")
def test_an_import_is_in_the_log(session: Session, file: Path, now: datetime) -> None:
    imports(session, file, FIRST, now)
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.campaign, entry.object) == ("cli:root", "voting.import_ballots", "ss27", "votes.csv")
    assert entry.after == {"voters": 3, "votes": 3, "new": 3, "replaced": 0}


def test_progress_is_told_in_voters(
    session: Session, campaign: Campaign, file: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_CHUNK", 2)
    file.write_text(FIRST)
    told: list[tuple[int, int]] = []
    import_ballots(
        session, slug=campaign.slug, path=file, actor="a", secret_key=KEY, now=now, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(2, 3), (3, 3)]


def test_a_chunk_costs_the_same_statements_whatever_its_size(database: Database, tmp_path: Path, now: datetime) -> None:
    sizes = []
    with database.transaction() as session:
        for slug in ("small", "large"):
            make.candidate(session, make.campaign(session, slug=slug), "K1")
    for slug, voters in (("small", 5), ("large", 400)):
        with database.transaction() as session, counted(database) as statements:
            imports(session, tmp_path / "votes.csv", "voter,votes\n" + "".join(f"{n},K1\n" for n in range(voters)), now, slug=slug)
        sizes.append(len(statements))
    assert sizes[0] == sizes[1]


PABULIB = (
    "META\nkey;value\nvote_type;approval\nPROJECTS\nproject_id;name;category\n7;Trees;green\n9;{long};\nVOTES\nvoter_id;vote\na;7,9\nb;7\n"
)


def test_the_projects_of_an_election_become_candidates(session: Session, tmp_path: Path, now: datetime) -> None:
    campaign = make.campaign(session, state=CampaignState.DRAFT)
    report = imports(session, tmp_path / "city.pb", PABULIB.format(long="x" * 300), now)
    assert (report.candidates, report.voters, report.votes) == (2, 2, 3)
    made = session.scalars(select(Candidate).order_by(Candidate.position)).all()
    assert [(each.code, each.name[:5], each.category, each.price_from, each.price_to) for each in made] == [
        ("7", "Trees", "green", 0, 0),
        ("9", "xxxxx", "", 0, 0),
    ]
    assert session.scalars(select(Offer.minimum)).all() == [1, 1]
    assert session.scalars(select(Variant.price)).all() == [0, 0]
    assert votes(session, campaign) == {"7": 2, "9": 1}
    assert imports(session, tmp_path / "city.pb", PABULIB.format(long="x"), now).candidates == 0


@pytest.mark.usefixtures("campaign")
def test_a_campaign_with_candidates_keeps_its_own(session: Session, tmp_path: Path, now: datetime) -> None:
    with pytest.raises(BadBallots, match="no candidate “7”"):
        imports(session, tmp_path / "city.pb", PABULIB, now)


def test_once_voting_began_no_candidate_is_added(session: Session, tmp_path: Path, now: datetime) -> None:
    make.campaign(session)
    with pytest.raises(Refused, match="none can be added"):
        imports(session, tmp_path / "city.pb", PABULIB, now)


@pytest.mark.parametrize(
    ("projects", "told"), [("7;A;\n7;B;\n", "two projects"), ("a b;A;\n", "can't be a code"), ("<b>;A;\n", "can't be a code")]
)
def test_projects_that_cannot_be_candidates_are_refused(session: Session, tmp_path: Path, now: datetime, projects: str, told: str) -> None:
    make.campaign(session, state=CampaignState.DRAFT)
    content = f"META\nvote_type;approval\nPROJECTS\nproject_id;name;category\n{projects}VOTES\nvoter_id;vote\na;7\n"
    with pytest.raises(Invalid, match=told):
        imports(session, tmp_path / "city.pb", content, now)


def published(path: Path) -> dict[str, tuple[int, bool]]:
    """Read votes and selection of each project, as the city published them."""
    with path.open(encoding="utf-8") as text:
        rows = list(csv.reader(text, delimiter=";"))
    start, end = rows.index(["PROJECTS"]), rows.index(["VOTES"])
    names = rows[start + 1]
    found = [dict(zip(names, row, strict=True)) for row in rows[start + 2 : end]]
    return {each["project_id"]: (int(each["votes"]), each["selected"] == "1") for each in found}


def elect(session: Session, path: Path, *, votes_each: int, places: int) -> queries.SelectionView:
    campaign = make.campaign(session, state=CampaignState.DRAFT, votes_each=votes_each, places=places)
    import_ballots(session, slug="ss27", path=path, actor="cli:root", secret_key=KEY, now=make.OPENS)
    campaign.state = CampaignState.TALLY
    session.flush()
    return selecting.select_winners(session, slug="ss27", actor="cli:root", now=make.CLOSES)


def test_praga_poludnie_elects_what_it_elected(session: Session, real_data: Path) -> None:
    path = real_data / "votes" / "Poland_Warszawa_2021_Praga-Poludnie.pb"
    view = elect(session, path, votes_each=15, places=12)
    truth = published(path)
    assert {line.code: line.votes for line in view.lines} == {code: votes for code, (votes, _) in truth.items()}
    winners = {line.code for line in view.lines if line.result is SelectionResult.SELECTED}
    assert winners == {code for code, (_, won) in truth.items() if won}
    assert view.voters == 10_568


def test_wesola_counts_as_it_counted(session: Session, real_data: Path) -> None:
    path = real_data / "votes" / "Poland_Warszawa_2020_Wesola.pb"
    view = elect(session, path, votes_each=15, places=15)
    truth = published(path)
    assert {line.code: line.votes for line in view.lines} == {code: votes for code, (votes, _) in truth.items()}
    assert (view.voters, view.votes) == (1505, sum(votes for votes, _ in truth.values()))
    winners = {line.code for line in view.lines if line.result is SelectionResult.SELECTED}
    # The city also had a budget of money: two dear ones of these fifteen didn't fit into it any more, two cheap ones behind them did.
    assert winners - {"1172", "1349"} == {code for code, (_, won) in truth.items() if won} - {"1250", "1406"}


def memory(name: str) -> int:
    """Return what the kernel says of this process in kilobytes: VmRSS now, VmHWM at most since the last reset."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


@pytest.mark.long
def test_a_city_of_ninety_thousand_voters_comes_in_within_a_minute(sqlite_database: Database, real_data: Path) -> None:
    path = real_data / "votes" / "Poland_Lodz_2022.pb"
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of the tests before, see proc(5)
    before, started = memory("VmRSS"), perf_counter()
    with sqlite_database.transaction() as session:
        campaign = make.campaign(session, state=CampaignState.DRAFT, votes_each=5)
        report = import_ballots(session, slug="ss27", path=path, actor="cli:root", secret_key=KEY, now=make.OPENS)
    assert perf_counter() - started < 60
    assert (report.voters, report.votes, report.candidates) == (90_494, 325_964, 160)
    with sqlite_database.reading() as session:
        assert votes(session, campaign) == {code: votes for code, (votes, _) in published(path).items()}
    assert memory("VmHWM") - before < 350 * 1024  # a process that has only started takes less than the 150 MB that are left of 500
