"""A page through the web server that serves the shop, and a bare page of Flask through the same one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from flask import Flask

from tests.benchmarks import driving

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 30.0
_TICK = os.sysconf("SC_CLK_TCK")
_SERVE = (
    "import sys; from granian import Granian; from granian.constants import Interfaces; "
    "Granian('tests.benchmarks.serving:' + sys.argv[1], address='127.0.0.1', port=int(sys.argv[2]), interface=Interfaces.WSGI, "
    "workers=1, blocking_threads=1, factory=True, websockets=False, log_enabled=False).serve()"
)


def shop() -> Flask:
    """Return the shop that the environment names."""
    return driving.shop(os.environ["C2B_BENCH_URL"], os.environ["C2B_BENCH_DATA"])


def hello() -> Flask:
    """Return the smallest application that Flask can be."""
    app = Flask("hello")
    app.add_url_rule("/", "hello", lambda: "hello")
    return app


class Served:
    """A server of one process and one thread, and the processor's time that it took."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self._port = process, port

    def cpu(self) -> float:
        """Return the seconds that the server's processes have worked, as the system counts them."""
        ours = [self._process.pid]
        for pid in ours:
            ours += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
        told = (Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for pid in ours)
        return sum(int(each[11]) + int(each[12]) for each in told) / _TICK

    def rate(self, requests: Iterable[bytes], seconds: float) -> float:
        """Ask one after the other for so long; return how many are answered in a second of the server's own time."""
        asked, done = cycle(requests), 0
        with self.connected() as link:
            before, until = self.cpu(), time.perf_counter() + seconds
            while time.perf_counter() < until:
                answered(link, next(asked))
                done += 1
            return done / max(self.cpu() - before, 1 / _TICK)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """Yield a connection to the server, which may take a while to be there."""
        until = time.perf_counter() + _PATIENCE
        while True:
            try:
                link = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE)
                break
            except ConnectionRefusedError:
                if time.perf_counter() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
        with link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield link


def answered(link: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of the answer, which must be a page."""
    link.sendall(request)
    told = link.recv(65536)
    while b"\r\n\r\n" not in told:
        told += link.recv(65536)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    parts, got = [body], len(body)
    while got < size:
        parts.append(link.recv(65536))
        got += len(parts[-1])
    return b"".join(parts)


def written(environ: driving.Request) -> bytes:
    """Return a request without a body as it goes over the wire."""
    names = (name for name in environ if name.startswith("HTTP_") and environ[name])
    lines = (f"{name[5:].replace('_', '-').title()}: {environ[name]}\r\n" for name in names)
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


@contextmanager
def served(what: str, **environment: str) -> Iterator[Served]:
    """Serve the application that the function `what` of this file makes, as `c2b serve` would."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = {name: value for name, value in os.environ.items() if not name.startswith("C2B_")} | environment
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", _SERVE, what, str(port)], cwd=_ROOT, env=known) as process:
        try:
            yield Served(process, port)
        finally:
            process.terminate()
