"""Which candidates the viewer of this request was shown before, and that they are shown some now."""

import re
from collections.abc import Iterable
from functools import lru_cache

from flask import request
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import voting_is_open
from c2b.ui.shell import now, parts, viewer

_ROBOT = re.compile(r"bot\b|crawl|spider|slurp|archiver|preview|facebookexternalhit|mediapartners|curl/|wget/|python-", re.IGNORECASE)


_AHEAD = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")


def somebody_looks() -> bool:
    """Tell whether a person is about to see this page: no robot, no HEAD, nothing that a browser fetches ahead of a click."""
    asked = request.environ
    if request.method == "HEAD" or any("prefetch" in asked[name].lower() for name in _AHEAD if name in asked):
        return False
    return not _is_robot(asked.get("HTTP_USER_AGENT", ""))


@lru_cache(maxsize=1024)
def _is_robot(agent: str) -> bool:
    return _ROBOT.search(agent) is not None


def note(campaign: Campaign, candidate_ids: Iterable[int]) -> None:
    """Remember that this viewer is shown these candidates; while people vote, for before that the list may still change."""
    if voting_is_open(campaign, now()) and somebody_looks():
        parts().impressions.note(campaign.id, viewer(), candidate_ids)


def seen(session: Session, campaign: Campaign, ids: list[int]) -> set[int]:
    """Return which candidates this viewer was shown before; `ids` are all of the campaign, in the order of the file. One statement."""
    return parts().impressions.seen(session, campaign.id, viewer(), ids)


def bring(session: Session, *, browser: int, account: int) -> None:
    """Mark for an account what the browser was shown before its person signed in."""
    parts().impressions.bring(session, browser=browser, account=account)
