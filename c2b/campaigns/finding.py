"""Finding candidates among hundreds: by category, by estimate, by words in either language."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.campaigns.rules import text


@dataclass(frozen=True, slots=True)
class Facts:
    """What a filter asks of a candidate; the estimate in minor units."""

    id: int
    category: str
    category_en: str
    price_from: int | None


def facts(session: Session, campaign_id: int) -> list[Facts]:
    """Return a campaign's candidates in the order of the file, by one statement."""
    query = select(Candidate.id, Candidate.category, Candidate.category_en, Candidate.price_from)
    here = query.where(Candidate.campaign_id == campaign_id).order_by(Candidate.position, Candidate.id)
    return [Facts(*row) for row in session.execute(here)]


def categories_of(found: Iterable[Facts], locale: str) -> list[tuple[str, str, int]]:
    """Return key, shown name and number of candidates of each category, in the order of `found`."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for each in found:
        if each.category:
            names[each.category] = max(names.get(each.category, ""), each.category_en)
            counts[each.category] = counts.get(each.category, 0) + 1
    return [(key, text(key, names[key], locale), count) for key, count in counts.items()]


def plain(words: str) -> str:
    """Return words as they are compared: full-width forms as ordinary ones, upper case as lower."""
    return unicodedata.normalize("NFKC", words).casefold()


def matching(session: Session, campaign_id: int, search: str) -> set[int]:
    """Return the candidates in which every word of `search` stands somewhere, in either language.

    Looked at are code, names, categories, descriptions and compositions. Compared here and not by the database, whose
    lower case ends with ASCII and which knows no full-width forms.
    """
    columns = [Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.category_en]
    columns += [Candidate.description, Candidate.description_en, Candidate.composition, Candidate.composition_en]
    words = plain(search).split()
    rows = session.execute(select(Candidate.id, *columns).where(Candidate.campaign_id == campaign_id))
    found = ((key, plain("\n".join(texts))) for key, *texts in rows)
    return {key for key, everything in found if all(word in everything for word in words)}
