"""Text messages go to a real HTTP server, which checks what it gets."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from c2b.db import Database
from c2b.jobs.worker import run_due
from c2b.messages import actions, sms
from c2b.messages.models import Message
from c2b.messages.rules import MessageState, NoWay
from c2b.messages.sending import send
from c2b.messages.sms import NotNow, Sms
from c2b.settings import Settings

NUMBER = "+8613800138000"


class Provider(ThreadingHTTPServer):
    """A provider of text messages that keeps what it takes, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Window)
        self.answer = 202
        self.location = ""
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Window(BaseHTTPRequestHandler):
    """Takes one message; 0 as an answer hangs up without one."""

    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, json.loads(body)))
        if not self.server.answer:
            self.close_connection = True
            return
        self.send_response(self.server.answer)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop(provider: Provider, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, sms_url=f"http://shop:s%40crt@{provider.address}/v1/send?from=c2b", mail_url="smtp://127.0.0.1:1")


def queued(database: Database, now: datetime, **changes: Any) -> None:
    values: dict[str, Any] = {"event": "sign_in:1", "channel": "phone", "recipient": NUMBER, "template": "sign_in_code"}
    values |= {"fields": {"code": "314159", "minutes": "10"}, "locale": "zh_Hans_CN"}
    with database.transaction() as session:
        actions.queue(session, now=now, **(values | changes))


def work(database: Database, settings: Settings, now: datetime) -> Message:
    run_due(database, {"messages.send": lambda base, payload, at: send(base, settings, payload["message"], at)}, now=lambda: now)
    with database.reading() as session:
        return session.scalars(select(Message)).one()


def offered(provider: Provider, credentials: str = "") -> None:
    Sms(urlsplit(f"http://{credentials}{provider.address}")).send(to=NUMBER, text="Hello", key="7.1")


def test_a_code_goes_to_the_telephone_as_one_plain_call(database: Database, provider: Provider, shop: Settings, now: datetime) -> None:
    queued(database, now)
    assert work(database, shop, now).state is MessageState.SENT
    ((path, headers, document),) = provider.got
    assert path == "/v1/send?from=c2b"
    assert document["to"] == NUMBER
    assert document["text"].startswith("验证码 314159，10 分钟内有效。")
    assert document["id"] == headers["idempotency-key"] != ""
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Basic " + b64encode(b"shop:s@crt").decode()


def test_a_code_is_forgotten_once_the_provider_has_it(database: Database, shop: Settings, now: datetime) -> None:
    queued(database, now)
    assert work(database, shop, now).fields == {}


@pytest.mark.parametrize("answer", [500, 502, 503, 429, 408, 0])
def test_a_provider_that_is_busy_is_asked_again_for_the_same_message(
    database: Database, provider: Provider, shop: Settings, now: datetime, answer: int
) -> None:
    provider.answer = answer
    queued(database, now)
    waiting = work(database, shop, now)
    assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 1)
    provider.answer = 200
    assert work(database, shop, now + timedelta(minutes=1)).state is MessageState.SENT
    assert len(provider.got) == 2
    assert len({headers["idempotency-key"] for _, headers, _ in provider.got}) == 1, "so the provider sends it once"


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 422])
def test_what_the_provider_refuses_for_good_is_failed_at_once(
    database: Database, provider: Provider, shop: Settings, now: datetime, answer: int
) -> None:
    provider.answer = answer
    queued(database, now)
    refused = work(database, shop, now)
    assert (refused.state, refused.attempts) == (MessageState.FAILED, 1)
    assert refused.last_error.startswith("NoWay at c2b/messages/sms.py")
    assert NUMBER not in refused.last_error


def test_a_redirect_is_not_followed_for_it_would_carry_the_code_elsewhere(
    database: Database, provider: Provider, shop: Settings, now: datetime
) -> None:
    provider.answer, provider.location = 302, f"http://{provider.address}/elsewhere"
    queued(database, now)
    assert work(database, shop, now).state is MessageState.FAILED
    assert len(provider.got) == 1


def test_a_provider_that_is_not_there_is_tried_again(database: Database, shop: Settings, now: datetime) -> None:
    queued(database, now)
    waiting = work(database, shop.model_copy(update={"sms_url": "http://127.0.0.1:1/"}), now)
    assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 1)


def test_a_provider_that_never_answers_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, database: Database, shop: Settings, now: datetime
) -> None:
    monkeypatch.setattr(sms, "SECONDS", 0.05)
    with ThreadingHTTPServer(("127.0.0.1", 0), Window) as silent:  # takes connections, but nobody serves them
        queued(database, now)
        waiting = work(database, shop.model_copy(update={"sms_url": f"http://127.0.0.1:{silent.server_port}/"}), now)
    assert waiting.state is MessageState.QUEUED
    assert waiting.last_error.startswith("TimeoutError")


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ("", None),
        (":t%2Fk@", "Bearer t/k"),
        ("shop:t@", "Basic " + b64encode(b"shop:t").decode()),
        ("shop@", "Basic " + b64encode(b"shop:").decode()),
    ],
)
def test_user_and_token_stand_in_the_address(provider: Provider, credentials: str, header: str | None) -> None:
    offered(provider, credentials)
    ((path, headers, document),) = provider.got
    assert headers.get("authorization") == header
    assert (path, document) == ("/", {"to": NUMBER, "text": "Hello", "id": "7.1"})


@pytest.mark.parametrize("answer", [200, 201, 202, 204])
def test_every_2xx_is_a_yes(provider: Provider, answer: int) -> None:
    provider.answer = answer
    offered(provider)
    assert len(provider.got) == 1


@pytest.mark.parametrize(("answer", "raised"), [(300, NoWay), (400, NoWay), (499, NoWay), (425, NotNow), (500, NotNow), (599, NotNow)])
def test_every_other_answer_is_a_no_for_now_or_for_good(provider: Provider, answer: int, raised: type[Exception]) -> None:
    provider.answer = answer
    with pytest.raises(raised, match=str(answer)):
        offered(provider)


def test_https_is_spoken_where_the_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: list[tuple[str, int | None, bool]] = []

    class Recorded:
        def __init__(self, host: str, port: int | None, *, timeout: float, context: Any) -> None:
            assert timeout == sms.SECONDS
            spoken.append((host, port, context.check_hostname))
            raise ConnectionRefusedError

    monkeypatch.setattr(sms, "HTTPSConnection", Recorded)
    for address in ("https://sms.example.com/send", "https://sms.example.com:8443/send"):
        with pytest.raises(ConnectionRefusedError):
            Sms(urlsplit(address)).send(to=NUMBER, text="Hello", key="1")
    assert spoken == [("sms.example.com", None, True), ("sms.example.com", 8443, True)]


@pytest.mark.parametrize("urls", [("console:", "smtp://127.0.0.1:1"), ("console:", ""), ("", "")])
def test_on_ones_own_machine_a_text_message_is_a_file_and_no_line_of_a_log(
    database: Database,
    tmp_path: Path,
    now: datetime,
    urls: tuple[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    queued(database, now)
    settings = Settings(data=tmp_path, sms_url=urls[0], mail_url=urls[1])
    assert work(database, settings, now).state is MessageState.SENT
    (file,) = (tmp_path / "outbox").iterdir()
    text = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (text["To"], text["Subject"]) == (NUMBER, "SMS")
    assert "314159" in text.get_content()
    assert "314159" not in "".join(capfd.readouterr())


def test_a_shop_with_mail_but_no_provider_says_that_the_text_message_has_no_way(database: Database, tmp_path: Path, now: datetime) -> None:
    queued(database, now)
    failed = work(database, Settings(data=tmp_path, mail_url="smtp://127.0.0.1:1"), now)
    assert failed.state is MessageState.FAILED
    assert not (tmp_path / "outbox").exists()


def test_with_a_provider_of_text_messages_alone_mail_still_goes_to_files(database: Database, tmp_path: Path, now: datetime) -> None:
    queued(database, now, channel="email", recipient="anna@example.com")
    assert work(database, Settings(data=tmp_path, sms_url="http://127.0.0.1:1/"), now).state is MessageState.SENT
    assert len(list((tmp_path / "outbox").iterdir())) == 1
