"""Alipay as we know it from its documents, on a port of this machine: the real SDK talks to it, and it is as strict as the real one.

It verifies every signature, signs every answer, keeps its own books, and refuses to refund more than it captured. What a test puts into
`troubles` happens to the next calls, in order: `down` (dropped before anything was done), `lost` (done, the answer dropped), `error` and
`done-error` (HTTP 500 before and after), `slow` (done, no answer until the caller gives up), `forged` (answered by somebody else).
"""

import base64
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from c2b.settings import Settings

APP, SELLER = "2021000000000001", "2088000000000001"
BEIJING = timezone(timedelta(hours=8))
TIME = "%Y-%m-%d %H:%M:%S"
_PAGES = {"alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY", "alipay.trade.wap.pay": "QUICK_WAP_WAY"}
_SCHEMA = """
CREATE TABLE trade (
  key TEXT PRIMARY KEY, number TEXT UNIQUE NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), product TEXT NOT NULL,
  subject TEXT NOT NULL, notify_url TEXT NOT NULL, expires TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'WAIT_BUYER_PAY', paid_at TEXT,
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount AND (refunded = 0 OR paid_at IS NOT NULL))
);
CREATE TABLE refund (
  key TEXT NOT NULL, trade TEXT NOT NULL REFERENCES trade, amount INTEGER NOT NULL CHECK (amount > 0), PRIMARY KEY (trade, key)
);
CREATE TABLE notice (id INTEGER PRIMARY KEY, said TEXT NOT NULL);
"""


class Refusal(Exception):
    """A business error: signed as every answer is."""


@cache
def keys(owner: str) -> RSAPrivateKey:
    """Return the key pair of the shop, of Alipay, or of somebody else; one a run, for making them takes time."""
    assert owner
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> str:
    """Write a private key as Alipay's tools do for Python."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def public_pem(key: RSAPrivateKey) -> str:
    """Write the public half."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def sign(key: RSAPrivateKey, text: str) -> str:
    """Sign by RSA2: PKCS#1 1.5 over SHA-256."""
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(key: RSAPublicKey, text: str, signature: str) -> bool:
    """Say whether the signature is the key's."""
    try:
        key.verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def joined(said: Mapping[str, str]) -> str:
    """Return what is signed of parameters: sorted, without encoding."""
    return "&".join(f"{name}={value}" for name, value in sorted(said.items()))


def yuan(amount: int) -> str:
    """Write fen."""
    return f"{Decimal(amount) / 100:.2f}"


class AlipayServer:
    """The books, and the port that they are behind. A test's customers act by `approve` and `decline`."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.now = now
        self.troubles: list[str] = []
        self.calls: list[str] = []
        self.changes: dict[str, Any] = {}
        """What answers say instead, signed all the same."""
        self.balance: int | None = None
        """Money on the shop's account there; None: always enough."""
        self.address_of: Callable[[str], str] | None = None
        """How a customer who never opened the page finds it, by the payment's key."""
        self.released = threading.Event()
        self._folder = folder
        self._lock, self._taken = threading.Lock(), 0
        with closing(sqlite3.connect(folder / "alipay.db")) as books:
            books.executescript(_SCHEMA)
        self._port = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._port.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._port.shutdown()
        self._port.server_close()
        self._thread.join()

    def settings(self, **changes: Any) -> Settings:
        """Return the settings of the shop that has its account here."""
        private, public = self._folder / "shop.pem", self._folder / "alipay.pem"
        private.write_text(private_pem(keys("shop")))
        public.write_text(public_pem(keys("alipay")))
        values = {"alipay_app_id": APP, "alipay_seller": SELLER, "alipay_private_key": private, "alipay_public_key": public}
        address = f"http://127.0.0.1:{self._port.server_port}/gateway.do"
        return Settings.model_validate({"gateways": "alipay", "data": self._folder, "alipay_address": address, **values, **changes})

    # What the customer does.

    def visit(self, address: str) -> str:
        """Open the signed page, as a browser does; the trade is made by that. Returns where the customer is sent afterwards."""
        said = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        about = self._verified(said)
        assert _PAGES[said["method"]] == about["product_code"], "the product must be the page's"
        assert ("quit_url" in about) is (said["method"] == "alipay.trade.wap.pay"), "a wap page says where who gives up goes"
        with self._books() as books:
            amount = int(Decimal(about["total_amount"]) * 100)
            told = (about["out_trade_no"], self._number(books), amount, about["product_code"], about["subject"])
            books.execute(
                "INSERT INTO trade (key, number, amount, product, subject, notify_url, expires) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO NOTHING",
                (*told, said["notify_url"], about["time_expire"]),
            )
            known = self._trade(books, about["out_trade_no"])
            if (known["amount"], known["product"], known["subject"]) != told[2:]:
                raise Refusal("ACQ.CONTEXT_INCONSISTENT")
        return said["return_url"]

    def approve(self, key: str) -> None:
        """Pay, unless it is paid, closed or too late; a notice is written."""
        self._decide(key, "TRADE_SUCCESS")

    def decline(self, key: str) -> None:
        """Give up: the trade is closed without payment."""
        self._decide(key, "TRADE_CLOSED")

    def finish(self, key: str) -> None:
        """Let the year pass in which a trade can be refunded."""
        with self._books() as books:
            books.execute("UPDATE trade SET status = 'TRADE_FINISHED' WHERE key = ? AND status = 'TRADE_SUCCESS'", (key,))

    def bounce(self, refund_key: str) -> None:
        """Nothing that we could hear of: what a bank sends back goes into the customer's balance here."""
        raise NotImplementedError(refund_key)

    def dispute(self, key: str) -> None:
        """Nothing either: complaints are settled by refunds."""
        raise NotImplementedError(key)

    def captured(self) -> int:
        """Return all that was ever taken, in fen."""
        return self._sum("SELECT coalesce(sum(amount), 0) FROM trade WHERE paid_at IS NOT NULL")

    def refunded(self) -> int:
        """Return all that went back, in fen."""
        return self._sum("SELECT coalesce(sum(amount), 0) FROM refund")

    def events(self) -> list[tuple[dict[str, str], bytes]]:
        """Take the notices of what happened since they were taken last, oldest first, signed now."""
        found = self.repeated()
        new, self._taken = found[self._taken :], len(found)
        return new

    def repeated(self) -> list[tuple[dict[str, str], bytes]]:
        """Return the notices of all that ever happened as they are sent again now: each with its old id and a new time."""
        with self._books() as books:
            rows = books.execute("SELECT said FROM notice ORDER BY id").fetchall()
        return [self.notice(**json.loads(said)) for (said,) in rows]

    def notice(self, *, signer: str = "alipay", at: datetime | None = None, **said: str) -> tuple[dict[str, str], bytes]:
        """Return a notice, signed by `signer` and sent `at`: headers and body."""
        sent = self._written(at or self.now())
        said = {"app_id": APP, "seller_id": SELLER, "notify_type": "trade_status_sync", "notify_time": sent, "charset": "utf-8", **said}
        signed = urlencode(said | {"sign_type": "RSA2", "sign": sign(keys(signer), joined(said))})
        return {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, signed.encode()

    # What the shop does.

    def answer(self, query: str) -> tuple[str, str]:
        """Do what a call asks for; returns the name of the answer and its JSON, unsigned."""
        said = dict(parse_qsl(query, keep_blank_values=True))
        self.calls.append(said["method"])
        try:
            about = self._verified(said)
            with self._lock, self._books() as books:
                found = _METHODS[said["method"]](self, books, about)
            answer = {"code": "10000", "msg": "Success"} | found | self.changes
        except Refusal as refusal:
            answer = {"code": "40004", "msg": "Business Failed", "sub_code": str(refusal), "sub_msg": "业务失败"}
        return said["method"].replace(".", "_") + "_response", json.dumps(answer, ensure_ascii=False)

    def query(self, books: sqlite3.Connection, about: Mapping[str, str]) -> dict[str, str]:
        """alipay.trade.query."""
        trade = self._trade(books, about["out_trade_no"])
        paid = {"send_pay_date": trade["paid_at"], "receipt_amount": yuan(trade["amount"])} if trade["paid_at"] else {}
        numbers = {"trade_no": trade["number"], "out_trade_no": trade["key"], "total_amount": yuan(trade["amount"])}
        return {"buyer_pay_amount": "0.00", "receipt_amount": "0.00", "trade_status": trade["status"], **numbers, **paid}

    def refund(self, books: sqlite3.Connection, about: Mapping[str, str]) -> dict[str, str]:
        """alipay.trade.refund: the same number twice is one refund."""
        trade, key = self._trade(books, about["out_trade_no"]), about["out_request_no"]
        amount = int(Decimal(about["refund_amount"]) * 100)
        known = books.execute("SELECT amount FROM refund WHERE trade = ? AND key = ?", (trade["key"], key)).fetchone()
        if known and known["amount"] != amount:
            raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST")
        if not known:
            self._may_refund(trade, amount)
            books.execute("INSERT INTO refund VALUES (?, ?, ?)", (key, trade["key"], amount))
            whole = trade["refunded"] + amount == trade["amount"]
            books.execute(
                "UPDATE trade SET refunded = refunded + ?, status = ? WHERE key = ?",
                (amount, "TRADE_CLOSED" if whole else "TRADE_SUCCESS", trade["key"]),
            )
            self._note(books, trade["key"], out_biz_no=key, gmt_refund=self._written(self.now()))
        total = self._trade(books, trade["key"])["refunded"]
        numbers = {"trade_no": trade["number"], "out_trade_no": trade["key"]}
        return {"fund_change": "N" if known else "Y", "refund_fee": yuan(total), **numbers}

    def _may_refund(self, trade: sqlite3.Row, amount: int) -> None:
        if trade["status"] == "TRADE_FINISHED":
            raise Refusal("ACQ.TRADE_HAS_FINISHED")
        if trade["status"] == "TRADE_CLOSED":
            raise Refusal("ACQ.TRADE_HAS_CLOSE")
        if not trade["paid_at"]:
            raise Refusal("ACQ.TRADE_STATUS_ERROR")
        if amount <= 0 or amount + trade["refunded"] > trade["amount"]:
            raise Refusal("ACQ.REASON_TRADE_REFUND_FEE_ERR")
        if self.balance is not None and amount > self.balance:
            raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH")

    def query_refund(self, books: sqlite3.Connection, about: Mapping[str, str]) -> dict[str, str]:
        """alipay.trade.fastpay.refund.query: of a refund that it doesn't know it says nothing at all."""
        trade, key = self._trade(books, about["out_trade_no"]), about["out_request_no"]
        known = books.execute("SELECT amount FROM refund WHERE trade = ? AND key = ?", (trade["key"], key)).fetchone()
        if not known:
            return {}
        numbers = {"trade_no": trade["number"], "out_trade_no": trade["key"], "out_request_no": key, "total_amount": yuan(trade["amount"])}
        return {"refund_amount": yuan(known["amount"]), "refund_status": "REFUND_SUCCESS", **numbers}

    def _verified(self, said: Mapping[str, str]) -> dict[str, str]:
        """Check what every call carries: the application, its signature, and the time in Beijing; returns what it is about."""
        unsigned = {name: value for name, value in said.items() if name != "sign"}
        assert (said["app_id"], said["sign_type"], said["charset"], said["version"]) == (APP, "RSA2", "utf-8", "1.0")
        assert verifies(keys("shop").public_key(), joined(unsigned), said["sign"]), "the shop's signature is wrong"
        sent, slack = datetime.strptime(said["timestamp"], TIME).replace(tzinfo=BEIJING), timedelta(minutes=15)
        assert said["method"] in _PAGES or abs(self.now() - sent) < slack, "the time isn't Beijing's"
        about: dict[str, str] = json.loads(said["biz_content"])
        return about

    def _decide(self, key: str, status: str) -> None:
        if self.address_of is not None:
            self.visit(self.address_of(key))
        with self._lock, self._books() as books:
            trade, now = self._trade(books, key), self._written(self.now())
            if trade["status"] != "WAIT_BUYER_PAY":
                return
            status = status if now < trade["expires"] else "TRADE_CLOSED"
            paid_at = now if status == "TRADE_SUCCESS" else None
            books.execute("UPDATE trade SET status = ?, paid_at = ? WHERE key = ?", (status, paid_at, key))
            self._note(books, key)

    def _note(self, books: sqlite3.Connection, key: str, **more: str) -> None:
        trade = self._trade(books, key)
        numbers = {"trade_no": trade["number"], "out_trade_no": key, "total_amount": yuan(trade["amount"])}
        name = f"2027032000222{books.execute('SELECT count(*) FROM notice').fetchone()[0]:05}"
        said = {"notify_id": name, "trade_status": trade["status"], "subject": trade["subject"], **numbers, **more}
        books.execute("INSERT INTO notice (said) VALUES (?)", (json.dumps(said),))

    @staticmethod
    def _trade(books: sqlite3.Connection, key: str) -> sqlite3.Row:
        row: sqlite3.Row | None = books.execute("SELECT * FROM trade WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise Refusal("ACQ.TRADE_NOT_EXIST")
        return row

    @staticmethod
    def _number(books: sqlite3.Connection) -> str:
        return f"20270320220014{books.execute('SELECT count(*) FROM trade').fetchone()[0]:014}"

    @staticmethod
    def _written(moment: datetime) -> str:
        return moment.astimezone(BEIJING).strftime(TIME)

    def _sum(self, query: str) -> int:
        with self._books() as books:
            return int(books.execute(query).fetchone()[0])

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._folder / "alipay.db", timeout=30, isolation_level=None)) as books:
            books.row_factory = sqlite3.Row
            books.execute("BEGIN IMMEDIATE")
            yield books
            books.execute("COMMIT")


_METHODS: dict[str, Callable[[AlipayServer, sqlite3.Connection, Mapping[str, str]], dict[str, str]]] = {
    "alipay.trade.query": AlipayServer.query,
    "alipay.trade.refund": AlipayServer.refund,
    "alipay.trade.fastpay.refund.query": AlipayServer.query_refund,
}


def _handler(server: AlipayServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            trouble = server.troubles.pop(0) if server.troubles else ""
            if trouble in ("down", "error"):
                self._fail(trouble)
                return
            name, answer = server.answer(urlsplit(self.path).query)
            if trouble in ("lost", "done-error", "slow"):
                self._fail(trouble)
                return
            signer = "somebody" if trouble == "forged" else "alipay"
            self._send(200, f'{{"{name}":{answer},"sign":"{sign(keys(signer), answer)}"}}')

        def _fail(self, trouble: str) -> None:
            if trouble.endswith("error"):
                self._send(500, "<html>busy</html>")
            elif trouble == "slow":
                server.released.wait(timeout=30)
            self.close_connection = True

        def _send(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
