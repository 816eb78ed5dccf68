"""Sending a code from a page: the same for signing in, for a further address, and for a lost one."""

from flask import session as cookie

from c2b.people import actions as people
from c2b.people.rules import AddressKind, Asked, address_digest, ask
from c2b.ui.language import locale
from c2b.ui.shell import now, parts, secret_key, transaction


def send(kind: AddressKind, typed: str) -> str:
    """Send a code to what was typed; return it for the demo's page, else nothing.

    Raises Invalid for what is no address, Refused for too many codes to one address or to too many from one browser.
    """
    mark = address_digest(secret_key(), kind, typed).hex()[:12]
    asked = ask(_asked(), mark=mark, day=now().date().isoformat())
    with transaction() as session:
        code = people.send_code(session, kind=kind, address=typed, locale=locale(), secret_key=secret_key(), now=now())
    cookie["asked"] = [asked.day, *asked.marks]
    return code if parts().settings.demo else ""


def _asked() -> Asked:
    day, *marks = cookie.get("asked") or [""]
    return Asked(day, tuple(marks))
