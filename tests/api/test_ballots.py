"""A ballot in one request: what it answers, and every way in which it says no."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from c2b.app import create_app
from c2b.campaigns.models import Candidate
from c2b.db import Database
from c2b.people import actions as people
from c2b.ui.shell import parts
from c2b.voting.models import Pick, VoteEvent
from tests import make
from tests.api.test_health import settings

BALLOT = "/api/v1/campaigns/ss27/ballot"


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path, now: datetime) -> Iterator[Flask]:
    with sqlite_database.transaction() as session:
        made = make.campaign(session, votes_each=2)
        for code in ("K1", "K2", "K3"):
            make.candidate(session, made, code)
    application = create_app(settings(sqlite_database, tmp_path), clock=lambda: now)
    yield application
    with application.app_context():
        parts().database.close()


def visiting(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def signed_in(app: Flask, database: Database, now: datetime, *, verified: bool = True) -> FlaskClient:
    with database.transaction() as session:
        person = make.person(session)
        if verified:
            make.address(session, person, "anna@example.com")
        token = people.start_login(session, person_id=person.id, now=now)
    client = visiting(app)
    with client.session_transaction() as cookie:
        cookie["customer"] = token
    return client


@pytest.fixture
def anna(app: Flask, sqlite_database: Database, now: datetime) -> FlaskClient:
    return signed_in(app, sqlite_database, now)


def problem(answer: TestResponse) -> dict[str, Any]:
    """Return an error's details, after making sure that they are as RFC 9457 wants them."""
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json(force=True)
    assert isinstance(body, dict)
    assert body["status"] == answer.status_code
    assert body["type"] == "about:blank"
    assert body["title"]
    return body


def stored(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.scalars(select(Candidate.code).join(Pick, Pick.candidate_id == Candidate.id)))


def test_a_signed_in_customer_puts_a_whole_ballot(anna: FlaskClient, sqlite_database: Database) -> None:
    answer = anna.put(BALLOT, json={"codes": ["K2", "K1"]})
    assert answer.status_code == 200
    assert answer.json is not None
    assert {key: answer.json[key] for key in ("campaign", "codes", "left", "version")} == {
        "campaign": "ss27",
        "codes": ["K1", "K2"],
        "left": 0,
        "version": 1,
    }
    assert stored(sqlite_database) == ["K1", "K2"]


def test_putting_it_again_is_safe_and_another_replaces_it(anna: FlaskClient, sqlite_database: Database) -> None:
    first = anna.put(BALLOT, json={"codes": ["K1"]})
    assert anna.put(BALLOT, json={"codes": ["K1"]}).json == first.json
    assert anna.put(BALLOT, json={"codes": ["K3"]}).status_code == 200
    assert stored(sqlite_database) == ["K3"]


def test_its_taps_carry_what_any_tap_does(anna: FlaskClient, sqlite_database: Database) -> None:
    anna.put(BALLOT, json={"codes": ["K1"]})
    with sqlite_database.reading() as session:
        event = session.scalars(select(VoteEvent)).one()
        assert (len(event.device), len(event.agent)) == (64, 16)


@pytest.mark.parametrize("verified", [None, False])
def test_nobody_but_a_signed_in_customer_may(app: Flask, sqlite_database: Database, now: datetime, *, verified: bool | None) -> None:
    client = visiting(app) if verified is None else signed_in(app, sqlite_database, now, verified=False)
    answer = client.put(BALLOT, json={"codes": ["K1"]})
    assert answer.status_code == 401
    assert "Sign in" in problem(answer)["detail"]
    assert stored(sqlite_database) == []


@pytest.mark.parametrize(
    ("codes", "status", "says"),
    [
        (["K1", "K2", "K3"], 400, "has 2 votes; these are 3"),
        (["K1", "K1"], 400, "twice"),
        (["K9"], 404, "K9"),
        ("K1", 400, "list"),
        ([1], 400, "list"),
        (None, 400, "list"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    anna: FlaskClient, sqlite_database: Database, codes: object, status: int, says: str
) -> None:
    anna.put(BALLOT, json={"codes": ["K3"]})
    answer = anna.put(BALLOT, json={"codes": codes})
    assert answer.status_code == status
    assert says in problem(answer)["detail"]
    assert stored(sqlite_database) == ["K3"]


def test_a_wrong_value_names_its_field(anna: FlaskClient) -> None:
    assert problem(anna.put(BALLOT, json={"codes": ["K1", "K1"]}))["field"] == "codes"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_refused(anna: FlaskClient, body: bytes) -> None:
    answer = anna.put(BALLOT, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "codes" in problem(answer)["detail"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_what_a_form_of_another_site_could_send_is_refused(anna: FlaskClient, sqlite_database: Database, kind: str) -> None:
    answer = anna.put(BALLOT, data=b'{"codes": ["K1"]}', content_type=kind)
    assert answer.status_code == 415
    assert "Content-Type" in problem(answer)["detail"]
    assert stored(sqlite_database) == []


def test_a_campaign_that_is_not_there_is_not_found(anna: FlaskClient) -> None:
    assert problem(anna.put("/api/v1/campaigns/ss99/ballot", json={"codes": []}))["status"] == 404


def test_after_voting_closed_the_state_forbids_it(sqlite_database: Database, tmp_path: Path, app: Flask, now: datetime) -> None:
    assert app.name
    late = create_app(settings(sqlite_database, tmp_path), clock=lambda: make.CLOSES)
    answer = signed_in(late, sqlite_database, now).put(BALLOT, json={"codes": ["K1"]})
    assert answer.status_code == 409
    assert "not open" in problem(answer)["detail"]
