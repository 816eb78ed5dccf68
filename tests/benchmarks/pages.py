"""How many pages a second."""

import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from flask import Flask

from c2b.ui import shell
from c2b.voting.models import Pick
from tests.benchmarks import driving, population, servers
from tests.benchmarks.figures import Figure, Scale, compared

_VIEWERS = 50


def gallery(scale: Scale, folder: Path) -> list[Figure]:
    """Measure the first page of signed-in voters with five picks each, every one in an order of their own, against an empty page."""
    with servers.sqlite(folder) as (database, url):
        population.open_poll(database)
        population.enter(database, first=1, last=_VIEWERS)
        population.sign_in(database, first=1, last=_VIEWERS)
        keys = {"campaign_id": population.CAMPAIGN, "votes_each": population.VOTES_EACH}
        with database.transaction() as session:
            people = range(1, _VIEWERS + 1)
            picks = ((person, slot) for person in people for slot in range(1, 6))
            session.add_all(Pick(person_id=p, slot=slot, candidate_id=driving.wanted(p, slot), **keys) for p, slot in picks)
        app, hello = driving.shop(url, str(folder)), _hello()
        _rate(app, _pages(app), 1)
        runs = [(_rate(app, _pages(app), scale.seconds), _rate(hello, _hellos(app), scale.seconds)) for _ in range(scale.runs)]
        with app.app_context():
            shell.parts().database.close()
    return [compared("gallery page of 24 cards", ">= 0.35", "pages/s", runs, "against Flask's hello")]


def _hello() -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", "hello", lambda: "hello")
    return app


def _pages(app: Flask) -> Iterator[driving.Request]:
    return cycle([driving.page(app, person) for person in range(1, _VIEWERS + 1)])


def _hellos(app: Flask) -> Iterator[driving.Request]:
    return cycle([driving.page(app, 1) | {"PATH_INFO": "/"}])


def _rate(app: Flask, requests: Iterator[driving.Request], seconds: float) -> float:
    done, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        driving.send(app, next(requests), expect="200")
        done += 1
    return done / (now - begun)
