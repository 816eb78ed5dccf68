"""The templates: one file a message and language."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from c2b.messages.rules import Text, fill


def render(template: str, locale: str, fields: Mapping[str, str], *, base_url: str = "") -> Text:
    """Return the text of `template` for a person who reads `locale`; raises KeyError where a field is missing.

    A field `path`, an address within the shop, becomes the field `link`.
    """
    linked = {**fields, "link": base_url + fields["path"]} if "path" in fields else fields
    return fill(_read(f"{template}.{'en' if locale == 'en' else 'zh_Hans_CN'}.txt"), linked)


@cache
def _read(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text("utf-8")
