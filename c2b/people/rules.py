"""Who may do what, and what makes an address the same address."""

import enum
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from c2b.errors import N_, Invalid, Refused


class AddressKind(enum.StrEnum):
    """What a campaign may take as its anchor identity, and what an import calls its voters."""

    EMAIL = "email"
    PHONE = "phone"
    WECHAT = "wechat"
    IMPORTED = "imported"
    """The opaque voter id of an import: never an anchor, so that a later import finds the ballot it replaces."""


SIGN_IN_KINDS = (AddressKind.EMAIL, AddressKind.PHONE)
"""What a code can be sent to, so what a person can sign in by in every browser; e-mail is asked for first."""
KNOWN_BY = (*SIGN_IN_KINDS, AddressKind.WECHAT)
"""What leads a person to their account: an openid only within WeChat, and where the shop has an official account there."""


class Role(enum.StrEnum):
    """What a member of staff is, global to the brand; see `may`."""

    OWNER = "owner"
    MANAGER = "manager"
    MERCHANDISER = "merchandiser"
    FINANCE = "finance"
    SUPPORT = "support"
    ASSISTANT = "assistant"
    AUDITOR = "auditor"


class LostState(enum.StrEnum):
    """Where a request stands to move an account from an address that its owner can't reach any more."""

    ASKED = "asked"
    PROPOSED = "proposed"
    """One member of staff is for it."""
    WAITING = "waiting"
    """A second one agreed, the old address was told, and nobody has objected yet."""
    DONE = "done"
    REFUSED = "refused"
    STOPPED = "stopped"
    """Somebody who reads the old address objected."""


OBJECTION = timedelta(hours=72)
"""How long who reads the old address can stop the move of an account."""


class Permission(enum.StrEnum):
    """What a page or an action asks for."""

    PHASES = "phases"
    """Create, advance, pause and cancel campaigns."""
    CANDIDATES = "candidates"
    """Import and withdraw candidates."""
    OFFERS = "offers"
    """Prices, tiers, minimums, suppliers."""
    COUNTS = "counts"
    """See counts before voting closes; each look is recorded."""
    BALLOTS = "ballots"
    """Import, hold and release ballots, without seeing who picked what."""
    STORE_BALLOTS = "store_ballots"
    """Enter a customer's ballot at the counter, by the customer's code."""
    PICKUPS = "pickups"
    """Note what came to a store, and hand it out to whoever has its code."""
    PICKS = "picks"
    """See who picked what."""
    SELECTION = "selection"
    DECISION = "decision"
    DEPOSITS = "deposits"
    """See pre-orders and what is paid."""
    MONEY = "money"
    """Refunds, what is owed, forfeits."""
    EXPORTS = "exports"
    PERSONAL_DATA = "personal_data"
    """Names, addresses, telephone numbers of customers."""
    STAFF = "staff"
    AUDIT = "audit"
    """Read the audit log."""


_P = Permission
_ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission) - {_P.PICKS},  # who picked what: auditors only
    Role.MANAGER: frozenset(
        {
            _P.PHASES,
            _P.CANDIDATES,
            _P.OFFERS,
            _P.COUNTS,
            _P.BALLOTS,
            _P.STORE_BALLOTS,
            _P.PICKUPS,
            _P.SELECTION,
            _P.DECISION,
            _P.DEPOSITS,
            _P.EXPORTS,
            _P.AUDIT,
        }
    ),
    Role.MERCHANDISER: frozenset({_P.CANDIDATES, _P.OFFERS}),
    Role.FINANCE: frozenset({_P.DEPOSITS, _P.MONEY, _P.EXPORTS}),
    Role.SUPPORT: frozenset({_P.DEPOSITS, _P.PERSONAL_DATA, _P.PICKUPS}),
    Role.ASSISTANT: frozenset({_P.STORE_BALLOTS, _P.PICKUPS}),
    Role.AUDITOR: frozenset({_P.COUNTS, _P.PICKS, _P.DEPOSITS, _P.EXPORTS, _P.AUDIT}),
}


def may(role: Role, permission: Permission) -> bool:
    """Tell whether a member of staff with `role` has `permission`; what isn't listed is denied."""
    return permission in _ALLOWED[role]


CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_A_DAY = 5
ADDRESSES_EACH = 10
"""What a person can have; an address added is one that no second ballot can have."""
ADDRESSES_A_DAY = 10
"""To how many different addresses one browser has codes sent in a day; nothing is counted per network, which families and shops share."""
CUSTOMER_LOGIN = timedelta(days=90)
STAFF_LOGIN = timedelta(hours=12)
SETUP_LIFE = timedelta(days=3)
PASSWORD_LENGTH = 12
FREE_PASSWORDS = 5
PASSWORD_WAIT = timedelta(minutes=1)


def may_try_password(wrong: int, last_wrong: datetime | None, now: datetime) -> bool:
    """Say whether a password is looked at: `wrong` ones cost nothing five times, from then on one a minute is.

    Counted per account, so that changing networks doesn't help; 1,440 guesses a day find no password of twelve characters.
    """
    return wrong < FREE_PASSWORDS or last_wrong is None or now >= last_wrong + PASSWORD_WAIT


@dataclass(frozen=True)
class Asked:
    """To which addresses a browser had codes sent on a day (UTC): marks that tell them apart and nothing else."""

    day: str = ""
    marks: tuple[str, ...] = ()


def ask(before: Asked, *, mark: str, day: str) -> Asked:
    """Return what a browser has asked for once it asks for `mark` too; raises Refused where these are too many different ones."""
    marks = before.marks if before.day == day else ()
    if mark not in marks and len(marks) >= ADDRESSES_A_DAY:
        raise Refused(
            N_("This browser has asked for codes to %(most)s different addresses today; use one of them, or come back tomorrow"),
            most=ADDRESSES_A_DAY,
        )
    return Asked(day, marks if mark in marks else (*marks, mark))


WRONG_CODE = N_("This code is not valid or has expired; check the newest message, or ask for a new code")
"""What a page says when `check_code` returns nothing: the same sentence for every cause."""

_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_IGNORES_DOTS = frozenset({"gmail.com"})
_IGNORES_TAGS = frozenset(
    {
        "gmail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "fastmail.com",
        "proton.me",
        "protonmail.com",
    }
)
_SAME_PROVIDER = {"googlemail.com": "gmail.com"}
_PUNCTUATION = re.compile(r"[\s()./\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\ufeff-]")
"""What people and address books put between digits; the unseen marks come along when a number is copied from a telephone."""
_MOBILE_DIGITS = 11
_CHINESE_MOBILE = re.compile(r"(\+?860?)?1[3-9][0-9]{9}")
"""With or without the country, and with the 0 that belongs to calls within it."""
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
_OPENID = re.compile(r"[A-Za-z0-9_-]{6,128}")
MAX_ADDRESS = 254


def normalise(kind: AddressKind, typed: str) -> str:
    """Return the form in which two writings of one address are equal; for uniqueness only, mail goes to what was typed.

    Raises Invalid (field `address`) for what can't be such an address.
    """
    return _NORMAL[kind](unicodedata.normalize("NFKC", typed).strip())


def _normal_email(text: str) -> str:
    local, _, typed = text.lower().rpartition("@")
    domain = _ascii(typed)
    if len(text) > MAX_ADDRESS or not _EMAIL.fullmatch(f"{local}@{domain}"):
        raise Invalid(N_("“%(text)s” is not an e-mail address; write it like anna@example.com"), field="address", text=text[:80])
    provider = _SAME_PROVIDER.get(domain, domain)
    return f"{_mailbox(local, provider)}@{provider}"


def _mailbox(local: str, provider: str) -> str:
    """Return what a provider reads of the part before the @."""
    if provider in _IGNORES_TAGS:
        local = local.split("+", 1)[0] or local
    if provider in _IGNORES_DOTS:
        local = local.replace(".", "") or local
    return local


def _ascii(domain: str) -> str:
    """Return a domain as DNS knows it; nothing if it can't be one."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _normal_phone(text: str) -> str:
    compact = _PUNCTUATION.sub("", text)
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if _CHINESE_MOBILE.fullmatch(compact):
        compact = "+86" + compact[-_MOBILE_DIGITS:]
    if not _INTERNATIONAL.fullmatch(compact):
        raise Invalid(
            N_("“%(text)s” is not a telephone number; write it with its country, like +86 138 0013 8000"), field="address", text=text[:40]
        )
    return compact


def _normal_openid(text: str) -> str:
    if not _OPENID.fullmatch(text):
        raise Invalid(N_("This is not a WeChat openid"), field="address")
    return text


def _voters_id(text: str) -> str:
    if not text or len(text) > MAX_ADDRESS:
        raise Invalid(N_("A voter's id has 1 to %(most)s characters"), field="address", most=MAX_ADDRESS)
    return text


_NORMAL: dict[AddressKind, Callable[[str], str]] = {
    AddressKind.EMAIL: _normal_email,
    AddressKind.PHONE: _normal_phone,
    AddressKind.WECHAT: _normal_openid,
    AddressKind.IMPORTED: _voters_id,
}


def keyed_hash(secret_key: str, purpose: str, *parts: str) -> bytes:
    """Return a hash that nobody without the key can compute or compare with a list of guesses; `purpose` keeps uses apart."""
    return hmac.new(secret_key.encode(), "\0".join((purpose, *parts)).encode(), hashlib.sha256).digest()


def reachable(kind: AddressKind, typed: str) -> str:
    """Return where messages go: mail to what was typed, a text message to the number as every provider reads it."""
    return normalise(kind, typed) if kind is AddressKind.PHONE else typed.strip()


def address_digest(secret_key: str, kind: AddressKind, typed: str) -> bytes:
    """Return what an address is known by; raises Invalid for what can't be an address."""
    return keyed_hash(secret_key, "address", kind, normalise(kind, typed))


def token_hash(token: str) -> bytes:
    """Return what is stored of a random token: whoever reads the database can't sign in with it."""
    return hashlib.sha256(token.encode()).digest()


def mask(kind: AddressKind, value: str) -> str:
    """Return an address so that its owner knows it and a neighbour doesn't: a***@example.com, ***8000."""
    if kind is AddressKind.EMAIL:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}***@{domain}"
    return f"***{value[-4:]}"
