"""The Chinese: what has to be translated, by domain, brought up to date from the code and compiled.

English stands in the code: `N_`, `gettext`, and `_` in templates. The command line and the demo speak English only.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[1]
LOCALE = "zh_Hans_CN"
CATALOGUES = Path(__file__).resolve().parent / LOCALE / "LC_MESSAGES"
PAGES = {"web": ("web", "ui"), "admin": ("admin",)}
"""The packages of the domains that belong to pages; every other package that speaks belongs to the domain `rooms`."""
DOMAINS = (*PAGES, "rooms")
_ENGLISH = ("cli", "demo", "translations", "migrations")
_KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
_HEADER = r"""msgid ""
msgstr ""
"Language: zh_Hans_CN\n"
"Plural-Forms: nplurals=1; plural=0;\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
_WIDTH = 140
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
"""What a compiled catalogue says of its age, so that the same words make the same bytes."""

Text = str | tuple[str, ...]
"""One with a plural has a form for each number: two in English, one in Chinese."""
Words = dict[Text, Text]
"""English to Chinese; an empty text waits for its translation."""


def extracted(domain: str) -> set[Text]:
    """Return the English texts that stand in the code and templates of a domain."""
    return {message for _, _, message, _, _ in extract_from_dir(PACKAGE, list(_sources(domain)), keywords=_KEYWORDS)}


def _sources(domain: str) -> Iterator[tuple[str, str]]:
    """Yield patterns of paths and how to read what fits them; the first that fits counts."""
    if domain == "rooms":
        elsewhere = (*_ENGLISH, *chain.from_iterable(PAGES.values()))
        yield from ((f"{package}/**", "ignore") for package in elsewhere)
        yield from (("**.py", "python"), ("**.html", "jinja2"))  # a gateway brings pages of its own
    for package in PAGES.get(domain, ()):
        yield from ((f"{package}/**.py", "python"), (f"{package}/templates/**.html", "jinja2"))


def stored(domain: str) -> Words:
    """Return what is written for a domain, translated or not."""
    path = CATALOGUES / f"{domain}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {_plain(message.id): _plain(message.string) for message in read_po(file, locale=LOCALE) if message.id}


def _plain(text: str | Sequence[str] | None) -> Text:
    return text if isinstance(text, str) else tuple(text or ())


def written(words: Words) -> bytes:
    """Return words as a .po file, sorted by their English."""
    file = BytesIO()
    write_po(file, _catalogue(words), width=_WIDTH, omit_header=True)
    return _HEADER.encode() + file.getvalue().lstrip(b"\n")


def compiled(words: Words) -> bytes:
    """Return words as a .mo file; what isn't translated is left out, so that it is shown in English."""
    file = BytesIO()
    write_mo(file, _catalogue({english: chinese for english, chinese in words.items() if "".join(chinese)}))
    return file.getvalue()


def _catalogue(words: Words) -> Catalog:
    catalogue = Catalog(LOCALE, creation_date=_NO_DATE, revision_date=_NO_DATE)
    for english in sorted(words, key=lambda each: (each,) if isinstance(each, str) else each):
        catalogue.add(english, words[english])
    return catalogue


def refresh(domain: str) -> Words:
    """Bring both files of a domain up to date with the code and return its words.

    New texts are added without Chinese, texts that are gone are dropped, what is translated stays as it is.
    """
    known = stored(domain)
    words = {english: known.get(english, "") for english in extracted(domain)}
    CATALOGUES.mkdir(parents=True, exist_ok=True)
    (CATALOGUES / f"{domain}.po").write_bytes(written(words))
    (CATALOGUES / f"{domain}.mo").write_bytes(compiled(words))
    return words


def waiting(words: Words) -> list[str]:
    """Return the English of the texts that have no Chinese yet, sorted."""
    return sorted(english if isinstance(english, str) else english[0] for english, chinese in words.items() if not "".join(chinese))
