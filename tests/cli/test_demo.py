"""The demo's command: data for every page, made once, thrown away only when asked."""

import contextlib
import http.client
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from c2b.cli import demo as command
from c2b.demo import seasons, shop
from c2b.demo.seasons import Season
from tests.cli.shell import Shell

FEW: dict[str, Any] = {"candidates": 20, "places": 8, "voters": 40, "orders": 30, "minimums": (3, 6)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the further campaigns small, so that the command is quick."""
    for name in ("ORDERING", "DECIDED"):
        monkeypatch.setattr(seasons, name, Season(**(vars(getattr(seasons, name)) | FEW)))
    return tmp_path / "demo"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "elsewhere")


def rows(folder: Path, query: str) -> list[Any]:
    with sqlite3.connect(folder / "c2b.db") as database:
        return database.execute(query).fetchall()


def make(shell: Shell, folder: Path, *more: str) -> str:
    return shell.does("demo", "--data", folder, "--candidates", "20", "--no-serve", *more)


def test_it_makes_three_campaigns_and_says_where_to_look(shell: Shell, folder: Path) -> None:
    said = make(shell, folder, "--port", "8311")
    assert rows(folder, "SELECT slug, state FROM campaign ORDER BY id") == [
        ("autumn", "voting"),
        ("summer", "ordering"),
        ("spring", "decided"),
    ]
    assert "http://127.0.0.1:8311/c/autumn/" in said
    assert "http://127.0.0.1:8311/admin/" in said
    assert "owner@example.com" in said
    assert shop.PASSWORD in said


def test_run_twice_it_changes_nothing_and_with_reset_it_starts_anew(shell: Shell, folder: Path) -> None:
    make(shell, folder)
    counts = (
        "SELECT (SELECT count(*) FROM campaign), (SELECT count(*) FROM pick), (SELECT count(*) FROM transfer), (SELECT max(id) FROM job)"
    )
    secret = rows(folder, "SELECT hex(secret) FROM campaign ORDER BY id")
    before = rows(folder, counts)
    make(shell, folder)
    assert rows(folder, counts) == before
    assert rows(folder, "SELECT hex(secret) FROM campaign ORDER BY id") == secret
    make(shell, folder, "--reset")
    assert len(rows(folder, "SELECT 1 FROM campaign")) == 3
    assert rows(folder, "SELECT hex(secret) FROM campaign ORDER BY id") != secret


def test_the_audit_passes_on_the_demo(shell: Shell, folder: Path) -> None:
    make(shell, folder)
    shell.environment = {"C2B_DATA": str(folder)}
    assert shell.does("audit") == "All promises hold.\n"


def test_it_keeps_to_its_own_folder(shell: Shell, folder: Path) -> None:
    folder.mkdir()
    (folder / "accounts.xlsx").write_bytes(b"mine")
    refused = shell.refuses("demo", "--data", folder, "--no-serve", "--reset")
    assert "has other things in it" in refused
    assert [path.name for path in folder.iterdir()] == ["accounts.xlsx"]


def test_it_ignores_the_shop_that_the_environment_names(shell: Shell, folder: Path, tmp_path: Path) -> None:
    shell.environment |= {"C2B_DATABASE_URL": f"sqlite:///{tmp_path / 'real.db'}", "C2B_MAIL_URL": "smtp://mail.example.com"}
    make(shell, folder)
    assert not (tmp_path / "real.db").exists()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("number", ["0", "1001", "many"])
def test_a_wrong_number_of_candidates_is_wrong_usage(shell: Shell, folder: Path, number: str) -> None:
    assert shell.run("demo", "--data", folder, "--candidates", number, "--no-serve").exit_code == 2
    assert not folder.exists()


def test_what_listens_everywhere_is_looked_at_here(tmp_path: Path) -> None:
    assert command._settings(tmp_path, "0.0.0.0", 8312).base_url == "http://127.0.0.1:8312"  # noqa: S104  the point
    assert command._settings(tmp_path, "shop.test", 8312).base_url == "http://shop.test:8312"
    assert command._settings(tmp_path, "127.0.0.1", 8312).demo


def test_it_serves_the_gallery_with_its_pictures_and_ends_with_its_server(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["demo", "--data", str(tmp_path / "demo"), "--candidates", "20", "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "c2b.cli", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while "any e-mail address" not in (line := process.stdout.readline()):
                assert line, "it ended before it said where to look"
            _, page = get(port, "/c/autumn/")
            files = re.findall(r"/media/[0-9a-f]{32}\.svg", page.decode())
            assert len(files) >= 20
            kind, drawing = get(port, files[0])
            assert kind.startswith("image/svg+xml")
            assert drawing.startswith(b"<svg")
        finally:
            process.terminate()
            process.wait(timeout=60)
    with pytest.raises(ConnectionRefusedError):
        get(port, "/")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def get(port: int, path: str) -> tuple[str, bytes]:
    """Fetch a page and return its type and content."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.headers["Content-Type"], answer.read()
