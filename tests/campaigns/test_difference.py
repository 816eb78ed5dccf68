from dataclasses import replace
from typing import Any

import pytest

from c2b.campaigns.importing.columns import COLUMNS, named
from c2b.campaigns.importing.contradictions import contradictions
from c2b.campaigns.importing.findings import Finding, Findings
from c2b.campaigns.importing.shapes import CandidateIn, VariantIn
from c2b.campaigns.importing.write import Difference, difference
from c2b.errors import Invalid

HAVE = [{"id": 1, "code": "a", "name": "A", "price": 1}, {"id": 2, "code": "b", "name": "B", "price": 2}]


def compared(*want: dict[str, Any]) -> Difference:
    return difference(HAVE, list(want), key=("code",), blank={"name": "", "price": None})


class TestADifference:
    def test_of_equal_rows_is_nothing(self) -> None:
        assert compared({"code": "a", "name": "A"}, {"code": "b", "price": 2}) == Difference([], [], [])

    def test_has_a_changed_row_as_a_whole(self) -> None:
        found = compared({"code": "a", "price": 9}, {"code": "b"})
        assert found.changed == [{"id": 1, "code": "a", "name": "A", "price": 9}]

    def test_fills_a_new_row_with_blanks(self) -> None:
        assert compared({"code": "c", "name": "C"}).new == [{"code": "c", "name": "C", "price": None}]

    def test_knows_what_nothing_wants_any_more_and_can_keep_it(self) -> None:
        found = compared({"code": "b"})
        assert [row["code"] for row in found.gone] == ["a"]
        assert found.keeping() == Difference([], [], [])

    def test_goes_by_several_columns_where_the_key_has_them(self) -> None:
        have = [{"id": 1, "of": 1, "source": "a.jpg"}, {"id": 2, "of": 2, "source": "a.jpg"}]
        found = difference(have, [{"of": 2, "source": "a.jpg"}, {"of": 2, "source": "b.jpg"}], key=("of", "source"), blank={})
        assert ([row["id"] for row in found.gone], found.new) == ([1], [{"of": 2, "source": "b.jpg"}])


def variant(row: int, first: str = "", second: str = "", **values: Any) -> VariantIn:
    return VariantIn(row, row - 1, (first, second), f"K1-{row}", sku_given=False, values=values)


PLAIN = CandidateIn(2, "K1", {"name": "Coat"}, {}, (), (variant(2, price=900),), ())


def wrong(candidate: CandidateIn) -> list[tuple[int, str]]:
    return [(found.row, found.column) for found in contradictions(candidate)]


class TestACandidateContradictsItself:
    def test_not_when_all_is_well(self) -> None:
        assert wrong(PLAIN) == []
        sizes = (variant(2, "S"), variant(3, "M"))
        assert wrong(replace(PLAIN, values={"name": "Coat", "option1_name": "Size"}, variants=sizes)) == []

    def test_not_by_a_name_that_the_file_does_not_mention(self) -> None:
        assert wrong(replace(PLAIN, values={})) == []
        assert wrong(replace(PLAIN, values={"name": ""})) == [(2, "name")]

    def test_by_an_estimate_that_ends_before_it_begins(self) -> None:
        assert wrong(replace(PLAIN, values={"name": "Coat", "price_from": 2, "price_to": 1})) == [(2, "price_to")]
        assert wrong(replace(PLAIN, values={"name": "Coat", "price_from": 2, "price_to": 2})) == []

    @pytest.mark.parametrize("axis", [1, 2])
    def test_by_a_value_that_some_rows_lack_and_by_one_without_a_name(self, axis: int) -> None:
        filled = variant(2, *("", "M")) if axis == 2 else variant(2, "M")
        mixed = replace(PLAIN, values={"name": "Coat", f"option{axis}_name": "Size"}, variants=(filled, variant(3)))
        assert wrong(mixed) == [(3, f"option{axis}_value")]
        assert wrong(replace(PLAIN, variants=(filled,))) == [(2, f"option{axis}_name")]

    def test_by_two_variants_of_the_same_values(self) -> None:
        twins = replace(
            PLAIN, values={"name": "Coat", "option1_name": "Size"}, variants=(variant(2, "M"), variant(3, "S"), variant(4, "M"))
        )
        assert wrong(twins) == [(4, "option1_value")]

    @pytest.mark.parametrize(
        ("units", "prices", "found"),
        [
            ((100, 300), (900, 800, 700), []),
            ((100, 300), (900, 900, 900), []),
            ((None, None), (900, None, None), []),
            ((None, None), (None, None, None), []),
            ((100, None), (900, 800, None), []),
            ((100, 100), (900, 800, 700), ["tier3_units"]),
            ((100, None), (900, None, None), ["tier2_price"]),
            ((None, None), (900, 800, None), ["tier2_price"]),
            ((100, 300), (900, 800, None), ["tier3_price"]),
            ((100, 300), (900, 901, 700), ["tier2_price"]),
            ((100, 300), (900, 800, 801), ["tier3_price"]),
            ((100, None), (None, 800, None), ["tier2_price"]),
            ((None, 300), (900, None, 700), ["tier3_price"]),
        ],
    )
    def test_by_tiers_that_are_incomplete_or_do_not_fall(
        self, units: tuple[int | None, int | None], prices: tuple[int | None, ...], found: list[str]
    ) -> None:
        ladder: dict[str, Any] = dict(zip(("price", "tier2_price", "tier3_price"), prices, strict=True))
        offer = dict(zip(("tier2_units", "tier3_units"), units, strict=True))
        assert [column for _, column in wrong(replace(PLAIN, offer=offer, variants=(variant(2, **ladder),)))] == found


class TestFindings:
    @pytest.mark.parametrize(
        ("finding", "said"),
        [
            (Finding(2, "price", "x", "is wrong", "repair it"), "row 2, price “x”: is wrong; repair it"),
            (Finding(2, "price", "", "is missing"), "row 2, price: is missing"),
            (Finding(0, "", "", "columns that aren't used: %(names)s", "", {"names": "a"}), "columns that aren't used: a"),
            (Finding(3, "", "", "is odd"), "row 3: is odd"),
        ],
    )
    def test_say_where_what_and_how_to_repair(self, finding: Finding, said: str) -> None:
        assert str(finding) == said

    def test_keep_problems_and_notices_apart(self) -> None:
        findings = Findings()
        findings.problem("a", row=1)
        findings.notice("b", row=2)
        assert ([each.message for each in findings.problems], [each.message for each in findings.notices]) == (["a"], ["b"])


class TestColumns:
    def test_go_by_their_own_name_before_any_other(self) -> None:
        assert named(("款号", "code", "Name")) == {"code": "code", "name": "Name"}

    def test_of_two_other_names_the_more_exact_one_wins_wherever_it_stands(self) -> None:
        assert named(("零售价", "SKU价格", "商品编号"))["price"] == "SKU价格"

    def test_goes_by_what_a_person_says_first(self) -> None:
        header = ("款号", "品名", "零售价", "吊牌价")
        assert named(header, {"price": "吊牌价"}) == {"code": "款号", "name": "品名", "price": "吊牌价"}
        assert named(header, {"price": ""}) == {"code": "款号", "name": "品名"}
        assert named(header, {"price": "none of them"}) == {"code": "款号", "name": "品名"}
        assert named(header, {"sku": "款号"}) == {"name": "品名", "sku": "款号", "price": "零售价"}, "a column is one thing only"

    @pytest.mark.parametrize(
        ("column", "text", "value"),
        [
            ("minimum", "1,000", 1000),
            ("minimum", "50.0", 50),
            ("tax_rate", "6.5 %", 650),
            ("tax_rate", "0", 0),
            ("tax_rate", "100", 10_000),
            ("option1_swatch", "#ABCDEF", "#abcdef"),
            ("price", "1,299.00", 129900),
            ("lead_days", "0", 0),
        ],
    )
    def test_read_what_people_write(self, column: str, text: str, value: object) -> None:
        assert COLUMNS[column].parse(text, "CNY") == value

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            ("minimum", "-1"),
            ("minimum", "1e3"),
            ("minimum", "9" * 10),
            ("tier2_units", "1"),
            ("pack", "0"),
            ("tax_rate", "101.5"),
            ("tax_rate", "-1"),
            ("option1_swatch", "#12345"),
            ("price", "1.999"),
            ("name", "x" * 201),
        ],
    )
    def test_refuse_what_nobody_means(self, column: str, text: str) -> None:
        with pytest.raises(Invalid):
            COLUMNS[column].parse(text, "CNY")
