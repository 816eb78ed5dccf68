"""The Chinese texts: complete, compiled from what stands beside them, and with the same named values."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[2] / "c2b"
CATALOGUES = sorted((PACKAGE / "translations").glob("*/LC_MESSAGES/*.po"))
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
FORBIDDEN = ("Oops", "亲", "您好", "！", "抢", "手慢无", "订金")
"""Words that the shop never says; 订金 only where a campaign is fully refundable, and then its terms say it."""


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def texts(of: object) -> list[str]:
    """Return the texts of a message's id or string: one, one a plural form, or none yet."""
    return [str(text) for text in of if text] if isinstance(of, tuple | list) else [str(of)] if of else []


def by_id(catalogue: Catalog) -> dict[str, list[str]]:
    return {str(message.id): texts(message.string) for message in catalogue if message.id}


def extracted(domain: str) -> set[str]:
    with (PACKAGE / "translations" / f"{domain}.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # Babel's own
    found = extract_from_dir(PACKAGE, methods, options, KEYWORDS)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    compiled = BytesIO()
    write_mo(compiled, read(path))
    with path.with_suffix(".mo").open("rb") as file:
        stored = read_mo(file)
    compiled.seek(0)
    assert by_id(stored) == by_id(read_mo(compiled))


def test_no_text_of_the_shop_is_missing_in_chinese() -> None:
    translated = {texts(message.id)[0] for message in read(CATALOGUES[-1]) if message.id and texts(message.string)}
    assert CATALOGUES[-1].stem == "web"
    assert extracted("web") - translated == set()


def test_no_chinese_text_of_the_shop_is_left_over() -> None:
    written = {texts(message.id)[0] for message in read(CATALOGUES[-1]) if message.id}
    assert written - extracted("web") == set()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_translation_keeps_the_named_values(path: Path) -> None:
    for message in read(path):
        wanted = {name for text in texts(message.id) for name in re.findall(r"%\((\w+)\)", text)}
        for text in texts(message.string):
            assert set(re.findall(r"%\((\w+)\)", text)) <= wanted, message.id


def test_the_chinese_says_it_quietly() -> None:
    for message in read(CATALOGUES[-1]):
        assert not [word for word in FORBIDDEN for text in texts(message.string) if word in text], message.string
