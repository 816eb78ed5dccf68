"""The schema's history; `upgrade` brings any database to its newest version."""

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from c2b.audit import models as _audit
from c2b.campaigns import models as _campaigns
from c2b.db import TRIGGERS, Base, Database
from c2b.deposits import models as _deposits
from c2b.jobs import models as _jobs
from c2b.ledger import models as _ledger
from c2b.messages import models as _messages
from c2b.payments import models as _payments
from c2b.people import models as _people
from c2b.production import models as _production
from c2b.stores import models as _stores
from c2b.voting import models as _voting

ROOMS = (_audit, _campaigns, _deposits, _jobs, _ledger, _messages, _payments, _people, _production, _stores, _voting)
"""Every module with tables; importing them fills the metadata."""
METADATA = Base.metadata

_LIST = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal",
}
_DROP = {"sqlite": 'DROP TRIGGER "{0}"', "postgresql": 'DROP TRIGGER "{0}" ON {1}'}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(__package__)))
    return config


def is_current(database: Database) -> bool:
    """Tell whether the database has the newest version of the schema."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(database: Database) -> None:
    """Create the tables or bring them to the newest version; running it again changes nothing."""
    if is_current(database):
        return
    config = _config()
    with database.engine.connect().execution_options(c2b_write=True) as connection:
        if database.is_sqlite:
            # Rebuilding a table with foreign keys on deletes the rows that point to it; the pragma works outside a transaction only.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            recreate_triggers(connection)
            if database.is_sqlite and (orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise RuntimeError(f"the migration would leave {len(orphans)} rows that point nowhere; nothing was changed")
        connection.invalidate()  # a fresh connection has its foreign keys on


def recreate_triggers(connection: Connection) -> None:
    """Drop every trigger and make those of `TRIGGERS`: a rebuilt table has lost its own."""
    dialect = connection.dialect.name
    for name, table in connection.execute(text(_LIST[dialect])).all():
        connection.execute(text(_DROP[dialect].format(name, table)))
    for trigger in TRIGGERS:
        for statement in getattr(trigger, dialect):
            connection.execute(text(statement))
