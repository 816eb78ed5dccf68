"""Walks a whole shop as its owner and as a customer: a Chinese page has no English sentence, an English one no Chinese.

What the merchant wrote in one language only stays in it, and so do codes, addresses and names of formats; what is marked with
`lang` or `translate="no"` says itself that it is something else.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from c2b.app import create_app
from c2b.campaigns.models import Campaign, Candidate, Supplier
from c2b.deposits.models import Order
from c2b.payments.models import Payment, Refund
from c2b.people import actions as people
from c2b.people.models import Staff
from c2b.people.rules import Role
from c2b.settings import Settings
from c2b.stores.models import Store
from c2b.ui.shell import parts
from tests import databases
from tests.demo.test_further_seasons import NOW, fill, open_shop
from tests.web.pages import Browser, parse

EACH = 3
"""How many pages of one kind the walk looks at; a campaign's pages count by campaign."""
SPOKEN = ("aria-label", "alt", "title", "placeholder", "content")
NOT_SPOKEN = {"viewport", "htmx-config"}
HAN = re.compile(r"[\u3400-\u9fff]+")
CODE = re.compile(r"[0-9a-f]+…[0-9a-f]+|[\w.%+-]*[@/_\d#][\w.@/%#=&?+:-]*|\b[A-Z]{1,5}\b|--?[a-z]\w*")
"""Hashes cut short, addresses, paths, references, numbers, abbreviations."""
WORD = re.compile(r"[A-Za-z][a-z’']+")
NAMES = {"Python", "nonce", "pick", "Pabulib", "Beancount", "Shopify", "English", "demo"}


def said(element: Element, tag: str) -> Iterator[str]:
    """Yield what an element says in the page's language, with what screen readers and search engines are told."""
    if element.get("lang", tag) != tag or element.get("translate") == "no" or element.tag in {"script", "style"}:
        return
    yield from (element.get(name, "") for name in SPOKEN if element.get("name") not in NOT_SPOKEN)
    yield element.text or ""
    for child in element:
        yield from said(child, tag)
        yield child.tail or ""


Visit = Callable[[Flask, str], Browser]


class Walk:
    """Goes from link to link and gathers what each page says."""

    def __init__(self, app: Flask, browser: Browser) -> None:
        self.rules = app.url_map.bind("localhost")
        self.browser = browser
        self.seen: Counter[tuple[str, str]] = Counter()
        self.pages: dict[str, list[str]] = {}

    def go(self, *starts: str) -> None:
        ahead, known = deque(starts), set(starts)
        while ahead:
            url = ahead.popleft()
            if self._is_due(url):
                tree = parse(self.browser.get(url))
                self.pages[url] = [" ".join(text.split()) for text in said(tree, tree.get("lang") or "") if text.strip()]
                links = {link.get("href", "").partition("#")[0] for link in tree.iter("a")} - known
                ahead += sorted(links)
                known |= links

    def _is_due(self, url: str) -> bool:
        parsed = urlsplit(url)
        if parsed.netloc or "lang=" in parsed.query or not parsed.path.startswith("/") or "." in parsed.path:  # files are no pages
            return False
        try:
            endpoint, values = self.rules.match(parsed.path, "GET")
        except HTTPException:
            return False
        kind = (endpoint, str(values.get("slug", "")))
        self.seen[kind] += 1
        return self.seen[kind] <= EACH and not endpoint.endswith(("media", "download", "static"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demo's shop with few of everything: one campaign votes, one takes orders, one is decided."""
    folder = tmp_path_factory.mktemp("shop")
    with databases.sqlite(folder) as database:
        made = open_shop(database, folder)
        fill(made)
        url = database.engine.url.render_as_string(hide_password=False)
        values = {"database_url": url, "data": folder, "secret_key": made.secret_key, "base_url": "http://localhost", "demo": True}
        app = create_app(Settings.model_validate(values), clock=lambda: NOW)
        yield app
        with app.app_context():
            parts().database.close()


@pytest.fixture(scope="module")
def merchants_words(app: Flask) -> dict[str, list[str]]:
    """Return what the merchant gave in no other language, by the language of the page that shows it nevertheless."""
    with app.app_context(), parts().database.reading() as session:
        columns = (Candidate.name, Campaign.slug, Order.ref, Payment.key, Payment.provider_reference, Refund.key, Refund.provider_reference)
        plain = [text for column in columns for text in session.scalars(select(column)) if text]
        return {"zh": plain, "en": [*session.scalars(select(Supplier.name)), *session.scalars(select(Store.name))]}


def visitor(app: Flask, language: str) -> Browser:
    return Browser(app, language)


def owner(app: Flask, language: str) -> Browser:
    """Return the browser of an owner of the shop who ordered something too."""
    browser = Browser(app, language)
    with app.app_context(), parts().database.transaction() as session:
        person = session.scalars(select(Order.person_id).order_by(Order.id)).first()
        staff = session.scalars(select(Staff.id).where(Staff.role == Role.OWNER)).one()
        logins = {"customer": people.start_login(session, person_id=person, now=NOW)}
        logins["staff"] = people.start_login(session, staff_id=staff, now=NOW)
    with browser.client.session_transaction() as cookie:
        cookie.update(logins)
    return browser


def foreign(texts: list[str], language: str, allowed: list[str]) -> list[str]:
    """Return the texts that hold words of the other language."""

    def words(text: str) -> list[str]:
        for known in allowed:
            text = text.replace(known, " ")
        return HAN.findall(text) if language == "en" else [word for word in WORD.findall(CODE.sub(" ", text)) if word not in NAMES]

    return [text for text in texts if words(text)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("who", "at_least"), [(visitor, 25), (owner, 75)])
def test_a_page_speaks_one_language(app: Flask, merchants_words: dict[str, list[str]], who: Visit, at_least: int, language: str) -> None:
    walk = Walk(app, who(app, language))
    walk.go("/", "/sign-in", "/me", "/admin/", "/admin/sign-in", "/admin/staff")
    assert len(walk.pages) >= at_least
    found = {url: foreign(texts, language, merchants_words[language]) for url, texts in walk.pages.items()}
    assert {url: texts for url, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("language", "text", "is_foreign"),
    [
        ("zh", "Nothing was changed", True),
        ("zh", "你的票 were saved", True),
        ("zh", "输入活动代号 spring", False),
        ("zh", "编号 pay_8f2c 寄到 anna@example.com", False),
        ("zh", "导出 CSV，Pabulib 格式", False),
        ("en", "Picked 已投", True),
        ("en", "Made by 桐乡织造二厂", False),
        ("en", "Nothing was changed", False),
    ],
)
def test_the_walk_knows_the_other_language_when_it_sees_it(language: str, text: str, is_foreign: bool) -> None:  # noqa: FBT001  a table's column
    allowed = {"zh": ["spring"], "en": ["桐乡织造二厂"]}[language]
    assert bool(foreign([text], language, allowed)) == is_foreign


def test_what_is_marked_as_another_language_is_not_heard() -> None:
    page = parse('<html lang="zh-CN"><body>你好<b lang="en">Hello</b>，<i translate="no">state</i>再见<img alt="图"></body></html>')
    assert "".join(said(page, "zh-CN")) == "你好，再见图"
