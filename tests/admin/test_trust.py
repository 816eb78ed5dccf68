"""The desk for suspicious ballots, as staff of several roles use it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.models import Person
from c2b.people.rules import Role
from c2b.voting import effects, groups, holding, objections, suspicions
from c2b.voting.models import Ballot, Suspicion
from c2b.voting.rules import SuspicionRule, SuspicionState
from tests import make
from tests.admin import shop
from tests.admin.conftest import NOON, Clock, Logged, SignIn, spoken
from tests.statements import counted
from tests.voting.test_holding import Ring
from tests.web.pages import Browser

DESK = "/admin/ss27/trust"
EVIDENCE = {
    "ballots": 4,
    "since": "2027-03-08T03:00:00+00:00",
    "until": "2027-03-08T03:04:00+00:00",
    "unit": "seconds_between_taps",
    "value": 1.9,
    "typical": 14.3,
    "expected": 0.2,
    "chance": -12.0,
    "shown": "a***@example.com 1-4",
    "bars": {"unit": "time", "edges": [1804474800.0, 1804474920.0, 1804475040.0], "cluster": [1, 3], "everybody": [2, 3]},
}


def crowd(database: Database, state: CampaignState = CampaignState.VOTING, rules: Sequence[SuspicionRule] = (SuspicionRule.BURST,)) -> None:
    """Let honest voters choose K101 and K102, and a ring of four K104, found by each of `rules`."""
    with database.transaction() as session:
        of = shop.campaign(session, state)
        first, second, _, last = shop.candidates(session, of)
        for _ in range(3):
            make.ballot(session, of, first, second)
        ring = [make.ballot(session, of, last, serial=f"ring-{number}").person_id for number in range(4)]
        evidence = {**EVIDENCE, "candidates": [{"code": "K104", "votes": 4, "of": 4}, {"code": "gone", "votes": 1, "of": 1}]}
        suspicions.ask(session, slug="ss27", now=NOON)
        found = [Ring(ring, rule, evidence) for rule in rules]
        suspicions.end(session, campaign_id=of.id, found=found, now=NOON)


def opened(sign_in: SignIn, role: Role = Role.MANAGER, language: str = "en") -> Browser:
    """Sign in, ask for the counts, and stand at the desk."""
    browser = sign_in(role, language)
    browser.get(DESK)
    browser.press({"en": "Show counts", "zh": "查看票数"}[language])
    assert browser.url == DESK
    return browser


def posted(browser: Browser, path: str, **data: str) -> int:
    """Send a form that the page doesn't show; return the answer's status."""
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    return browser.client.post(path, data={"csrf_token": token, **data}).status_code


def held(database: Database) -> int:
    with database.reading() as session:
        return session.execute(select(func.count()).where(Ballot.held_at.is_not(None))).scalar_one()


def state_of(database: Database) -> SuspicionState:
    with database.reading() as session:
        return session.scalars(select(Suspicion.state)).one()


def test_the_desk_shows_nothing_before_a_look_that_is_logged(database: Database, sign_in: SignIn, logged: Logged) -> None:
    crowd(database)
    browser = sign_in(Role.MANAGER)
    browser.get(DESK)
    assert "Many at once" not in browser.words
    assert logged("voting.look_at_counts") == []
    browser.press("Show counts")
    assert "Many at once" in browser.words
    assert [entry.actor for entry in logged("voting.look_at_counts")] == ["staff:manager@example.com"]


def test_a_card_holds_the_rule_the_evidence_and_the_effect(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    words = spoken(opened(sign_in))
    assert "Counted 10 + Held 0 = All votes 10" in words
    assert "Many at once" in words
    assert "Seconds between picks 1.90 14.30" in words
    assert "Such ballots, explained by honest voters 4 0.2" in words
    assert "Chance that honest voters do this 1 in 10 12 " in words
    assert "Votes for K104 Design K104 4 4" in words
    assert "4 votes → 0, place 1 → 4 leaves the top 2" in words
    assert "a***@example.com 1-4" in words
    assert "8 Mar 11:00 – 8 Mar 11:04" in words


def test_the_histogram_is_said_in_a_sentence_and_as_a_table(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    assert "4 ballots of this group between 8 Mar" in browser.html
    assert "at most 3 in one bar, where everybody has 3" in browser.html
    assert "1 2" in spoken(browser)


def test_holding_moves_votes_from_counted_to_held_and_says_who_did_it_and_why(database: Database, sign_in: SignIn, logged: Logged) -> None:
    crowd(database)
    browser = opened(sign_in)
    browser.press("Hold 4 ballots", reason="within four minutes, one mail provider")
    assert "is held: not counted, not deleted" in browser.words
    words = spoken(browser)
    assert "Counted 6 + Held 4 = All votes 10" in words
    assert "Held , manager@example.com" in words
    assert "within four minutes, one mail provider" in words
    assert "4 votes → 0, place 1 → 4 leaves the top 2" in words
    assert (held(database), state_of(database)) == (4, SuspicionState.HELD)
    assert [entry.actor for entry in logged("voting.hold_group")] == ["staff:manager@example.com"]
    browser.press("Release", reason="a school class")
    assert (held(database), state_of(database)) == (0, SuspicionState.KEPT)
    assert "Counted 10 + Held 0 = All votes 10" in spoken(browser)


def test_a_decision_without_a_reason_changes_nothing_and_says_where(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    browser.press("Hold 4 ballots", reason=" ", expect=400)
    assert "Say why: the reason is kept, and published with the result" in browser.words
    assert 'id="reason"' in browser.html
    assert held(database) == 0


def test_a_group_that_grew_since_it_was_looked_at_is_shown_anew(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    with database.transaction() as session:
        of = session.scalars(select(Campaign)).one()
        more = make.ballot(session, of, shop.candidates(session, of)[3]).person_id
        members = [*session.scalars(select(Ballot.person_id).where(Ballot.serial.startswith("ring"))), more]
        suspicions.store(session, campaign_id=of.id, found=[Ring(members)], now=NOON)
    browser.press("Hold 4 ballots", reason="why", expect=409)
    assert "This group has changed since you looked at it" in browser.words
    assert held(database) == 0
    browser.press("Hold 5 ballots", reason="why")
    assert held(database) == 5


def test_a_group_whose_ballots_another_one_holds_says_so(database: Database, sign_in: SignIn) -> None:
    crowd(database, rules=[SuspicionRule.BURST, SuspicionRule.DEVICE])
    browser = opened(sign_in)
    assert spoken(browser).count("New, still counted") == 2
    browser.press("Hold 4 ballots", reason="why")
    words = spoken(browser)
    assert "New, but held by another group" in words
    assert "New, still counted" not in words
    assert "Counted 6 + Held 4 = All votes 10" in words


def test_asking_holds_until_people_sign_in(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    browser.press("Ask to verify", reason="new addresses")
    assert "are asked to sign in once more" in browser.words
    assert (held(database), state_of(database)) == (4, SuspicionState.ASKED)


def test_keeping_says_so_and_nothing_waits_any_more(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    assert "1 to do" in spoken(browser)
    browser.press("Keep counted", reason="a school class voted together")
    assert (held(database), state_of(database)) == (0, SuspicionState.KEPT)
    assert "to do" not in spoken(browser)
    assert "Nothing waits." in browser.words


def test_when_voting_has_closed_nobody_is_asked_any_more(database: Database, sign_in: SignIn, clock: Clock) -> None:
    crowd(database, CampaignState.TALLY)
    clock.now = make.CLOSES + timedelta(hours=1)
    browser = opened(sign_in)
    assert "Hold 4 ballots" in browser.words
    assert "Ask to verify" not in browser.words


def test_after_the_selection_the_desk_can_only_be_read(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    with database.transaction() as session:
        of = session.scalars(select(Campaign)).one()
        of.state = CampaignState.SELECTED
    browser = sign_in(Role.MANAGER)
    browser.get(DESK)
    assert "they can’t be changed any more" in browser.words
    assert "Many at once" in browser.words
    for button in ("Hold", "Keep counted", "Ask to verify", "Look again"):
        assert f"<button{button}" not in browser.html
    assert 'name="do"' not in browser.html
    assert posted(browser, f"{DESK}/1", do="held", digest="x", reason="why") == 409
    assert held(database) == 0


def test_an_auditor_reads_the_desk_and_decides_nothing(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in, Role.AUDITOR)
    assert "Many at once" in browser.words
    assert 'name="do"' not in browser.html
    assert posted(browser, f"{DESK}/1", do="held", digest="x", reason="why") == 403
    assert posted(browser, f"{DESK}/ballot", do="hold", serial="ring-1", reason="why") == 403
    assert held(database) == 0


def test_one_ballot_is_held_and_released_by_its_serial(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    browser.press("Hold this ballot", serial=" ring-2 ", reason="the voter told us")
    assert held(database) == 1
    assert "By hand" in browser.words
    browser.press("Release this ballot", serial="ring-2", reason="a mistake")
    assert held(database) == 0
    browser.press("Hold this ballot", serial="nothing", reason="why", expect=404)


def test_a_look_is_asked_for_once_and_shown_while_it_goes_on(database: Database, sign_in: SignIn, clock: Clock) -> None:
    crowd(database)
    clock.now = NOON + timedelta(minutes=1)
    browser = opened(sign_in)
    assert "Looked through 8 Mar 12:00; the rules found 1 groups." in browser.words
    browser.press("Look again now")
    assert "All ballots are being looked through since 8 Mar 12:01" in browser.words
    assert 'hx-trigger="every 3s"' in browser.html
    posted(browser, f"{DESK}/look")
    browser.get(DESK)
    assert "A look is going on already." in browser.words


def test_a_desk_without_findings_says_whether_somebody_looked(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session)
        make.ballot(session, of, *shop.candidates(session, of))
    browser = opened(sign_in)
    assert "Nobody has looked through the ballots yet" in browser.words
    with database.transaction() as session:
        suspicions.ask(session, slug="ss27", now=NOON)
        suspicions.end(session, campaign_id=session.scalars(select(Campaign.id)).one(), found=[], now=NOON)
    browser.get(DESK)
    assert "No rule found a group of ballots that belong together" in browser.words


def test_a_campaign_without_a_vote_has_no_ballots(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.ORDERING, voting_opens=None, voting_closes=None)
    browser = sign_in()
    browser.get(DESK)
    assert "nobody votes" in browser.words


def test_objections_stand_at_the_group(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    with database.transaction() as session:
        group = session.scalars(select(Suspicion)).one()
        values = {"slug": "ss27", "digest": group.digest, "reason": "why", "actor": "staff:a@example.com"}
        holding.decide(session, group=group.id, state=SuspicionState.HELD, now=NOON, **values)
        person = session.scalars(select(Ballot.person_id).where(Ballot.serial == "ring-1")).one()
        objections.object_to(session, slug="ss27", person_id=person, words="We are four sisters", now=NOON)
    words = spoken(opened(sign_in))
    assert "1 objection We are four sisters ring-1" in words


def test_many_groups_stand_on_pages(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    with database.transaction() as session:
        of = session.scalars(select(Campaign)).one()
        for _ in range(11):
            ring = [make.ballot(session, of).person_id for _ in range(2)]
            suspicions.store(session, campaign_id=of.id, found=[Ring(ring)], now=NOON)
    browser = opened(sign_in)
    assert "Page 1 of 2" in browser.words
    assert browser.html.count('class="panel cl"') == 10
    browser.get(f"{DESK}?page=2")
    assert browser.html.count('class="panel cl"') == 2


def test_a_ballot_that_joined_a_decided_group_is_named(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in)
    browser.press("Hold 4 ballots", reason="why")
    with database.transaction() as session:
        of = session.scalars(select(Campaign)).one()
        members = [*session.scalars(select(Ballot.person_id).where(Ballot.serial.startswith("ring")))]
        members.append(make.ballot(session, of, shop.candidates(session, of)[3]).person_id)
        suspicions.store(session, campaign_id=of.id, found=[Ring(members)], now=NOON)
    browser.get(DESK)
    assert "1 joined since, still counted" in spoken(browser)
    browser.press("Hold 5 ballots", reason="the same ring")
    assert held(database) == 5


def test_the_page_names_nobody_and_shows_no_picks(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    with database.transaction() as session:
        person = session.scalars(select(Ballot.person_id).where(Ballot.serial == "ring-1")).one()
        owner = session.get_one(Person, person)
        owner.name = "Somebody"
        make.address(session, owner, "somebody@example.com")
        ref = owner.ref
    browser = opened(sign_in)
    assert "ring-1" in browser.html
    for secret in ("Somebody", "somebody@", ref):
        assert secret not in browser.html


@pytest.mark.parametrize("state", [CampaignState.VOTING, CampaignState.TALLY])
def test_the_overview_names_the_groups_that_wait(database: Database, sign_in: SignIn, state: CampaignState) -> None:
    crowd(database, state, [SuspicionRule.BURST, SuspicionRule.DEVICE])
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/")
    assert "2 groups of suspicious ballots wait" in browser.words
    assert "2 to do" in spoken(browser)


def test_the_desk_speaks_chinese(database: Database, sign_in: SignIn) -> None:
    crowd(database)
    browser = opened(sign_in, language="zh")
    assert "可疑选票" in browser.words
    assert "暂扣" in browser.words


def test_the_desk_reads_as_often_for_many_groups_as_for_few(database: Database) -> None:
    crowd(database)
    costs = []
    for more in (0, 8):
        with database.transaction() as session:
            of = session.scalars(select(Campaign)).one()
            rings = [[make.ballot(session, of).person_id for _ in range(2)] for _ in range(more)]
            suspicions.store(session, campaign_id=of.id, found=[Ring(ring) for ring in rings], now=NOON)
        with database.reading() as session, counted(database) as statements:
            campaign_id = session.scalars(select(Campaign.id)).one()
            page = groups.page(session, campaign_id, number=1, size=10)
            effects.of_groups(session, campaign_id, [group.id for group in page.groups])
            effects.of_all_waiting(session, campaign_id)
        costs.append(len(statements))
    assert costs[0] == costs[1]
