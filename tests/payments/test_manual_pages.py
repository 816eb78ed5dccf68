from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from c2b.app import create_app
from c2b.db import Database
from c2b.payments.rules import PaymentState
from c2b.settings import Settings
from c2b.ui.shell import parts
from tests import make
from tests.web.pages import Browser

KEY = "GEZDGNBVGY3TQOJQ"
BACK = f"/c/ss27/pay/{KEY}"
PAGE = f"/manual/pay/{KEY}?back={BACK}"
ACCOUNT = "招商银行 6222 0000 1111 棉里服饰"
NOW = make.ORDERING_OPENS + timedelta(hours=1)


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> Iterator[Flask]:
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    values = {"database_url": url, "data": tmp_path, "secret_key": SecretStr("k" * 40), "base_url": "http://localhost"}
    made = create_app(Settings.model_validate(values | {"gateways": "manual", "manual_account": ACCOUNT}), clock=lambda: NOW)
    yield made
    with made.app_context():
        parts().database.close()


def pays(database: Database, **changes: object) -> str:
    """Write a payment of 59.80 that may take three days; returns its order's reference."""
    with database.transaction() as session:
        of = make.campaign(session)
        order = make.order(session, of, (make.variants(session, make.candidate(session, of, "K1"))[0], 1))
        facts = {"gateway": "manual", "key": KEY, "state": PaymentState.PENDING, "captured": 0, "settled_at": None, "minutes": 3 * 24 * 60}
        make.payment(session, order, 5980, **(facts | changes))
        return order.ref


def see(app: Flask, page: str = PAGE, language: str = "en") -> Browser:
    browser = Browser(app, language)
    browser.get(page)
    return browser


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["¥59.80", "20 Mar 10:00", "(Asia/Shanghai)"]), ("zh", ["¥59.80", "3月20日 10:00", "转账附言只写这个"])],
)
def test_the_customer_reads_account_amount_reference_and_deadline(
    app: Flask, sqlite_database: Database, language: str, words: list[str]
) -> None:
    pays(sqlite_database)
    page = see(app, language=language)
    assert all(word in page.words for word in [ACCOUNT, KEY, *words]), page.words
    assert f'href="{BACK}"' in page.html


@pytest.mark.parametrize("back", ["", "//evil.example.com/", "https://evil.example.com/", "/c/ss27/pay/another", "/c/../admin/pay/" + KEY])
def test_the_way_back_never_leaves_the_shop(app: Flask, sqlite_database: Database, back: str) -> None:
    order = pays(sqlite_database)
    page = see(app, f"/manual/pay/{KEY}?back={back}")
    assert [link.get("href") for link in page.tree.findall(".//main//a")] == [f"/me/orders/{order}"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": PaymentState.CAPTURED, "captured": 5980}, "Your money is here"),
        ({"state": PaymentState.MISMATCH}, "Somebody is looking at this payment"),
        ({"state": PaymentState.FAILED}, "goes back to you in full when it arrives"),
        ({"minutes": 59}, "The time for this payment is over"),
    ],
)
def test_who_need_not_pay_any_more_sees_no_account(app: Flask, sqlite_database: Database, changes: dict[str, object], words: str) -> None:
    pays(sqlite_database, **changes)
    page = see(app)
    assert words in page.words
    assert ACCOUNT not in page.words


def test_payments_of_other_gateways_have_no_such_page(app: Flask, sqlite_database: Database) -> None:
    pays(sqlite_database, gateway="sandbox")
    Browser(app).get(PAGE, expect=404)
    Browser(app).get("/manual/pay/nothing", expect=404)
