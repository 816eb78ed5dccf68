"""All rules over all ballots, in the order of what they are worth."""

from collections.abc import Container, Iterable

from c2b.voting.detection import addresses, bursts, cliques, devices, mail, referrers, speed
from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import BallotFacts, Cluster, boxed


def find(ballots: Iterable[BallotFacts], *, one_time: Container[str] = frozenset()) -> list[Cluster]:
    """Return groups of ballots that look stuffed, each with its evidence; a ballot may be in several.

    `one_time` are the domains of one-time mail. The same ballots give the same groups in the same order, however they come.
    """
    box = boxed(ballots)
    if not box.votes:
        return []
    picks = Picks(box)
    return [
        *bursts.find(box, picks),
        *mail.find(box, picks, one_time),
        *devices.find(box, picks),
        *speed.find(box, picks),
        *addresses.find(box, picks),
        *referrers.find(box, picks),
        *cliques.find(box, picks),
    ]
