"""Finding candidates among hundreds by words, in either language."""

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate


def plain(words: str) -> str:
    """Return words as they are compared: full-width forms as ordinary ones, upper case as lower."""
    return unicodedata.normalize("NFKC", words).casefold()


_TEXTS = ("code", "name", "name_en", "category", "category_en", "description", "description_en", "composition", "composition_en")


def texts_of(candidate: Candidate | Row[Any]) -> str:
    """Return everything that words are looked for in, as it is compared: code, names, categories, descriptions, compositions."""
    return plain("\n".join(getattr(candidate, name) for name in _TEXTS))


def containing(search: str) -> Callable[[str], bool]:
    """Return what tells whether every word of `search` stands somewhere in texts that are as they are compared."""
    words = plain(search).split()
    return lambda texts: all(word in texts for word in words)


def matching(session: Session, campaign_id: int, search: str) -> set[int]:
    """Return the candidates in which every word of `search` stands somewhere, in either language.

    Compared here and not by the database, whose lower case ends with ASCII and which knows no full-width forms.
    """
    columns = [getattr(Candidate, name) for name in _TEXTS]
    rows = session.execute(select(Candidate.id, *columns).where(Candidate.campaign_id == campaign_id))
    fits = containing(search)
    return {row.id for row in rows if fits(texts_of(row))}
