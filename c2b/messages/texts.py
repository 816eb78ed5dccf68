"""The templates: one file a message and language, a shorter one for telephones, and the layout around all mails."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from c2b.messages.letter import Frame, Text, fill, fill_short
from c2b.messages.rules import REASONS

_TAGS = {"en": "en", "zh_Hans_CN": "zh-CN"}
_LANGUAGES = {"en": "en"}  # everybody else reads Chinese


def render(template: str, locale: str, fields: Mapping[str, str], *, base_url: str = "", channel: str = "email", refuse: str = "") -> Text:
    """Return the text of `template` for a person who reads `locale`; raises KeyError where a field is missing.

    A field `path`, an address within the shop, becomes the field `link`. To a telephone goes a wording that fits one text message.
    `refuse`: where the reader can refuse such mails, if they can.
    """
    linked = {**fields, "link": base_url + fields["path"]} if "path" in fields else fields
    language = _LANGUAGES.get(locale, "zh_Hans_CN")
    if channel == "phone":
        return fill_short(_read("templates", f"{template}.sms.{language}.txt"), linked)
    source, foot = _read("templates", f"{template}.{language}.txt"), _foot(language)
    heading = fields.get("campaign") or urlsplit(base_url).hostname or ""
    layout = _read("layout", "mail.html")
    return fill(source, linked, Frame(layout, _TAGS[language], heading, foot[REASONS[template]], refuse, foot["refuse"]))


@cache
def _foot(language: str) -> Mapping[str, str]:
    lines = _read("layout", f"foot.{language}.txt").splitlines()
    return {name: words for name, _colon, words in (line.partition(": ") for line in lines)}


@cache
def _read(folder: str, name: str) -> str:
    return (resources.files(__package__) / folder / name).read_text("utf-8")
