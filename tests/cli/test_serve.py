"""c2b serve."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pydantic import SecretStr

from c2b.cli.serve import is_local, require_secret
from c2b.errors import Refused
from c2b.settings import Settings


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://shop.localhost", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.20:8000", True),
        ("https://shop.example.com", False),
        ("https://localhost.example.com", False),
        ("http://8.8.8.8", False),
        ("", False),
    ],
)
def test_a_shop_is_local_on_this_machine_or_in_this_house(url: str, *, local: bool) -> None:
    assert is_local(url) is local


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_public_shop_does_not_start_without_a_secret_of_its_own(tmp_path: Path, secret: str) -> None:
    settings = Settings(data=tmp_path, base_url="https://shop.example.com", secret_key=SecretStr(secret))
    with pytest.raises(Refused, match="C2B_SECRET_KEY"):
        require_secret(settings)
    assert not (tmp_path / "secret-key").exists()


def test_a_public_shop_is_never_a_demo_that_shows_its_codes(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, base_url="https://shop.example.com", secret_key=SecretStr("s" * 43), demo=True)
    with pytest.raises(Refused, match="C2B_DEMO shows sign-in codes"):
        require_secret(settings)
    assert require_secret(settings.model_copy(update={"base_url": "http://127.0.0.1:8000"})).demo


def test_a_public_shop_starts_with_a_long_secret_and_a_local_one_makes_its_own(tmp_path: Path) -> None:
    public = Settings(data=tmp_path, base_url="https://shop.example.com", secret_key=SecretStr("x" * 32))
    assert require_secret(public).secret_key.get_secret_value() == "x" * 32
    local = Settings(data=tmp_path, base_url="http://127.0.0.1:8000", secret_key=SecretStr(""))
    assert len(require_secret(local).secret_key.get_secret_value()) > 40


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("C2B_")} | {"C2B_DATA": str(folder)}
    command = [sys.executable, "-m", "c2b.cli", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, path: str, server: subprocess.Popen[str]) -> str:
    """Return a page as soon as the server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", path)
                return connection.getresponse().read().decode()
        except OSError:
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_the_shop_is_served_on_sqlite_and_stops_when_told(tmp_path: Path) -> None:
    run(tmp_path, "init").communicate(timeout=60)
    port = free_port()
    server = run(tmp_path, "serve", "--port", str(port))
    try:
        assert server.stdout is not None
        assert next(line for line in server.stdout if "The worker is running" in line)
        assert "<h1>" in fetch(port, "/?lang=en", server)
    finally:
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=30)
    assert "Traceback" not in output


def test_sqlite_is_served_by_one_process(tmp_path: Path) -> None:
    run(tmp_path, "init").communicate(timeout=60)
    refused = run(tmp_path, "serve", "--workers", "2")
    output, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "one writer" in output


def test_a_shop_without_a_database_says_what_to_run(tmp_path: Path) -> None:
    refused = run(tmp_path, "serve")
    output, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "c2b init" in output


def test_a_port_that_is_served_already_is_not_shared(tmp_path: Path) -> None:
    run(tmp_path, "init").communicate(timeout=60)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused = run(tmp_path, "serve", "--no-worker", "--port", str(other.getsockname()[1]))
        output, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "Address already in use" in output


def test_a_host_that_nobody_knows_is_refused_in_one_line(tmp_path: Path) -> None:
    run(tmp_path, "init").communicate(timeout=60)
    refused = run(tmp_path, "serve", "--no-worker", "--host", "shop.invalid")
    output, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "shop.invalid:8000 can't be served" in output
    assert "Traceback" not in output
