"""The result of the vote: every rank and every count once it is published, and nothing before."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns.rules import has_voting
from c2b.errors import N_, NotFound
from c2b.exports import actions as exports
from c2b.exports import publishing
from c2b.exports.actions import Wanted
from c2b.exports.kinds import Format, Kind
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import now, reading
from c2b.voting.queries import is_published
from c2b.voting.rules import SelectionResult
from c2b.web.campaign import shown
from c2b.web.gallery import about, own_ballot
from c2b.web.outcome import HELD_FOR, Line, Outcome, outcome

bp = Blueprint("results", __name__, template_folder="templates")
PAGE = 50
SHOWN: dict[str, Callable[[Line], bool]] = {
    "": lambda _: True,
    "selected": lambda line: line.in_,
    "not": lambda line: not line.in_ and not line.ranked.tally.withdrawn,
    "withdrawn": lambda line: line.ranked.result is SelectionResult.WITHDRAWN,
    "mine": lambda line: line.mine,
}
TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}


@dataclass(frozen=True)
class Listed:
    """What the address asks for of the ranks."""

    show: str = ""
    search: str = ""
    page: int = 1

    @classmethod
    def asked(cls) -> "Listed":
        """Read the address; what makes no sense is page 1 of everything."""
        page, show = request.args.get("page", ""), request.args.get("show", "")
        number = int(page) if page.isdecimal() and len(page) <= len("9999") else 1
        return cls(show if show in SHOWN else "", request.args.get("q", "").strip()[:60], max(number, 1))

    def href(self, **changes: Any) -> str:
        """Return the query of this list with changes; any change but the page goes back to page 1."""
        new = replace(self, **({"page": 1} | changes))
        pairs = {"show": new.show, "q": new.search, "page": new.page if new.page > 1 else ""}
        return "?" + urlencode({key: value for key, value in pairs.items() if value}) + "#ranks"

    def of(self, lines: list[Line]) -> tuple[list[Line], "Listed", int]:
        """Return the lines of the page, the list as it is (no page behind the last one), and how many pages there are."""
        words = self.search.lower().split()
        found = [line for line in lines if SHOWN[self.show](line) and all(word in _words(line) for word in words)]
        pages = max(1, -(-len(found) // PAGE))
        here = replace(self, page=min(self.page, pages))
        return found[(here.page - 1) * PAGE : here.page * PAGE], here, pages


def _words(line: Line) -> str:
    return f"{line.card.name} {line.card.code}".lower()


@bp.get("/c/<slug>/results")
@public
def results(slug: str) -> str:
    """Show what was selected and why, every rank and count, and how to check it; before that, when it comes."""
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        found = outcome(session, campaign, ballot.picked)
    listed = _listed(found) if found else {}
    values = {"found": found, "votes": has_voting(campaign), "bundle": publishing.BUNDLE, "held_for": HELD_FOR}
    return render_template("web/results.html", **values, **listed, **about(campaign, ballot))


def _listed(found: Outcome) -> dict[str, Any]:
    lines, listed, pages = Listed.asked().of(found.lines)
    counts = {show: sum(map(belongs, found.lines)) for show, belongs in SHOWN.items()}
    return {"lines": lines, "listed": listed, "pages": pages, "counts": counts, "page_href": lambda page: listed.href(page=page)}


@bp.get("/c/<slug>/results/tally.<form>")
@public
def tally(slug: str, form: str) -> Response:
    """Send every rank and count as CSV or JSON, as the published export has it; there is none before the selection."""
    file = io.BytesIO()
    with reading() as session:
        _published(session, slug, form)
        wanted = Wanted(slug=slug, kind=Kind.RESULTS, format=Format(form), locale=locale())
        exports.write(session, file, wanted=wanted, now=now())
    name = {"Content-Disposition": f'attachment; filename="{wanted.file_name}"'}
    return Response(file.getvalue(), headers=name, content_type=TYPES[wanted.format])


def _published(session: Session, slug: str, form: str) -> None:
    campaign = shown(session, slug)
    if form not in TYPES:
        raise NotFound(N_("The result is there as CSV and as JSON"))
    if not has_voting(campaign) or not is_published(session, campaign):
        raise NotFound(N_("There is no result yet; it is published when voting has closed and the selection has been made"))
