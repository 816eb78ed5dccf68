"""One JSON document; amounts are integers in minor units of its `currency`."""

import json
from collections.abc import Callable
from typing import Any, BinaryIO

from c2b.exports.sheet import About, Cell, Sheet


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write the sheet: facts, rows as objects, then how many there were and their totals."""
    about = sheet.about
    facts = {"kind": sheet.name, "campaign": about.campaign, "currency": about.currency, "made_at": _instant(about.made_at, about)}
    head = _text(facts | {"run": sheet.run})
    stream.write(f'{head[:-1]}, "rows": ['.encode())
    names = [column.name for column in sheet.columns]
    separator = b"\n"
    for values in sheet.shown(_shown):
        stream.write(separator + _text(dict(zip(names, values, strict=True))).encode())
        separator = b",\n"
    stream.write(f'\n], "count": {sheet.tally.rows}, "totals": {_text(sheet.tally.totals)}}}\n'.encode())


def _shown(cell: Cell, about: About) -> Callable[[Any], object]:
    if cell is Cell.INSTANT:
        return lambda value: _instant(value, about)
    return str if cell in (Cell.TEXT, Cell.DATE) else int


def _instant(value: Any, about: About) -> str:
    return str(about.local(value).isoformat())


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
