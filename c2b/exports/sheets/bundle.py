"""The published bundle: the ballots' commitments, and beside them the result, the rules and the verifier."""

import json
from collections.abc import Iterable
from functools import partial

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet
from c2b.voting import bundle

COLUMNS = (
    Column("serial", "选票编号"),
    Column("version", "版本", Cell.INTEGER),
    Column("commitment", "指纹"),
    Column("held", "暂扣", Cell.INTEGER, total=True),
)
_PICKS = (Column("serial", "选票编号"), Column("nonce", "随机数"), Column("codes", "款号"))
TEXT = (Column("text", ""),)
"""What a part has that isn't a table: its lines, one after the other."""


def sheet(session: Session, campaign: Campaign, about: About, *, opened: bool = False) -> Sheet:
    """Return the bundle; with picks where the campaign said so when voting opened, or `opened` for an auditor.

    Raises Refused before the selection, and while it is written if the ballots aren't what they were then.
    """
    with_picks = opened or campaign.publish_ballots
    found = bundle.document(session, campaign, opened=with_picks)
    parts = [Sheet(name, "", TEXT, _text(bundle.text(name)), about) for name in bundle.TEXTS]
    parts.append(Sheet(bundle.RESULT, "", TEXT, _text(json.dumps(found, ensure_ascii=False, indent=1) + "\n"), about))
    if with_picks:
        parts.append(Sheet(bundle.PICKS, "", _PICKS, _picks(session, campaign), about))
    title = about.word("证明包", "Proof bundle")
    return Sheet(bundle.BALLOTS, title, COLUMNS, _leaves(session, campaign), about, found["output_hash"], tuple(parts))


opened_sheet = partial(sheet, opened=True)
"""Who picked what, by serial: for auditors."""


def _leaves(session: Session, campaign: Campaign) -> Rows:
    for leaf in bundle.leaves(session, campaign):
        yield leaf.serial, leaf.version, leaf.commitment, int(leaf.held)


def _picks(session: Session, campaign: Campaign) -> Rows:
    for serial, nonce, codes in bundle.picks(session, campaign):
        yield serial, nonce, " ".join(codes)


def _text(text: str) -> Rows:
    lines: Iterable[str] = text.splitlines()
    for line in lines:
        yield (line,)
