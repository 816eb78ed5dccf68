from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2b.campaigns import importing
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.columns import ALIASES
from c2b.errors import Invalid
from tests.campaigns.files import candidates, csv, problems

OFFER = "code,name,price,tier2_units,tier2_price,tier3_units,tier3_price"
SIZES = "code,name,option1_name,option1_value,sku,price"


def test_a_row_alone_is_a_candidate_with_one_variant() -> None:
    (coat,) = candidates("code,name", "K1,Coat")
    assert [(variant.options, variant.sku, variant.sku_given) for variant in coat.variants] == [(("", ""), "K1", False)]


def test_a_price_stands_in_for_a_missing_estimate_and_never_for_a_given_one() -> None:
    (coat, dress) = candidates(f"{SIZES},price_from", "K1,Coat,Size,S,,299,", "K1,,,M,,399,", "K2,Dress,,,,199,150")
    assert (coat.values["price_from"], coat.values["price_to"]) == (29900, 39900)
    assert (dress.values["price_from"], dress.values["price_to"]) == (15000, 15000)


def test_without_any_price_the_estimate_stays_unknown() -> None:
    (coat,) = candidates("code,name", "K1,Coat")
    assert "price_from" not in coat.values


def test_a_single_variant_can_need_pieces_for_itself() -> None:
    (coat,) = candidates(f"{SIZES},variant_minimum", "K1,Coat,Size,S,a,9,20", "K1,,,M,b,9,")
    assert [variant.values["minimum"] for variant in coat.variants] == [20, None]
    assert "SKU起订量" in ALIASES["variant_minimum"]
    assert problems(f"{SIZES},variant_minimum", "K1,Coat,Size,S,a,9,many") != []


def test_amounts_are_read_in_the_campaigns_currency() -> None:
    parsed = importing.read(csv("code,name,price", "K1,Coat,1500"))
    assert assemble(parsed, currency="JPY")[0].variants[0].values["price"] == 1500
    parsed = importing.read(csv("code,name,price", "K1,Coat,15.50"))
    assert assemble(parsed, currency="JPY") == []
    assert "more decimal digits than JPY has" in str(parsed.findings.problems[0])
    parsed = importing.read(csv("code,name,price", "K1,Coat,15.505"))
    assert assemble(parsed, currency="KWD") == []
    assert "can’t be paid by card" in str(parsed.findings.problems[0])


def test_a_long_sku_that_is_made_up_stays_within_its_column_and_is_the_same_every_time() -> None:
    lines = (SIZES, f"K1,Coat,Size,{'长' * 90},,299")
    first, again = candidates(*lines), candidates(*lines)
    assert first[0].variants[0].sku == again[0].variants[0].sku
    assert len(first[0].variants[0].sku) < 80


def test_a_blank_cell_agrees_with_anything() -> None:
    (coat,) = candidates("code,name,category,price,option1_name,option1_value", "K1,,Coats,9,Size,S", "K1,Coat,,9,,M")
    assert (coat.values["name"], coat.values["category"]) == ("Coat", "Coats")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (("code,name", "K 1,Coat"), "row 2, code “K 1”: is no code of a candidate; use 1 to 60 of A-Z a-z 0-9 - _ ."),
        (("code,name", ",Coat"), "row 2, code: the code is missing"),
        (("code,name", "K1,"), "row 2, name: the name is missing"),
        (("款号,品名,价格", "K1,大衣,贵"), "row 2, 价格 “贵”: “贵” is not an amount; write it like 129.00"),
        (("code,name,price", "K1,Coat,-5"), "is not an amount"),
        (("code,name,minimum", "K1,Coat,1.5"), "row 2, minimum “1.5”: is not a whole number"),
        (("code,name,minimum", "K1,Coat,٣"), "is not a whole number"),
        (("code,name,minimum", "K1,Coat,0"), "must lie between 1 and 1000000"),
        (("code,name,tax_rate", "K1,Coat,NaN"), "is not a rate"),
        (("code,name,tax_rate", "K1,Coat,130"), "is not a rate"),
        (("code,name,tax_rate", "K1,Coat,0.001"), "is not a rate"),
        (("code,name,option1_name,option1_value,option1_swatch", "K1,Coat,Colour,Red,red"), "row 2, option1_swatch “red”: is not a colour"),
        (("code,name,price_from,price_to", "K1,Coat,30,20"), "row 2, price_to “20”: is below the estimate's beginning"),
        (("code,name,category", "K1,Coat,A", "K1,Coat,B"), "row 3, category “B”: row 2 says “A” of the same thing"),
        (("code,name,minimum", "K1,Coat,50", "K1,Coat,60"), "row 3, minimum “60”: row 2 says “50”"),
        ((OFFER, "K1,Coat,9,100,8,,", "K1,,9,200,8,,"), "row 3, tier2_units “200”: row 2 says “100”"),
        ((OFFER, "K1,Coat,9,100,,,"), "a tier needs units and a price"),
        ((OFFER, "K1,Coat,9,,8,,"), "row 2, tier2_price “8”: a tier needs units and a price"),
        ((OFFER, "K1,Coat,9,100,10,,"), "row 2, tier2_price “10”: is above the tier before"),
        ((OFFER, "K1,Coat,9,100,8,300,8.50"), "row 2, tier3_price “8.50”: is above the tier before"),
        ((OFFER, "K1,Coat,9,100,8,100,7"), "row 2, tier3_units “100”: tiers must rise"),
        ((OFFER, "K1,Coat,9,,,100,7"), "is above the tier before"),
        ((SIZES, "K1,Coat,Size,S,,9", "K1,,,,,9"), "row 3, option1_value: is blank, other rows of this candidate have a value"),
        ((SIZES, "K1,Coat,,S,,9"), "row 2, option1_name: values without a name"),
        ((SIZES, "K1,Coat,Size,S,,9", "K1,,,S,,8"), "row 3, option1_value “S”: row 2 is the same variant"),
        ((SIZES, "K1,Coat,Size,S,a,9", "K1,,,M,a,9"), "row 3, sku “a”: row 2 has the same SKU"),
        ((SIZES, "K1,Coat,Size,S,a,9", "K2,Coat,Size,S,a,9"), "row 3, sku “a”: row 2 has the same SKU"),
        ((f"{SIZES},option1_minimum", "K1,Coat,Size,S,a,9,20", "K1,,,S,b,9,30"), "row 3, option1_minimum “30”: row 2 says “20”"),
        (("code,name", f"K1,{'大' * 201}"), "has 201 characters; at most 200 fit"),
    ],
)
def test_every_problem_names_row_column_value_and_repair(lines: tuple[str, ...], problem: str) -> None:
    assert problem in problems(*lines)[0]


def test_all_problems_are_reported_and_each_keeps_out_only_its_own_candidate() -> None:
    parsed = importing.read(csv("code,name,price", "K1,Coat,9", "K2,,x", "K3,Dress,8", "K4,Hat,free"))
    assert [each.code for each in assemble(parsed, currency="CNY")] == ["K1", "K3"]
    assert sorted((problem.row, problem.column) for problem in parsed.findings.problems) == [(3, "name"), (3, "price"), (5, "price")]


def test_a_long_value_is_shown_in_part() -> None:
    assert len(problems("code,name,price", f"K1,Coat,{'9' * 5000}")[0]) < 300


def test_prices_may_differ_by_variant() -> None:
    (coat,) = candidates(SIZES, "K1,Coat,Size,S,,299", "K1,,,XXL,,349")
    assert [variant.values["price"] for variant in coat.variants] == [29900, 34900]


def test_a_tax_rate_is_kept_in_basis_points() -> None:
    offers = [each.offer["tax_rate"] for each in candidates("code,name,tax_rate", "K1,a,13", "K2,b,13%", "K3,c,6.5", "K4,d,")]
    assert offers == [1300, 1300, 650, None]


cells = st.text(alphabet='K12SM,;"\n\r\t =@-+.%款码 \u200b\ufeff价', max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(cells, max_size=6), min_size=1, max_size=6), st.sampled_from(["code,name,price", SIZES, OFFER, "Handle,Title"]))
def test_whatever_a_file_holds_it_is_read_or_refused(rows: list[list[str]], header: str) -> None:
    data = (header + "\n" + "\n".join(",".join(row) for row in rows)).encode()
    try:
        parsed = importing.read(data)
    except Invalid:
        return
    made = assemble(parsed, currency="CNY")
    assert len({variant.sku for each in made for variant in each.variants}) == sum(len(each.variants) for each in made)
    assert all(str(finding) for finding in (*parsed.findings.problems, *parsed.findings.notices))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_they_are_read_or_refused(data: bytes) -> None:
    with suppress(Invalid):
        assert importing.read(data).format in ("c2b", "shopify", "woocommerce")
