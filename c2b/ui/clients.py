"""What a gateway may know of the browser that pays."""

from flask import request
from flask import session as cookie

from c2b.payments.protocol import Client


def client() -> Client:
    """Return this request's browser: what it calls itself, where it comes from, and, where WeChat told, who it is there."""
    return Client(agent=request.user_agent.string[:300], ip=request.remote_addr or "", openid=str(cookie.get("openid", "")))


def remember_openid(openid: str) -> None:
    """Keep who this browser is within WeChat until somebody signs in or out: paying by its script needs it."""
    cookie["openid"] = openid
