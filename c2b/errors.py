"""What can go wrong by a person's doing; everything else is a bug.

A message is a template in English, the key of its translation, with `%(name)s` for the named values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


def N_(message: str) -> str:  # noqa: N802  the name that gettext tools look for
    """Mark `message` for translation where it is made; the shell translates it."""
    return message


class Problem(Exception):
    """Something that a person did or asked for can't be; says what, where and how to repair it."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class Sentence(Protocol):
    """What can be said in any language: a template in English and its values."""

    @property
    def message(self) -> str:
        """The key of its translation."""

    @property
    def values(self) -> Mapping[str, Any]:
        """What is named in it."""


@dataclass(frozen=True)
class Sentences:
    """Several sentences as one value of another; the shell says each in the reader's language."""

    parts: tuple[Sentence, ...]

    def __str__(self) -> str:
        return "; ".join(str(part) for part in self.parts)


class Refused(Problem):
    """The rules or the state of things forbid it; nothing was changed."""


class NotFound(Problem):
    """There is no such thing, or it isn't this person's."""


class Invalid(Problem):
    """What was given can't be read or isn't complete; `field` names the place where it was entered."""

    def __init__(self, message: str, *, field: str = "", **values: Any) -> None:
        super().__init__(message, **values)
        self.field = field
