"""Every page as people see it: on phones and desks, by day and at night, in both languages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from c2b.app import create_app
from c2b.settings import Settings
from tests.stories.town import Town, opened

PAGES = {
    "guest": """
        / /c/autumn/ /c/autumn/?show=picked /c/autumn/p/{autumn} /c/soon/ /c/soon/p/K1 /c/stopped/ /c/over/ /c/autumn/results /c/autumn/how
        /c/autumn/size /c/autumn/?seen=no /c/autumn/?seen=yes&price=200-300&cat=Knits
        /c/autumn/verify /c/autumn/receipt /c/autumn/one /c/autumn/one?at=7 /c/autumn/one?at=99999 /c/autumn/shuffle
        /c/autumn/compare /c/autumn/compare?c={autumn}&c=K01 /me /sign-in /sign-in/code
        /sign-in/lost /sign-in/lost?kind=phone /sign-in/lost/code /stop/{token} /opt-out/{news} /withdraw /withdraw/{withdraw}
        /withdraw/order /c/autumn/order /admin/sign-in /admin/set-up/{token} /nothing-here
    """,
    "customer": """
        /c/autumn/held /c/autumn/choose
        /c/autumn/?q=nothing-of-this-name /c/summer/ /c/summer/?show=all /c/summer/p/{summer} /c/summer/order
        /c/summer/order?add={summer} /c/summer/pay/{payment} /sandbox/pay/{payment} /c/summer/results
        /manual/pay/{transfer} /manual/pay/{transfer}?back=/c/summer/pay/{transfer} /c/spring/ /c/spring/p/{spring}
        /c/spring/verify /c/spring/receipt
        /c/spring/how /c/spring/shuffle /c/spring/order /me /me/addresses /me/addresses?kind=phone /me/addresses/code /me/orders/{order}
        /me/orders/{order}/store /me/orders/{order}/store?near=Hangzhou
    """,
    "owner": """
        /admin/ /admin/new /admin/new?like=autumn /admin/draft/settings /admin/autumn/settings
        /admin/staff /admin/stores /admin/hand-out /admin/messages /admin/lost /admin/legal
        /admin/money /admin/money?slug=spring /admin/money/books /admin/money/books?slug=spring
        /admin/draft/ /admin/draft/candidates /admin/draft/import /admin/draft/import/{upload}
        /admin/draft/import/{upload}/columns
        /admin/stopped/ /admin/over/cancel /admin/autumn/ /admin/autumn/candidates /admin/autumn/candidates/{autumn} /admin/autumn/decision
        /admin/autumn/orders /admin/autumn/refunds /admin/autumn/production /admin/autumn/cancel /admin/summer/ /admin/summer/selection
        /admin/summer/decision /admin/summer/decision/what-if?minimum=60 /admin/draft/decision/what-if
        /admin/summer/orders /admin/spring/ /admin/spring/candidates/{spring} /admin/spring/decision
        /admin/spring/funnel /admin/autumn/links?s=store-1 /admin/autumn/poster?s=store-1
        /admin/spring/orders/{staff_order} /admin/spring/refunds /admin/spring/balances /admin/spring/undelivered?code={spring}
        /admin/spring/production /admin/spring/shipping /admin/spring/shipping?q=nobody /admin/spring/pickups /admin/spring/guide
        /admin/spring/production/{number} /admin/spring/production/{number}/share
        /admin/autumn/counter /admin/spring/exports /admin/spring/log /admin/soon/selection
        /admin/autumn/trust /admin/spring/trust
        /admin/autumn/transfers /admin/summer/transfers /admin/summer/transfers?key={transfer} /admin/summer/transfers?q=nobody
    """,
}
NOT_PAGES = {
    "about.short",
    "results.tally",
    "static",
    "verify.receipt_file",
    "verify.published",
    "media.media",
    "shuffle.script",
    "shuffle.candidates",
    "admin.sandbox_statement",
    "health.alive",
    "health.ready",
    "wechat.begin",
    "wechat.back",
}
NARROWEST = 320


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    width: int
    scheme: Literal["light", "dark"]


PHONE_BY_DAY, PHONE_AT_NIGHT, DESK_BY_DAY, DESK_AT_NIGHT = (Look(width, scheme) for width in (390, 1280) for scheme in ("light", "dark"))
PAIRS = {"zh": (PHONE_BY_DAY, DESK_AT_NIGHT), "en": (PHONE_AT_NIGHT, DESK_BY_DAY)}
"""Each two of width, scheme and language meet."""
THE_OTHERS = {"zh": PAIRS["en"], "en": PAIRS["zh"]}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Town]:
    with opened(tmp_path_factory.mktemp("town"), browser) as town:
        yield town


def paths(town: Town, person: str) -> list[str]:
    return [path.format(**town.facts) for path in PAGES[person].split()]


class Eye:
    """Opens pages and notes what is wrong with them."""

    def __init__(self, page: Page, language: str, keep: str | None) -> None:
        self.page, self.language = page, language
        self.keep = Path(keep) if keep else None
        self.found: list[str] = []
        self.path = ""
        page.add_init_script(Axe().axe_script)  # sent once, not with every page
        page.on("console", lambda said: self.note(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.note(str(error)))
        page.goto(f"/?lang={language}")

    def note(self, what: str) -> None:
        if self.path != "/nothing-here":  # the browser calls the answer 404 an error, as it should
            self.found.append(f"{self.path}: {what}")

    def opens(self, path: str) -> None:
        self.path = path
        self.page.goto(path)

    def looks_at(self, path: str, person: str, looks: tuple[Look, ...]) -> None:
        self.opens(path)
        for look in looks:
            self.page.set_viewport_size({"width": look.width, "height": 844 if look.width < 600 else 900})
            self.page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
            self._check_reading()
            self._check_width()
            if self.keep:
                self._photograph(person, look)
        self.page.set_viewport_size({"width": NARROWEST, "height": 700})
        self._check_width()

    def _check_reading(self) -> None:
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)")
        for each in found:
            self.note(f"{each['id']}: {'; '.join(str(node['target']) + ' ' + node['failureSummary'] for node in each['nodes'][:3])}")

    def _check_width(self) -> None:
        wide = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if wide[0] > wide[1]:
            self.note(f"scrolls sideways: {wide[0]} in {wide[1]}")

    def _photograph(self, person: str, look: Look) -> None:
        assert self.keep
        self.keep.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w?=]+", "-", self.path).strip("-") or "home"
        self.page.evaluate("document.querySelectorAll('img[loading=lazy]').forEach(image => image.loading = 'eager')")
        self.page.wait_for_load_state("networkidle")
        name = f"{person}-{name[:60]}-{look.width}-{look.scheme}-{self.language}.png"
        self.page.screenshot(path=self.keep / name, full_page=True)


def test_no_page_is_forgotten(town: Town) -> None:
    ways = Settings(data=town.shop.data, database_url="", gateways=("sandbox", "manual"), manual_account="6222 0000 1111 2222")
    app = create_app(ways.with_local_secret())
    known = app.url_map.bind("localhost")
    seen = {known.match(path.partition("?")[0])[0] for person in PAGES for path in paths(town, person) if path != "/nothing-here"}
    assert seen == {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())} - NOT_PAGES


@pytest.mark.parametrize("person", PAGES)
@pytest.mark.parametrize(
    ("language", "looks"),
    [
        *(pytest.param(language, looks, id=f"{language}-pairs") for language, looks in PAIRS.items()),
        *(pytest.param(language, looks, id=f"{language}-others", marks=pytest.mark.long) for language, looks in THE_OTHERS.items()),
    ],
)
def test_every_page_can_be_read_by_everybody_and_is_quiet(
    town: Town, person: str, language: str, looks: tuple[Look, ...], request: pytest.FixtureRequest
) -> None:
    page = town.people[person].new_page()
    eye = Eye(page, language, request.config.getoption("--screenshots"))
    for path in paths(town, person):
        eye.looks_at(path, person, looks)
    page.close()
    assert eye.found == []


def test_axe_sees_what_is_wrong(town: Town) -> None:
    page = town.people["guest"].new_page()
    eye = Eye(page, "en", None)
    eye.opens("/me")
    page.evaluate("document.querySelector('h1').outerHTML = '<img src=\"/static/favicon.svg\"><div id=wide>x</div>'")
    page.evaluate("document.querySelector('#wide').style.width = '3000px'")
    eye._check_reading()
    eye._check_width()
    page.close()
    assert any("image-alt" in what for what in eye.found)
    assert any("sideways" in what for what in eye.found)
