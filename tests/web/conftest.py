"""A shop with a campaign of thirty candidates, in the middle of its vote."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from c2b.app import create_app
from c2b.campaigns.models import Campaign, Picture
from c2b.db import Database
from c2b.settings import Settings
from c2b.ui.shell import parts
from tests import databases, make
from tests.web.pages import Browser

WORDS = [
    ("麻布衬衫", "Linen shirt", "衬衫", "Shirts"),
    ("星点长裙", "Dotted dress", "连衣裙", "Dresses"),
    ("绞花毛衣", "Cable knit", "针织", "Knits"),
]


class Clock:
    """A clock that tests set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


def thirty(session: Session) -> None:
    """Thirty candidates, three votes each, so that a ballot is soon full."""
    made = make.campaign(session, votes_each=3, places=10)
    for number in range(30):
        name, name_en, category, category_en = WORDS[number % 3]
        texts: dict[str, Any] = {
            "name": f"{name} {number}",
            "name_en": f"{name_en} {number}",
            "category": category,
            "category_en": category_en,
        }
        candidate = make.candidate(session, made, f"K{number:02}", position=number, description_en="Soft.", **texts)
        if number < 20:
            session.add(
                Picture(candidate_id=candidate.id, position=1, source=f"{number}.svg", file=f"pic{number}.svg", width=400, height=480)
            )


@pytest.fixture
def campaign(sqlite_database: Database) -> Campaign:
    databases.fill(sqlite_database, thirty)
    with sqlite_database.reading() as session:
        return make.campaign_of(session, "ss27")


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    settings = Settings.model_validate(
        {
            "database_url": sqlite_database.engine.url.render_as_string(hide_password=False),
            "data": tmp_path,
            "secret_key": "k" * 40,
            "base_url": "http://localhost",
            "demo": True,
        }
    )
    made = create_app(settings, clock=clock)
    yield made
    with made.app_context():
        parts().impressions.close()
        parts().database.close()


@pytest.fixture
def visit(app: Flask) -> Callable[..., Browser]:
    """Open a new browser in a language."""

    def opened(language: str = "en") -> Browser:
        return Browser(app, language)

    return opened
