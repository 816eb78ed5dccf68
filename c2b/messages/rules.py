"""What a message may be, and how its text comes together: pure."""

import enum
import string
from collections.abc import Mapping
from dataclasses import dataclass

TRIES = 6
"""Then it is failed and shown to staff."""
SECRET = frozenset({"sign_in_code", "counter_code", "address_lost"})
"""Templates whose fields are forgotten once the message is out: the outbox is no store of codes and keys."""


class NoWay(Exception):
    """There is no provider for this channel, or it will never take this message: trying again is no use."""


class MessageState(enum.StrEnum):
    """`failed` is shown to staff."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True)
class Text:
    """A message, ready to go out."""

    subject: str
    body: str


def fill(template: str, fields: Mapping[str, str]) -> Text:
    """Put `fields` into a template: its first line is the subject, an empty line and the body follow, `$name` stands for a field.

    Raises KeyError for a field that isn't given: no customer ever reads "$amount".
    """
    subject, body = template.split("\n\n", 1)
    return Text(_one_line(subject, fields), string.Template(body).substitute(fields))


def fill_short(template: str, fields: Mapping[str, str]) -> Text:
    """Put `fields` into a text message, which is one line without a subject; raises KeyError as `fill` does."""
    return Text("", _one_line(template.strip(), fields))


def _one_line(template: str, fields: Mapping[str, str]) -> str:
    return string.Template(template).substitute({name: " ".join(value.split()) for name, value in fields.items()})
