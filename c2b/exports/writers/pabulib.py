"""An election as Pabulib has it: sections META, PROJECTS and VOTES, separated by semicolons.

Format: https://pabulib.org/format
"""

import csv
import io
from collections.abc import Iterable
from itertools import groupby
from typing import BinaryIO

from c2b.exports.sheet import Row, Sheet


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write the election; `sheet` holds one row a vote, sorted by voter, with META and PROJECTS beside it."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    for part in sheet.beside:
        writer.writerow([part.name])
        writer.writerow([column.name for column in part.columns])
        writer.writerows([_plain(value) for value in row] for row in part.rows)
    writer.writerows([["VOTES"], ["voter_id", "vote"]])
    writer.writerows(_ballots(sheet.rows))
    text.detach()


def _ballots(votes: Iterable[Row]) -> Iterable[list[str]]:
    for voter, picks in groupby(votes, key=lambda row: row[0]):
        yield [voter, ",".join(code for _, code in picks)]


def _plain(value: object) -> str:
    """Return a value on one line without space around it, as the format asks."""
    return " ".join(str(value).split())
