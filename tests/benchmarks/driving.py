"""Requests at the application's WSGI boundary: cookies, CSRF token and all, without a web server or a client in between."""

import io
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from c2b.app import create_app
from c2b.settings import Settings
from tests.benchmarks import population
from tests.benchmarks.population import CANDIDATES, NOW, SLUG

KEY = "k" * 40
_CSRF = "c" * 40
Request = dict[str, Any]


def shop(url: str, folder: str) -> Flask:
    """Return the application, as it is served."""
    settings = {"database_url": url, "data": folder, "secret_key": KEY, "base_url": "http://localhost", "locale": "en"}
    return create_app(Settings.model_validate(settings), clock=lambda: NOW)


def _environ(method: str, path: str, cookie: str, body: bytes = b"", kind: str = "") -> Request:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.7",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
        "HTTP_ACCEPT_LANGUAGE": "en",
        "HTTP_SEC_FETCH_SITE": "same-origin",
        "HTTP_COOKIE": cookie,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def send(app: Flask, environ: Request, *, expect: str) -> bytes:
    """Send a request that may be sent again, and return the body of the answer."""
    told: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        told.append(status)
        return told.append  # type: ignore[return-value]  # nobody writes

    answer = app(environ | {"wsgi.input": io.BytesIO(environ["wsgi.input"])}, start)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert told[0].startswith(expect), (told, body[:2000])
    return body


def cookie(app: Flask, person: int) -> str:
    """Return the cookie of a voter's browser."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return "c2b=" + str(signer.dumps({"customer": population.token(person), "viewer": person, "csrf_token": _CSRF, "_permanent": True}))


def tap(app: Flask, person: int, candidate: int) -> Request:
    """Return a voter's tap for a candidate, as a form sends it."""
    token = URLSafeTimedSerializer(KEY, salt="wtf-csrf-token").dumps(_CSRF)
    body = f"csrf_token={token}&back=%2Fc%2F{SLUG}%2F%3F&do=vote".encode()
    return _environ("POST", f"/c/{SLUG}/votes/K{candidate}", cookie(app, person), body, "application/x-www-form-urlencoded")


def ballot(app: Flask, person: int) -> Request:
    """Return a voter's whole ballot of fifteen, as the API takes it."""
    codes = ", ".join(f'"K{wanted(person, slot)}"' for slot in range(1, 16))
    return _environ("PUT", f"/api/v1/campaigns/{SLUG}/ballot", cookie(app, person), f'{{"codes": [{codes}]}}'.encode(), "application/json")


def page(app: Flask, person: int) -> Request:
    """Return the request for a voter's gallery."""
    return _environ("GET", f"/c/{SLUG}/", cookie(app, person))


def wanted(person: int, slot: int) -> int:
    """Return the candidate that a voter gives a vote."""
    return (person * 7 + slot * 31) % CANDIDATES + 1


def taps(app: Flask, first: int) -> Iterator[Request]:
    """Yield taps of one voter after the other, fifteen of each."""
    for person in count(first):
        form = tap(app, person, 1)
        for slot in range(1, 16):
            yield form | {"PATH_INFO": f"/c/{SLUG}/votes/K{wanted(person, slot)}"}


def ballots(app: Flask, first: int) -> Iterator[Request]:
    """Yield whole ballots of one voter after the other."""
    return (ballot(app, person) for person in count(first))


@dataclass(frozen=True)
class Load:
    """Who sends what for how long: each thread of each process has a block of voters of its own."""

    url: str
    folder: str
    kind: str
    """`taps` or `ballots`."""
    seconds: float
    first: int
    block: int
    threads: int = 2
    processes: int = 2


@dataclass(frozen=True)
class Sent:
    """What came of it: answers a second, and how long each took, in seconds, sorted."""

    rate: float
    took: list[float]

    def quantile(self, share: float) -> float:
        """Return the time within which `share` of the answers came."""
        return self.took[min(len(self.took) - 1, int(share * len(self.took)))]


_EXPECT = {"taps": "303", "ballots": "200"}
_KINDS: dict[str, Callable[[Flask, int], Iterable[Request]]] = {"taps": taps, "ballots": ballots}


def _sender(app: Flask, load: Load, first: int, took: list[float]) -> None:
    until = time.perf_counter() + load.seconds
    for environ in _KINDS[load.kind](app, first):
        begun = time.perf_counter()
        if begun > until:
            return
        send(app, environ, expect=_EXPECT[load.kind])
        took.append(time.perf_counter() - begun)


def _process(load: Load, number: int, start: Any, results: Any) -> None:
    app = shop(load.url, load.folder)
    took: list[float] = []
    begin = load.first + number * load.threads * load.block
    for environ, _ in zip(_KINDS[load.kind](app, begin), range(5), strict=False):
        send(app, environ, expect=_EXPECT[load.kind])  # connections, prepared statements, caches
    threads = [threading.Thread(target=_sender, args=(app, load, begin + 5 + place * load.block, took)) for place in range(load.threads)]
    start.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(took)


def drive(load: Load) -> Sent:
    """Send requests from several processes at once, as several workers of the server would get them."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(load.processes), context.Queue()
    workers = [context.Process(target=_process, args=(load, number, start, results)) for number in range(load.processes)]
    for worker in workers:
        worker.start()
    took = sorted(each for _ in workers for each in results.get(timeout=120))
    for worker in workers:
        worker.join()
    return Sent(len(took) / load.seconds, took)
