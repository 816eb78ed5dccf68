from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from c2b.audit.models import AuditEntry
from c2b.audit.two_people import ask
from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import cancelling
from c2b.errors import Refused
from c2b.payments.models import Refund
from tests import books, make
from tests.campaigns.test_campaign_file import EXAMPLE
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    return Shell(tmp_path, sqlite_database)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "ss27.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def catalogue(tmp_path: Path, count: int = 150) -> Path:
    path = tmp_path / "candidates.csv"
    path.write_text("code,name,price,image\n" + "".join(f"K{n},Coat {n},299,{n}.jpg\n" for n in range(count)), encoding="utf-8")
    return path


class TestCreate:
    def test_makes_a_draft_and_says_so_however_often(self, shell: Shell, toml: Path) -> None:
        assert shell.does("campaign", "create", toml) == "ss27: draft\n"
        assert shell.does("campaign", "create", toml) == "ss27: draft\n"
        assert [each["slug"] for each in shell.reads("campaign", "list")] == ["ss27"]

    def test_on_a_draft_updates_it(self, shell: Shell, toml: Path) -> None:
        shell.does("campaign", "create", toml)
        toml.write_text(EXAMPLE.replace("places = 150", "places = 100"), encoding="utf-8")
        assert shell.reads("campaign", "create", toml)["places"] == 100

    def test_says_which_instants_have_come_already_and_stay(self, shell: Shell, toml: Path, tmp_path: Path) -> None:
        shell.does("campaign", "create", toml)
        shell.does("candidates", "import", "ss27", catalogue(tmp_path))
        shell.does("campaign", "advance", "ss27", "voting")
        again = shell.run("campaign", "create", toml)
        assert (again.exit_code, again.stdout) == (0, "ss27: voting\n")
        assert [line.split(" has come")[0] for line in again.stderr.splitlines()] == ["c2b: voting_opens"]

    def test_of_a_file_with_mistakes_names_every_field_in_one_line(self, shell: Shell, toml: Path) -> None:
        toml.write_text(EXAMPLE.replace("votes_each = 15", "votes_each = 0").replace("CN_DINGJIN", "CN"), encoding="utf-8")
        line = shell.refuses("campaign", "create", toml)
        assert "legal_profile: must be one of" in line
        assert "voting.votes_each: must be at least 1" in line

    @pytest.mark.parametrize("content", [b"slug = ", b"\xff\xfe", b"slug = 1\nslug = 2"])
    def test_of_what_is_no_toml_says_why(self, shell: Shell, toml: Path, content: bytes) -> None:
        toml.write_bytes(content)
        assert "ss27.toml is not a TOML file in UTF-8" in shell.refuses("campaign", "create", toml)

    def test_of_a_file_that_is_not_there_is_wrong_usage(self, shell: Shell) -> None:
        assert shell.run("campaign", "create", "nothing.toml").exit_code == 2

    def test_says_which_of_two_equal_times_it_took(self, shell: Shell, toml: Path) -> None:
        text = EXAMPLE.replace("Asia/Shanghai", "Europe/Berlin").replace("2027-03-30T22:00:00", "2027-10-31T02:30:00")
        toml.write_text(text[: text.index("[balance]")], encoding="utf-8")
        result = shell.run("campaign", "create", toml)
        assert (result.exit_code, result.stdout) == (0, "ss27: draft\n")
        assert "2027-10-31T00:30:00+00:00" in result.stderr

    def test_is_written_down_under_the_name_of_the_person_at_the_keyboard(
        self, shell: Shell, toml: Path, sqlite_database: Database
    ) -> None:
        shell.does("campaign", "create", toml)
        with sqlite_database.reading() as session:
            (entry,) = session.query(AuditEntry)
        assert entry.actor.startswith("cli:")
        assert len(entry.actor) > len("cli:")


class TestShow:
    def test_tells_times_in_the_campaigns_zone(self, shell: Shell, toml: Path) -> None:
        shell.does("campaign", "create", toml)
        shown = shell.reads("campaign", "show", "ss27")
        assert (shown["voting_opens"], shown["candidates"], shown["shipping"]) == ("2027-03-01T10:00:00+08:00", 0, 1200)
        assert "voting_closes: 2027-03-14T22:00:00+08:00\n" in shell.does("campaign", "show", "ss27")

    def test_of_an_unknown_campaign_is_refused(self, shell: Shell) -> None:
        assert "There is no campaign “aw27”" in shell.refuses("campaign", "show", "aw27")


class TestCheck:
    def test_lists_what_is_missing_and_ends_with_one(self, shell: Shell, toml: Path) -> None:
        shell.does("campaign", "create", toml)
        result = shell.run("campaign", "check", "ss27")
        assert (result.exit_code, result.stdout.startswith("missing: it has no candidates")) == (1, True)

    def test_lets_warnings_pass(self, shell: Shell, toml: Path, tmp_path: Path) -> None:
        shell.does("campaign", "create", toml)
        shell.does("candidates", "import", "ss27", catalogue(tmp_path))
        assert "ss27 is ready for its next phase" in shell.does("campaign", "check", "ss27")
        assert shell.reads("campaign", "check", "ss27") == {"ready": True, "missing": []}


class TestAdvance:
    def test_goes_through_the_gate_only(self, shell: Shell, toml: Path, tmp_path: Path) -> None:
        shell.does("campaign", "create", toml)
        assert "isn't ready for “voting”: it has no candidates" in shell.refuses("campaign", "advance", "ss27", "voting")
        shell.does("candidates", "import", "ss27", catalogue(tmp_path))
        assert shell.does("campaign", "advance", "ss27", "voting") == "ss27: voting\n"
        opened = shell.reads("campaign", "show", "ss27")["voting_opens"]
        assert datetime.fromisoformat(opened) < make.OPENS
        assert shell.does("campaign", "advance", "ss27", "voting") == "ss27: voting\n"
        assert shell.reads("campaign", "show", "ss27")["voting_opens"] == opened

    def test_never_stands_in_for_the_selection(self, shell: Shell, sqlite_database: Database) -> None:
        with sqlite_database.transaction() as session:
            make.campaign(session)
        assert "run c2b select ss27" in shell.refuses("campaign", "advance", "ss27", "ordering")

    def test_to_a_word_that_is_no_state_is_wrong_usage(self, shell: Shell) -> None:
        assert shell.run("campaign", "advance", "ss27", "draft").exit_code == 2
        assert shell.run("campaign", "advance", "ss27", "soon").exit_code == 2

    def test_pauses_with_a_public_reason_and_resumes(self, shell: Shell, sqlite_database: Database) -> None:
        with sqlite_database.transaction() as session:
            make.campaign(session)
        assert "shown to everybody" in shell.refuses("campaign", "advance", "ss27", "paused")
        assert shell.does("campaign", "advance", "ss27", "paused", "--reason", "维护") == "ss27: voting (paused)\n"
        assert shell.reads("campaign", "show", "ss27")["reason"] == "维护"
        assert shell.does("campaign", "advance", "ss27", "resumed") == "ss27: voting\n"

    def test_cancels_with_a_public_reason_once_and_for_good(self, shell: Shell, sqlite_database: Database) -> None:
        with sqlite_database.transaction() as session:
            make.campaign(session)
        assert "reason" in shell.refuses("campaign", "advance", "ss27", "cancelled")
        for _ in range(2):
            assert shell.does("campaign", "advance", "ss27", "cancelled", "--reason", "no fabric") == "ss27: cancelled\n"
        with sqlite_database.reading() as session:
            assert queries.campaign(session, "ss27").state is CampaignState.CANCELLED
        assert "stays so" in shell.refuses("campaign", "advance", "ss27", "voting")


class TestCancelByTwo:
    """A campaign that asks for two people: who sits at the keyboard is nobody's second person, and needs one of the staff."""

    REASON = "no fabric"

    @pytest.fixture(autouse=True)
    def campaign(self, sqlite_database: Database) -> None:
        with sqlite_database.transaction() as session:
            of = make.campaign(session, state=CampaignState.ORDERING, two_person=True)
            shirt = make.candidate(session, of, "K1")
            make.offer(session, shirt, make.supplier(session))
            books.paid(session, of, (make.variants(session, shirt)[0], 1))

    def cancels(self, reason: str = REASON) -> tuple[str, ...]:
        return ("campaign", "advance", "ss27", "cancelled", "--reason", reason)

    def asks(self, database: Database, reason: str = REASON) -> None:
        with database.transaction() as session:
            ask(
                session,
                cancelling.cancelling(queries.campaign(session, "ss27")),
                reason=reason,
                actor="staff:owner@example.com",
                now=make.ORDERING_OPENS,
            )

    def test_is_refused_as_long_as_nobody_of_the_staff_asked_and_nothing_goes_back(self, shell: Shell, sqlite_database: Database) -> None:
        for _ in range(2):
            line = shell.refuses(*self.cancels())
            assert "needs a second person" in line
        with sqlite_database.reading() as session:
            assert queries.campaign(session, "ss27").state is CampaignState.ORDERING
            assert session.scalars(select(Refund)).all() == []

    def test_goes_through_with_exactly_the_reason_that_was_asked_for(self, shell: Shell, sqlite_database: Database) -> None:
        self.asks(sqlite_database)
        assert "needs a second person" in shell.refuses(*self.cancels("no yarn"))
        assert shell.does(*self.cancels()) == "ss27: cancelled\n"
        with sqlite_database.reading() as session:
            assert [refund.amount for refund in session.scalars(select(Refund))] == [5980]
            entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "deposits.cancel_campaign")).one()
            assert (entry.actor.partition(":")[0], entry.reason) == ("cli", self.REASON)

    def test_repeated_prints_the_same_and_returns_nothing_twice(self, shell: Shell, sqlite_database: Database) -> None:
        self.asks(sqlite_database)
        shell.does(*self.cancels())
        assert shell.reads(*self.cancels())["state"] == "cancelled"
        with sqlite_database.reading() as session:
            assert len(session.scalars(select(Refund)).all()) == 1

    def test_who_asked_before_the_campaign_moved_on_did_not_ask_for_this(self, shell: Shell, sqlite_database: Database) -> None:
        self.asks(sqlite_database)
        with sqlite_database.transaction() as session:
            queries.campaign(session, "ss27").state = CampaignState.SETTLING
        assert "needs a second person" in shell.refuses(*self.cancels())

    def test_nobody_at_a_keyboard_can_be_the_one_who_asks(self, sqlite_database: Database) -> None:
        with pytest.raises(Refused), sqlite_database.transaction() as session:
            ask(
                session,
                cancelling.cancelling(queries.campaign(session, "ss27")),
                reason=self.REASON,
                actor="cli:root",
                now=make.ORDERING_OPENS,
            )


def test_without_a_database_every_command_says_what_to_do(tmp_path: Path) -> None:
    assert "run c2b init" in Shell(tmp_path).refuses("campaign", "list")


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.environment["C2B_LOCALE"] = "xx"
    assert "C2B_LOCALE" in shell.refuses("campaign", "list")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c2b.db").write_text("hello " * 1000)
    assert "can't be opened" in Shell(tmp_path).refuses("campaign", "list")


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "c2b.db").touch()
    assert "another version; run c2b init" in Shell(tmp_path).refuses("campaign", "list")
