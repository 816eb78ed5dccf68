"""The application, which runs a request again when the database asks for it."""

import secrets
import time
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError

_ATTEMPTS = 4
_AGAIN = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization_failure and deadlock_detected: the transaction left no trace and may be repeated."""


def may_be_repeated(error: DBAPIError) -> bool:
    """Tell whether the database undid a transaction only because of another one."""
    return getattr(error.orig, "sqlstate", None) in _AGAIN


class Application(Flask):
    """Flask, with the whole view as what is repeated: it reads, locks and decides anew."""

    def dispatch_request(self, *arguments: Any) -> Any:
        """Run the view; up to three more times after a deadlock or a serialisation failure."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return super().dispatch_request(*arguments)
            except DBAPIError as error:
                if not may_be_repeated(error):
                    raise
                time.sleep(secrets.randbelow(20 * attempt) / 1000)  # spreads out those that met
        return super().dispatch_request(*arguments)
