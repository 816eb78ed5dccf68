from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, NotFound, Refused
from c2b.exports import kinds
from c2b.exports.kinds import Format, Kind
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

SOON = make.CLOSES - timedelta(seconds=1)
NEEDS_A_RUN = (Kind.PRODUCTION_ORDERS, Kind.SHIPMENTS, Kind.PICKUPS, Kind.SHOPIFY_PRODUCTS, Kind.RESULTS, Kind.BUNDLE, Kind.OPENED_BUNDLE)
PACKED = (Kind.BUNDLE, Kind.OPENED_BUNDLE)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_that_is_built_comes_as_csv_xlsx_and_json_a_bundle_as_zip_and_what_a_shop_reads_as_csv(kind: Kind) -> None:
    special = {packed: {Format.ZIP} for packed in PACKED} | {Kind.SHOPIFY_PRODUCTS: {Format.CSV}}
    assert set(kinds.formats(kind)) >= special.get(kind, {Format.CSV, Format.XLSX, Format.JSON})


def test_only_an_opened_bundle_shows_picks() -> None:
    assert [kind for kind in Kind if kinds.shows_picks(kind)] == [Kind.OPENED_BUNDLE]


@pytest.mark.parametrize("kind", PACKED)
def test_a_bundle_is_shut_before_the_selection_whoever_asks(session: Session, shop: Shop, kind: Kind) -> None:
    with pytest.raises(Refused, match="when the result is published"):
        files.made(session, kind, Format.ZIP, now=SOON, counts_allowed=False)
    with pytest.raises(Refused, match="no selection yet"):
        files.made(session, kind, Format.ZIP, slug=shop.campaign.slug, counts_allowed=True)


@pytest.mark.parametrize(("kind", "form"), [(Kind.REFUNDS, Format.BEANCOUNT), (Kind.LEDGER, Format.PB), (Kind.RESULTS, Format.PB)])
def test_a_format_that_a_kind_has_not_is_refused_with_those_it_has(kind: Kind, form: Format) -> None:
    with pytest.raises(Invalid, match="take csv, xlsx, json"):
        kinds.writer(kind, form)


def test_only_customers_and_where_goods_go_are_personal_data() -> None:
    assert [kind for kind in Kind if kinds.is_personal(kind)] == [Kind.CUSTOMERS, Kind.SHIPMENTS, Kind.PICKUPS]


def test_a_campaign_that_is_not_there_is_named(session: Session) -> None:
    with pytest.raises(NotFound, match="aw27"):
        files.made(session, Kind.LEDGER, slug="aw27")


@pytest.mark.parametrize("state", [CampaignState.VOTING, CampaignState.TALLY, CampaignState.CANCELLED])
@pytest.mark.parametrize("kind", [Kind.VOTES, Kind.RESULTS])
def test_votes_stay_hidden_until_the_result_is_published_whatever_the_clock_says(
    session: Session, kind: Kind, state: CampaignState
) -> None:
    campaign = make.campaign(session, state=state)
    make.ballot(session, campaign, make.candidate(session, campaign, "K001"))
    for now in (SOON, make.CLOSES, files.LATER):
        with pytest.raises(Refused, match="when the result is published"):
            files.made(session, kind, now=now, counts_allowed=False)


@pytest.mark.parametrize("kind", [Kind.VOTES, Kind.RESULTS])
def test_once_the_selection_is_made_everybody_may_export_votes(session: Session, shop: Shop, kind: Kind) -> None:
    make.ballot(session, shop.campaign, shop.knit)
    make.selection(session, shop.campaign, (shop.knit, 1))
    assert len(files.table(session, kind, counts_allowed=False)) == 1


@pytest.mark.parametrize("kind", [Kind.VOTES, Kind.RESULTS])
def test_who_may_look_at_counts_exports_votes_early(session: Session, shop: Shop, kind: Kind) -> None:
    make.ballot(session, shop.campaign, shop.knit)
    make.selection(session, shop.campaign, (shop.knit, 1))
    assert len(files.table(session, kind, now=SOON, counts_allowed=True)) == 1


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in NEEDS_A_RUN])
@pytest.mark.parametrize("form", list(Format))
def test_an_empty_campaign_makes_a_file_with_headers_alone(session: Session, kind: Kind, form: Format) -> None:
    make.campaign(session)
    if form not in kinds.formats(kind):
        return
    data, info = files.made(session, kind, form)
    assert data
    assert (info.rows, set(info.totals.values()) - {0}) == (0, set())


@pytest.mark.parametrize(("kind", "command"), [(Kind.PRODUCTION_ORDERS, "c2b decide"), (Kind.RESULTS, "c2b select")])
def test_what_a_run_has_yet_to_make_is_refused_with_the_command_that_makes_it(session: Session, kind: Kind, command: str) -> None:
    make.campaign(session)
    with pytest.raises(Refused, match=command):
        files.made(session, kind)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in NEEDS_A_RUN])
def test_another_campaigns_rows_never_get_in(session: Session, kind: Kind) -> None:
    make.campaign(session)
    other = make.campaign(session, slug="aw27")
    candidate = make.candidate(session, other, "K001")
    make.ballot(session, other, candidate)
    ordered = make.order(session, other, (make.variants(session, candidate)[0], 2))
    make.refund(session, make.payment(session, ordered, 11960), *make.lines_of(session, ordered))
    make.transfer(session, other, "cap:1", 11960, debit="psp:sandbox:main", credit="dep:1")
    assert files.table(session, kind) == []
    assert files.table(session, kind, slug="aw27") != []
