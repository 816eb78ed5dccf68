"""What viewers were shown: noted in memory with each page, written in batches away from every request."""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.util import Finalize

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from c2b.campaigns.queries import candidate_ids
from c2b.db import Database, insert_into
from c2b.voting.models import Seen, Views

PAUSE = 1.0
"""Seconds in which impressions gather before they are written."""
MOST = 500_000
"""Marks that wait at most: what more is shown while the database can't be written isn't remembered."""
_BATCH = 200
_LATER = 10.0
_log = logging.getLogger(__name__)

Shown = dict[tuple[int, int], set[int]]
"""Candidates' keys by campaign and viewer."""


class Impressions:
    """What the pages of this process have shown and the database doesn't know yet; `flush` writes it, by itself about once a second.

    What can't be written goes on waiting, and no page ever waits for it.
    """

    def __init__(self, database: Database, *, pause: float = PAUSE) -> None:
        self._database = database
        self._pause = pause
        self._waiting: Shown = {}
        self._marks = 0
        self._under_way: Shown = {}
        self._last: Shown = {}
        self._guard = threading.Lock()
        self._one_flush = threading.Lock()
        self._timer: threading.Timer | None = None
        self._at_end: Finalize | None = None

    def note(self, campaign_id: int, viewer: int, candidate_ids: Iterable[int]) -> None:
        """Remember that a viewer was shown these candidates; touches no database."""
        with self._guard:
            if self._marks < MOST:
                self._add((campaign_id, viewer), candidate_ids)
            self._wake(self._pause)

    def _add(self, key: tuple[int, int], candidate_ids: Iterable[int]) -> None:
        shown = self._waiting.setdefault(key, set())
        self._marks -= len(shown)
        shown.update(candidate_ids)
        self._marks += len(shown)

    def waiting(self, campaign_id: int, viewer: int) -> set[int]:
        """Return what a viewer was shown and isn't written yet."""
        with self._guard:
            return set().union(*(shown.get((campaign_id, viewer), ()) for shown in (self._waiting, self._under_way)))

    def recent(self, campaign_id: int, viewer: int) -> set[int]:
        """Return what a viewer was shown of late: all that isn't written yet, and what the last flush wrote.

        Who asked the database before that flush ended and asks here after it would miss what it wrote.
        """
        waiting = self.waiting(campaign_id, viewer)
        return waiting | self._last.get((campaign_id, viewer), set())

    def seen(self, session: Session, campaign_id: int, viewer: int, ids: list[int]) -> set[int]:
        """Return which of the campaign's candidates a viewer was shown in any process, by one statement; `ids` are all, as in the file."""
        return self.recent(campaign_id, viewer) | stored(session, campaign_id, viewer, ids)

    def bring(self, session: Session, *, browser: int, account: int) -> None:
        """Mark for the account's viewer number what a browser was shown, once its person has signed in."""
        if browser == account:
            return
        with self._guard:
            for campaign_id, viewer in [key for key in self._waiting if key[1] == browser]:
                moved = self._waiting.pop((campaign_id, viewer))
                self._marks -= len(moved)
                self._add((campaign_id, account), moved)
        merge(session, browser=browser, account=account)

    def flush(self) -> None:
        """Write what waits, in short transactions; what fails waits for the next time."""
        with self._one_flush:
            with self._guard:
                self._timer = None
                self._under_way, self._waiting, self._marks = self._waiting, {}, 0
            left = self._written(self._under_way)
            with self._guard:
                self._last, self._under_way = self._under_way, {}
                for key, shown in left.items():
                    self._add(key, shown)
                if left:
                    self._wake(_LATER)

    def close(self) -> None:
        """Write what waits for the last time."""
        with self._guard:
            if self._timer:
                self._timer.cancel()
        self.flush()
        if self._at_end:
            self._at_end.cancel()

    def _wake(self, pause: float) -> None:
        """Let a thread flush after `pause` seconds, unless one is about to."""
        if self._timer is None:
            self._timer = threading.Timer(pause, self.flush)
            self._timer.name, self._timer.daemon = "impressions", True
            # The server's processes are forked: they end without atexit, but not without this.
            self._at_end = self._at_end or Finalize(None, self.flush, exitpriority=1)
            self._timer.start()

    def _written(self, shown: Shown) -> Shown:
        """Write `shown`; return what couldn't be."""
        left: Shown = {}
        for campaign_id, viewers in _batches(shown):
            try:
                with self._database.transaction() as session:
                    write(session, campaign_id, {viewer: shown[campaign_id, viewer] for viewer in viewers})
            except SQLAlchemyError as error:
                _log.warning("impressions of %s viewers could not be written yet: %s", len(viewers), error)
                left |= {(campaign_id, viewer): shown[campaign_id, viewer] for viewer in viewers}
        return left


def _batches(shown: Shown) -> Iterator[tuple[int, list[int]]]:
    """Yield a campaign and some of its viewers, until all had their turn."""
    of_campaign: dict[int, list[int]] = defaultdict(list)
    for campaign_id, viewer in sorted(shown):
        of_campaign[campaign_id].append(viewer)
    for campaign_id, viewers in of_campaign.items():
        for first in range(0, len(viewers), _BATCH):
            yield campaign_id, viewers[first : first + _BATCH]


def marks_of(ids: Iterable[int], place: Mapping[int, int]) -> int:
    """Return the bits of some candidates; what has no place in the file has none."""
    return sum(1 << place[key] for key in set(ids) if key in place)


def write(session: Session, campaign_id: int, shown: Mapping[int, set[int]]) -> None:
    """Add what viewers were shown to their marks, and to each candidate's views those who see it for the first time.

    Five statements. Rows are taken in the order of their keys, so that processes never wait for each other in a circle.
    """
    ids = candidate_ids(session, campaign_id)
    place = {key: number for number, key in enumerate(ids)}
    before = _locked(session, campaign_id, sorted(shown))
    new = {viewer: marks_of(keys, place) & ~before[viewer] for viewer, keys in shown.items()}
    _mark(session, campaign_id, {viewer: before[viewer] | bits for viewer, bits in new.items() if bits}, len(ids))
    first = Counter(key for viewer, bits in new.items() for key in shown[viewer] if key in place and bits >> place[key] & 1)
    _count(session, campaign_id, first)


def _locked(session: Session, campaign_id: int, viewers: list[int]) -> dict[int, int]:
    """Return the marks of `viewers`, their rows made and locked, in their order."""
    empty = [{"campaign_id": campaign_id, "viewer": viewer, "marks": b""} for viewer in viewers]
    session.execute(insert_into(session, Seen).values(empty).on_conflict_do_nothing())
    found = select(Seen.viewer, Seen.marks).where(Seen.campaign_id == campaign_id, Seen.viewer.in_(viewers))
    rows = session.execute(found.order_by(Seen.viewer).with_for_update())
    return {viewer: int.from_bytes(marks, "little") for viewer, marks in rows}


def _mark(session: Session, campaign_id: int, marks: Mapping[int, int], count: int) -> None:
    size = (count + 7) // 8
    rows = [{"campaign_id": campaign_id, "viewer": viewer, "marks": bits.to_bytes(size, "little")} for viewer, bits in marks.items()]
    if rows:
        upsert = insert_into(session, Seen).values(rows)
        session.execute(upsert.on_conflict_do_update(index_elements=["campaign_id", "viewer"], set_={"marks": upsert.excluded.marks}))


def _count(session: Session, campaign_id: int, first: Mapping[int, int]) -> None:
    rows = [{"campaign_id": campaign_id, "candidate_id": key, "viewers": more} for key, more in sorted(first.items())]
    if rows:
        upsert = insert_into(session, Views).values(rows)
        total = {"viewers": Views.viewers + upsert.excluded.viewers}
        session.execute(upsert.on_conflict_do_update(index_elements=["campaign_id", "candidate_id"], set_=total))


def stored(session: Session, campaign_id: int, viewer: int, ids: list[int]) -> set[int]:
    """Return which candidates a viewer's marks name; `ids` are all of the campaign, in the order of the file. One statement."""
    marks = session.scalar(select(Seen.marks).where(Seen.campaign_id == campaign_id, Seen.viewer == viewer))
    return chosen(int.from_bytes(marks or b"", "little"), ids)


def chosen(bits: int, ids: list[int]) -> set[int]:
    """Return the candidates whose bits are set."""
    return {key for number, key in enumerate(ids) if bits >> number & 1}


def merge(session: Session, *, browser: int, account: int) -> None:
    """Add the marks of one viewer number to another's, in every campaign; views were counted when they were seen."""
    query = select(Seen.campaign_id, Seen.viewer, Seen.marks).where(Seen.viewer.in_((browser, account)))
    rows = session.execute(query.order_by(Seen.campaign_id, Seen.viewer).with_for_update()).all()
    both: dict[int, int] = defaultdict(int)
    for row in rows:
        both[row.campaign_id] |= int.from_bytes(row.marks, "little")
    size = max((len(row.marks) for row in rows), default=0)
    for campaign_id, bits in both.items():
        _mark(session, campaign_id, {account: bits}, size * 8)
