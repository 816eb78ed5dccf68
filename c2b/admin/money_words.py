"""What each kind of case about money is called, what it says, and what a person does about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from c2b.errors import N_
from c2b.ledger.rules import Group
from c2b.payments.rules import CaseKind
from c2b.ui.filters import money


@dataclass(frozen=True)
class Words:
    """The words of one kind of case; `says` names amounts."""

    title: str
    says: str
    todo: str
    tone: str = "bad"


WORDS: Mapping[CaseKind, Words] = {
    CaseKind.AUDIT: Words(
        N_("A check of the books failed"),
        N_("Found by the nightly audit"),
        N_("Pay nothing out of what it names before somebody who knows the program has looked; c2b audit says the same at any time."),
    ),
    CaseKind.MISMATCH: Words(
        N_("Came in with another amount"),
        N_("We asked for %(amount)s"),
        N_("It is set aside and counts for nothing yet. Decide whether it stays or goes back, and note here what you did."),
    ),
    CaseKind.REFUND_THERE: Words(
        N_("Went back, and we don’t know of it"),
        N_("The statement says that %(there)s went back; here nothing is settled"),
        N_("Somebody may have refunded at the gateway by hand. Don’t refund it again before that is clear."),
    ),
    CaseKind.OTHER_AMOUNT: Words(
        N_("Three sides, different amounts"),
        N_("We say %(here)s, the ledger says %(booked)s, the statement says %(there)s"),
        N_("Look the movement up at the gateway; the statement is what was really paid."),
    ),
    CaseKind.BOOKS: Words(
        N_("Ledger and payment differ"),
        N_("The payment says %(here)s, the ledger says %(booked)s"),
        N_("This must not happen. Run c2b audit, and let somebody who knows the program look."),
    ),
    CaseKind.CAPTURED_HERE: Words(
        N_("Paid here, not on the statement"),
        N_("We say that %(here)s was paid; no statement has it"),
        N_("Is the statement of that day imported? If it is, ask the gateway; until then don’t count on this money."),
    ),
    CaseKind.CAPTURED_THERE: Words(
        N_("Paid there, not here"),
        N_("The statement says that %(there)s was paid; here nothing came"),
        N_("The worker asks for open payments every minute. If it stays, the customer paid for something that failed: send it back."),
    ),
    CaseKind.REFUND_HERE: Words(
        N_("Refunded here, not on the statement"),
        N_("We say that %(here)s went back; no statement has it"),
        N_("Is the statement of that day imported? If it is, the customer may still wait: ask the gateway."),
    ),
    CaseKind.REFUND_BOUNCED: Words(
        N_("Refund came back"),
        N_("%(amount)s came back after it was sent"),
        N_("The money is owed to the order. Ask the customer for another account, and pay it out."),
    ),
    CaseKind.REFUND_FAILED: Words(
        N_("Refund refused"),
        N_("The gateway refused to send %(amount)s back"),
        N_("The money is owed to the order. Ask the customer for another account, and pay it out."),
    ),
    CaseKind.DISPUTE_OPEN: Words(
        N_("Open dispute"),
        N_("The customer’s bank took %(amount)s back"),
        N_("Answer it at the gateway before its deadline, or close this case if you accept it."),
        "warn",
    ),
    CaseKind.DISPUTE_UNKNOWN: Words(
        N_("Dispute that only the statement knows"),
        N_("The statement has %(there)s; no event told us"),
        N_("Look whether the gateway’s events reach this shop, then answer the dispute there."),
    ),
    CaseKind.UNKNOWN_REFERENCE: Words(
        N_("Belongs to nothing we know"),
        N_("%(there)s on the statement, kept apart in the ledger"),
        N_("Find out whose it is. What isn’t ours goes back at the gateway; its line then clears this one in the ledger."),
        "warn",
    ),
    CaseKind.UNHEARD: Words(
        N_("Nobody knows whether money moved"),
        N_("%(amount)s, asked for again and again without an answer"),
        N_("Look it up at the gateway by its key. A refund that surely wasn’t paid can be given up on its campaign’s page of refunds."),
        "warn",
    ),
    CaseKind.EVENT_UNKNOWN: Words(
        N_("Event about something we don’t know"),
        N_("A verified event that nothing here belongs to"),
        N_("Another shop may use the same gateway account, or this one was restored from a backup: compare with the gateway."),
        "warn",
    ),
    CaseKind.FEE_UNBOOKED: Words(
        N_("Fee not booked"),
        N_("%(there)s was taken and is not in the ledger"),
        N_("Its currency isn’t that of the payment. Book it in your accounting by hand and note it here."),
        "warn",
    ),
    CaseKind.PAYOUT_UNBOOKED: Words(
        N_("Payout not booked"),
        N_("%(there)s was paid out and is not in the ledger"),
        N_("Compare it with your bank account, and let somebody who knows the program look."),
        "warn",
    ),
}
_AMOUNTS = {"here": "currency", "booked": "currency", "amount": "currency", "there": "there_currency"}
GROUPS: Mapping[Group, str] = {
    Group.GATEWAYS: N_("At gateways"),
    Group.BANK: N_("At the bank"),
    Group.DEPOSITS: N_("Deposits and balances held"),
    Group.SHIPPING_HELD: N_("Shipping paid in advance"),
    Group.RETURNING: N_("On its way back"),
    Group.OWED: N_("Owed to customers"),
    Group.SUSPENSE: N_("Set aside until somebody decides"),
    Group.REVENUE: N_("Revenue"),
    Group.SHIPPING: N_("Shipping earned"),
    Group.FORFEITS: N_("Forfeited deposits"),
    Group.FEES: N_("Gateway fees"),
    Group.PENALTIES: N_("Penalties to customers"),
    Group.OTHER: N_("Other accounts"),
}
ENTRIES = {
    "payment": N_("Payments"),
    "refund": N_("Refunds"),
    "fees": N_("Fees"),
    "payout": N_("To the bank"),
    "dispute": N_("Disputes"),
    "other": N_("Other"),
}
"""What a statement's sums are of, in the order of the page."""


def says(kind: CaseKind, details: Mapping[str, Any]) -> str:
    """Return a case's sentence with its amounts in their currencies."""
    currency = details.get("currency", "")
    named = {name: details.get(of, currency) for name, of in _AMOUNTS.items()}
    shown = {name: money(details[name], its) for name, its in named.items() if details.get(name) is not None}
    return str(_(WORDS[kind].says, **shown) if shown else _(WORDS[kind].says))
