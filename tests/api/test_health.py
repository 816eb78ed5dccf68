import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from c2b.api.health import SILENT
from c2b.app import create_app
from c2b.db import Database
from c2b.jobs.actions import beat
from c2b.settings import Settings
from c2b.ui.shell import parts


def settings(database: Database, folder: Path) -> Settings:
    url = database.engine.url.render_as_string(hide_password=False)
    return Settings.model_validate({"database_url": url, "data": folder, "secret_key": "k" * 40, "base_url": "http://localhost"})


@pytest.fixture
def app(database: Database, tmp_path: Path, now: datetime) -> Iterator[Flask]:
    made = create_app(settings(database, tmp_path), clock=lambda: now)
    yield made
    with made.app_context():
        parts().database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def beats(database: Database, at: datetime) -> None:
    with database.transaction() as session:
        beat(session, now=at)


def says(answer: TestResponse) -> tuple[int, Any]:
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    return answer.status_code, answer.json["checks"]


def test_the_process_answers_whatever_the_worker_does(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_it_is_ready_when_database_migrations_and_worker_are(client: FlaskClient, database: Database, now: datetime) -> None:
    beats(database, now)
    answer = client.get("/readyz")
    assert says(answer) == (200, {"database": "ok", "migrations": "ok", "worker": "ok"})
    assert answer.json is not None
    assert answer.json["status"] == "ok"


def test_a_worker_that_was_never_there_is_missed(client: FlaskClient) -> None:
    status, checks = says(client.get("/readyz"))
    assert (status, checks["worker"]) == (503, "never seen: run c2b work")


@pytest.mark.parametrize(("since", "status"), [(timedelta(0), 200), (SILENT, 200), (SILENT + timedelta(microseconds=1), 503)])
def test_a_worker_is_gone_after_a_minute_of_silence(
    client: FlaskClient, database: Database, now: datetime, since: timedelta, status: int
) -> None:
    beats(database, now - since)
    answer = client.get("/readyz")
    assert says(answer)[0] == status
    assert (says(answer)[1]["worker"] == "ok") is (status == 200)


def test_it_says_when_the_worker_was_last_seen(client: FlaskClient, database: Database, now: datetime) -> None:
    beats(database, now - timedelta(hours=1))
    assert says(client.get("/readyz"))[1]["worker"] == "last seen 2027-03-08T03:00:00+00:00"


def test_tables_of_another_version_are_not_ready(client: FlaskClient, database: Database, now: datetime) -> None:
    beats(database, now)
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert says(client.get("/readyz")) == (503, {"database": "ok", "migrations": "another version: run c2b init"})


def test_a_database_that_is_gone_is_not_ready_and_names_no_host(sqlite_database: Database, tmp_path: Path, now: datetime) -> None:
    app = create_app(settings(sqlite_database, tmp_path), clock=lambda: now)
    with app.app_context():
        parts().database.close()
    path = Path(sqlite_database.engine.url.database or "")
    sqlite_database.close()
    path.unlink()
    path.mkdir()  # nothing that SQLite could open
    assert says(app.test_client().get("/readyz")) == (503, {"database": "can't be reached"})
    assert app.test_client().get("/healthz").status_code == 200
    shutil.rmtree(path)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_look(client: FlaskClient, path: str) -> None:
    assert client.post(path).status_code in (400, 405)
    assert "Set-Cookie" not in client.get(path).headers
