"""Orders and payments by the hundred thousand, made by the database itself: each order has one line, its deposit captured and booked."""

from sqlalchemy import text

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from tests import make

SLUG = "takings"
CAMPAIGN = 9001
PRODUCTS = 50
PRICE, DEPOSIT = 29900, 5980

_ROWS = (
    "INSERT INTO person (id, ref, name, locale, viewer, created_at) SELECT n, 'p' || n, '', 'en', n, {at} FROM s",
    "INSERT INTO customer_order (id, ref, campaign_id, person_id, idempotency_key, placed_at, legal_profile, terms, terms_hash, "
    "terms_accepted_at, recipient, phone, country, postal_code, address) "
    "SELECT n, 'o' || n, {campaign}, n, 'k' || n, {at}, 'CN_DINGJIN', 'terms', 'hash', {at}, '', '', '', '', '' FROM s",
    "INSERT INTO order_line (id, campaign_id, order_id, candidate_id, variant_id, units, unit_price, deposit, outcome, fulfilment, "
    "reserved_at) SELECT n, {campaign}, n, variant.candidate_id, variant.id, 1, {price}, {deposit}, 'open', 'none', {at} "
    "FROM s JOIN candidate ON candidate.position = n % {products} + 1 JOIN variant ON variant.candidate_id = candidate.id",
    "INSERT INTO obligation (id, order_id, line_id, kind, amount, due_at, state) SELECT n, n, n, 'deposit', {deposit}, {at}, 'paid' FROM s",
    "INSERT INTO payment (id, key, payer, gateway, merchant, amount, currency, state, provider_reference, note, captured, refunded, "
    "created_at, checked_at, settled_at) SELECT n, {key}, 'o' || n, 'sandbox', 'main', {deposit}, 'CNY', 'captured', 'SBX-' || n, "
    "'', {deposit}, 0, {at}, {at}, {at} FROM s",
    "INSERT INTO payment_part (payment_id, obligation_id, amount, applied) SELECT n, n, {deposit}, 1 = 1 FROM s",
    "INSERT INTO transfer (id, debit, credit, amount, currency, event, campaign, at) "
    "SELECT 'cap:' || {key} || ':' || n, 'psp:sandbox:main', 'dep:' || n, {deposit}, 'CNY', 'captured', '{slug}', {at} FROM s",
)
_SERIES = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
_KEY = "'PAY' || CAST(1000000000000 + n AS TEXT)"
"""As long as any payment's: the books are read by it."""
_AT = "'2027-03-20 04:00:00.000000'"


def open_shop(database: Database, *, minimum: int) -> list[int]:
    """Open a campaign without voting for orders; returns the variants of its products, one each, each wanted `minimum` times."""
    with database.transaction() as session:
        rules = {"state": CampaignState.ORDERING, "voting_opens": None, "voting_closes": None, "minimum": minimum}
        campaign = make.campaign(session, id=CAMPAIGN, slug=SLUG, **rules)
        supplier = make.supplier(session)
        products = [make.candidate(session, campaign, f"K{n}", position=n, sizes="U", price=PRICE) for n in range(1, PRODUCTS + 1)]
        for product in products:
            make.offer(session, product, supplier)
        return [variant.id for product in products for variant in make.variants(session, product)]


def sell(database: Database, *, orders: int) -> None:
    """Let so many customers order and pay the deposit, then close: every product waits for the decision."""
    with database.transaction() as session:
        given = {
            "last": orders,
            "at": _AT,
            "key": _KEY,
            "campaign": CAMPAIGN,
            "slug": SLUG,
            "products": PRODUCTS,
            "price": PRICE,
            "deposit": DEPOSIT,
        }
        for rows in _ROWS:
            into, _, chosen = rows.partition("SELECT")
            session.execute(text(f"{into} {_SERIES} SELECT {chosen}".format(**given)))
        session.get_one(Campaign, CAMPAIGN).state = CampaignState.SETTLING
    tidy(database)


def tidy(database: Database) -> None:
    """Let PostgreSQL know its tables, and forget what was rolled back."""
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
