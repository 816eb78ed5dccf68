"""What a tap tells of where it came from: never an address, and only what led to the first visit."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from c2b.db import Database
from c2b.ui.touches import network
from c2b.voting.models import VoteEvent

PAGE = "/c/ss27/"


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("203.0.113.7", "203.0.113.250", "203.0.114.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1", "2001:db8:1:3::7"),
        ("::ffff:203.0.113.7", "203.0.113.9", "203.0.112.9"),
    ],
)
def test_who_shares_a_network_shares_its_name(address: str, same: str, other: str) -> None:
    assert network(address) == network(same) != network(other)


@pytest.mark.parametrize("address", ["", "unix:", "203.0.113", "localhost"])
def test_what_is_no_address_is_no_network(address: str) -> None:
    assert network(address) == ""


def tapped(client: FlaskClient, database: Database, *, address: str = "203.0.113.7", agent: str = "Phone", **visit: Any) -> VoteEvent:
    """Come by `visit`, vote for the first candidate, and return the tap."""
    told: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": address}}
    page = client.get(visit.get("path", PAGE), headers={"User-Agent": agent} | visit.get("headers", {}), **told).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "do": "vote"}
    assert client.post("/c/ss27/votes/K00", data=form, headers={"User-Agent": agent}, **told).status_code == 303
    with database.reading() as session:
        return session.scalars(select(VoteEvent).order_by(VoteEvent.id.desc()).limit(1)).one()


@pytest.mark.usefixtures("campaign")
def test_a_tap_carries_hashes_of_device_and_browser_and_no_address(app: Flask, sqlite_database: Database) -> None:
    first = tapped(app.test_client(), sqlite_database)
    neighbour = tapped(app.test_client(), sqlite_database, address="203.0.113.8")
    elsewhere = tapped(app.test_client(), sqlite_database, address="198.51.100.1")
    another = tapped(app.test_client(), sqlite_database, agent="Laptop")
    assert first.device == neighbour.device
    assert len({first.device, elsewhere.device, another.device}) == 3
    assert first.agent == elsewhere.agent != another.agent
    assert (len(first.device), len(first.agent)) == (64, 16)
    assert "203" not in first.device[:4]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("path", "referrer", "kept"),
    [
        (PAGE, "https://blog.example.com/post?id=7", "blog.example.com"),
        (PAGE, "http://localhost/c/ss27/p/K01", ""),
        (PAGE, "", ""),
        (PAGE, "http://[broken", ""),
        (PAGE, "https://user:secret@blog.example.com:8443/x", "blog.example.com"),
        (PAGE + "?s=poster-7", "https://blog.example.com/", "poster-7"),
        (PAGE + "?s=<b>%0Apo ster</b>", "", "bposterb"),
        (PAGE + "?s=" + "x" * 500, "", "x" * 60),
    ],
)
def test_a_tap_remembers_what_led_to_the_first_visit(app: Flask, sqlite_database: Database, path: str, referrer: str, kept: str) -> None:
    headers = {"Referer": referrer} if referrer else {}
    assert tapped(app.test_client(), sqlite_database, path=path, headers=headers).referrer == kept


@pytest.mark.usefixtures("campaign")
def test_a_later_visit_from_elsewhere_changes_nothing(app: Flask, sqlite_database: Database) -> None:
    client = app.test_client()
    client.get(PAGE, headers={"Referer": "https://blog.example.com/"})
    assert tapped(client, sqlite_database, path=PAGE + "?s=poster", headers={"Referer": "https://other.example.com/"}).referrer == (
        "blog.example.com"
    )
