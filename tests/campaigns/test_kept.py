"""What a process keeps of a campaign is good until anything of it changes, whoever changed it, and in whatever way."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from c2b.campaigns import kept, queries
from c2b.campaigns.bands import Band
from c2b.campaigns.models import Campaign, Candidate, Picture
from c2b.db import Database, insert_rows
from tests import make
from tests.statements import counted

DESIGNS: list[dict[str, Any]] = [
    {"name": "麻布衬衫", "name_en": "Linen shirt", "category": "衬衫", "category_en": "Shirts", "price": 22900},
    {"name": "星点长裙", "name_en": "Dotted dress", "category": "连衣裙", "category_en": "Dresses", "price": None},
    {"name": "条纹衬衫", "name_en": "Striped shirt", "category": "衬衫", "category_en": "", "price": 31900},
]


@pytest.fixture
def made(database: Database) -> Campaign:
    """Three designs, the first with two pictures."""
    with database.transaction() as session:
        campaign = make.campaign(session)
        for number, texts in enumerate(DESIGNS):
            make.candidate(session, campaign, f"K{number}", position=number, sizes="", **texts)
        first = make.candidate_of(session, campaign, "K0").id
        for place in (2, 1):
            session.add(Picture(candidate_id=first, position=place, source=f"{place}.jpg", file=f"f{place}.webp"))
    return campaign


def edition(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(Campaign.edition).where(Campaign.slug == "ss27")).one()


def new_picture(session: Session) -> None:
    session.add(Picture(candidate_id=session.scalars(select(Candidate.id)).first() or 0, position=9, source="9.jpg", file="f9.webp"))


def many_candidates(session: Session) -> None:
    """Copy the first candidate, the way that a large import writes."""
    row = dict(session.connection().execute(select(Candidate.__table__).limit(1)).mappings().one())
    row.pop("id")
    insert_rows(session, Candidate, [row | {"code": f"N{number}"} for number in range(3)])


CHANGES: dict[str, Callable[[Session], Any]] = {
    "a name": lambda session: session.execute(update(Candidate).where(Candidate.code == "K1").values(name="新名")),
    "a withdrawal": lambda session: session.execute(update(Candidate).where(Candidate.code == "K2").values(withdrawn_reason="broken")),
    "by hand": lambda session: session.execute(text("UPDATE candidate SET category = 'X' WHERE code = 'K0'")),
    "new ones": many_candidates,
    "one less": lambda session: session.execute(delete(Candidate).where(Candidate.code == "K2")),
    "a picture's file": lambda session: session.execute(update(Picture).values(file="other.webp")),
    "a new picture": new_picture,
    "a picture less": lambda session: session.execute(delete(Picture).where(Picture.position == 2)),
    "the phase": lambda session: session.execute(text("UPDATE campaign SET state = 'tally'")),
    "a pause": lambda session: session.execute(update(Campaign).values(paused=True, reason="snow")),
}


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("what", CHANGES)
def test_every_change_makes_another_edition(database: Database, what: str) -> None:
    before = edition(database)
    with database.transaction() as session:
        CHANGES[what](session)
    assert edition(database) != before


@pytest.mark.usefixtures("made")
def test_another_campaigns_changes_and_what_was_undone_make_none(database: Database) -> None:
    with database.transaction() as session:
        other = make.campaign(session, slug="aw27")
        make.candidate(session, other, "K0", sizes="")
    before = edition(database)
    with database.transaction() as session:
        session.execute(update(Candidate).where(Candidate.campaign_id == other.id).values(name="另一个"))
    with pytest.raises(RuntimeError), database.transaction() as session:
        session.execute(update(Candidate).values(name="没有"))
        raise RuntimeError
    assert edition(database) == before


def test_a_vote_makes_no_edition(database: Database, made: Campaign) -> None:
    before = edition(database)
    with database.transaction() as session:
        make.ballot(session, made, make.candidate_of(session, made, "K0"))
    assert edition(database) == before


def test_no_two_campaigns_begin_with_the_same_edition(session: Session) -> None:
    slugs = [make.campaign(session, slug=f"s{number}").slug for number in range(5)]
    found = session.scalars(select(Campaign.edition).where(Campaign.slug.in_(slugs))).all()
    assert len(set(found)) == 5


def test_it_is_read_once_for_each_edition(database: Database, made: Campaign) -> None:
    now = edition(database)
    with counted(database) as statements:
        found = kept.kept(database, made.id, now)
        assert kept.kept(database, made.id, now) is found
    assert len(statements) == 3
    with database.transaction() as session:
        CHANGES["a name"](session)
    again = kept.kept(database, made.id, edition(database))
    assert again is not found
    assert [card.name for card in again.cards("zh_Hans_CN")] == ["麻布衬衫", "新名", "条纹衬衫"]


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_cards_and_categories_are_what_the_lists_of_staff_have(database: Database, made: Campaign, locale: str) -> None:
    with database.reading() as session:
        found = kept.read(session, made.id)
        assert list(found.cards(locale)) == queries.candidates(session, made.id, locale=locale)
        assert found.categories(locale) == queries.categories(session, made.id, locale=locale)
        assert list(found.ids) == queries.candidate_ids(session, made.id)
    assert found.cards(locale)[0].picture is found.pictures[found.ids[0]]
    assert found.pictures[found.ids[0]].file == "f1.webp"


def test_candidates_are_bits_in_the_order_of_the_file(database: Database, made: Campaign) -> None:
    with database.reading() as session:
        found = kept.read(session, made.id)
    assert found.all == 0b111
    assert found.bits([found.ids[2], found.ids[0], 99]) == 0b101
    assert found.numbered([2, 1]) == 0b110
    assert found.where(lambda each: each.category == "衬衫") == 0b101
    assert found.where(lambda each: each.price_from in Band(None, 30000)) == 0b001
    assert found.matching("ＳＨＩＲＴ 条纹") == 0b100
    assert found.matching(" ") == 0b111


def test_a_memo_makes_each_value_once_and_begins_anew_when_it_is_full() -> None:
    memo: kept.Memo[str] = kept.Memo(2)
    made: list[str] = []

    def ask(key: str) -> str:
        return memo.of(key, lambda: made.append(key) or key.upper())  # type: ignore[func-returns-value]  # notes that it was asked

    assert [ask(key) for key in "aabab"] == list("AABAB")
    assert made == ["a", "b"]
    assert ask("c") == "C"
    assert ask("a") == "A"
    assert made == ["a", "b", "c", "a"]
