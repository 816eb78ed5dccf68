"""Elections with honest voters as awkward as real ones, and rings of fake voters among them; the same seed gives the same ballots.

The honest ones are hostile to every rule: most come by few models of telephone, hundreds share a mobile network's exit, a
shop's tablet, an office or a class is one device, tastes come in groups (one of them sharp), a newsletter brings a seventh of
all in three hours, fans follow a link to one candidate, some are quick, some have one-time mail, and addresses carry numbers.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate

from c2b.voting.detection.addresses import mail_stem
from c2b.voting.detection.facts import BallotFacts

OPENS = datetime(2027, 3, 1, tzinfo=UTC).timestamp()
HOUR, DAY, DAYS = 3600.0, 86400.0, 14
CANDIDATES, VOTES = 500, 15
RING = 50
ONE_TIME = frozenset({f"throwaway{number}.example" for number in range(40)})
_RHYTHM = (2, 1, 1, 1, 1, 2, 4, 8, 10, 11, 12, 13, 16, 13, 11, 10, 11, 13, 16, 20, 24, 24, 16, 6)
_DOMAINS = ("gmail.com", "qq.com", "163.com", "outlook.com", "hotmail.com", "126.com", "yahoo.com", "sina.com")
_NAMES = tuple(
    f"{first}{last}" for first in ("li", "wang", "zhang", "anna", "maria", "chen", "yang", "tom") for last in "abcdefghijklmnopqrst"
)


class Crowd:
    """Makes ballots, honest ones and others; every choice comes from one seeded source."""

    def __init__(self, seed: int, *, candidates: int = CANDIDATES, votes: int = VOTES) -> None:
        self.random = random.Random(seed)  # noqa: S311  a simulation
        self.votes = votes
        self.keys = list(range(1, candidates + 1))
        self.random.shuffle(self.keys)  # the first is the most popular
        self.tastes = [self._taste(favourites=60, factor=6) for _ in range(11)] + [self._taste(favourites=20, factor=60)]
        self.next_person = 1
        self.networks = 0

    def _taste(self, *, favourites: int, factor: float) -> list[float]:
        """Return running weights of all candidates: Zipf's law, with some favourites of the group's own."""
        weights = [1 / (rank + 12) ** 0.9 for rank in range(len(self.keys))]
        for place in self.random.sample(range(len(weights)), favourites):
            weights[place] *= factor
        return list(accumulate(weights))

    def picks(self, taste: int, count: int, always: Sequence[int] = ()) -> tuple[int, ...]:
        """Return `count` candidates of a taste, `always` first."""
        found = dict.fromkeys(always[:count])
        while len(found) < count:
            found.update(dict.fromkeys(self.random.choices(self.keys, cum_weights=self.tastes[taste], k=count)[: count - len(found)]))
        return tuple(found)

    def count(self) -> int:
        """Return how many votes somebody gives: one in twelve a single one, most of the others all."""
        draw = self.random.random()
        return 1 if draw < 0.08 else self.votes if draw < 0.6 else self.random.randint(2, self.votes)

    def taste(self) -> int:
        """Return somebody's taste; a twentieth are of the sharp one."""
        return 11 if self.random.random() < 0.05 else self.random.randrange(11)

    def time(self) -> float:
        """Return when somebody begins: by the hour of the day; a newsletter on the fourth day, a reminder on the last."""
        draw = self.random.random()
        if draw < 0.15:
            return OPENS + 3 * DAY + 10 * HOUR + min(self.random.expovariate(1 / HOUR), DAY)
        day = DAYS - 1 if draw < 0.25 else self.random.randrange(DAYS)
        return OPENS + day * DAY + self.random.choices(range(24), _RHYTHM)[0] * HOUR + self.random.random() * HOUR

    def agent(self) -> str:
        """Return a browser: thirty models carry most of the traffic, the others are rare."""
        draw = int(self.random.paretovariate(0.8))
        return f"model {draw}" if draw <= 30 else f"rare {self.random.randrange(4000)}"

    def network(self) -> str:
        """Return a network: one of forty exits of mobile networks, or a home's own."""
        if self.random.random() < 0.4:
            return f"mobile {self.random.randrange(40)}"
        self.networks += 1
        return f"home {self.networks}"

    def address(self) -> str:
        """Return a mail address: names with years and numbers, some with tags, a few at one-time or own domains."""
        name, draw = self.random.choice(_NAMES), self.random.random()
        if draw < 0.004:
            return f"{name}@throwaway{self.random.randrange(40)}.example"
        if draw < 0.02:
            return f"{name}@family{self.random.randrange(5000)}.example"
        if draw < 0.03:
            name += f"+{self.random.choice(('shop', 'vote', '1', '2027'))}"
        elif draw < 0.5:
            name += str(self.random.choice((self.random.randrange(1950, 2012), self.random.randrange(1, 1000))))
        return f"{name}@{self.random.choices(_DOMAINS, (30, 22, 12, 10, 8, 6, 6, 6))[0]}"

    def gap(self) -> float:
        """Return somebody's seconds between taps: six for most, about one for those who know what they want."""
        return self.random.lognormvariate(0.3, 0.3) if self.random.random() < 0.02 else self.random.lognormvariate(1.8, 0.7)

    def ballot(
        self,
        picks: tuple[int, ...],
        *,
        at: float | None = None,
        gap: float | None = None,
        agent: str = "",
        network: str = "",
        referrer: str | None = None,
        address: str = "",
    ) -> BallotFacts:
        """Return the next person's ballot; what isn't given is an ordinary person's."""
        agent = agent or self.agent()
        domain, stem, number = mail_stem(address or self.address())
        source = self.random.choice(("", "", "search.example", "newsletter", "chat.example")) if referrer is None else referrer
        person, self.next_person = self.next_person, self.next_person + 1
        taps = len(picks) + (self.random.random() < 0.2)
        lasted = (self.gap() if gap is None else gap) * (taps - 1)
        began = min(self.time() if at is None else at, OPENS + DAYS * DAY - HOUR)
        device = f"{agent}/{network or self.network()}"
        return BallotFacts(person, picks, began, lasted, taps, device, agent, source, domain, stem, number)

    def honest(self, how_many: int) -> list[BallotFacts]:
        """Return so many honest ballots."""
        scale = how_many / 20000
        made = [
            each for kind in (self._families, self._shops, self._offices, self._posters, self._fans, self._follower) for each in kind(scale)
        ]
        made += [self.ballot(self.picks(self.taste(), self.count())) for _ in range(how_many - len(made))]
        return made

    def _families(self, scale: float) -> list[BallotFacts]:
        """Two to five people with one tablet, one taste and half of their picks talked over."""
        made = []
        for _ in range(round(500 * scale)):
            taste, agent, network, at = self.taste(), self.agent(), self.network(), self.time()
            common = self.picks(taste, 7)
            for _ in range(self.random.randint(2, 5)):
                picks = self.picks(taste, max(7, self.count()), common)
                made.append(self.ballot(picks, at=at + self.random.expovariate(1 / HOUR), agent=agent, network=network))
        return made

    def _shops(self, scale: float) -> list[BallotFacts]:
        """A shop's tablet: its customers in opening hours, a quarter of them for what hangs in the window."""
        made = []
        for shop in range(max(1, round(6 * scale))):
            window = self.random.choice(self.keys[100:])
            for _ in range(80):
                at = OPENS + self.random.randrange(DAYS) * DAY + (9 + self.random.random() * 11) * HOUR
                picks = self.picks(self.taste(), self.count(), (window,) if self.random.random() < 0.25 else ())
                made.append(self.ballot(picks, at=at, agent="tablet", network=f"shop {shop}", referrer=f"store-{shop}"))
        return made

    def _offices(self, scale: float) -> list[BallotFacts]:
        """An office or a class behind one network with one browser and one domain; they talk: three in ten for one candidate."""
        made = []
        for office in range(max(1, round(8 * scale))):
            talked, taste, noon = self.random.choice(self.keys[100:]), self.taste(), OPENS + self.random.randrange(DAYS) * DAY + 11 * HOUR
            for seat in range(60):
                picks = self.picks(taste, self.count(), (talked,) if self.random.random() < 0.3 else ())
                at = noon + self.random.random() * 2 * HOUR
                address = f"{self.random.choice(_NAMES)}{seat}@office{office}.example"
                made.append(self.ballot(picks, at=at, agent="office browser", network=f"office {office}", address=address))
        return made

    def _posters(self, scale: float) -> list[BallotFacts]:
        """A poster in a store: own telephones, one source, a third for what it shows."""
        made = []
        for store in range(max(1, round(5 * scale))):
            shown = self.random.choice(self.keys[100:])
            for _ in range(80):
                picks = self.picks(self.taste(), self.count(), (shown,) if self.random.random() < 0.35 else ())
                made.append(self.ballot(picks, referrer=f"poster-{store}"))
        return made

    def _fans(self, scale: float) -> list[BallotFacts]:
        """Fans who follow a link to one candidate within hours, half of them for nothing else."""
        made = []
        for community in range(max(1, round(4 * scale))):
            candidate, taste, shared = self.random.choice(self.keys[60:]), self.taste(), self.time()
            for _ in range(100):
                count = 1 if self.random.random() < 0.5 else self.count()
                at = shared + self.random.expovariate(1 / (4 * HOUR))
                made.append(self.ballot(self.picks(taste, count, (candidate,)), at=at, referrer=f"fans-{community}.example"))
        return made

    def _follower(self, scale: float) -> list[BallotFacts]:
        """Three hundred whom somebody with a sharp taste sent on one day; they share it."""
        at = OPENS + 6 * DAY + 18 * HOUR
        return [
            self.ballot(self.picks(11, self.count()), at=at + self.random.expovariate(1 / (5 * HOUR)), referrer="style.example")
            for _ in range(round(300 * scale))
        ]

    # Rings: each returns fifty ballots. Targets are candidates that wouldn't win; the other picks look like anybody's.

    def targets(self, how_many: int) -> tuple[int, ...]:
        """Return candidates below the first 150."""
        return tuple(self.random.sample(self.keys[len(self.keys) * 3 // 10 :], how_many))

    def fill(self, targets: tuple[int, ...]) -> tuple[int, ...]:
        """Return a ballot with the targets, filled up like an ordinary person's."""
        return self.picks(self.taste(), self.votes, targets)

    def start(self, hour: float) -> float:
        """Return an hour of one of the middle days."""
        return OPENS + self.random.randrange(2, DAYS - 4) * DAY + hour * HOUR


@dataclass(frozen=True)
class Style:
    """A way to stuff ballots; `why` says what keeps the rules from finding it, if they don't claim to."""

    name: str
    ring: Callable[[Crowd], list[BallotFacts]]
    why: str = ""

    @property
    def found(self) -> bool:
        """Whether the rules claim to find it."""
        return not self.why


def _night_script(crowd: Crowd) -> list[BallotFacts]:
    target, at = crowd.targets(1), crowd.start(3)
    return [
        crowd.ballot(crowd.fill(target), at=at + number * 15, gap=0.4, agent=f"model {number % 4 + 1}", network=f"proxy {number % 10}")
        for number in range(RING)
    ]


def _script_in_the_crowd(crowd: Crowd) -> list[BallotFacts]:
    target, at = crowd.targets(1), OPENS + 3 * DAY + 10.2 * HOUR
    return [
        crowd.ballot(crowd.fill(target), at=at + crowd.random.random() * HOUR, gap=0.3 + crowd.random.random() / 2) for _ in range(RING)
    ]


def _copies(crowd: Crowd) -> list[BallotFacts]:
    base = crowd.fill(crowd.targets(5))
    made = []
    for _ in range(RING):
        kept = crowd.random.sample(base, round(0.8 * len(base)))
        made.append(crowd.ballot(crowd.picks(crowd.taste(), crowd.votes, tuple(kept)), at=_drip(crowd)))
    return made


def _one_time_mail(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [
        crowd.ballot(crowd.fill(target), at=_drip(crowd), address=f"x{crowd.random.randrange(10**6)}@throwaway{number % 10}.example")
        for number in range(RING)
    ]


def _sequential(crowd: Crowd) -> list[BallotFacts]:
    target, first = crowd.targets(1), crowd.random.randrange(1, 500)
    return [crowd.ballot(crowd.fill(target), at=_drip(crowd), address=f"lia{first + number}@gmail.com") for number in range(RING)]


def _tags(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [
        crowd.ballot(crowd.fill(target), at=_drip(crowd), address=f"me+{crowd.random.randrange(10**6):x}@mine.example") for _ in range(RING)
    ]


def _own_domain(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [
        crowd.ballot(crowd.fill(target), at=_drip(crowd), address=f"{crowd.random.choice(_NAMES)}@catch-all.example") for _ in range(RING)
    ]


def _tablet(crowd: Crowd) -> list[BallotFacts]:
    target, at = crowd.targets(1), crowd.start(12)
    return [
        crowd.ballot(crowd.fill(target), at=at + crowd.random.random() * 1.5 * DAY, agent="tablet", network="somewhere")
        for _ in range(RING)
    ]


def _shops_tablet(crowd: Crowd) -> list[BallotFacts]:
    target, at = crowd.targets(1), crowd.start(19)
    return [
        crowd.ballot(crowd.fill(target), at=at + crowd.random.random() * 3 * HOUR, agent="tablet", network="shop 0", referrer="store-0")
        for _ in range(RING)
    ]


def _telephones(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [crowd.ballot(crowd.fill(target), at=_drip(crowd), agent="model 1", network=f"room {number % 5}") for number in range(RING)]


def _headless(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [crowd.ballot(crowd.fill(target), at=_drip(crowd), agent="headless", network=f"proxy {number}") for number in range(RING)]


def _three_targets(crowd: Crowd) -> list[BallotFacts]:
    targets = crowd.targets(3)
    return [crowd.ballot(crowd.fill(targets), at=_drip(crowd)) for _ in range(RING)]


def _paid_list(crowd: Crowd) -> list[BallotFacts]:
    targets, at = crowd.targets(3), crowd.start(14)
    return [crowd.ballot(targets, at=at + crowd.random.random() * 6 * HOUR, referrer="tasks.example") for _ in range(RING)]


def _paid_pair(crowd: Crowd) -> list[BallotFacts]:
    targets = crowd.targets(2)
    return [crowd.ballot(crowd.fill(targets), at=_drip(crowd), referrer="jobs.example") for _ in range(RING)]


def _evening_pair(crowd: Crowd) -> list[BallotFacts]:
    targets, at = crowd.targets(2), crowd.start(20)
    return [crowd.ballot(crowd.fill(targets), at=at + crowd.random.random() * 2 * HOUR) for _ in range(RING)]


def _bought(crowd: Crowd) -> list[BallotFacts]:
    target = crowd.targets(1)
    return [crowd.ballot(crowd.fill(target), at=_drip(crowd)) for _ in range(RING)]


def _bought_in_an_hour(crowd: Crowd) -> list[BallotFacts]:
    target, at = crowd.targets(1), crowd.start(20)
    return [crowd.ballot(crowd.fill(target), at=at + crowd.random.random() * HOUR) for _ in range(RING)]


def _pair_in_a_drip(crowd: Crowd) -> list[BallotFacts]:
    targets = crowd.targets(2)
    return [crowd.ballot(crowd.fill(targets), at=_drip(crowd)) for _ in range(RING)]


def _drip(crowd: Crowd) -> float:
    """Return a time like anybody's."""
    return crowd.time()


STYLES = (
    Style("a script at night, through proxies", _night_script),
    Style("a script in the newsletter's hour, each vote from another device", _script_in_the_crowd),
    Style("one ballot copied with a fifth changed, over days", _copies),
    Style("ten one-time mail domains, over days", _one_time_mail),
    Style("addresses in a row, over days", _sequential),
    Style("one mailbox with tags, over days", _tags),
    Style("one's own catch-all domain, over days", _own_domain),
    Style("one tablet, over two days", _tablet),
    Style("a shop's tablet, on one evening", _shops_tablet),
    Style("five telephones, ten votes each, over days", _telephones),
    Style("one rare browser through proxies, over days", _headless),
    Style("three targets and an ordinary fill, over days", _three_targets),
    Style("three targets and nothing else, paid through one page", _paid_list),
    Style("two targets, paid through one page, over days", _paid_pair),
    Style("two targets on one evening", _evening_pair),
    Style("one target bought from people, over days", _bought, "they have one candidate in common, as its friends do"),
    Style("one target bought from people, in an hour", _bought_in_an_hour, "so do friends who follow a link within an hour"),
    Style("two targets bought from people, over days", _pair_in_a_drip, "two candidates together are a matter of taste"),
)


@dataclass
class Election:
    """Honest ballots and a ring of each style."""

    ballots: list[BallotFacts]
    honest: set[int]
    rings: dict[str, set[int]] = field(default_factory=dict)


def election(seed: int, *, voters: int, styles: Sequence[Style] = STYLES) -> Election:
    """Simulate an election of `voters` honest people with one ring of each style."""
    crowd = Crowd(seed)
    honest = crowd.honest(voters)
    made = Election(honest, {each.person_id for each in honest})
    for style in styles:
        ring = style.ring(crowd)
        made.rings[style.name] = {each.person_id for each in ring}
        made.ballots.extend(ring)
    return made
