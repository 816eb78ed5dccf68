"""How many pages a second."""

from pathlib import Path

from c2b.db import Database
from c2b.ui import shell
from c2b.voting.models import Pick
from tests.benchmarks import driving, population, servers, serving
from tests.benchmarks.figures import Figure, Scale, compared

_VIEWERS = 50


def gallery(scale: Scale, folder: Path) -> list[Figure]:
    """Measure the first page of signed-in voters with five picks each, every one in an order of their own, against an empty page.

    Both through the web server, and by the time that the server works for them: that of who asks doesn't count.
    """
    with servers.sqlite(folder) as (database, url):
        _voters(database)
        app = driving.shop(url, str(folder))
        asked = [serving.written(driving.page(app, person)) for person in range(1, _VIEWERS + 1)]
        with app.app_context():
            shell.parts().database.close()
        with serving.served("shop", C2B_BENCH_URL=url, C2B_BENCH_DATA=str(folder)) as shop, serving.served("hello") as hello:
            nothing = [serving.written(driving.page(app, 1) | {"PATH_INFO": "/"})]
            for server, requests in ((shop, asked), (hello, nothing)):
                server.rate(requests, max(0.5, scale.seconds / 3))
            runs = [(shop.rate(asked, scale.seconds), hello.rate(nothing, scale.seconds)) for _ in range(scale.runs)]
    return [compared("gallery page of 24 cards", ">= 0.35", "pages/s", runs, "a second of the server's CPU, against Flask's hello")]


def _voters(database: Database) -> None:
    population.open_poll(database)
    population.enter(database, first=1, last=_VIEWERS)
    population.sign_in(database, first=1, last=_VIEWERS)
    keys = {"campaign_id": population.CAMPAIGN, "votes_each": population.VOTES_EACH}
    with database.transaction() as session:
        picks = ((person, slot) for person in range(1, _VIEWERS + 1) for slot in range(1, 6))
        session.add_all(Pick(person_id=p, slot=slot, candidate_id=driving.wanted(p, slot), **keys) for p, slot in picks)
