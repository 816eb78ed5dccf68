"""A local Stripe: real HTTP on this machine, as strict as the real one about keys, parameters, idempotency and money."""

import json
import re
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from c2b.settings import Settings
from tests.payments.stripe_books import Json, StripeBooks

HALF_HOUR, DAY = 1800, 86400
_PRICE = r"line_items\[0\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[(name|description)))\]"
_KNOWN = {
    "session": rf"mode|client_reference_id|(success|cancel)_url|expires_at|locale|adaptive_pricing\[enabled\]"
    rf"|allowed_payment_method_types\[0\]|(payment_intent_data\[)?metadata\]?\[c2b\]|{_PRICE}",
    "refund": r"payment_intent|amount|metadata\[c2b\]",
    "page": r"limit|starting_after|payment_intent|created\[(gte|lte)\]",
    "one": r"expand\[0\]",
}
"""Parameters that there are: the real one refuses others too."""
_BROKEN: Json = {"error": {"type": "api_error", "message": "Something went wrong."}}
_NEEDED = ("mode", "success_url", "expires_at", "client_reference_id", "line_items[0][price_data][unit_amount]")


class Refusal(Exception):
    """What the API says no to; `begun`: after it had begun to do it, so that the key remembers."""

    def __init__(self, status: int, code: str, message: str, *, kind: str = "invalid_request_error", begun: bool = False) -> None:
        super().__init__(message)
        self.status, self.begun = status, begun
        self.answer: Json = {"error": {"type": kind, "code": code, "message": message}}


class StripeServer(StripeBooks):
    """`GatewayBooks` behind an address: `with StripeServer(path, now) as server`, then `server.address`."""

    key = "sk_test_local"

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        super().__init__(path, now)
        self.troubles: list[str] = []
        self.calls: list[str] = []
        """What was asked, like `POST /v1/refunds`."""
        self.before_answer: Callable[[], None] | None = None
        """Happens after a request was done and before it is answered: an event may be quicker than the answer."""
        self._turn, self._closing = threading.Lock(), threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def next_trouble(self, path: str) -> str:
        """Return what happens to this request; none to the question for the account, which is asked once and moves nothing."""
        with self._turn:
            return self.troubles.pop(0) if self.troubles and path != "/v1/account" else ""

    def wait_for_the_client_to_give_up(self) -> None:
        """Hold an answer back for as long as anybody could want it."""
        self._closing.wait(60)

    def answer(self, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], Json]:
        """Do what a request asks for, one request at a time."""
        address = urlsplit(target)
        with self._turn:
            self.calls.append(f"{method} {address.path}")
            try:
                self._require_key(headers)
                given = dict(parse_qsl(address.query if method == "GET" else body, keep_blank_values=True))
                if method == "POST":
                    return self._once(address.path, headers.get("idempotency-key", ""), given)
                return 200, {}, self._get(address.path, given)
            except Refusal as refusal:
                return refusal.status, {}, refusal.answer
            except LookupError as error:
                return 404, {}, Refusal(404, "resource_missing", str(error)).answer

    def _require_key(self, headers: dict[str, str]) -> None:
        if headers.get("authorization") != f"Bearer {self.key}":
            raise Refusal(401, "api_key_invalid", "Invalid API Key provided")

    def _once(self, path: str, key: str, given: dict[str, str]) -> tuple[int, dict[str, str], Json]:
        """Do a request once for its key: again it is the same answer, with other parameters a refusal."""
        said = json.dumps(given, sort_keys=True)
        with self.open() as books:
            books.execute("DELETE FROM seen WHERE at <= ?", (self.instant() - DAY,))
            seen = books.execute("SELECT * FROM seen WHERE key = ?", (key,)).fetchone()
        if seen is not None:
            if (seen["path"], seen["said"]) != (path, said):
                message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
                raise Refusal(400, "", message, kind="idempotency_error")
            return int(seen["status"]), {"Idempotent-Replayed": "true"}, json.loads(seen["answer"])
        try:
            status, answer = 200, self._post(path, given)
        except Refusal as refusal:
            if not refusal.begun:
                raise
            status, answer = refusal.status, refusal.answer
        with self.open() as books:
            row = (key, path, said, status, json.dumps(answer), self.instant())
            books.execute("INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?)", row)
        return status, {}, answer

    def _post(self, path: str, given: dict[str, str]) -> Json:
        if path == "/v1/checkout/sessions":
            return self._open_page(given)
        if path == "/v1/refunds":
            return self._send_back(given)
        if expiring := re.fullmatch(r"/v1/checkout/sessions/(cs_\w+)/expire", path):
            ended = self.expire(expiring[1])
            if ended is None:
                raise Refusal(400, "", "Only Checkout Sessions with a status in [open] can be expired.")
            return ended
        raise Refusal(404, "", f"Unrecognized request URL (POST: {path})")

    def _open_page(self, given: dict[str, str]) -> Json:
        _only_known("session", given)
        lacking = [name for name in _NEEDED if not given.get(name)]
        if lacking or given["mode"] != "payment" or not given["success_url"].startswith(("http://", "https://")):
            raise Refusal(400, "parameter_missing", f"Missing required param: {lacking}")
        if not HALF_HOUR <= int(given["expires_at"]) - self.instant() <= DAY:
            raise Refusal(400, "", "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.")
        if int(given["line_items[0][price_data][unit_amount]"]) < 50:
            raise Refusal(400, "amount_too_small", "The Checkout Session's total amount must convert to at least 50 cents.")
        ours = {"c2b": given["metadata[c2b]"]}
        return self.new_session(given, ours, {"c2b": given["payment_intent_data[metadata][c2b]"]})

    def _send_back(self, given: dict[str, str]) -> Json:
        _only_known("refund", given)
        with self.open() as books:
            received = self.row(books, "intent", "id", given["payment_intent"])["received"]
            frozen = books.execute("SELECT count(*) FROM dispute WHERE intent = ?", (given["payment_intent"],)).fetchone()[0]
        if not received:
            raise Refusal(400, "", "This PaymentIntent does not have a successful charge to refund.", begun=True)
        if frozen:
            raise Refusal(400, "charge_disputed", "This charge has been charged back.", begun=True)
        if self.refunds_refused:
            raise Refusal(400, self.refunds_refused, "This refund can't be made now.", begun=True)
        try:
            return self.new_refund(given["payment_intent"], int(given["amount"]), {"c2b": given["metadata[c2b]"]})
        except sqlite3.IntegrityError as error:
            raise Refusal(400, "charge_already_refunded", str(error), begun=True) from error

    def _get(self, path: str, given: dict[str, str]) -> Json:
        if path == "/v1/account":
            return {"id": self.account, "object": "account"}
        if one := re.fullmatch(r"/v1/(?:checkout/sessions|payment_intents|refunds)/((?:cs|pi|re)_\w+)", path):
            _only_known("one", given)
            with self.open() as books:
                return self.show(books, one[1], given.get("expand[0]", ""))
        table = {"/v1/checkout/sessions": "session", "/v1/refunds": "refund", "/v1/disputes": "dispute"}.get(path)
        if table is None:
            raise Refusal(404, "", f"Unrecognized request URL (GET: {path})")
        _only_known("page", given)
        return self._page(table, path, given)

    def _page(self, table: str, path: str, given: dict[str, str]) -> Json:
        """Return a page of a list, the newest first."""
        wanted = {"payment_intent": "intent = ?", "created[gte]": "created >= ?", "created[lte]": "created <= ?"}
        wanted["starting_after"] = f"rowid < (SELECT rowid FROM {table} WHERE id = ?)"
        asked = [name for name in wanted if name in given]
        where = " AND ".join(["1 = 1", *(wanted[name] for name in asked)])
        limit = int(given.get("limit", "10"))
        with self.open() as books:
            found = f"SELECT id FROM {table} WHERE {where} ORDER BY rowid DESC LIMIT ?"
            rows = books.execute(found, (*(given[name] for name in asked), limit + 1)).fetchall()
            shown = [self.show(books, row["id"]) for row in rows[:limit]]
        return {"object": "list", "url": path, "has_more": len(rows) > limit, "data": shown}


def settings(server: StripeServer, **changes: object) -> Settings:
    """Return the settings of a shop that takes money by this server."""
    values: dict[str, object] = {"gateways": "stripe", "stripe_key": server.key, "stripe_webhook_secret": server.secret}
    return Settings.model_validate({**values, "stripe_address": server.address, "base_url": "https://shop.example.com", **changes})


def _only_known(what: str, given: dict[str, str]) -> None:
    for name in given:
        if not re.fullmatch(_KNOWN[what], name):
            raise Refusal(400, "parameter_unknown", f"Received unknown parameter: {name}")


def _handler(server: StripeServer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"server_of": server})


class _Handler(BaseHTTPRequestHandler):
    server_of: StripeServer

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Keep quiet."""

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        trouble = self.server_of.next_trouble(urlsplit(self.path).path)
        if trouble == "down":
            return
        if trouble == "error":
            self._say(500, {}, _BROKEN)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server_of.answer(method, self.path, headers, body)
        if self.server_of.before_answer is not None and method == "POST":
            self.server_of.before_answer()
        if trouble == "slow":
            self.server_of.wait_for_the_client_to_give_up()
        elif trouble == "done-error":
            self._say(500, {}, _BROKEN)
        elif trouble != "lost":
            self._say(*answer)

    def _say(self, status: int, headers: dict[str, str], answer: Json) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
