"""The migrations make exactly what the models say, and lose nothing on the way."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from c2b import migrations
from c2b.campaigns.models import Campaign
from c2b.db import TRIGGERS, Base, Database
from c2b.voting import seals, selecting, tree
from tests import databases, make

VERSIONS = Path(migrations.__file__).parent / "versions"
LIST = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}
ENTRY = (
    "INSERT INTO audit_entry (at, actor, action, object, campaign, before, after, reason) "
    "VALUES (:at, 'cli:x', 'a', '', '', '{}', '{}', '')"
)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        yield connection


def upgrade_to(database: Database, version: str) -> None:
    """Bring an empty database to an older version, as it was made then."""
    config = migrations._config()
    with database.engine.connect().execution_options(c2b_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_the_migrations_make_what_the_models_say(connection: Connection) -> None:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, migrations.METADATA) == []


def test_every_check_of_the_models_is_in_the_database(connection: Connection) -> None:
    inspector = inspect(connection)
    wanted = {(t.name, str(c.name)) for t in Base.metadata.tables.values() for c in t.constraints if isinstance(c, CheckConstraint)}
    found = {(t, str(c["name"])) for t in inspector.get_table_names() for c in inspector.get_check_constraints(t)}
    assert wanted <= found


def test_every_constraint_has_a_name_so_that_a_later_migration_can_find_it() -> None:
    assert [t.name for t in Base.metadata.tables.values() for c in t.constraints if c.name is None] == []


def test_every_trigger_is_there(connection: Connection) -> None:
    statements = [s for trigger in TRIGGERS for s in getattr(trigger, connection.dialect.name)]
    wanted = {name for s in statements for name in re.findall(r"CREATE TRIGGER (\w+)", s)}
    assert set(connection.scalars(text(LIST[connection.dialect.name]))) == wanted


def test_recreating_the_triggers_keeps_them_working(database: Database) -> None:
    with database.engine.execution_options(c2b_write=True).begin() as connection:
        migrations.recreate_triggers(connection)
        connection.execute(text(ENTRY), {"at": "2027-03-01 00:00:00"})
    with pytest.raises(DBAPIError, match="append-only"), database.engine.execution_options(c2b_write=True).begin() as connection:
        connection.execute(text("UPDATE audit_entry SET actor = 'somebody else'"))


def test_upgrading_twice_changes_nothing_and_keeps_the_rows(database: Database) -> None:
    with database.transaction() as session:
        make.campaign(session)
    migrations.upgrade(database)
    with database.reading() as session:
        assert session.scalars(select(Campaign.slug)).all() == ["ss27"]


def test_an_empty_database_is_not_current(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert not migrations.is_current(database)
    migrations.upgrade(database)
    assert migrations.is_current(database)
    database.close()


def test_sqlite_guards_its_foreign_keys_again_after_an_upgrade(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    migrations.upgrade(database)
    with database.reading() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


OLD_MESSAGE = (
    "INSERT INTO message (event, channel, recipient, template, fields, locale, state, attempts, created_at, last_error) "
    "VALUES (:event, 'email', 'anna@example.com', 'order_paid', :fields, 'en', :state, 1, '2027-03-01 00:00:00', '')"
)
OLD_MESSAGES = [
    {"event": "paid:1", "fields": '{"order": "A1", "amount": "5"}', "state": "sent"},
    {"event": "sign_in:1", "fields": "{}", "state": "failed"},
]


def test_messages_from_before_know_their_order_and_may_be_dropped(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade_to(database, "0016")
    with database.engine.execution_options(c2b_write=True).begin() as connection:
        connection.execute(text(OLD_MESSAGE), OLD_MESSAGES)
    migrations.upgrade(database)
    with database.transaction() as session:
        found = session.execute(text("SELECT event, about, reader, state FROM message ORDER BY id")).all()
        assert [tuple(row) for row in found] == [("paid:1", "A1", "", "sent"), ("sign_in:1", "", "", "failed")]
        session.execute(text("UPDATE message SET state = 'dropped' WHERE event = 'sign_in:1'"))
    with pytest.raises(DBAPIError, match="message_state"), database.transaction() as session:
        session.execute(text("UPDATE message SET state = 'lost'"))
    with pytest.raises(DBAPIError, match="UNIQUE"), database.transaction() as session:
        session.execute(text(OLD_MESSAGE), OLD_MESSAGES[0])
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give a database without tables."""
    if request.param == "postgresql":
        with databases.bare_postgresql() as database:
            yield database
        return
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    database.close()


OLD_CAMPAIGN = {
    **dict.fromkeys(("title", "title_en", "reason"), ""),
    **dict.fromkeys(("votes_each", "places", "minimum", "max_products", "per_customer", "rules_version"), 1),
    **dict.fromkeys(("min_votes", "max_per_category", "settle_hours", "grace_days", "shipping"), 0),
    **dict.fromkeys(("paused", "publish_ballots", "two_person"), False),
    **dict.fromkeys(("ordering_opens", "ordering_closes", "created_at"), make.OPENS),
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "legal_profile": "CN_DINGJIN",
    "state": "selected",
    "secret": b"s",
    "deposit_percent": 20,
    "identity": "email",
    "count": ["store", "verified"],
    "countries": [],
}
OLD_SELECTION = {
    **dict.fromkeys(("rules_version", "places", "voters", "votes", "held_votes"), 0),
    **dict.fromkeys(("input_hash", "ballot_root", "seed", "output_hash"), "0" * 64),
    "at": make.CLOSES,
    "actor": "cli:x",
    "margin": {},
}
OLD_BALLOT = {"votes_each": 1, "nonce": b"n", "created_at": make.OPENS, "held_at": None, "held_reason": ""}


class Old:
    """A database of an older version, filled through the tables as they were then."""

    def __init__(self, database: Database) -> None:
        self.database, self.tables = database, MetaData()
        self.tables.reflect(database.engine)

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        with self.database.engine.execution_options(c2b_write=True).begin() as connection:
            connection.execute(insert(self.tables.tables[table]), rows)

    def elect(self, campaign_id: int, ballots: list[dict[str, Any]]) -> None:
        """Have a campaign whose result was published."""
        self.add("campaign", OLD_CAMPAIGN | {"id": campaign_id, "slug": f"campaign-{campaign_id}"})
        keys = [{"campaign_id": campaign_id, "person_id": person} for person in range(1, len(ballots) + 1)]
        self.add("selection", OLD_SELECTION | {"campaign_id": campaign_id})
        if ballots:
            self.add("ballot", *(OLD_BALLOT | key | ballot for key, ballot in zip(keys, ballots, strict=True)))


def old_ballot(number: int) -> dict[str, Any]:
    """Return one of many; each 7th is a draft, each 50th of a source that doesn't count, each 11th held."""
    serial = b64encode(hashlib.sha256(str(number).encode()).digest()).decode()[:16]
    source = "imported" if number % 50 == 0 else "draft" if number % 7 == 0 else ("verified", "store")[number % 2]
    held = {"held_at": make.OPENS, "held_reason": "burst"} if number % 11 == 0 else {}
    return {"serial": serial, "version": number % 5, "source": source, "commitment": f"{number:064x}", **held}


def test_results_that_were_published_before_are_sealed_as_they_are_today(empty: Database) -> None:
    upgrade_to(empty, "0023")
    old, ballots = Old(empty), [old_ballot(number) for number in range(1, 3001)]
    old.add(
        "person",
        *({"id": key, "ref": f"p{key}", "name": "", "locale": "", "viewer": 1, "created_at": make.OPENS} for key in range(1, 3001)),
    )
    old.elect(1, ballots)
    old.elect(2, [])
    old.elect(3, ballots[:1])
    migrations.upgrade(empty)
    counted = sorted((each for each in ballots if each["source"] in ("store", "verified")), key=itemgetter("serial"))
    leaves = [tree.Leaf(each["serial"], each["version"], "held_at" in each, each["commitment"]) for each in counted]
    assert len(leaves) > 2 * tree.BLOCK
    with empty.reading() as session:
        assert seals.kept(session, 1) == tree.sealed(leaves)
        assert seals.kept(session, 2) == tree.sealed([])
        assert seals.kept(session, 3).blocks == (tree.block([leaf for leaf in leaves if leaf.serial == ballots[0]["serial"]]),)
        assert list(selecting.leaves(session, session.get_one(Campaign, 1))) == leaves
    with pytest.raises(DBAPIError, match="append-only"), empty.transaction() as session:
        session.execute(text("UPDATE seal_block SET node = listed"))


def test_the_versions_follow_one_another() -> None:
    names = sorted(path.name for path in VERSIONS.glob("0*.py"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
