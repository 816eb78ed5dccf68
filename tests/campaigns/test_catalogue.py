from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns import catalogue, importing, queries
from c2b.campaigns.importing.pictures import Stored
from c2b.campaigns.importing.suppliers import read_suppliers
from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.campaigns.queries import CandidateDetail
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Refused
from tests import make
from tests.campaigns.files import NOW, csv, load

HEADER = "code,name,category,option1_name,option1_value,sku,price,image"
COAT = ("K1,Coat,Coats,Size,S,,299,a.jpg", "K1,,,,M,,299,", "K1,,,,L,,349,b.jpg")
DRESS = ("K2,Dress,Dresses,,,D2,199,",)


@pytest.fixture
def draft(session: Session) -> Campaign:
    return make.campaign(session, state=CampaignState.DRAFT)


def shown(session: Session, of: Campaign, code: str) -> CandidateDetail:
    return queries.candidate(session, of.id, code, locale="zh_Hans_CN")


def count(session: Session, model: type[Any]) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


class TestADraft:
    def test_takes_everything_in_the_order_of_the_file(self, session: Session, draft: Campaign) -> None:
        report = load(session, (HEADER, *COAT, *DRESS))
        assert (report.written, report.new, report.variants, report.pictures) == (True, 2, 4, 2)
        coat = shown(session, draft, "K1")
        assert [(variant.label, variant.sku, variant.price) for variant in coat.variants] == [
            ("S", "K1-S", 29900),
            ("M", "K1-M", 29900),
            ("L", "K1-L", 34900),
        ]
        assert [picture.source for picture in coat.pictures] == ["a.jpg", "b.jpg"]
        assert [card.code for card in queries.candidates(session, draft.id, locale="en")] == ["K1", "K2"]

    @pytest.mark.usefixtures("draft")
    def test_takes_the_same_file_twice_and_changes_nothing_the_second_time(self, session: Session) -> None:
        load(session, (HEADER, *COAT, *DRESS))
        report = load(session, (HEADER, *COAT, *DRESS))
        assert (report.new, report.changed, report.unchanged, report.pictures) == (0, 0, 2, 0)
        assert [entry.action for entry in session.scalars(select(AuditEntry))] == ["candidates.import"]

    def test_takes_a_change_of_any_column_as_a_change_of_its_candidate_alone(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *COAT, *DRESS))
        report = load(session, (HEADER, *COAT, "K2,Dress,Dresses,,,D2,189,"))
        assert (report.new, report.changed, report.unchanged) == (0, 1, 1)
        assert shown(session, draft, "K2").variants[0].price == 18900

    def test_loses_a_size_that_the_file_has_no_more(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *COAT, *DRESS))
        report = load(session, (HEADER, COAT[2], COAT[0]))
        assert report.changed == 1
        assert [variant.label for variant in shown(session, draft, "K1").variants] == ["L", "S"]
        assert count(session, OptionValue) == 2
        assert shown(session, draft, "K2").card.name == "Dress", "who isn't in the file stays"

    def test_keeps_what_a_file_without_the_column_does_not_mention(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *DRESS))
        load(session, ("code,name", "K2,Evening dress"))
        dress = shown(session, draft, "K2")
        assert (dress.card.name, dress.card.category, dress.variants[0].sku, dress.variants[0].price) == (
            "Evening dress",
            "Dresses",
            "D2",
            19900,
        )

    def test_two_variants_may_swap_their_skus(self, session: Session, draft: Campaign) -> None:
        header = "code,name,option1_name,option1_value,sku"
        load(session, (header, "K1,Coat,Size,S,a", "K1,,,M,b"))
        load(session, (header, "K1,Coat,Size,S,b", "K1,,,M,a"))
        assert [(variant.label, variant.sku) for variant in shown(session, draft, "K1").variants] == [("S", "b"), ("M", "a")]

    def test_new_candidates_come_after_those_that_are_there(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *DRESS))
        load(session, (HEADER, *COAT, *DRESS))
        assert [card.code for card in queries.candidates(session, draft.id, locale="en")] == ["K2", "K1"]

    def test_a_picture_that_was_stored_is_kept_when_the_file_comes_again_without_it(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *COAT), shots={"a.jpg": Stored("x.webp", 40, 30)})
        load(session, (HEADER, *COAT))
        pictures = shown(session, draft, "K1").pictures
        assert [(picture.file, picture.width) for picture in pictures] == [("x.webp", 40), ("", 0)]
        assert catalogue.stored_pictures(session, "ss27") == {("K1", "a.jpg")}

    @pytest.mark.usefixtures("draft")
    def test_a_picture_of_a_colour_outlives_the_colour(self, session: Session) -> None:
        header = "code,name,option1_name,option1_value,option1_swatch,image"
        load(session, (header, "K1,Coat,Colour,Indigo,#1f3a5f,i.jpg", "K1,,,Ecru,#eeeadd,e.jpg"))
        linked = session.scalars(select(Picture.option_value_id).order_by(Picture.id)).all()
        assert None not in linked
        load(session, (header, "K1,Coat,Colour,Indigo,#1f3a5f,i.jpg"))
        assert session.scalars(select(Picture.option_value_id).order_by(Picture.id)).all() == [linked[0], None]

    def test_a_candidate_named_like_a_formula_is_a_text(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, 'K1,"=HYPERLINK(""x"")",,,,,9,'))
        assert shown(session, draft, "K1").card.name == '=HYPERLINK("x")'

    def test_offers_with_their_supplier_may_come_along(self, session: Session, draft: Campaign) -> None:
        make.supplier(session, "TX2")
        header = "code,name,price,tier2_units,tier2_price,minimum,pack,cap,supplier,unit_cost,lead_days,tax_rate"
        load(session, (header, "K1,Coat,299,200,279,50,,500,TX2,120.50,30,13"))
        offer = shown(session, draft, "K1").offer
        assert offer is not None
        assert (offer.minimum, offer.pack, offer.cap, offer.tier2_units, offer.supplier_code) == (50, 1, 500, 200, "TX2")
        assert (offer.unit_cost, offer.lead_days, offer.tax_rate) == (12050, 30, 1300)

    @pytest.mark.usefixtures("draft")
    def test_without_any_offer_column_there_is_no_offer(self, session: Session) -> None:
        load(session, (HEADER, *COAT))
        assert count(session, Offer) == 0


class TestProblems:
    @pytest.mark.usefixtures("draft")
    def test_one_alone_keeps_the_whole_file_out(self, session: Session) -> None:
        report = load(session, (HEADER, *COAT, "K3,,,,,,cheap,"))
        assert (report.written, report.new, len(report.problems)) == (False, 0, 2)
        assert [count(session, model) for model in (Candidate, Variant, AuditEntry)] == [0, 0, 0]

    @pytest.mark.usefixtures("draft")
    def test_bad_candidates_are_skipped_when_asked(self, session: Session) -> None:
        report = load(session, (HEADER, *COAT, "K3,,,,,,cheap,"), skip_bad=True)
        assert (report.written, report.new, report.skipped) == (True, 1, 1)

    @pytest.mark.usefixtures("draft")
    def test_a_supplier_nobody_knows_is_one(self, session: Session) -> None:
        report = load(session, ("code,name,supplier", "K1,Coat,TX9"))
        assert [str(problem) for problem in report.problems] == [
            "row 2, supplier “TX9”: there is no such supplier; import it first with c2b suppliers import, or correct the code"
        ]

    @pytest.mark.usefixtures("draft")
    def test_a_sku_of_another_candidate_is_one(self, session: Session) -> None:
        load(session, (HEADER, *DRESS))
        report = load(session, (HEADER, "K9,Hat,,,,D2,9,"))
        assert "candidate K2 has the same SKU" in str(report.problems[0])

    def test_tiers_that_contradict_the_stored_ones_are_refused(self, session: Session, draft: Campaign) -> None:
        load(session, ("code,name,price,tier2_units,tier2_price", "K1,Coat,299,200,279"))
        with pytest.raises(Refused, match="all tier columns"):
            load(session, ("code,name,price", "K1,Coat,199"))
        assert shown(session, draft, "K1").variants[0].price == 29900

    def test_a_made_up_sku_that_another_row_was_given_is_refused_by_the_database_in_words(self, session: Session, draft: Campaign) -> None:
        header = "code,name,option1_name,option1_value,sku"
        load(session, (header, "K1,Coat,Size,S,a", "K1,,,M,b"))
        with pytest.raises(Refused, match="contradicts"):
            load(session, (header, "K1,Coat,Size,S,", "K1,,,M,a"))
        assert [variant.sku for variant in shown(session, draft, "K1").variants] == ["a", "b"]

    @pytest.mark.usefixtures("draft")
    def test_a_dry_run_tells_what_would_happen_and_writes_nothing(self, session: Session) -> None:
        report = load(session, (HEADER, *COAT, *DRESS), dry_run=True)
        assert (report.written, report.new, report.variants) == (False, 2, 4)
        assert [count(session, model) for model in (Candidate, Variant, Picture, AuditEntry)] == [0, 0, 0, 0]


class TestStates:
    @pytest.mark.parametrize("state", ["voting", "tally", "ordering", "settling", "decided", "completed", "cancelled"])
    def test_what_is_frozen_takes_nothing(self, session: Session, state: str) -> None:
        make.campaign(session, state=CampaignState(state))
        with pytest.raises(Refused, match="frozen"):
            load(session, (HEADER, *COAT))

    def test_an_unknown_campaign_is_not_found(self, session: Session) -> None:
        with pytest.raises(NotFound):
            load(session, (HEADER, *COAT))

    def test_scheduled_takes_everything(self, session: Session, draft: Campaign) -> None:
        draft.state = CampaignState.SCHEDULED
        assert load(session, (HEADER, *COAT)).new == 1

    def test_after_the_selection_only_offers_of_the_selected_are_set(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *COAT, *DRESS))
        draft.state = CampaignState.SELECTED
        coat = shown(session, draft, "K1").card
        offers = ("code,name,price_from,option1_value,option1_name,price,minimum", "K1,Renamed,1,S,Size,259,80", "K1,,,XXL,,289,")
        report = load(session, (*offers, "K2,Dress,,,,150,"), selected={coat.id})
        assert (report.written, report.changed, report.skipped) == (True, 1, 1)
        assert [str(notice) for notice in report.notices] == ["row 4, code “K2”: the candidate wasn't selected and gets no offer"]
        after = shown(session, draft, "K1")
        assert (after.card.name, after.card.price_from, after.card.price_to) == (coat.name, coat.price_from, coat.price_to)
        assert [(variant.label, variant.price) for variant in after.variants] == [("S", 25900), ("XXL", 28900)]
        assert after.offer is not None
        assert after.offer.minimum == 80
        assert shown(session, draft, "K2").variants[0].price == 19900

    def test_after_the_selection_an_unknown_code_is_a_problem(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *DRESS))
        draft.state = CampaignState.SELECTED
        report = load(session, (HEADER, *DRESS, "K9,Hat,,,,,9,"))
        assert (report.written, str(report.problems[0]).split(":")[0]) == (False, "row 3, code “K9”")

    def test_without_a_voting_phase_all_are_selected(self, session: Session, draft: Campaign) -> None:
        load(session, (HEADER, *DRESS))
        draft.state = CampaignState.SELECTED
        assert load(session, (HEADER, "K2,Dress,,,,D2,150,"), selected=None).changed == 1


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def many(rows: int) -> list[str]:
    header = "code,name,option1_name,option1_value,price,minimum,image"
    return [header, *(f"K{n // 4},Coat {n // 4},Size,{'SMLX'[n % 4]},299,50,{n // 4}.jpg" for n in range(rows))]


def test_a_thousand_rows_take_as_many_statements_as_four(database: Database) -> None:
    used = []
    for slug, rows in (("small", 4), ("large", 1000)):
        with database.transaction() as session:
            make.campaign(session, slug=slug, state=CampaignState.DRAFT)
            with statements(database.engine) as seen:
                assert load(session, many(rows), slug).new == rows // 4
            used.append(len(seen))
            with statements(database.engine) as seen:
                assert load(session, many(rows), slug).unchanged == rows // 4
            used.append(len(seen))
    small, small_again, large, large_again = used
    assert (large, large_again) == (small, small_again)
    assert large < 40


@pytest.mark.parametrize("name", ["litemall_239_goods.csv", "litemall_239_goods_gbk.csv"])
def test_239_real_chinese_goods_arrive_from_utf8_and_gbk_alike(session: Session, draft: Campaign, real_data: Path, name: str) -> None:
    data = (real_data / "catalogues" / "chinese" / name).read_bytes()
    report = load(session, data)
    assert (report.new, report.variants, report.problems) == (239, 244, ())
    bed = shown(session, draft, "1181000")
    assert (bed.card.name, bed.card.price_from, bed.card.price_to) == ("母亲节礼物-舒适安睡组合", 99900, 300000)
    assert bed.option1_name == "规格"
    assert [variant.label for variant in bed.variants][:2] == ["1.5m床垫*1+枕头*2/浅杏粉", "1.5m床垫*1+枕头*2/玛瑙红"]
    again = load(session, data)
    assert (again.new, again.changed, again.unchanged, again.pictures) == (0, 0, 239, 0)


def test_all_real_catalogues_fit_into_one_campaign(session: Session, draft: Campaign, real_data: Path) -> None:
    shops = real_data / "catalogues"
    files = ["shopify/apparel.csv", "shopify/jewelery.csv", "shopify/packt_Product-data.csv", "woocommerce/sample_products.csv"]
    reports = [load(session, (shops / file).read_bytes()) for file in files]
    assert [(report.new, report.variants, len(report.problems)) for report in reports] == [
        (20, 22, 0),
        (20, 23, 0),
        (20, 21, 0),
        (11, 24, 0),
    ]
    assert len(queries.candidate_ids(session, draft.id)) == 71


class TestSuppliers:
    def load(self, session: Session, *lines: str, **options: Any) -> catalogue.ImportReport:
        return catalogue.import_suppliers(session, suppliers=read_suppliers(csv(*lines)), actor="cli:mei", now=NOW, **options)

    def test_are_made_then_updated_then_left_alone(self, session: Session) -> None:
        header = "code,name,contact,phone,capacity_units,lead_days"
        assert self.load(session, header, "TX2,桐乡二厂,,0573-1,20000,30", "YL,义乌,,,,").new == 2
        report = self.load(session, header, "TX2,桐乡织造二厂,,0573-1,20000,30", "YL,义乌,,,,")
        assert (report.new, report.changed, report.unchanged) == (0, 1, 1)
        assert self.load(session, header, "TX2,桐乡织造二厂,,0573-1,20000,30").unchanged == 1
        session.expire_all()
        factory = session.scalars(select(Supplier).where(Supplier.code == "TX2")).one()
        assert (factory.name, factory.capacity_units, factory.lead_days) == ("桐乡织造二厂", 20000, 30)
        assert [entry.action for entry in session.scalars(select(AuditEntry))] == ["suppliers.import"] * 2

    def test_go_by_chinese_columns_too(self, session: Session) -> None:
        report = self.load(session, "供应商编码,供应商名称,联系人,地址", "TX2,桐乡二厂,a@example.com,桐乡")
        assert (report.new, str(report.notices[0])) == (1, "columns that aren't used: 地址")

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("T 2,a,1", "row 2, code “T 2”: is no code of a supplier"),
            ("T2,,1", "row 2, name: a name has 1 to 200 characters"),
            ("T2,a,many", "row 2, lead_days “many”: is not a whole number"),
            (f"T2,{'a' * 201},1", "a name has 1 to 200 characters"),
        ],
    )
    def test_with_a_problem_are_not_written_unless_asked(self, session: Session, line: str, problem: str) -> None:
        report = self.load(session, "code,name,lead_days", line, "OK,Fine,1")
        assert problem in str(report.problems[0])
        assert (report.written, count(session, Supplier)) == (False, 0)
        assert self.load(session, "code,name,lead_days", line, "OK,Fine,1", skip_bad=True).new == 1

    def test_come_only_once_each(self, session: Session) -> None:
        assert "the code comes twice" in str(self.load(session, "code,name", "T2,a", "T2,b").problems[0])

    def test_need_code_and_name(self) -> None:
        with pytest.raises(Invalid, match="no column name"):
            read_suppliers(csv("code,phone", "T2,1"))


def test_reading_needs_no_database() -> None:
    assert importing.read(csv(HEADER, *COAT)).format == "c2b"
