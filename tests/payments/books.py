"""What a test may ask of a local gateway, whichever it is: the customer's hand, the provider's own books, and the bad line between."""

from typing import Protocol

Event = tuple[dict[str, str], bytes]
"""Headers and body of a call that the provider makes by itself."""


class GatewayBooks(Protocol):
    """A provider that runs on this machine: real requests, real signatures, books of its own that c2b never reads.

    Amounts are in the provider's units of the currency, which for CNY are fen. `troubles` happen to the next requests, one each, in order:

    * `""`: nothing
    * `down`: the line is cut before anything is done
    * `lost`: it is done, and the answer gets lost
    * `error`: HTTP 500, and nothing is done
    * `done-error`: it is done, and HTTP 500 is said
    * `slow`: it is done, and the answer comes only after the client has given up
    """

    troubles: list[str]

    def approve(self, key: str) -> None:
        """Pay, as the customer, if the provider still lets them; else nothing happens."""

    def decline(self, key: str) -> None:
        """End a payment without money, as the customer's bank and then the customer would."""

    def captured(self) -> int:
        """Sum all that customers paid, whatever became of it later."""

    def refunded(self) -> int:
        """Sum all that was sent back to customers and didn't bounce."""

    def events(self) -> list[Event]:
        """Take what the provider would call us about, signed now; each is handed out once, to be delivered as often as a test likes."""

    def bounce(self, refund_key: str) -> None:
        """Let a refund that was sent come back: the customer's account is closed."""

    def dispute(self, key: str) -> None:
        """Let the customer's bank take a payment back."""
