import csv
import io
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns import readiness
from c2b.campaigns.catalogue import import_candidates, import_suppliers
from c2b.campaigns.importing import formats
from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.campaigns.rules import CampaignState, voting_is_open
from c2b.db import Base, Database
from c2b.demo import seasons, shop, stock, voters
from c2b.demo.catalogue import Product, words
from c2b.demo.seasons import Season
from c2b.demo.shop import Shop
from c2b.errors import Refused
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.people import actions as people
from c2b.people.models import Address, Person, Staff
from c2b.people.rules import AddressKind, Role, address_digest
from c2b.stores.actions import import_stores
from c2b.stores.file import read_stores
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.rules import BallotSource
from tests import make
from tests.statements import counted

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
SECRET = "k" * 40
SMALL = seasons.voting(30)
GATES = {CampaignState.VOTING: readiness.before_voting}


def open_shop(database: Database, folder: Path) -> Shop:
    return Shop(database, folder, SECRET, GATES, {"sandbox": Sandbox(folder / "sandbox.db", lambda: NOW)}, NOW)


def few(season: Season, count: int) -> Season:
    return Season(**(vars(season) | {"voters": count, "ring": 0}))


@pytest.fixture
def opened(database: Database, tmp_path: Path) -> Shop:
    made = open_shop(database, tmp_path / "data")
    shop.open_doors(made, few(SMALL, 40))
    return made


def one(session: Session, slug: str = SMALL.slug) -> Campaign:
    return session.scalars(select(Campaign).where(Campaign.slug == slug)).one()


def count(session: Session, table: type[Base]) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def as_csv(products: list[Product]) -> bytes:
    """Write products as a merchant would, in our own format: one row a variant."""
    text = io.StringIO()
    rows = [row for product in products for row in own_rows(product)]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def own_rows(product: Product) -> list[dict[str, object]]:
    terms = product.terms
    texts = {name: getattr(product, name) for name in ("name", "category", "description", "composition", "care")}
    fixed: dict[str, object] = {"code": product.code, "option1_name": "颜色", "option2_name": "尺码", "supplier": terms.supplier}
    fixed |= {name: text.zh for name, text in texts.items()} | {f"{name}_en": text.en for name, text in texts.items()}
    fixed |= {"price_from": terms.estimate[0] / 100, "price_to": terms.estimate[1] / 100, "price": terms.prices[0] / 100}
    fixed |= {"tier2_units": terms.tier_units[0], "tier2_price": terms.prices[1] / 100, "tier3_units": terms.tier_units[1]}
    fixed |= {"tier3_price": terms.prices[2] / 100, "minimum": terms.minimum, "pack": terms.pack, "cap": terms.cap or ""}
    fixed |= {"unit_cost": terms.unit_cost / 100, "lead_days": terms.lead_days, "tax_rate": "13%", "weight_g": product.weight_g}
    return [
        fixed | {"option1_value": colour.name.zh, "option1_swatch": colour.hex, "option2_value": size.zh, "sku": f"{product.code}-{c}-{s}"}
        for c, colour in enumerate(product.colours)
        for s, size in enumerate(product.sizes)
    ]


def test_the_catalogue_passes_our_own_import_without_a_problem(sqlite_database: Database) -> None:
    season = seasons.voting(500)
    with sqlite_database.transaction() as session:
        make.campaign(session, slug="import", state=CampaignState.DRAFT)
        stock.hire_suppliers(session)
        parsed = formats.read(as_csv(season.products()), format="c2b")
        report = import_candidates(session, slug="import", parsed=parsed, actor="cli:test", now=NOW)
    assert list(report.problems) == []
    with sqlite_database.reading() as session:
        assert count(session, Candidate) == 500
        assert count(session, Offer) == 500
        assert set(session.scalars(select(OptionValue.swatch).where(OptionValue.axis == 1))) <= {
            c["hex"] for c in words()["colours"].values()
        }


def test_the_factories_pass_our_own_import() -> None:
    assert callable(import_suppliers)
    assert all(re.fullmatch("[A-Z]{2}[0-9]", factory["code"]) for factory in words()["suppliers"])


def test_the_stores_pass_our_own_import(sqlite_database: Database) -> None:
    names = list(words()["stores"][0])
    lines = [",".join(names), *(",".join(str(store[name]) for name in names) for store in words()["stores"])]
    listing = read_stores("\n".join(lines).encode())
    assert listing.findings.problems == []
    with sqlite_database.transaction() as session:
        first = stock.open_stores(session)
        assert stock.open_stores(session) == first
        assert import_stores(session, stores=listing, actor="cli:test", now=NOW).unchanged == len(first)


def test_voting_is_open_and_closes_in_six_days(opened: Shop) -> None:
    with opened.database.reading() as session:
        campaign = one(session)
        assert campaign.state is CampaignState.VOTING
        assert voting_is_open(campaign, NOW)
        assert campaign.voting_closes is not None
        assert timedelta(days=5) < campaign.voting_closes - NOW < timedelta(days=7)


@pytest.mark.parametrize("hour", [0, 2, 14, 15, 23])
def test_at_any_hour_of_the_day_each_campaign_is_in_its_phase(hour: int) -> None:
    now = NOW.replace(hour=hour)
    autumn, summer, spring = (season.document(now) for season in (SMALL, seasons.ORDERING, seasons.DECIDED))
    assert autumn["voting"]["opens"] < now < autumn["voting"]["closes"]
    assert summer["voting"]["closes"] < summer["ordering"]["opens"] < now < summer["ordering"]["closes"]
    assert spring["ordering"]["closes"] < now - timedelta(days=1) < spring["balance"]["due"]


def test_every_candidate_has_variants_and_a_picture_of_each_colour(opened: Shop) -> None:
    with opened.database.reading() as session:
        assert count(session, Candidate) == 30
        colours = len(session.scalars(select(OptionValue.id).where(OptionValue.axis == 1)).all())
        assert count(session, Picture) == colours >= 60
        per_candidate = session.execute(select(Variant.candidate_id, func.count()).group_by(Variant.candidate_id)).all()
        assert len(per_candidate) == 30
        assert all(variants in {2, 3, 4, 12, 18, 24} for _, variants in per_candidate)


def test_a_picture_shows_the_colour_that_its_row_names(opened: Shop) -> None:
    with opened.database.reading() as session:
        rows = session.execute(select(Picture.file, OptionValue.swatch).join(OptionValue, OptionValue.id == Picture.option_value_id)).all()
    for file, swatch in rows:
        drawing = (opened.data / "media" / file).read_text(encoding="utf-8")
        assert f'fill="{swatch}"' in drawing
        assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314  our own drawing


def test_pictures_have_names_that_tell_nothing(opened: Shop) -> None:
    files = [path.name for path in (opened.data / "media").iterdir()]
    assert all(re.fullmatch(r"[0-9a-f]{32}\.svg", name) for name in files)


def test_names_of_pictures_stay_the_same_and_differ_from_each_other() -> None:
    names = [stock.picture_name(slug, code, number) for slug in ("a", "b") for code in ("K001", "K002") for number in (0, 1)]
    assert len(set(names)) == 8
    assert names[0] == stock.picture_name("a", "K001", 0)


def test_while_voting_there_are_estimates_and_no_offers_yet(opened: Shop) -> None:
    with opened.database.reading() as session:
        assert count(session, Offer) == 0
        low_high = session.execute(select(Candidate.price_from, Candidate.price_to)).all()
        assert all(low is not None and high is not None and low < high for low, high in low_high)


def test_an_offer_is_complete(database: Database) -> None:
    with database.transaction() as session:
        campaign = make.campaign(session, slug="offered", state=CampaignState.DRAFT)
        made = seasons.ORDERING.products()
        stock.enter(session, campaign, made, offered=True)
        rows = session.execute(
            select(Candidate.code, Offer, Supplier.code).join(Offer, Offer.candidate_id == Candidate.id).join(Supplier)
        ).all()
    offers = {code: (offer, supplier) for code, offer, supplier in rows}
    for product in made:
        offer, supplier = offers[product.code]
        assert (offer.minimum, offer.pack, offer.cap) == (product.terms.minimum, product.terms.pack, product.terms.cap)
        assert (offer.tier2_units, offer.tier3_units) == product.terms.tier_units
        assert (supplier, offer.unit_cost, offer.tax_rate) == (product.terms.supplier, product.terms.unit_cost, 1300)


def test_factories_are_hired_once(database: Database) -> None:
    with database.transaction() as session:
        first = stock.hire_suppliers(session)
        assert stock.hire_suppliers(session) == first
        assert count(session, Supplier) == 6
        assert session.scalars(select(Supplier.name).where(Supplier.code == "TX2")).one() == "桐乡织造二厂"


def test_stocking_takes_as_many_statements_for_many_as_for_few(sqlite_database: Database) -> None:
    used = []
    for number, candidates in enumerate((5, 60)):
        with sqlite_database.transaction() as session:
            campaign = make.campaign(session, slug=f"size-{number}", state=CampaignState.DRAFT)
            with counted(sqlite_database) as statements:
                stock.enter(session, campaign, seasons.voting(candidates).products(), offered=False)
            used.append(len(statements))
    assert used[0] == used[1] <= 8


def test_barcodes_and_skus_are_unique_across_campaigns(database: Database) -> None:
    with database.transaction() as session:
        for slug in ("one", "two"):
            stock.enter(session, make.campaign(session, slug=slug, state=CampaignState.DRAFT), seasons.voting(20).products(), offered=False)
        barcodes = Counter(session.scalars(select(Variant.barcode)))
        skus = Counter(session.scalars(select(Variant.sku)))
    assert max(barcodes.values()) == 1
    assert max(skus.values()) == 1


def test_opening_twice_changes_nothing(opened: Shop) -> None:
    pictures = {path.name: path.stat().st_mtime_ns for path in (opened.data / "media").iterdir()}
    with counted(opened.database) as statements:
        shop.open_doors(opened, SMALL)
    assert not [statement for statement in statements if not statement.startswith("SELECT")]
    assert {path.name: path.stat().st_mtime_ns for path in (opened.data / "media").iterdir()} == pictures


def test_guests_can_sign_in_by_their_address(database: Database) -> None:
    with database.transaction() as session:
        made = voters.guests(session, count=3, secret_key=SECRET, now=NOW)
        digest = address_digest(SECRET, AddressKind.EMAIL, "guest0002@example.com")
        assert session.scalars(select(Address.person_id).where(Address.digest == digest)).one() == made[1]
        assert all(address.verified_at for address in session.scalars(select(Address)))
        viewers = list(session.scalars(select(Person.viewer)))
        assert len(set(viewers)) == 3
        assert min(people.reserve_viewers(session, count=1)) > max(viewers)


def test_the_same_guests_come_again(database: Database) -> None:
    with database.transaction() as session:
        first = voters.guests(session, count=3, secret_key=SECRET, now=NOW)
        assert voters.guests(session, count=2, secret_key=SECRET, now=NOW) == first[:2]
        assert voters.guests(session, count=5, secret_key=SECRET, now=NOW)[:3] == first
        assert count(session, Person) == count(session, Address) == 5


def test_ballots_keep_to_the_votes_each_and_to_the_time(opened: Shop) -> None:
    shop.fill(opened, few(SMALL, 40))
    with opened.database.reading() as session:
        campaign = one(session)
        assert campaign.voting_opens is not None
        ballots = list(session.scalars(select(Ballot)))
        assert len(ballots) == 40
        assert {ballot.source for ballot in ballots} == {BallotSource.VERIFIED}
        picks = Counter(session.scalars(select(Pick.person_id)))
        assert max(picks.values()) <= campaign.votes_each
        moments = list(session.scalars(select(VoteEvent.at).order_by(VoteEvent.id)))
        assert moments == sorted(moments)
        assert campaign.voting_opens <= moments[0] <= moments[-1] <= NOW


def test_a_ballots_version_counts_its_taps(opened: Shop) -> None:
    shop.fill(opened, few(SMALL, 40))
    with opened.database.reading() as session:
        taps = Counter(session.scalars(select(VoteEvent.person_id)))
        assert {ballot.person_id: ballot.version for ballot in session.scalars(select(Ballot))} == taps
        undone = {tuple(row) for row in session.execute(select(VoteEvent.person_id, VoteEvent.candidate_id).where(VoteEvent.undo))}
        standing = {tuple(row) for row in session.execute(select(Pick.person_id, Pick.candidate_id))}
        voted = {tuple(row) for row in session.execute(select(VoteEvent.person_id, VoteEvent.candidate_id).where(~VoteEvent.undo))}
    assert standing == voted - undone


def test_popularity_has_a_long_tail() -> None:
    dice = shop_dice("tail")
    drawn = voters.ballots(range(500), [NOW] * 3000, votes_each=15, dice=dice)
    votes = sorted(Counter(pick for ballot in drawn for pick in ballot.kept).values(), reverse=True)
    assert len(votes) == 500
    assert votes[0] > 4 * votes[250] > 4 * votes[-1]


def test_nobody_taps_the_same_product_twice() -> None:
    for ballot in voters.ballots(range(40), [NOW] * 200, votes_each=15, dice=shop_dice("taps")):
        assert len(set(ballot.taps)) == len(ballot.taps)
        assert 1 <= len(ballot.kept) <= 15


def test_people_come_in_the_evening_more_than_at_night() -> None:
    opens = NOW - timedelta(days=8)
    moments = voters.arrivals(4000, opens, NOW, shop_dice("hours"))
    hours = Counter((moment.hour + 8) % 24 for moment in moments)
    assert hours[20] > 5 * hours[3]
    assert moments == sorted(moments)
    assert opens <= moments[0] <= moments[-1] <= NOW
    assert len({moment.date() for moment in moments}) == 9


def shop_dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311  made-up votes


def test_the_votes_are_written_in_few_statements(opened: Shop) -> None:
    with counted(opened.database) as statements, opened.database.transaction() as session:
        shop._vote(session, opened, few(SMALL, 60))
    assert len({statement for statement in statements if statement.startswith("INSERT")}) <= 8


def test_filling_twice_changes_nothing(opened: Shop) -> None:
    shop.fill(opened, few(SMALL, 40))
    with opened.database.reading() as session:
        before = {table: count(session, table) for table in (Ballot, Pick, VoteEvent, Person, Staff)}
    shop.fill(opened, few(SMALL, 40))
    with opened.database.reading() as session:
        assert {table: count(session, table) for table in (Ballot, Pick, VoteEvent, Person, Staff)} == before


def test_every_role_can_sign_in(opened: Shop) -> None:
    with opened.database.transaction() as session:
        shop._hire(session, opened)
        assert {staff.role for staff in session.scalars(select(Staff))} == set(Role)
        assert people.sign_in_staff(session, email="owner@example.com", password=shop.PASSWORD, now=NOW)


def test_an_empty_folder_becomes_the_demos(tmp_path: Path) -> None:
    shop.claim(tmp_path / "new", reset=False)
    assert (tmp_path / "new" / shop.MARKER).is_file()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for reset in (False, True):
        with pytest.raises(Refused, match="has other things in it"):
            shop.claim(tmp_path, reset=reset)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_reset_starts_anew(tmp_path: Path) -> None:
    shop.claim(tmp_path / "demo", reset=False)
    (tmp_path / "demo" / "c2b.db").write_text("old")
    shop.claim(tmp_path / "demo", reset=False)
    assert (tmp_path / "demo" / "c2b.db").exists()
    shop.claim(tmp_path / "demo", reset=True)
    assert not (tmp_path / "demo" / "c2b.db").exists()
    assert (tmp_path / "demo" / shop.MARKER).is_file()


@pytest.mark.parametrize("candidates", [1, 3, 20, 500, 1000])
def test_a_campaign_of_any_size_keeps_to_its_own_rules(candidates: int) -> None:
    season = seasons.voting(candidates)
    assert 1 <= season.places <= min(150, candidates)
    assert 1 <= season.votes_each <= candidates
