"""The web application: wiring only."""

from flask import Flask

from c2b import settings as settings_module
from c2b.db import Database
from c2b.settings import Settings
from c2b.ui.shell import Parts


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application for `settings`, read from the environment if not given; the database must be migrated."""
    settings = settings or settings_module.load().with_local_secret()
    app = Flask("c2b", static_folder="static")
    app.extensions["c2b"] = Parts(settings, Database(settings.database))
    app.secret_key = settings.secret_key.get_secret_value()
    return app
