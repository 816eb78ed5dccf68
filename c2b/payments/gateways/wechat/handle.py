"""What a payment keeps of its order at WeChat: how it is paid, what WeChat gave for that, and where the customer returns to."""

import enum
from dataclasses import dataclass
from typing import Self

from c2b.payments.protocol import Client

_LONGEST = 200
_NOTHING = "-"


class Kind(enum.StrEnum):
    """Ways to pay one order; the same order number can't change from one to another."""

    JSAPI = "jsapi"
    """Inside WeChat, by its script; for the openid that it was made for."""
    H5 = "h5"
    """In another browser of a telephone: WeChat is opened by a link that lasts five minutes."""
    NATIVE = "native"
    """A QR code for the eyes of another telephone."""


@dataclass(frozen=True)
class Handle:
    """`value` is the prepay_id (JSAPI) or the code's content (Native); empty where there is none, or none yet."""

    kind: Kind
    value: str
    back: str
    """A path of the shop, without spaces."""

    @property
    def waits_for_openid(self) -> bool:
        """Whether nothing was made at WeChat yet, because nobody knew who the customer is there."""
        return self.kind is Kind.JSAPI and not self.value

    def __str__(self) -> str:
        """Write it in at most 200 letters; the way back is what can be done without."""
        text = f"{self.kind} {self.value or _NOTHING} {self.back}"
        return text if len(text) <= _LONGEST else f"{self.kind} {self.value or _NOTHING} /me"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what was written, None where nothing was."""
        kind, _, rest = text.partition(" ")
        value, _, back = rest.partition(" ")
        return cls(Kind(kind), "" if value == _NOTHING else value, back or "/me") if text else None


def choose(client: Client, *, asks_openid: bool) -> Kind:
    """Return how a customer with this browser pays; where no browser is known, and so no page may be bound to one, by QR code.

    Inside WeChat only its own script works, and it needs the openid, which the shop can ask for (`asks_openid`) or not.
    """
    if client.is_wechat:
        return Kind.JSAPI if client.openid or asks_openid else Kind.NATIVE
    return Kind.H5 if client.is_phone and client.ip else Kind.NATIVE
