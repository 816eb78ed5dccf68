"""WeChat Pay as a small server of its own: it checks every signature, keeps its own books, and is as strict as the real one.

The real library talks to it. `troubles` happen to its next calls, in order; `complaints` notes whatever a shop should never ask for.
"""

import json
import re
import secrets
import sqlite3
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

MERCHANT, APP, SECRET, SERIAL, PUBLIC_KEY_ID = "1900007291", "wx8888888888888888", "app-secret", "5157F09EFDC096DE", "PUB_KEY_ID_0117"
API_KEY = "k" * 32
Fault = str
"""`down`: cut before anything is done, `lost`: done and cut, `error` and `done-error`: the same with HTTP 500, `slow`: done, and no answer
in time; `bad signature`, `unsigned`, `not json`: done, and answered in a way that nobody may believe. Empty: nothing happens."""
Said = tuple[int, dict[str, Any] | None]
Event = tuple[dict[str, str], bytes]

_SCHEMA = """
CREATE TABLE trade (
  no TEXT PRIMARY KEY, kind TEXT NOT NULL, asked TEXT NOT NULL, total INTEGER NOT NULL CHECK (total > 0), expires_at TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'NOTPAY', paid_at TEXT
);
CREATE TABLE refund (
  no TEXT PRIMARY KEY, trade TEXT NOT NULL REFERENCES trade, amount INTEGER NOT NULL CHECK (amount > 0),
  state TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE event (number INTEGER PRIMARY KEY, type TEXT NOT NULL, what TEXT NOT NULL);
"""
_ORDERED = {"native": "code_url", "jsapi": "prepay_id", "h5": "h5_url"}
_NO = re.compile(r"[A-Za-z0-9_\-|*]{6,32}")
_REFUND_NO = re.compile(r"[A-Za-z0-9_\-|*@]{1,64}")


@cache
def keys() -> dict[str, RSAPrivateKey]:
    """Make the keys of the merchant, of WeChat Pay, and of somebody else, once a run."""
    return {name: generate_private_key(65537, 2048) for name in ("merchant", "wechat", "stranger")}


def signature(text: str, key: str) -> str:
    return b64encode(keys()[key].sign(text.encode(), PKCS1v15(), SHA256())).decode()


@dataclass
class WeChatServer:
    """The server; `clock` is its books' time, which tests move (signatures of requests carry the library's own, real time)."""

    folder: Path
    clock: Callable[[], datetime]
    troubles: list[Fault] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """What was called, method and path."""
    settles_at_once: bool = True
    """Whether an accepted refund has reached the customer when it is next asked for."""
    without_money: Literal["", "refuse", "wait"] = ""
    address: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._books = sqlite3.connect(self.folder / "wechat.db", check_same_thread=False, isolation_level=None)
        self._books.row_factory = sqlite3.Row
        self._books.executescript(_SCHEMA)
        self._lock, self.released = threading.RLock(), threading.Event()
        self._nonces: set[str] = set()
        self._handed = 0
        self._codes: dict[str, str] = {}

    # --- what a test sets up ---

    def settings(self) -> dict[str, Any]:
        """Return what a shop is told, with the files of its keys."""
        private, public = self.folder / "merchant.pem", self.folder / "wechat.pem"
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private.write_bytes(keys()["merchant"].private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        public.write_bytes(keys()["wechat"].public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
        values: dict[str, Any] = {"app_id": APP, "app_secret": SECRET, "merchant": MERCHANT, "serial": SERIAL, "api_key": API_KEY}
        values |= {"private_key": private, "public_key": public, "public_key_id": PUBLIC_KEY_ID}
        values |= {"address": self.address, "oauth_address": self.address}
        return {f"wechat_{name}": value for name, value in values.items()}

    def approve(self, key: str) -> None:
        """Pay, as the customer does, if WeChat still lets them."""
        with self._lock:
            trade = self._find("trade", key)
            if trade is None or trade["state"] != "NOTPAY" or self.clock() > datetime.fromisoformat(trade["expires_at"]):
                return
            self._books.execute("UPDATE trade SET state = 'SUCCESS', paid_at = ? WHERE no = ?", (self.clock().isoformat(), key))
            self._tell("TRANSACTION.SUCCESS", self._told(self._trade(key)))

    def decline(self, key: str) -> None:
        """Refuse the payment, as the bank does."""
        self._set("UPDATE trade SET state = 'PAYERROR' WHERE no = ? AND state = 'NOTPAY'", key)

    def close(self, key: str) -> None:
        """Close an order that isn't paid, as somebody may at the merchant's desk."""
        self._set("UPDATE trade SET state = 'CLOSED' WHERE no = ? AND state = 'NOTPAY'", key)

    def becomes(self, refund_key: str, state: Literal["SUCCESS", "ABNORMAL", "CLOSED"]) -> None:
        """Let a refund be what it becomes, and tell the shop."""
        with self._lock:
            self._books.execute("UPDATE refund SET state = ? WHERE no = ?", (state, refund_key))
            self._tell(f"REFUND.{state}", self._told_of_refund(refund_key, told=True))

    def bounce(self, refund_key: str) -> None:
        """Let a refund come back to the shop's account after it was done."""
        self.becomes(refund_key, "CLOSED")

    def dispute(self, key: str) -> None:
        """There are no chargebacks here."""
        raise NotImplementedError

    def captured(self) -> int:
        """Sum what customers paid, in fen."""
        return self._sum("SELECT coalesce(sum(total), 0) FROM trade WHERE paid_at IS NOT NULL")

    def refunded(self) -> int:
        """Sum what reached customers again, in fen."""
        return self._sum("SELECT coalesce(sum(amount), 0) FROM refund WHERE state = 'SUCCESS'")

    def events(self) -> list[Event]:
        """Take what WeChat would tell the shop, signed now; each is handed out once."""
        with self._lock:
            first, self._handed = self._handed, self._sum("SELECT count(*) FROM event")
        return self.all_events()[first : self._handed]

    def all_events(self) -> list[Event]:
        """Return every notice there was so far, signed now: WeChat tells the same event again until the shop has it."""
        with self._lock:
            rows = self._books.execute("SELECT * FROM event ORDER BY number").fetchall()
        return [self.notice(row["type"], json.loads(row["what"]), name=f"EV-{row['number']:032}") for row in rows]

    def notice(self, kind: str, what: Mapping[str, Any], *, name: str = "EV-X", by: str = "wechat", at: datetime | None = None) -> Event:
        """Return a notice with its headers, signed `by` somebody `at` some time."""
        nonce, about = secrets.token_hex(6), kind.partition(".")[0].lower()
        sealed = AESGCM(API_KEY.encode()).encrypt(nonce.encode(), json.dumps(what).encode(), about.encode())
        resource = {"algorithm": "AEAD_AES_256_GCM", "ciphertext": b64encode(sealed).decode(), "nonce": nonce, "associated_data": about}
        event = {"id": name, "event_type": kind, "resource_type": "encrypt-resource", "resource": resource, "summary": "支付成功"}
        body = json.dumps(event, ensure_ascii=False).encode()
        return self.signed(body, by=by, at=at), body

    def signed(self, body: bytes, *, by: str = "wechat", at: datetime | None = None) -> dict[str, str]:
        """Return the headers of an answer or a notice."""
        stamp, nonce = str(int((at or self.clock()).timestamp())), secrets.token_hex(8)
        mark = signature(f"{stamp}\n{nonce}\n{body.decode()}\n", by)
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": PUBLIC_KEY_ID,
            "Wechatpay-Signature": mark,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def code_for(self, openid: str) -> str:
        """Return a code with which WeChat's browser comes back to the shop; good for once."""
        code = secrets.token_hex(16)
        self._codes[code] = openid
        return code

    # --- what the shop asks ---

    def answer(self, method: str, path: str, authorization: str, body: str) -> Said:
        """Answer one request, as far as its signature is the merchant's."""
        with self._lock:
            self.asked.append(f"{method} {path.partition('?')[0]}")
            if path.startswith("/sns/"):
                return self._openid(parse_qs(urlsplit(path).query))
            if not self._is_merchants(method, path, authorization, body):
                return self._wrong(401, "SIGN_ERROR", f"a wrong signature: {method} {path}")
            return self._routed(method, urlsplit(path).path, json.loads(body) if body else {})

    def _routed(self, method: str, path: str, asked: dict[str, Any]) -> Said:
        orders, trades = "/v3/pay/transactions/", "/v3/pay/transactions/out-trade-no/"
        refunds = "/v3/refund/domestic/refunds"
        if method == "POST" and path.endswith("/close"):
            return self._closed(path.removeprefix(trades).removesuffix("/close"))
        if method == "GET" and path.startswith(trades):
            trade = self._find("trade", path.removeprefix(trades))
            return (200, self._told(trade)) if trade else (404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
        if method == "POST" and path.startswith(orders):
            return self._order(path.removeprefix(orders), asked)
        if method == "POST" and path == refunds:
            return self._refund(asked)
        if method == "GET" and path.startswith(refunds + "/"):
            return self._refund_of(path.removeprefix(refunds + "/"))
        return self._wrong(404, "NOT_FOUND", f"nothing is at {method} {path}")

    def _order(self, kind: str, asked: dict[str, Any]) -> Said:
        no, known = str(asked.get("out_trade_no", "")), self._find("trade", str(asked.get("out_trade_no", "")))
        missing = self._missing(kind, asked)
        if missing:
            return self._wrong(400, "PARAM_ERROR", f"{no}: {missing}")
        asked = {**asked, "scene_info": {}}  # the address of a customer may be another one when it is asked again
        if known and json.loads(known["asked"])["amount"] != asked["amount"]:
            return self._wrong(400, "INVALID_REQUEST", f"{no} again with another amount")
        if known and (known["kind"], json.loads(known["asked"])) != (kind, asked):
            return 400, {"code": "INVALID_REQUEST", "message": "201 商户订单号重复"}
        if known and known["state"] != "NOTPAY":
            return 400, {"code": "ORDER_CLOSED" if known["state"] == "CLOSED" else "OUT_TRADE_NO_USED", "message": "商户订单号重复"}
        ends = max(datetime.fromisoformat(asked["time_expire"]), self.clock() + timedelta(minutes=1))
        row = (no, kind, json.dumps(asked), asked["amount"]["total"], ends.isoformat())
        self._books.execute("INSERT INTO trade (no, kind, asked, total, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        given = {
            "native": f"weixin://wxpay/bizpayurl?pr={no[:9]}",
            "jsapi": f"wx20270320{no}",
            "h5": f"https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx{no}&package={secrets.randbelow(10**9)}",
        }
        return 200, {_ORDERED[kind]: given[kind]}

    @staticmethod
    def _missing(kind: str, asked: dict[str, Any]) -> str:
        """Return what an order lacks."""
        rules = {
            "a way to pay": kind in _ORDERED,
            "out_trade_no": _NO.fullmatch(str(asked.get("out_trade_no"))),
            "description": 0 < len(asked.get("description", "")) <= 127,
            "merchant": (asked.get("mchid"), asked.get("appid")) == (MERCHANT, APP),
            "notify_url": re.fullmatch(r"https?://[^?]+/webhooks/wechat", asked.get("notify_url", "")),
            "amount": asked.get("amount", {}).get("total", 0) > 0 and asked["amount"].get("currency") == "CNY",
            "time_expire": datetime.fromisoformat(asked.get("time_expire", "1970-01-01")).tzinfo,
            "openid": kind != "jsapi" or asked.get("payer", {}).get("openid"),
            "scene": kind != "h5" or (asked.get("scene_info", {}).get("payer_client_ip") and asked["scene_info"]["h5_info"]["type"]),
        }
        return ", ".join(name for name, kept in rules.items() if not kept)

    def _told(self, trade: sqlite3.Row) -> dict[str, Any]:
        """Return an order as its query and its notice tell it."""
        returned = self._books.execute("SELECT 1 FROM refund WHERE trade = ?", (trade["no"],)).fetchone()
        state = "REFUND" if returned and trade["state"] == "SUCCESS" else trade["state"]
        told = {"appid": APP, "mchid": MERCHANT, "out_trade_no": trade["no"], "trade_state": state, "trade_state_desc": "状态"}
        if trade["paid_at"]:
            money = {"total": trade["total"], "payer_total": trade["total"], "currency": "CNY", "payer_currency": "CNY"}
            told |= {"transaction_id": f"4200{trade['no']}", "amount": money, "success_time": trade["paid_at"]}
        return told

    def _closed(self, no: str) -> Said:
        trade = self._find("trade", no)
        if trade is None:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
        if trade["paid_at"]:
            return 400, {"code": "ORDERPAID", "message": "订单已支付"}
        self._books.execute("UPDATE trade SET state = 'CLOSED' WHERE no = ?", (no,))
        return 204, None

    def _refund(self, asked: dict[str, Any]) -> Said:
        no, amount = str(asked.get("out_refund_no", "")), asked.get("amount", {})
        known = self._find("refund", no)
        if known:
            if (known["trade"], known["amount"]) != (asked.get("out_trade_no"), amount.get("refund")):
                return self._wrong(400, "INVALID_REQUEST", f"refund {no} again with other facts")
            return self._refund_of(no)
        trade = self._find("trade", str(asked.get("out_trade_no")))
        if trade is None or not trade["paid_at"]:
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "订单不存在"}
        refused = self._refused(trade, no, amount)
        if refused:
            return refused
        state = "PROCESSING" if self.without_money or not self.settles_at_once else "SUCCESS"
        row = (no, trade["no"], amount["refund"], state, self.clock().isoformat())
        self._books.execute("INSERT INTO refund (no, trade, amount, state, at) VALUES (?, ?, ?, ?, ?)", row)
        if state == "SUCCESS":
            self._tell("REFUND.SUCCESS", self._told_of_refund(no, told=True))
        return 200, self._told_of_refund(no) | {"status": "PROCESSING"}

    def _refused(self, trade: sqlite3.Row, no: str, amount: dict[str, Any]) -> Said | None:
        """Return why a refund isn't taken."""
        earlier = self._books.execute("SELECT * FROM refund WHERE trade = ? ORDER BY at", (trade["no"],)).fetchall()
        returned = sum(row["amount"] for row in earlier if row["state"] != "CLOSED")
        broken = {
            "isn't a number": not _REFUND_NO.fullmatch(no),
            "of another total": (amount.get("total"), amount.get("currency")) != (trade["total"], "CNY"),
            "more than was captured": returned + amount.get("refund", 0) > trade["total"],
            "more than 50 refunds": len(earlier) >= 50,
            "more than 365 days later": self.clock() > datetime.fromisoformat(trade["paid_at"]) + timedelta(days=365),
        }
        for why in (why for why, is_so in broken.items() if is_so):
            return self._wrong(400, "INVALID_REQUEST", f"refund {no}: {why}")
        if earlier and self.clock() < datetime.fromisoformat(earlier[-1]["at"]) + timedelta(minutes=1):
            return self._wrong(429, "FREQUENCY_LIMITED", f"refund {no}: within a minute")
        return (403, {"code": "NOT_ENOUGH", "message": "基本账户余额不足"}) if self.without_money == "refuse" else None

    def _refund_of(self, no: str) -> Said:
        refund = self._find("refund", no)
        if refund is None:
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"}
        if refund["state"] == "PROCESSING" and self.without_money:
            if self.clock() >= datetime.fromisoformat(refund["at"]) + timedelta(days=7):
                self.becomes(no, "CLOSED")
        elif refund["state"] == "PROCESSING" and self.settles_at_once:
            self.becomes(no, "SUCCESS")
        return 200, self._told_of_refund(no)

    def _told_of_refund(self, no: str, *, told: bool = False) -> dict[str, Any]:
        refund = self._find("refund", no)
        assert refund is not None
        money = {"refund": refund["amount"], "total": self._trade(refund["trade"])["total"], "currency": "CNY"}
        about = {"out_refund_no": no, "refund_id": f"5030{no}", "out_trade_no": refund["trade"], "amount": money}
        return about | ({"mchid": MERCHANT, "refund_status": refund["state"]} if told else {"status": refund["state"]})

    def _openid(self, asked: dict[str, list[str]]) -> Said:
        """Say who came back with a code, as the official account's API does: errors come with 200 too."""
        if (asked.get("appid"), asked.get("secret")) != ([APP], [SECRET]):
            return 200, {"errcode": 40125, "errmsg": "invalid appsecret"}
        openid = self._codes.pop(asked.get("code", [""])[0], None)
        return 200, {"openid": openid, "scope": "snsapi_base"} if openid else {"errcode": 40029, "errmsg": "invalid code"}

    def _is_merchants(self, method: str, path: str, authorization: str, body: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        stamp, nonce = given.get("timestamp", "0"), given.get("nonce_str", "")
        if not self.is_signed_by_merchant(f"{method}\n{path}\n{stamp}\n{nonce}\n{body}\n", given.get("signature", "")):
            return False
        fresh = abs(time.time() - int(stamp)) < 300 and nonce not in self._nonces
        self._nonces.add(nonce)
        ours = (scheme, given["mchid"], given["serial_no"]) == ("WECHATPAY2-SHA256-RSA2048", MERCHANT, SERIAL)
        return fresh and ours

    @staticmethod
    def is_signed_by_merchant(text: str, mark: str) -> bool:
        """Tell whether the merchant's key signed a text."""
        try:
            keys()["merchant"].public_key().verify(b64decode(mark), text.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def _wrong(self, status: int, code: str, what: str) -> Said:
        self.complaints.append(what)
        return status, {"code": code, "message": what}

    # --- the books ---

    def _find(self, table: str, no: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._books.execute(f"SELECT * FROM {table} WHERE no = ?", (no,)).fetchone()
        return row

    def _trade(self, no: str) -> sqlite3.Row:
        found = self._find("trade", no)
        assert found is not None, f"WeChat knows no {no}"
        return found

    def kind(self, no: str) -> str:
        """Return how an order is to be paid."""
        return str(self._trade(no)["kind"])

    def state(self, no: str) -> str:
        """Return where an order stands."""
        return str(self._trade(no)["state"])

    def _set(self, statement: str, no: str) -> None:
        with self._lock:
            self._books.execute(statement, (no,))

    def _sum(self, query: str) -> int:
        with self._lock:
            return int(self._books.execute(query).fetchone()[0])

    def _tell(self, kind: str, what: dict[str, Any]) -> None:
        self._books.execute("INSERT INTO event (type, what) VALUES (?, ?)", (kind, json.dumps(what)))

    def stop(self) -> None:
        """Let everybody go who waits for an answer."""
        self.released.set()
        self._books.close()


class _Handler(BaseHTTPRequestHandler):
    """Takes requests for the WeChat that the server belongs to."""

    protocol_version = "HTTP/1.1"

    server: "_Server"

    def do_GET(self) -> None:
        """Answer a question."""
        self._serve()

    def do_POST(self) -> None:
        """Do what is asked."""
        self._serve()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        wechat = self.server.wechat
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fault = wechat.troubles.pop(0) if wechat.troubles else ""
        self.close_connection = True
        if fault == "down":
            return
        said: Said = _BROKEN
        if fault != "error":
            said = wechat.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
        if fault == "slow":
            wechat.released.wait(30)
        elif fault != "lost":
            self._reply(wechat, _BROKEN if fault == "done-error" else said, fault)

    def _reply(self, wechat: WeChatServer, said: Said, fault: str) -> None:
        status, document = said
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        body = b"<html>" if fault == "not json" else body
        headers = {} if fault == "unsigned" else wechat.signed(body, by="stranger" if fault == "bad signature" else "wechat")
        self.send_response(status)
        length = {} if document is None else {"Content-Length": str(len(body))}
        for name, value in {**headers, **length, "Content-Type": "application/json; charset=utf-8"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_BROKEN: Said = (500, {"code": "SYSTEM_ERROR", "message": "系统错误"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wechat: WeChatServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wechat = wechat


@contextmanager
def serving(folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[WeChatServer]:
    """Run the server while the test lasts."""
    wechat = WeChatServer(folder, clock)
    server = _Server(wechat)
    wechat.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield wechat
    finally:
        wechat.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
        wechat.stop()
