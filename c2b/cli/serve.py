"""c2b serve: the web server, with the worker beside it."""

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import click
from granian import Granian
from granian.constants import Interfaces

from c2b.cli import context
from c2b.errors import N_, Refused
from c2b.settings import Settings

_SHORTEST_SECRET = 32


def is_local(base_url: str) -> bool:
    """Tell whether a shop at this address is only for this machine or this house: loopback or a private network."""
    host = urlsplit(base_url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_private


def require_secret(settings: Settings) -> Settings:
    """Return the settings with their secret key; a local shop makes its own, any other must be given one that nobody guesses.

    Nor may any other be a demo, whose sign-in page shows its codes to everybody.
    """
    if is_local(settings.base_url):
        return settings.with_local_secret()
    if settings.demo:
        raise Refused(N_("C2B_DEMO shows sign-in codes to everybody; unset it to serve %(url)s"), url=settings.base_url)
    if len(settings.secret_key.get_secret_value()) < _SHORTEST_SECRET:
        raise Refused(
            N_("Set C2B_SECRET_KEY to at least %(least)s random characters to serve %(url)s: it keys cookies and addresses"),
            least=_SHORTEST_SECRET,
            url=settings.base_url,
        )
    return settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes on PostgreSQL; SQLite always has one. Default: one a core.")
@click.option("--no-worker", is_flag=True, help="Don't run the background worker beside it.")
def serve(*, host: str, port: int, workers: int | None, no_worker: bool) -> None:
    """Serve the shop; stopped by Ctrl-C or SIGTERM."""
    settings = require_secret(context.settings())
    server = Granian(
        "c2b.app:create_app",
        workers=_processes(workers, is_sqlite=context.database().is_sqlite),
        address=_free_address(host, port),
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=2,  # more threads fight for the interpreter: measured five times slower with four
        factory=True,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    click.echo(f"Serving {settings.base_url} at http://{host}:{port}", err=True)
    with _worker(wanted=not no_worker):
        server.serve()


def _processes(wanted: int | None, *, is_sqlite: bool) -> int:
    """Return how many processes serve; raises Refused for more than one on SQLite."""
    if not is_sqlite:
        return wanted or os.cpu_count() or 1
    if wanted not in {None, 1}:
        raise Refused(N_("SQLite has one writer, so it is served by one process; leave --workers out, or use PostgreSQL"))
    return 1


def _free_address(host: str, port: int) -> str:
    """Return the number of `host`, having made sure that nobody serves `port` there: two shops would share its customers by lot."""
    try:
        family, _, _, _, found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise Refused(N_("%(host)s:%(port)s can't be served: %(why)s"), host=host, port=port, why=error.strerror or str(error)) from error
    return str(found[0])


@contextmanager
def _worker(*, wanted: bool) -> Iterator[None]:
    """Run `c2b work` as a process of its own, so that it neither slows nor outlives the server."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-m", "c2b.cli", "work"]) as process:
        try:
            yield
        finally:
            process.terminate()
