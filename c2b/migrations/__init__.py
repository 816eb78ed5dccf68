"""The schema's history; `upgrade` brings any database to its newest version."""

from importlib import resources

from alembic import command
from alembic.config import Config

from c2b.audit import models as _audit
from c2b.campaigns import models as _campaigns
from c2b.db import Base, Database
from c2b.deposits import models as _deposits
from c2b.jobs import models as _jobs
from c2b.ledger import models as _ledger
from c2b.messages import models as _messages
from c2b.payments import models as _payments
from c2b.people import models as _people
from c2b.production import models as _production
from c2b.voting import models as _voting

ROOMS = (_audit, _campaigns, _deposits, _jobs, _ledger, _messages, _payments, _people, _production, _voting)
"""Every module with tables; importing them fills the metadata."""
METADATA = Base.metadata


def upgrade(database: Database) -> None:
    """Create the tables or bring them to the newest version; running it again changes nothing."""
    config = Config()
    config.set_main_option("script_location", str(resources.files(__package__)))
    with database.engine.execution_options(c2b_write=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
