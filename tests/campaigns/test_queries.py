from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns import queries, readiness
from c2b.campaigns.models import Campaign, OptionValue, Picture, Variant
from c2b.campaigns.rules import CampaignState, Missing
from c2b.errors import NotFound
from tests import make
from tests.campaigns.files import load


@pytest.fixture
def shop(session: Session) -> Campaign:
    of = make.campaign(session)
    make.candidate(session, of, "K2", position=2, name="亚麻衬衫", name_en="Linen Shirt", category="衬衫", category_en="Shirts")
    make.candidate(session, of, "K1", position=1, name="羊毛大衣", name_en="Wool Coat", category="外套", category_en="Coats")
    make.candidate(session, of, "K3", position=3, name="100%_棉", name_en="", category="衬衫", category_en="Shirts")
    return of


def codes(session: Session, of: Campaign, **wanted: str) -> list[str]:
    ids = queries.candidate_ids(session, of.id, **wanted)
    return [card.code for card in queries.candidates(session, of.id, locale="en", ids=ids)]


class TestLists:
    def test_campaigns_come_newest_first(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        make.campaign(session, slug="aw27", created_at=now)
        assert [each.slug for each in queries.campaigns(session)] == ["aw27", "ss27"]

    def test_an_unknown_campaign_or_candidate_is_not_found(self, session: Session, shop: Campaign) -> None:
        with pytest.raises(NotFound):
            queries.campaign(session, "nothing")
        with pytest.raises(NotFound):
            queries.candidate(session, shop.id, "K9", locale="en")

    def test_candidates_come_in_the_order_of_the_file_or_in_that_which_is_asked(self, session: Session, shop: Campaign) -> None:
        every = queries.candidate_ids(session, shop.id)
        assert codes(session, shop) == ["K1", "K2", "K3"]
        turned = queries.candidates(session, shop.id, locale="en", ids=every[::-1])
        assert [card.code for card in turned] == ["K3", "K2", "K1"]
        assert queries.candidates(session, shop.id, locale="en", ids=[]) == []

    def test_another_campaigns_candidates_are_never_shown(self, session: Session, shop: Campaign) -> None:
        other = make.campaign(session, slug="aw27")
        stranger = make.candidate(session, other, "K1")
        assert queries.candidates(session, shop.id, locale="en", ids=[stranger.id]) == []

    @pytest.mark.parametrize(
        ("search", "found"),
        [("linen", ["K2"]), ("LINEN shirt", ["K2"]), ("亚麻", ["K2"]), ("k1", ["K1"]), ("%", ["K3"]), ("0%_", ["K3"]), ("silk", [])],
    )
    def test_a_text_is_found_in_either_language_and_its_signs_mean_themselves(
        self, session: Session, shop: Campaign, search: str, found: list[str]
    ) -> None:
        assert codes(session, shop, search=search) == found

    def test_a_category_goes_by_either_name(self, session: Session, shop: Campaign) -> None:
        assert codes(session, shop, category="衬衫") == codes(session, shop, category="Shirts") == ["K2", "K3"]
        assert queries.categories(session, shop.id, locale="en") == [("外套", "Coats", 1), ("衬衫", "Shirts", 2)]
        assert queries.categories(session, shop.id, locale="zh_Hans_CN")[0] == ("外套", "外套", 1)


class TestADetail:
    def test_is_in_the_language_asked_and_falls_back_to_the_first(self, session: Session, shop: Campaign) -> None:
        assert queries.candidate(session, shop.id, "K1", locale="en").card.name == "Wool Coat"
        assert queries.candidate(session, shop.id, "K3", locale="en").card.name == "100%_棉"

    def test_knows_what_each_variant_is_made_of(self, session: Session, shop: Campaign) -> None:
        detail = queries.candidate(session, shop.id, "K1", locale="en")
        assert [variant.label for variant in detail.variants] == ["S", "M", "L"]
        assert [option.value for option in detail.options1] == ["S", "M", "L"]
        assert (detail.options2, detail.offer) == ((), None)

    def test_shows_its_first_picture_on_its_card(self, session: Session, shop: Campaign) -> None:
        coat = queries.candidate(session, shop.id, "K1", locale="en").card
        session.add_all(Picture(candidate_id=coat.id, position=n, source=f"{n}.jpg", file=f"{n}.webp") for n in (2, 1))
        session.flush()
        (card, *_) = queries.candidates(session, shop.id, locale="en")
        assert card.picture is not None
        assert card.picture.file == "1.webp"
        assert [picture.file for picture in queries.candidate(session, shop.id, "K1", locale="en").pictures] == ["1.webp", "2.webp"]

    def test_shows_a_variant_in_its_own_colour_where_there_is_such_a_picture(self, session: Session, shop: Campaign) -> None:
        coat = queries.candidate(session, shop.id, "K1", locale="en")
        small, medium, _ = coat.variants
        assert (coat.picture_of(small), medium.option1) == (None, coat.options1[1])
        own = {"first.webp": None, "medium.webp": coat.options1[1].id}
        session.add_all(
            Picture(candidate_id=coat.card.id, position=n, source=file, file=file, option_value_id=option)
            for n, (file, option) in enumerate(own.items())
        )
        session.flush()
        coat = queries.candidate(session, shop.id, "K1", locale="en")
        assert [(shown := coat.picture_of(variant)) and shown.file for variant in (small, medium)] == ["first.webp", "medium.webp"]

    def test_speaks_of_colours_in_the_language_asked(self, session: Session, shop: Campaign) -> None:
        shop.state = CampaignState.DRAFT
        header = "code,name,option1_name,option1_name_en,option1_value,option1_value_en,option1_swatch"
        load(session, (header, "K7,大衣,颜色,Colour,靛蓝,Indigo,#1f3a5f"))
        detail = queries.candidate(session, shop.id, "K7", locale="en")
        assert (detail.option1_name, detail.variants[0].label, detail.options1[0].swatch) == ("Colour", "Indigo", "#1f3a5f")
        assert queries.candidate(session, shop.id, "K7", locale="zh_Hans_CN").variants[0].label == "靛蓝"


class TestReadiness:
    def missing(self, session: Session, of: Campaign) -> list[str]:
        return [str(thing) for thing in readiness.before_voting(session, of) if not thing.warning]

    def test_names_every_candidate_without_an_estimate(self, session: Session) -> None:
        of = make.campaign(session, votes_each=1)
        for number in (1, 2, 3):
            make.candidate(session, of, f"K{number}", price=None if number < 3 else 9900)
        assert self.missing(session, of) == ["candidate K1 has no estimated price", "candidate K2 has no estimated price"]

    def test_finds_more_places_or_votes_than_candidates(self, session: Session) -> None:
        of = make.campaign(session, votes_each=2, places=2)
        make.candidate(session, of, "K1")
        assert [text.split(";")[0] for text in self.missing(session, of)] == [
            "2 places but only 1 candidates",
            "2 votes each but only 1 candidates",
        ]

    def test_without_candidates_says_how_to_get_some(self, session: Session) -> None:
        assert "c2b candidates import ss27" in self.missing(session, make.campaign(session))[0]

    def test_warns_of_a_missing_picture_and_no_more(self, session: Session) -> None:
        of = make.campaign(session, votes_each=1, places=1)
        made = make.candidate(session, of, "K1")
        assert readiness.before_voting(session, of) == [Missing("candidate %(code)s has no picture", {"code": "K1"}, warning=True)]
        session.add(Picture(candidate_id=made.id, position=1, source="a.jpg"))
        session.flush()
        assert readiness.before_voting(session, of) == []

    def test_checks_the_next_gate_and_the_clock(self, session: Session, now: datetime) -> None:
        of = make.campaign(session, state=CampaignState.DRAFT, votes_each=1, places=1)
        make.candidate(session, of, "K1")
        gates: readiness.Gates = {
            CampaignState.VOTING: readiness.before_voting,
            CampaignState.ORDERING: lambda _session, _campaign: [Missing("no offers")],
        }
        assert [thing.warning for thing in readiness.check(session, of, gates=gates, now=now)] == [True]
        assert "voting closed" in str(readiness.check(session, of, gates=gates, now=make.CLOSES)[0])
        of.state = CampaignState.SELECTED
        assert [str(thing) for thing in readiness.check(session, of, gates=gates, now=now)] == ["no offers"]
        of.state = CampaignState.DECIDED
        assert readiness.check(session, of, gates=gates, now=now) == []


def test_a_variant_takes_only_its_own_candidates_options(session: Session, shop: Campaign) -> None:
    values = session.scalars(select(OptionValue.candidate_id).distinct()).all()
    pairs = select(Variant.candidate_id, OptionValue.candidate_id).join(OptionValue, OptionValue.id == Variant.option1_id)
    assert len(values) == 3
    assert all(own == of for own, of in session.execute(pairs))
    assert shop.slug == "ss27"
