"""Stripe: a page of Stripe's for each payment (Checkout Sessions), refunds by the payment that they came with."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

import stripe
from stripe.checkout import Session
from stripe.params.checkout import SessionCreateParams, SessionListParamsCreated

from c2b.errors import N_, Refused
from c2b.payments.gateways.stripe import answers, events, statement
from c2b.payments.gateways.stripe.amounts import to_stripe
from c2b.payments.gateways.stripe.limits import limits
from c2b.payments.protocol import Answer, Call, Client, Forged, Heard, Notice, PaymentFacts, RefundFacts, StatementLine
from c2b.settings import Settings

PATIENCE = 5.0
"""Seconds that an answer may take."""
_LONGER = timedelta(minutes=31)
"""A session may end 30 minutes after it is made at the earliest, by Stripe's clock. The same key must come with the same end, so it is the
end of the payment and this, whenever the call is made; the payment itself is ended in time by us, see `query`."""
_SLACK = timedelta(minutes=10)
"""By which Stripe's clock and ours may differ when a payment is looked for among all that were begun at its time."""
_MOST_SESSIONS = 5000
"""Sessions looked through for one payment; if there are more of that time, nobody knows."""
_PASSING = ("resource_missing", "balance_insufficient", "insufficient_funds")
"""Why a refund may be refused now and done later: the key is of another mode, or there is no money there yet."""
_MADE = "re_"
"""How the handle of a refund begins that Stripe has; another handle is the key to send it with next."""


class Stripe:
    """One account at Stripe. Cards only, wallets among them: captured at once, and refunded whenever; other ways of paying have deadlines.

    A restricted key needs to write Checkout Sessions and refunds, and to read payment intents, charges, disputes and the account.
    """

    lasts = timedelta(minutes=30)
    hosts = ("https://checkout.stripe.com",)
    thanks = ""

    def __init__(self, settings: Settings, now: Callable[[], datetime], *, patience: float = PATIENCE) -> None:
        key = settings.stripe_key.get_secret_value()
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": settings.stripe_address.rstrip("/")},
            http_client=stripe.RequestsClient(timeout=patience),
            max_network_retries=0,  # what nobody heard of is asked about by the sweeper
        )
        self._secret = settings.stripe_webhook_secret.get_secret_value()
        self._live, self._shop, self._now = "_live_" in key, settings.base_url.rstrip("/"), now
        self.limits = limits(settings)

    @cached_property
    def merchant(self) -> str:
        """The account's id, asked for once; raises Refused while Stripe doesn't answer."""
        try:
            return self._client.v1.accounts.retrieve_current().id
        except stripe.StripeError as error:
            raise Refused(N_("Stripe doesn't answer; wait a minute, or pay another way")) from error

    def is_offered(self, client: Client) -> bool:
        """Say yes outside of WeChat."""
        return not client.is_wechat

    def start(self, facts: PaymentFacts) -> Answer:
        """Open a page. A repeated key gets what Stripe said first, so then it is asked what holds now; a refusal is asked about too."""
        self._require_account(facts)
        try:
            made = self._client.v1.checkout.sessions.create(self._wish(facts), {"idempotency_key": facts.key})
        except stripe.InvalidRequestError as error:
            return _refused(self.query(facts), error)
        if _is_repeated(made):
            return self.query(replace(facts, handle=made.id))
        return answers.payment(made, merchant=facts.merchant)

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of a payment. One whose time is up is ended there first, so that it can't be captured later."""
        self._require_account(facts)
        handle = facts.handle or self._find(facts)
        if not handle:
            return Answer(Heard.ABSENT)
        session = self._session(handle)
        if session.status == "open" and self._now() >= facts.expires_at:
            with suppress(stripe.InvalidRequestError):  # paid or expired at this very moment
                self._client.v1.checkout.sessions.expire(handle)
            session = self._session(handle)
        return answers.payment(session, merchant=facts.merchant, disputes=self._disputes(session))

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back by the payment that it came with; a refusal is final only if Stripe has no refund of this key.

        Stripe says for a day what it once said to a key. So what only has to wait is sent with another key next time.
        """
        self._require_account(facts)
        wish: stripe.params.RefundCreateParams = {
            "payment_intent": facts.payment_reference,
            "amount": to_stripe(facts.amount, facts.currency),
            "metadata": {answers.OURS: facts.key},
        }
        sent_as = facts.handle if facts.handle.startswith(facts.key) else facts.key
        try:
            sent = self._client.v1.refunds.create(wish, {"idempotency_key": sent_as})
        except stripe.InvalidRequestError as error:
            return _not_sent(self.query_refund(facts), error, sent_as)
        if _is_repeated(sent):
            return self.query_refund(replace(facts, handle=sent.id))
        return answers.refund(sent, merchant=self.merchant)

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund; without its handle it is looked for among all refunds of its payment."""
        self._require_account(facts)
        if facts.handle.startswith(_MADE):
            return answers.refund(self._client.v1.refunds.retrieve(facts.handle), merchant=self.merchant)
        sent = self._client.v1.refunds.list({"payment_intent": facts.payment_reference, "limit": 100})
        found = next((each for each in sent.auto_paging_iter() if answers.key_in(each.metadata) == facts.key), None)
        return answers.refund(found, merchant=self.merchant) if found else Answer(Heard.ABSENT)

    def notice(self, call: Call) -> Notice | None:
        """Verify an event and say what it is about. Raises Forged for those of another account, and for test events where money is real."""
        event = events.read(call, self._secret)
        if event.get("livemode") is not self._live or ("account" in event and event["account"] != self.merchant):
            raise Forged
        return events.notice(event, self._key_of)

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        """Read Stripe's report of balance changes or of payouts, itemized; raises Invalid naming the line."""
        return statement.read(content)

    def _require_account(self, facts: PaymentFacts | RefundFacts) -> None:
        if facts.merchant != self.merchant:
            raise LookupError(f"this money is of the account {facts.merchant}, the key is of {self.merchant}")

    def _wish(self, facts: PaymentFacts) -> SessionCreateParams:
        """Say what a session is to be like; the same facts must say the same, for a key stands for these very words."""
        ours, back, price = {answers.OURS: facts.key}, self._shop + facts.back, to_stripe(facts.amount, facts.currency)
        name = self._shop.partition("://")[2]
        return {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": facts.currency.lower(),
                        "unit_amount": price,
                        "product_data": {"name": name, "description": facts.key},
                    },
                }
            ],
            "adaptive_pricing": {"enabled": False},  # the sum that we asked for, in the currency that we asked for
            "client_reference_id": facts.key,
            "metadata": ours,
            "payment_intent_data": {"metadata": ours},
            "expires_at": int((facts.expires_at + _LONGER).timestamp()),
            "success_url": back,
            "cancel_url": back,
            "locale": "auto",
        }

    def _session(self, handle: str) -> Session:
        return self._client.v1.checkout.sessions.retrieve(handle, {"expand": ["payment_intent.latest_charge"]})

    def _find(self, facts: PaymentFacts) -> str:
        """Return the session of a payment that never got an answer, empty if there surely is none: all of its time are looked through.

        Stripe's search would be quicker, and may miss what was made a minute ago.
        """
        first, last = facts.expires_at - self.lasts - _SLACK, facts.expires_at + _SLACK
        window: SessionListParamsCreated = {"gte": int(first.timestamp()), "lte": int(last.timestamp())}
        begun = self._client.v1.checkout.sessions.list({"created": window, "limit": 100}).auto_paging_iter()
        for session in islice(begun, _MOST_SESSIONS):
            if session.client_reference_id == facts.key:
                return session.id
        if next(begun, None) is not None:
            raise LookupError(f"more than {_MOST_SESSIONS} sessions of that time")
        return ""

    def _disputes(self, session: Session) -> Iterable[stripe.Dispute]:
        intent = session.payment_intent
        if not isinstance(intent, stripe.PaymentIntent) or not isinstance(intent.latest_charge, stripe.Charge):
            return ()
        if not intent.latest_charge.disputed:
            return ()
        return self._client.v1.disputes.list({"payment_intent": intent.id, "limit": 100}).auto_paging_iter()

    def _key_of(self, intent: str) -> str:
        return answers.key_in(self._client.v1.payment_intents.retrieve(intent).metadata) if intent else ""


def _is_repeated(made: stripe.StripeObject) -> bool:
    """Say whether Stripe answered with what it had said before."""
    response = made.last_response
    return response is not None and response.headers.get("idempotent-replayed") == "true"


def _refused(known: Answer, error: stripe.InvalidRequestError) -> Answer:
    """Say what a refusal means, after asking: never an end of what did begin."""
    if known.heard is not Heard.ABSENT:
        return known
    return Answer(Heard.FAILED, why=error.code or error.user_message or "refused")


def _not_sent(known: Answer, error: stripe.InvalidRequestError, sent_as: str) -> Answer:
    """Say what a refund's refusal means, after asking: nobody knows while it only has to wait, and it has another key next time."""
    if known.heard is Heard.ABSENT and error.code in _PASSING:
        return Answer(Heard.UNKNOWN, why=error.code or "", handle=_next(sent_as))
    return _refused(known, error)


def _next(sent_as: str) -> str:
    """Return the key that comes after one that was refused: the refund's own, then with .1, .2 and so on."""
    key, _, times = sent_as.partition(".")
    return f"{key}.{int(times or 0) + 1}"
