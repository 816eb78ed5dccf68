"""The Chinese texts: complete, compiled from what stands beside them, with the same named values; and the command that keeps them so."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from c2b import translations
from c2b.translations import CATALOGUES, DOMAINS, Text, Words, __main__, extracted, stored, waiting

FORBIDDEN = ("Oops", "亲", "您", "！", "抢", "手慢无", "订金")
"""Words that the shop never says; 订金 only where a campaign is fully refundable, and then its terms say it."""

every_domain = pytest.mark.parametrize("domain", DOMAINS)


def forms(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def named(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]", text))


def read_compiled(path: Path) -> dict[str, tuple[str, ...]]:
    with path.open("rb") as file:
        return {forms(each.id)[0]: forms(each.string) for each in read_mo(file) if each.id}  # type: ignore[arg-type]  # never None in a .mo


@every_domain
def test_no_text_is_missing_in_chinese(domain: str) -> None:
    assert extracted(domain) - set(stored(domain)) == set()
    assert waiting(stored(domain)) == []


@every_domain
def test_no_chinese_text_is_left_over(domain: str) -> None:
    assert set(stored(domain)) - extracted(domain) == set()


@every_domain
def test_what_is_compiled_is_what_is_written(domain: str) -> None:
    written = {forms(english)[0]: forms(chinese) for english, chinese in stored(domain).items()}
    assert read_compiled(CATALOGUES / f"{domain}.mo") == written


@every_domain
def test_the_files_are_kept_as_the_command_writes_them(domain: str) -> None:
    assert (CATALOGUES / f"{domain}.po").read_bytes().decode() == translations.written(stored(domain)).decode()


@every_domain
def test_both_languages_name_the_same_values(domain: str) -> None:
    for english, chinese in stored(domain).items():
        for form in forms(chinese):
            assert named(form) == named(forms(english)[-1]), english


@every_domain
def test_markup_is_the_same_in_both_languages(domain: str) -> None:
    for english, chinese in stored(domain).items():
        for form in forms(chinese):
            assert re.findall(r"</?\w+", form) == re.findall(r"</?\w+", forms(english)[-1]), english


@every_domain
def test_a_percent_sign_is_doubled_where_values_are_filled_in(domain: str) -> None:
    for english, chinese in stored(domain).items():
        for form in (*forms(english), *forms(chinese)):
            values = defaultdict(lambda: 1)  # type: ignore[var-annotated]  # any name, a number
            assert not named(form) or form % values, form


@every_domain
def test_the_chinese_says_it_quietly(domain: str) -> None:
    for chinese in stored(domain).values():
        assert not [word for word in FORBIDDEN for form in forms(chinese) if word in form], chinese


def test_a_text_in_two_domains_says_the_same_in_both() -> None:
    said: dict[Text, set[Text]] = defaultdict(set)
    for domain in DOMAINS:
        for english, chinese in stored(domain).items():
            said[english].add(chinese)
    assert {english: chinese for english, chinese in said.items() if len(chinese) > 1} == {}


def test_every_package_that_speaks_to_people_has_a_domain() -> None:
    def of(*paths: str) -> set[Text]:
        return {text for path in paths for text in extracted(path)}

    everything = of(*DOMAINS)
    assert "There is no such order" in extracted("rooms")
    assert "There is no such page" in extracted("web")
    assert "The database's tables are of another version; run c2b init" not in everything  # the command line speaks English


# --- the command, on a package made for it ---


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a room, a page and a command, none of them translated."""
    files = {
        "orders/rules.py": 'raise Refused(N_("No %(what)s is left"), what=what)',
        "cli/order.py": 'print(N_("Only the shell says this"))',
        "web/pages.py": '_("Order"); ngettext("%(num)s piece", "%(num)s pieces", 2)',
        "web/templates/web/order.html": "<p>{{ _('Thank you') }}</p>",
        "admin/pages.py": '_("Orders")',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(translations, "PACKAGE", tmp_path)
    monkeypatch.setattr(translations, "CATALOGUES", tmp_path / "translations/zh_Hans_CN/LC_MESSAGES")
    return tmp_path


def translate(domain: str, words: Words) -> None:
    """Write Chinese into a domain's file, as a translator does."""
    (translations.CATALOGUES / f"{domain}.po").write_bytes(translations.written(stored(domain) | words))


def test_texts_are_found_in_code_and_templates_of_their_domain(package: Path) -> None:
    assert package.is_dir()
    assert extracted("web") == {"Order", "Thank you", ("%(num)s piece", "%(num)s pieces")}
    assert extracted("admin") == {"Orders"}
    assert extracted("rooms") == {"No %(what)s is left"}


def test_a_new_text_waits_for_its_translation(package: Path) -> None:
    assert waiting(translations.refresh("web")) == ["%(num)s piece", "Order", "Thank you"]
    assert 'msgid "Thank you"\nmsgstr ""' in (package / "translations/zh_Hans_CN/LC_MESSAGES/web.po").read_text()
    assert read_compiled(translations.CATALOGUES / "web.mo") == {}


def test_what_is_translated_is_compiled_and_stays(package: Path) -> None:
    translations.refresh("web")
    translate("web", {"Order": "订单", ("%(num)s piece", "%(num)s pieces"): ("%(num)s 件",)})
    (package / "web/more.py").write_text('_("Basket")')
    assert waiting(translations.refresh("web")) == ["Basket", "Thank you"]
    assert stored("web")["Order"] == "订单"
    assert read_compiled(translations.CATALOGUES / "web.mo") == {"Order": ("订单",), "%(num)s piece": ("%(num)s 件",)}


def test_a_text_that_is_gone_is_dropped(package: Path) -> None:
    translations.refresh("admin")
    translate("admin", {"Orders": "订单"})
    (package / "admin/pages.py").write_text('_("All orders")')
    assert translations.refresh("admin") == {"All orders": ""}
    assert stored("admin") == {"All orders": ""}


def test_refreshing_twice_changes_no_byte(package: Path) -> None:
    translations.refresh("web")
    translate("web", {"Order": "订单"})
    translations.refresh("web")
    before = {path.name: path.read_bytes() for path in translations.CATALOGUES.iterdir()}
    translations.refresh("web")
    assert {path.name: path.read_bytes() for path in translations.CATALOGUES.iterdir()} == before
    assert set(before) == {"web.po", "web.mo"}
    assert package.is_dir()


def test_the_command_brings_every_domain_up_to_date_and_names_what_waits(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    __main__.main()
    assert {path.name for path in translations.CATALOGUES.iterdir()} == {f"{domain}.{kind}" for domain in DOMAINS for kind in ("po", "mo")}
    assert package.is_dir()
    said = capsys.readouterr().out
    assert "web.po: 3 texts, 3 without Chinese\n  %(num)s piece\n  Order\n  Thank you" in said
    assert "admin.po: 1 texts, 1 without Chinese\n  Orders" in said
    assert "rooms.po: 1 texts, 1 without Chinese\n  No %(what)s is left" in said
