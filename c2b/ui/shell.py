"""What every view starts from: the application's parts, and the transaction of this request."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.settings import Settings


@dataclass(frozen=True)
class Parts:
    """What `create_app` wired together."""

    settings: Settings
    database: Database


def parts() -> Parts:
    """Return the running application's parts."""
    return cast("Mapping[str, Parts]", current_app.extensions)["c2b"]


def transaction() -> AbstractContextManager[Session]:
    """Open this request's writing transaction."""
    return parts().database.transaction()


def reading() -> AbstractContextManager[Session]:
    """Open a transaction that only reads."""
    return parts().database.reading()
