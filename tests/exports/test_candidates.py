from datetime import UTC, datetime

from sqlalchemy.orm import Session

from c2b.campaigns.models import Picture
from c2b.campaigns.rules import CampaignState
from c2b.exports.kinds import Kind
from tests import make
from tests.exports import files
from tests.exports.conftest import FORMULA, Shop
from tests.exports.test_kinds import SOON

KIND = Kind.CANDIDATES
IMPORTED = (
    "code, name, name_en, category, description, description_en, composition, care, price_from, price_to, price, tier2_units, tier2_price, "
    "tier3_units, tier3_price, minimum, pack, cap, supplier, unit_cost, lead_days, tax_rate, option1_name, option1_value, option1_minimum, "
    "option1_swatch, option2_name, option2_value, sku, barcode, weight_g, image, category_en, composition_en, care_en, option1_name_en, "
    "option1_value_en, option2_name_en, option2_value_en, variant_minimum"
)


def test_its_columns_begin_with_those_of_the_import(session: Session, shop: Shop) -> None:
    assert shop.campaign.slug == "ss27"
    assert ", ".join(files.header(session, KIND)) == IMPORTED + ", currency, votes, held, rank, result, withdrawn_at"


def test_a_candidate_has_a_row_a_variant_in_the_order_of_the_file(session: Session, shop: Shop) -> None:
    assert [(row["code"], row["option1_value"], row["price"]) for row in files.table(session, KIND)] == [
        (code, size, "299.00") for code in (shop.knit.code, shop.formula.code) for size in ("S", "M", "L")
    ]


def test_a_candidate_without_variants_is_there_too(session: Session) -> None:
    make.candidate(session, make.campaign(session), "K001", sizes="")
    (row,) = files.table(session, KIND)
    assert (row["code"], row["sku"], row["price"], row["price_from"]) == ("K001", "", "", "299.00")


def test_an_offer_and_the_first_picture_are_shown(session: Session) -> None:
    candidate = make.candidate(session, make.campaign(session), "K001", sizes="M")
    offered = {"minimum": 80, "pack": 10, "cap": 500, "tier2_units": 100, "tier3_units": 200, "lead_days": 30, "tax_rate": 1300}
    make.offer(session, candidate, make.supplier(session), **offered)
    session.add_all(Picture(candidate_id=candidate.id, position=position, source=f"{position}.jpg") for position in (2, 1))
    session.flush()
    (row,) = files.table(session, KIND)
    assert [row[name] for name in ("minimum", "pack", "cap", "tier2_units", "tier3_units", "lead_days", "tax_rate", "unit_cost")] == [
        *("80", "10", "500", "100", "200", "30", "13.00", "100.00")
    ]
    assert (row["supplier"], row["image"]) == ("TX2", "1.jpg")


def test_counted_and_held_votes_stand_apart_and_drafts_nowhere(session: Session, shop: Shop) -> None:
    make.ballot(session, shop.campaign, shop.knit, shop.formula)
    make.ballot(session, shop.campaign, shop.knit)
    make.ballot(session, shop.campaign, shop.knit, held_at=make.CLOSES, held_reason="same device")
    make.ballot(session, shop.campaign, shop.formula, source="draft")
    make.ballot(session, shop.campaign, shop.formula, source="draft", held_at=make.CLOSES, held_reason="same device")
    rows = files.table(session, KIND)
    assert {(row["code"], row["votes"], row["held"]) for row in rows} == {("K001", "2", "1"), ("K002", "1", "0")}


def test_votes_are_empty_before_voting_closes_except_for_who_may_look_at_counts(session: Session, shop: Shop) -> None:
    make.ballot(session, shop.campaign, shop.knit)
    shop.campaign.state = CampaignState.VOTING
    hidden, shown = files.table(session, KIND, now=SOON, counts_allowed=False), files.table(session, KIND, now=SOON, counts_allowed=True)
    assert {row["votes"] + row["held"] for row in hidden} == {""}
    assert {row["votes"] for row in shown} == {"1", "0"}


def test_rank_result_and_withdrawal_are_shown(session: Session, shop: Shop) -> None:
    shop.formula.withdrawn_at = datetime(2027, 3, 20, 16, 30, tzinfo=UTC)
    make.selection(session, shop.campaign, (shop.knit, 7), (shop.formula, 3), places=1)
    rows = {row["code"]: row for row in files.table(session, KIND)}
    assert [(rows[code]["rank"], rows[code]["result"]) for code in ("K001", "K002")] == [("1", "selected"), ("2", "not_selected")]
    assert (rows["K001"]["withdrawn_at"], rows["K002"]["withdrawn_at"]) == ("", "2027-03-21T00:30:00+08:00")
    assert files.document(session, KIND)["run"] == "4" * 64


def test_a_name_like_a_formula_arrives_as_text(session: Session, shop: Shop) -> None:
    page = files.workbook(session, KIND)["候选款"]
    named = [row[1] for row in page.iter_rows(min_row=2) if row[0].value == shop.formula.code]
    assert {(cell.value, cell.data_type, bool(cell.quotePrefix)) for cell in named} == {(FORMULA, "s", True)}
    assert {row["name"] for row in files.table(session, KIND) if row["code"] == "K002"} == {"'" + FORMULA}
    assert {row["name"] for row in files.document(session, KIND)["rows"] if row["code"] == "K002"} == {FORMULA}
