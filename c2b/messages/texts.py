"""The templates: one file a message and language."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from c2b.messages.rules import Text, fill, fill_short


def render(template: str, locale: str, fields: Mapping[str, str], *, base_url: str = "", channel: str = "email") -> Text:
    """Return the text of `template` for a person who reads `locale`; raises KeyError where a field is missing.

    A field `path`, an address within the shop, becomes the field `link`. To a telephone goes a wording that fits one text message.
    """
    linked = {**fields, "link": base_url + fields["path"]} if "path" in fields else fields
    language = "en" if locale == "en" else "zh_Hans_CN"
    if channel == "phone":
        return fill_short(_read(f"{template}.sms.{language}.txt"), linked)
    return fill(_read(f"{template}.{language}.txt"), linked)


@cache
def _read(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text("utf-8")
