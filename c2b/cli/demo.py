"""c2b demo: a shop to look at, in one command."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from c2b import clock, migrations
from c2b.db import Database
from c2b.demo import seasons, shop
from c2b.errors import N_, Refused
from c2b.payments import gateways
from c2b.settings import Settings
from c2b.work import GATES, Worker

MOST = 1000
"""Candidates; beyond, the vocabulary would have to repeat names."""
PATIENCE = 60.0
"""Seconds that the server may take to answer for the first time."""


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=Path("c2b-demo"), show_default=True, help="Its folder.")
@click.option("--candidates", type=click.IntRange(1, MOST), default=500, show_default=True, help="How many are up for the vote.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--no-serve", is_flag=True, help="Only make the data.")
@click.option("--reset", is_flag=True, help="Throw an earlier demo in the folder away and start anew.")
def demo(*, data: Path, candidates: int, port: int, host: str, no_serve: bool, reset: bool) -> None:
    """Make a shop with a campaign of drawn garments that takes votes, one that takes orders and one that is decided, and serve it."""
    shop.claim(data, reset=reset)
    settings = _settings(data, host, port)
    database = Database(settings.database)
    click.get_current_context().call_on_close(database.close)
    migrations.upgrade(database)
    secret = settings.secret_key.get_secret_value()
    made = shop.Shop(database, data, secret, GATES, gateways.build(settings, database), clock.now())
    season = seasons.voting(candidates)
    if no_serve:
        shop.open_doors(made, season)
        _fill(made, season)
        click.echo("\n".join(_welcome(settings.base_url)))
        return
    worker = Worker(database, settings)
    with _server(settings, host, port) as server:
        shop.open_doors(made, season)
        _wait(server, f"{settings.base_url}/c/{season.slug}/")
        click.echo("\n".join(_welcome(settings.base_url)))
        _fill(made, season)
        threading.Thread(target=worker.run, name="worker", daemon=True).start()
        server.wait()


def _fill(made: shop.Shop, season: seasons.Season) -> None:
    shop.fill(made, season, seasons.ORDERING, seasons.DECIDED)
    click.echo("All votes, orders and refunds are in.", err=True)


def _settings(data: Path, host: str, port: int) -> Settings:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  where to look, not what to listen on
    address = f"http://{shown}:{port}"
    return Settings(data=data, database_url="", mail_url="", gateways=("sandbox",), base_url=address, demo=True).with_local_secret()


@contextmanager
def _server(settings: Settings, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run `c2b serve` beside us, so that it starts while the shop is being made; it ends with us."""
    about = {"DATA": str(settings.data.resolve()), "DATABASE_URL": "", "MAIL_URL": "", "GATEWAYS": "sandbox", "DEMO": "true"}
    about |= {"BASE_URL": settings.base_url, "SECRET_KEY": settings.secret_key.get_secret_value()}
    command = [sys.executable, "-m", "c2b.cli", "serve", "--no-worker", "--host", host, "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | {f"C2B_{name}": value for name, value in about.items()})  # noqa: S603  our own
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield server
    except KeyboardInterrupt:
        pass  # Ctrl-C or SIGTERM is how the demo ends
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[bytes], page: str) -> None:
    """Wait for the first page; raises Refused if the server ends before or takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(page, timeout=PATIENCE).close()  # noqa: S310  our own server
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Refused(N_("The server did not start; is the port in use? Choose another with --port"))


def _welcome(address: str) -> Iterator[str]:
    """Say where to look and who to be."""
    yield f"Vote       {address}/c/{seasons.voting(1).slug}/   (in English: ?lang=en)"
    yield f"Pre-order  {address}/c/{seasons.ORDERING.slug}/"
    yield f"Decided    {address}/c/{seasons.DECIDED.slug}/"
    yield f"Staff      {address}/admin/"
    yield f"           {', '.join(shop.STAFF)}: password {shop.PASSWORD}"
    yield "Customers  any e-mail address, the page shows the code; guest0001@example.com has votes and orders"
