"""Each rule of the detection on ballots made for it: what it finds, what it must leave alone, and how surprised it is."""

import ast
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb, exp, factorial, inf, isclose, isnan, log10
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.voting import detection
from c2b.voting.detection import bursts, cliques, devices, groups, mail, minhash, referrers, report, signs, speed, tails
from c2b.voting.detection.addresses import mail_stem, phone_stem
from c2b.voting.detection.bits import Picks, members
from c2b.voting.detection.facts import BallotFacts, Box, Cluster, boxed
from c2b.voting.detection.search import find
from c2b.voting.rules import SuspicionRule
from tests.voting import simulation
from tests.voting.simulation import DAY, HOUR, OPENS

CANDIDATES = 100
TARGET, OTHER_TARGET = 1001, 1002


def honest(count: int = 400, *, first: int = 1, votes: int = 5) -> list[BallotFacts]:
    """Return ballots that have nothing in common: own device, browser and page, an hour between them, any five candidates."""
    chance = random.Random(first)  # noqa: S311  made-up ballots
    return [
        BallotFacts(
            person,
            tuple(chance.sample(range(CANDIDATES), votes)),
            began=OPENS + (person % 300) * HOUR,
            lasted=30.0,
            taps=votes,
            device=f"device {person}",
            agent=f"agent {person % 50}",
            referrer=f"page {person % 50}",
            domain=f"d{person % 50}.example",
        )
        for person in range(first, first + count)
    ]


def ring(count: int = 20, *targets: int, **same: object) -> list[BallotFacts]:
    """Return ballots that pick `targets` (one if none is given) and else look honest, but for what is the `same`."""
    wanted = targets or (TARGET,)
    made = honest(count, first=5001)
    return [replace(each, picks=(*wanted, *each.picks[len(wanted) :]), **same) for each in made]  # type: ignore[arg-type]


def persons(ballots: Iterable[BallotFacts]) -> tuple[int, ...]:
    return tuple(each.person_id for each in ballots)


def found(ballots: Sequence[BallotFacts], rule: SuspicionRule, one_time: Iterable[str] = ()) -> list[Cluster]:
    return [each for each in find(ballots, one_time=frozenset(one_time)) if each.rule is rule]


def alone(ballots: Sequence[BallotFacts], rule: SuspicionRule, one_time: Iterable[str] = ()) -> Cluster:
    (cluster,) = found(ballots, rule, one_time)
    return cluster


# All rules


def test_nothing_is_found_in_nothing() -> None:
    assert find([]) == []
    assert find([BallotFacts(1, ())]) == []


def test_ballots_with_nothing_in_common_are_left_alone() -> None:
    assert find(honest()) == []


def test_friends_of_one_candidate_are_left_alone() -> None:
    assert find(honest() + ring(40)) == []


def test_ballots_without_taps_and_addresses_can_be_looked_at() -> None:
    bare = [BallotFacts(each.person_id, each.picks) for each in honest() + ring(25, 1001, 1002, 1003)]
    cluster = alone(bare, SuspicionRule.CLIQUE)
    assert (cluster.evidence["since"], cluster.evidence["until"]) == (None, None)


def test_groups_come_in_the_order_of_what_rules_are_worth() -> None:
    clusters = find(simulation.election(3, voters=1500).ballots, one_time=simulation.ONE_TIME)
    order = list(SuspicionRule)
    assert [order.index(each.rule) for each in clusters] == sorted(order.index(each.rule) for each in clusters)
    assert {each.rule for each in clusters} == set(order) - {SuspicionRule.BY_HAND}


def test_the_order_of_the_rows_changes_nothing() -> None:
    election = simulation.election(4, voters=1200)
    expected = find(election.ballots, one_time=simulation.ONE_TIME)
    for seed in range(2):
        shuffled = [replace(each, picks=tuple(reversed(each.picks))) for each in election.ballots]
        random.Random(seed).shuffle(shuffled)  # noqa: S311  any order
        assert find(shuffled, one_time=simulation.ONE_TIME) == expected


def test_another_run_of_python_finds_the_same() -> None:
    code = (
        "import json; from tests.voting import simulation as s; from c2b.voting.detection.search import find; "
        "print(json.dumps([[c.rule, c.ballots, c.evidence] for c in find(s.election(5, voters=600).ballots, one_time=s.ONE_TIME)]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(json.loads(runs[0])) > 5


def test_the_rules_need_nothing_but_the_standard_library() -> None:
    folder = Path(str(detection.__file__)).parent
    nodes = [node for file in folder.glob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    outside = {name for name in imported if name and not name.startswith(("c2b.voting.detection", "c2b.voting.rules"))}
    assert outside <= sys.stdlib_module_names | {"collections.abc", "__future__"}


# One-time mail


def test_one_time_mail_of_many_domains_is_one_group_if_it_favours_a_candidate() -> None:
    fakes = [replace(each, domain=f"gone{each.person_id % 5}.example") for each in ring(12)]
    cluster = alone(honest() + fakes, SuspicionRule.ONE_TIME_MAIL, [f"gone{number}.example" for number in range(5)])
    assert cluster.ballots == persons(fakes)
    assert cluster.evidence["unit"] == "one_time_mail_share"
    assert (cluster.evidence["value"], cluster.evidence["typical"]) == (1.0, round(12 / 412, 3))
    assert cluster.evidence["shown"] == "gone0.example, gone1.example, gone2.example, gone3.example, gone4.example"


def test_a_one_time_address_alone_is_no_offence() -> None:
    shy = [replace(each, domain="gone.example") for each in honest(30, first=9001)]
    assert find(honest() + shy, one_time={"gone.example"}) == []


def test_a_name_below_a_one_time_domain_is_one_too() -> None:
    assert mail.is_one_time("mx.gone.example", {"gone.example"})
    assert mail.is_one_time("gone.example", {"gone.example"})
    assert not mail.is_one_time("gone.example.com", {"gone.example", "com"})
    assert not mail.is_one_time("notgone.example", {"gone.example"})


def test_an_unknown_domain_that_votes_as_one_is_suspicious() -> None:
    fakes = ring(12, domain="catch-all.example")
    cluster = alone(honest() + fakes, SuspicionRule.ONE_TIME_MAIL)
    assert cluster.ballots == persons(fakes)
    assert (cluster.evidence["unit"], cluster.evidence["shown"]) == ("mail_domain_share", "catch-all.example")
    assert cluster.evidence["typical"] == round(12 / 412, 3)


def test_a_companys_domain_is_left_alone() -> None:
    staff = [replace(each, domain="company.example") for each in honest(40, first=9001)]
    assert find(honest() + staff) == []


# Devices


def test_one_device_that_votes_for_one_candidate_is_suspicious() -> None:
    fakes = ring(12, device="tablet")
    cluster = alone(honest() + fakes, SuspicionRule.DEVICE)
    assert cluster.ballots == persons(fakes)
    assert (cluster.evidence["value"], cluster.evidence["typical"]) == (12, 1)
    assert cluster.evidence["candidates"][0] == {"candidate": TARGET, "votes": 12, "of": 12}
    assert cluster.evidence["chance"] < -10


def test_one_rare_browser_on_many_devices_is_suspicious() -> None:
    fakes = ring(12, agent="headless")
    assert alone(honest() + fakes, SuspicionRule.DEVICE).ballots == persons(fakes)


def test_a_shops_tablet_is_left_alone() -> None:
    customers = [replace(each, device="tablet", agent="tablet") for each in honest(60, first=9001)]
    window = [replace(each, picks=(TARGET, *each.picks[1:])) if each.person_id % 3 else each for each in customers]
    assert found(honest() + window, SuspicionRule.DEVICE) == []


def test_a_family_is_too_small_to_be_looked_at() -> None:
    family = ring(groups.LEAST - 1, device="at home")
    assert found(honest() + family, SuspicionRule.DEVICE) == []
    assert found(honest() + ring(groups.LEAST, device="at home"), SuspicionRule.DEVICE) != []


def test_a_ring_among_a_shops_customers_is_found_by_its_day() -> None:
    customers = [replace(each, device="tablet", began=OPENS + each.person_id % 13 * DAY) for each in honest(130, first=9001)]
    fakes = ring(25, device="tablet", began=OPENS + 13.5 * DAY)
    assert alone(honest() + customers + fakes, SuspicionRule.DEVICE).ballots == persons(fakes)


def test_members_of_the_group_who_picked_something_else_are_not_in_it() -> None:
    fakes, stranger = ring(20, device="tablet"), replace(honest(1, first=7001)[0], device="tablet")
    assert alone([*honest(), *fakes, stranger], SuspicionRule.DEVICE).ballots == persons(fakes)


def test_a_group_of_one_taste_is_explained_by_it() -> None:
    """Elsewhere too, who picks 1 and 2 picks the target: so does the class, and nobody stuffed anything."""
    chance = random.Random(1)  # noqa: S311  made-up ballots
    fond = [replace(each, picks=(1, 2, 3, 4, TARGET) if chance.random() < 0.7 else (1, 2, 3, 4, 5)) for each in honest(40, first=6001)]
    school = [replace(each, device="school", picks=(1, 2, 3, 4, TARGET)) for each in honest(12, first=9001)]
    stuffed = [replace(each, picks=(TARGET, *range(90 - each.person_id % 40, 94 - each.person_id % 40))) for each in school]
    assert found([*honest(), *fond, *school], SuspicionRule.DEVICE) == []
    assert found([*honest(), *fond, *stuffed], SuspicionRule.DEVICE) != []


# Speed


def test_quick_ballots_that_favour_a_candidate_are_suspicious() -> None:
    fakes = ring(12, lasted=4.0)
    cluster = alone(honest() + fakes, SuspicionRule.TOO_FAST)
    assert cluster.ballots == persons(fakes)
    assert (cluster.evidence["value"], cluster.evidence["typical"]) == (1.0, 7.5)


def test_quick_people_are_left_alone() -> None:
    assert find(honest() + [replace(each, lasted=4.0) for each in honest(40, first=9001)]) == []


def test_what_no_hand_can_do_is_suspicious_whatever_was_picked() -> None:
    inhuman = [replace(each, lasted=1.0) for each in honest(10, first=9001, votes=8)]
    assert alone(honest() + inhuman, SuspicionRule.TOO_FAST).ballots == persons(inhuman)
    assert find(honest() + [replace(each, lasted=1.8) for each in inhuman]) == []
    assert find(honest() + inhuman[: groups.LEAST - 1]) == []


@pytest.mark.parametrize(("taps", "lasted", "gap"), [(4, 6.0, 2.0), (15, 7.0, 0.5), (5, 0.0, 0.0)])
def test_speed_is_the_mean_of_what_lies_between_taps(taps: int, lasted: float, gap: float) -> None:
    assert speed.gap_of(boxed([BallotFacts(1, (1,), taps=taps, lasted=lasted)]), 0) == gap


@pytest.mark.parametrize("taps", [0, 1, 3])
def test_a_few_taps_tell_no_speed(taps: int) -> None:
    box = boxed([BallotFacts(1, (1,), taps=taps, lasted=0.1)])
    assert isnan(speed.gap_of(box, 0))
    assert not speed.is_quick(box, 0)


# Addresses


@pytest.mark.parametrize(
    ("address", "domain", "stem", "number"),
    [
        ("anna17@example.com", "example.com", "anna#@example.com", 17),
        ("Anna017@Example.COM", "example.com", "anna#@example.com", 17),
        ("a1.b22c@example.com", "example.com", "a1.b#c@example.com", 22),
        ("anna@example.com", "example.com", "", -1),
        ("anna+shop@example.com", "example.com", "anna+@example.com", -1),
        ("anna5+12@example.com", "example.com", "anna5+@example.com", 12),
        ("4915112345678901234567@example.com", "example.com", "", -1),
        ("a+123456789012345678901@example.com", "example.com", "a+@example.com", -1),
        ("a+²@example.com", "example.com", "a+@example.com", -1),
    ],
)
def test_an_address_is_a_stem_and_a_number(address: str, domain: str, stem: str, number: int) -> None:
    assert mail_stem(address) == (domain, stem, number)


@given(st.emails())
def test_any_address_has_a_stem_that_fits_a_column(address: str) -> None:
    domain, _, number = mail_stem(address)
    assert domain == address.lower().rpartition("@")[2]
    assert -1 <= number < 2**63


def test_a_telephone_number_is_what_it_was_bought_with_and_four_digits() -> None:
    assert phone_stem("+86 138-0013-8000") == ("861380013#", 8000)
    assert phone_stem("12") == ("", -1)


def row(fakes: Iterable[BallotFacts], *, step: int = 1) -> list[BallotFacts]:
    return [replace(each, stem="anna#@example.com", domain="example.com", number=10 + step * place) for place, each in enumerate(fakes)]


def test_addresses_in_a_row_that_favour_a_candidate_are_suspicious() -> None:
    fakes = row(ring(12), step=3)
    cluster = alone(honest() + fakes, SuspicionRule.SEQUENTIAL)
    assert cluster.ballots == persons(fakes)
    assert cluster.evidence["shown"] == "a***@example.com 10-43"
    assert cluster.evidence["value"] == 12


def test_numbers_far_apart_are_no_row_and_a_row_of_different_tastes_is_no_ring() -> None:
    assert found(honest() + row(ring(12), step=4), SuspicionRule.SEQUENTIAL) == []
    assert find(honest() + row(honest(40, first=9001))) == []


def test_tags_of_one_mailbox_are_a_row() -> None:
    fakes = [replace(each, stem="me+@mine.example", domain=f"d{place}.example") for place, each in enumerate(ring(12))]
    assert alone(honest() + fakes, SuspicionRule.SEQUENTIAL).ballots == persons(fakes)


def test_telephone_numbers_in_a_row_are_shown_without_their_middle() -> None:
    fakes = [replace(each, stem="861380013#", number=8000 + place) for place, each in enumerate(ring(12))]
    assert alone(honest() + fakes, SuspicionRule.SEQUENTIAL).evidence["shown"] == "8*** 8000-8011"


# Bursts and referrers: two signs


def at_once(fakes: Iterable[BallotFacts], minutes: float = 1) -> list[BallotFacts]:
    return [replace(each, began=OPENS + 8 * DAY + 1800 + place * minutes * 60) for place, each in enumerate(fakes)]


def test_a_burst_for_one_candidate_needs_a_second_sign() -> None:
    assert found(honest() + at_once(ring(20)), SuspicionRule.BURST) == []


def test_a_burst_of_one_browser_is_suspicious() -> None:
    fakes = at_once(ring(20, agent="agent 3"))
    assert alone(honest() + fakes, SuspicionRule.BURST).ballots == persons(fakes)


def test_a_quick_burst_is_suspicious() -> None:
    fakes = at_once(ring(20, lasted=3.0))
    assert alone(honest() + fakes, SuspicionRule.BURST).ballots == persons(fakes)


def test_a_burst_for_two_candidates_is_suspicious_and_is_told_with_the_hours_baseline() -> None:
    fakes = at_once(ring(20, TARGET, OTHER_TARGET))
    cluster = alone(honest() + fakes, SuspicionRule.BURST)
    assert cluster.ballots == persons(fakes)
    assert cluster.evidence["value"] >= 20
    assert cluster.evidence["typical"] <= 2
    assert (cluster.evidence["since"], cluster.evidence["until"]) == ("2027-03-09T00:30:00+00:00", "2027-03-09T00:49:30+00:00")


def test_a_newsletters_thousands_are_left_alone() -> None:
    assert find(honest() + at_once(honest(300, first=9001), minutes=0.2)) == []


def test_a_shops_tablet_is_no_second_sign_for_what_hangs_in_its_window() -> None:
    customers = at_once([replace(each, device="tablet", agent="tablet") for each in honest(60, first=9001)])
    window = [replace(each, picks=(TARGET, *each.picks[1:])) if each.person_id % 2 else each for each in customers]
    assert found(honest() + window, SuspicionRule.BURST) == []


def test_a_page_that_sends_voters_for_two_candidates_is_suspicious_and_for_one_not() -> None:
    fakes = ring(20, TARGET, OTHER_TARGET, referrer="jobs.example")
    cluster = alone(honest() + fakes, SuspicionRule.REFERRER)
    assert cluster.ballots == persons(fakes)
    assert (cluster.evidence["shown"], cluster.evidence["value"], cluster.evidence["typical"]) == ("jobs.example", 1.0, round(20 / 420, 3))
    assert find(honest() + ring(20, referrer="fans.example")) == []


def test_a_second_candidate_that_friends_of_the_first_like_anyway_is_no_sign() -> None:
    friends = [replace(each, picks=(TARGET, OTHER_TARGET, *each.picks[2:])) for each in honest(30, first=6001)]
    sent = ring(20, TARGET, OTHER_TARGET, referrer="fans.example")
    assert found([*honest(), *friends, *sent], SuspicionRule.REFERRER) == []


def test_windows_overlap_by_half_and_hold_every_ballot_twice() -> None:
    times = [OPENS + minute * 60 for minute in range(120)]
    windows = [list(window) for window in bursts._windows(range(120), times, 1200)]
    assert {len(window) for window in windows} <= {10, 20}
    assert all(sum(ballot in window for window in windows) == 2 for ballot in range(120))
    assert windows == sorted(windows)


def test_the_baseline_is_the_same_time_on_the_other_days() -> None:
    times = sorted([day * DAY + 100.0 * number for day, count in enumerate((3, 5, 40, 4)) for number in range(count)])
    assert bursts.baseline(times, 2 * DAY, 2 * DAY + 3900) == (40, 4)
    assert bursts.baseline([5.0], 0, 10) == (1, 0)


def test_half_a_group_must_share_the_second_sign() -> None:
    box = boxed(honest() + at_once(ring(20)))
    picks = Picks(box)
    everybody = list(range(len(box)))
    assert signs.doubly_signed(box, picks, [everybody[-20:]]) == []
    assert [each.candidate for each in groups.favoured(box, picks, [everybody[-20:]])] == [TARGET]


# Cliques


def test_three_targets_in_common_are_suspicious() -> None:
    fakes = ring(25, 1001, 1002, 1003)
    cluster = alone(honest() + fakes, SuspicionRule.CLIQUE)
    assert cluster.ballots == persons(fakes)
    assert (cluster.evidence["value"], cluster.evidence["typical"]) == (3.0, 0.0)
    assert cluster.evidence["bars"]["cluster"][-1] == 25


def test_two_targets_in_common_are_a_matter_of_taste() -> None:
    assert find(honest() + ring(40, TARGET, OTHER_TARGET)) == []


def test_three_that_are_picked_in_pairs_as_often_are_a_matter_of_taste() -> None:
    pairs = [
        replace(each, picks=(*pair, *each.picks[2:]))
        for pair in combinations((1001, 1002, 1003), 2)
        for each in honest(30, first=1000 * sum(pair))
    ]
    assert found([*honest(), *pairs, *ring(25, 1001, 1002, 1003)], SuspicionRule.CLIQUE) == []


def test_copies_of_a_ballot_are_found_although_each_differs() -> None:
    chance = random.Random(1)  # noqa: S311  made-up ballots
    base = range(2000, 2015)
    fakes = [replace(each, picks=(*chance.sample(base, 12), *each.picks[:3])) for each in honest(40, first=6001)]
    cluster = alone(honest(votes=15) + fakes, SuspicionRule.CLIQUE)
    assert cluster.ballots == persons(fakes)
    assert cluster.evidence["value"] in (11, 12)


def test_too_few_copies_are_friends_who_shopped_together() -> None:
    base = tuple(range(2000, 2015))
    copies = [replace(each, picks=base) for each in honest(cliques.LEAST, first=6001)]
    assert found(honest(votes=15) + copies[1:], SuspicionRule.CLIQUE) == []
    assert found(honest(votes=15) + copies, SuspicionRule.CLIQUE) != []


def test_a_list_that_hundreds_copy_is_a_campaign_in_the_open() -> None:
    crowd = honest(600) + ring(cliques.FEW, 1001, 1002, 1003)
    assert found(crowd, SuspicionRule.CLIQUE) != []
    assert found([*crowd, replace(crowd[-1], person_id=9999)], SuspicionRule.CLIQUE) == []


def test_where_lists_are_the_custom_only_few_who_copied_one_are_suspected() -> None:
    """Schools hand them out: hundreds who copied one are as honest as thousands."""
    few = [replace(each, person_id=7000 + each.person_id) for each in ring(cliques.SMALL, 1001, 1002, 1003)]
    many = [replace(few[-1], person_id=19999), *few]
    custom = [replace(each, person_id=20000 + each.person_id) for each in ring(cliques.FEW + 1, 1004, 1005, 1006)]
    assert found([*honest(2000), *many], SuspicionRule.CLIQUE) != []
    assert found([*honest(2000), *many, *custom], SuspicionRule.CLIQUE) == []
    assert found([*honest(2000), *few, *custom], SuspicionRule.CLIQUE) != []
    assert found([*honest(4000), *many, *custom], SuspicionRule.CLIQUE) != [], "one list in the open is no custom yet"


def test_what_pairs_explain_is_what_independent_choices_give() -> None:
    """Of 8,000 ballots with three independent picks of a half each, a eighth has all three."""
    picks = {(first, second, third): 1000 for first in (0, 1) for second in (0, 1) for third in (0, 1)}
    ballots = [
        tuple(key for key, has in zip((1, 2, 3), chosen, strict=True) if has) for chosen, count in picks.items() for _ in range(count)
    ]
    box = boxed(BallotFacts(person, picked) for person, picked in enumerate(ballots))
    assert isclose(cliques.pairs_explain(Picks(box), (1, 2, 3)), 1000, rel_tol=0.01)


def test_copies_are_expected_by_how_fast_the_counts_fall() -> None:
    falling = [1000 * comb(10, shared) // 20**shared for shared in range(11)]
    assert cliques.expected_from(falling, 5) < 1
    assert cliques.chance_from(falling, 5) == 0
    assert cliques.chance_from([*falling[:8], 10, 20, 20], 8) < -20


def test_a_slope_is_no_gap() -> None:
    assert cliques.chance_from([12000, 1500, 600, 300, 190, 260, 300, 180, 45], 5) == 0
    assert cliques.chance_from([12000, 1500, 600, 60, 3, 1, 20, 40, 10], 6) < -20
    assert cliques.chance_from([12000, 1500, 600, 60, 3, 1, 4, 10, 5], 6) == 0, "nineteen are too few"


# Bits and MinHash


@given(st.lists(st.sets(st.integers(1, 9), max_size=6), min_size=1, max_size=40), st.sets(st.integers(1, 9), min_size=1))
def test_bits_count_as_sets_do(ballots: list[set[int]], wanted: set[int]) -> None:
    box = boxed(BallotFacts(person, tuple(picked)) for person, picked in enumerate(ballots))
    picks = Picks(box)
    base = sorted(wanted & set(picks.of))
    found = [members(bits) for bits in picks.by_overlap(base)]
    assert found == [
        tuple(number for number, picked in enumerate(ballots) if len(picked & set(base)) == shared) for shared in range(len(base) + 1)
    ]
    if base:
        assert members(picks.shared(base)) == tuple(number for number, picked in enumerate(ballots) if picked >= set(base))
    assert members(picks.ballots([0, len(ballots) - 1])) == tuple(sorted({0, len(ballots) - 1}))


def test_equal_ballots_share_every_bucket_and_strangers_none() -> None:
    box = boxed([BallotFacts(1, (1, 2, 3)), BallotFacts(2, (3, 2, 1)), BallotFacts(3, (7, 8, 9)), BallotFacts(4, ())])
    assert list(minhash.buckets(box, 2)) == [[0, 1]] * minhash.BANDS


def test_ballots_agree_in_a_hash_as_often_as_they_agree_in_picks() -> None:
    """Half of what either picked, both did: so in half of two hundred orders they have the same smallest value."""
    box = boxed([BallotFacts(1, (1, 2, 3)), BallotFacts(2, (2, 3, 4)), BallotFacts(3, tuple(range(5, 100)))])
    same = 0
    for number in range(400):
        order = minhash._order(box, number)
        same += min(map(order.__getitem__, (1, 2, 3))) == min(map(order.__getitem__, (2, 3, 4)))
    assert 160 < same < 240


# How surprising


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_a_tail_is_never_called_rarer_than_it_is(of: int, count: int, share: float) -> None:
    count = min(count, of)
    exact = sum(comb(of, hits) * share**hits * (1 - share) ** (of - hits) for hits in range(count, of + 1))
    assert tails.tail(count, of * share, of) >= log10(exact) - 1e-6 if exact > 0 else True


def test_of_rare_things_the_tail_is_poissons() -> None:
    poisson = log10(sum(exp(-2) * 2**hits / factorial(hits) for hits in range(20, 60)))
    assert 0 <= tails.tail(20, 2, 10**6) - poisson < 1.5


def test_what_is_expected_is_no_surprise_and_what_is_impossible_is() -> None:
    assert tails.tail(5, 5, 100) == tails.tail(3, 5, 100) == 0
    assert tails.tail(3, 0, 100) == -inf
    assert tails.tail(10, 1, 10) == pytest.approx(-10)


def test_who_looks_at_a_thousand_groups_is_less_surprised() -> None:
    assert tails.corrected(-7, 1000) == pytest.approx(-4)
    assert tails.corrected(-2, 1000) == 0
    assert tails.corrected(-2, 0) == -2


# Columns and evidence


def test_columns_give_back_what_was_put_in_by_persons_key() -> None:
    ballots = [*honest(5), *ring(3, device="tablet")]
    box = boxed([*ballots[4:], *ballots[:4]])
    assert list(box.persons) == sorted(persons(ballots))
    assert [tuple(box.picked(number)) for number in range(len(box))] == [
        tuple(sorted(each.picks)) for each in sorted(ballots, key=lambda b: b.person_id)
    ]
    assert [box.device.names.texts[code] for code in box.device.codes][-3:] == ["tablet"] * 3


def test_a_hundred_thousand_ballots_take_bytes_not_objects() -> None:
    box = Box()
    for person in range(2000):
        box.add(BallotFacts(person, tuple(range(20)), agent="same"))
    columns = (box.persons, box.began, box.lasted, box.taps, box.numbers, box.picks, box.starts, box.agent.codes, box.device.codes)
    assert sum(len(column) * column.itemsize for column in columns) <= 2000 * 230
    assert box.agent.names.texts == ["", "same"]


def test_evidence_has_at_most_24_bars_that_count_everybody() -> None:
    ballots = honest() + ring(12, device="tablet")
    bars = alone(ballots, SuspicionRule.DEVICE).evidence["bars"]
    assert len(bars["edges"]) == report.BARS + 1 == 25
    assert (sum(bars["cluster"]), sum(bars["everybody"])) == (12, 412)
    assert bars["edges"] == sorted(bars["edges"])


def test_the_slowest_hundredth_stands_in_the_last_bar() -> None:
    slow = replace(honest(1, first=9001)[0], lasted=10**6)
    bars = alone([*honest(), *ring(12, lasted=4.0), slow], SuspicionRule.TOO_FAST).evidence["bars"]
    assert bars["edges"][-1] < 100
    assert sum(bars["everybody"]) == 413


def test_helped_candidates_are_told_most_helped_first() -> None:
    helped = alone(honest() + ring(12, TARGET, device="tablet"), SuspicionRule.DEVICE).evidence["candidates"]
    assert helped[0]["candidate"] == TARGET
    assert len(helped) <= report.HELPED
    assert all(each["votes"] <= each["of"] for each in helped)


def test_evidence_is_json_without_anybodys_name() -> None:
    for cluster in find(simulation.election(6, voters=800).ballots, one_time=simulation.ONE_TIME):
        text = json.dumps(cluster.evidence)
        assert json.loads(text) == cluster.evidence
        assert "NaN" not in text
        assert "Infinity" not in text
        assert list(cluster.ballots) == sorted(set(cluster.ballots))


def test_of_two_findings_with_the_same_ballots_the_more_surprising_is_kept() -> None:
    strong, weak = groups.Finding(-20, 1, (1, 2, 3, 4), 0), groups.Finding(-8, 2, (2, 3, 4), 0)
    other = groups.Finding(-9, 3, (4, 5, 6), 0)
    assert groups.distinct([weak, other, strong]) == [strong, other]


def test_ballots_of_different_elections_share_no_unknown_device() -> None:
    box = boxed(BallotFacts(person, (TARGET,)) for person in range(30))
    assert groups.grouped(box.device, range(30)) == []
    assert devices.find(box, Picks(box)) == referrers.find(box, Picks(box)) == []


@pytest.mark.parametrize(("elsewhere", "suspicious"), [(30, False), (10, True)])
def test_a_coincidence_of_one_in_a_thousand_elections_is_left_alone(*, elsewhere: int, suspicious: bool) -> None:
    others = [replace(each, picks=(TARGET, *each.picks[1:])) if each.person_id <= elsewhere else each for each in honest()]
    box = boxed(others + ring(groups.LEAST))
    eight = range(len(others), len(others) + groups.LEAST)
    assert bool(groups.favoured(box, Picks(box), [eight], share=groups.MOST_OF_IT)) is suspicious


def test_a_second_target_is_one_that_others_with_the_first_do_not_pick() -> None:
    friends = [replace(each, picks=(TARGET, OTHER_TARGET, *each.picks[2:])) for each in honest(30, first=6001)]
    sent = ring(20, TARGET, OTHER_TARGET)
    for others, suspicious in ((friends, False), ([], True)):
        box = boxed([*honest(), *others, *sent])
        members = tuple(number for number, person in enumerate(box.persons) if person in persons(sent))
        assert signs._second_target(box, Picks(box), groups.Finding(-9, TARGET, members, 1)) is suspicious


def test_three_targets_that_many_pick_two_of_are_no_list() -> None:
    """Three popular ones, few pairs, so pairs explain next to nothing; but rings leave no such fringe."""
    single = [replace(each, picks=(1001 + each.person_id % 3, *each.picks[1:])) for each in honest(600, first=10001)]
    fringe = [
        replace(each, picks=(*pair, *each.picks[2:]))
        for pair in combinations((1001, 1002, 1003), 2)
        for each in honest(6, first=20 * sum(pair))
    ]
    fakes = ring(30, 1001, 1002, 1003)
    assert found([*honest(), *single, *fakes], SuspicionRule.CLIQUE) != []
    assert found([*honest(), *single, *fringe, *fakes], SuspicionRule.CLIQUE) == []


def test_many_copies_with_a_tenth_as_many_near_copies_are_a_slope_however_surprising() -> None:
    assert cliques.chance_from([12000, 1500, 600, 60, 5, 1, 20, 40, 10], 6) < -10
    assert cliques.chance_from([12000, 1500, 600, 60, 9, 1, 20, 40, 10], 6) == 0
