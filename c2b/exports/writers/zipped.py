"""A ZIP of plain files: a table is CSV for programs, a part with the one column `text` is that text.

The same content is the same bytes on the same machine: order and times are fixed.
"""

import csv
import io
import zipfile
from typing import BinaryIO

from c2b.exports.sheet import Sheet

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The first day that a ZIP knows."""
_LEVEL = 1
"""Hashes don't shrink below half, however long one tries."""


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write what stands beside the sheet, then the sheet, each to a file by its name."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as packed:
        for part in (*sheet.beside, sheet):
            info = zipfile.ZipInfo(part.name, _LONG_AGO)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with packed.open(info, "w") as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
                _write(part, text)


def _write(part: Sheet, text: io.TextIOWrapper) -> None:
    names = [column.name for column in part.columns]
    if names == ["text"]:
        text.writelines(f"{line}\n" for (line,) in part.rows)
        return
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows(part.rows)
