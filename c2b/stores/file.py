"""The list of stores, by code."""

import re
from collections.abc import Mapping

from c2b.campaigns.importing.listing import Field, Listing, code, read_list, title, words
from c2b.campaigns.importing.reader import Encoding
from c2b.errors import N_


def _degrees(text: str) -> float | None:
    return float(text) if text else None


_LATITUDE = re.compile(r"(?:[+-]?(?:90(?:\.0{1,9})?|[0-8]?[0-9](?:\.[0-9]{1,9})?))?")
_LONGITUDE = re.compile(r"(?:[+-]?(?:180(?:\.0{1,9})?|(?:1[0-7])?[0-9](?:\.[0-9]{1,9})?|[0-9]{2}(?:\.[0-9]{1,9})?))?")
_FIELDS: Mapping[str, Field] = {
    "code": code(N_("is no code of a store; use 1 to 40 of A-Z a-z 0-9 - _ ."), "门店编码", "门店编号"),
    "name": title("门店名称", "门店"),
    "address": words(300, "address", "地址", "门店地址"),
    "city": words(100, "city", "城市"),
    "latitude": Field(("latitude", "纬度"), _LATITUDE, N_("is no latitude; write degrees like 30.2741"), _degrees),
    "longitude": Field(("longitude", "经度"), _LONGITUDE, N_("is no longitude; write degrees like 120.1551"), _degrees),
    "hours": words(200, "hours", "营业时间"),
    "phone": words(40, "phone", "电话", "联系电话"),
}


def _whole_place(row: Mapping[str, str]) -> dict[str, str]:
    names = ("latitude", "longitude")
    lacking = [name for name in names if not row.get(name)]
    if len(lacking) != 1:
        return {}
    there = next(name for name in names if name not in lacking)
    return {there: N_("a place needs latitude and longitude; fill in both or neither")}


def read_stores(data: bytes, *, encoding: Encoding = "auto") -> Listing:
    """Read `code, name, address, city, latitude, longitude, hours, phone`; raises Invalid where the file as a whole can't be used."""
    return read_list(data, _FIELDS, check=_whole_place, encoding=encoding)
