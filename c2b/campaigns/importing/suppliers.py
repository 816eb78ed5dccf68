"""The list of factories, by code."""

import re
from collections.abc import Mapping

from c2b.campaigns.importing.listing import Field, Listing, code, read_list, title, words
from c2b.campaigns.importing.reader import Encoding
from c2b.errors import N_


def _number(text: str) -> int | None:
    return int(text) if text else None


_WHOLE = re.compile(r"[0-9]{0,7}")
_FIELDS: Mapping[str, Field] = {
    "code": code(N_("is no code of a supplier; use 1 to 40 of A-Z a-z 0-9 - _ ."), "供应商编码"),
    "name": title("供应商名称", "供应商"),
    "contact": words(200, "contact", "联系人"),
    "phone": words(40, "phone", "电话", "联系电话"),
    "capacity_units": Field(("capacity_units", "产能"), _WHOLE, N_("is not a whole number; write it like 5000"), _number),
    "lead_days": Field(("lead_days", "生产周期"), _WHOLE, N_("is not a whole number; write it like 30"), _number),
}


def read_suppliers(data: bytes, *, encoding: Encoding = "auto") -> Listing:
    """Read `code, name, contact, phone, capacity_units, lead_days`; raises Invalid where the file as a whole can't be used."""
    return read_list(data, _FIELDS, encoding=encoding)
