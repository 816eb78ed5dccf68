from pathlib import Path

import pytest

from c2b.campaigns import importing
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.shapes import CandidateIn
from tests.campaigns.files import candidates, csv, problems, xlsx


def options(candidate: CandidateIn) -> list[list[str]]:
    return [[option.value for option in candidate.options if option.axis == axis] for axis in (1, 2)]


def notices(*lines: str) -> list[str]:
    parsed = importing.read(csv(*lines))
    assemble(parsed, currency="CNY")
    return [str(notice) for notice in parsed.findings.notices]


class TestOurOwn:
    def test_rows_of_one_code_are_the_variants_of_one_candidate_in_their_order(self) -> None:
        header = "code,name,option1_name,option1_value,option2_name,option2_value,price"
        rows = [f"K1,Coat,Size,{size},Colour,{colour},299" for colour in ("Indigo", "Ecru") for size in ("XS", "S", "M", "L", "XL")]
        (coat,) = candidates(header, *rows)
        assert options(coat) == [["XS", "S", "M", "L", "XL"], ["Indigo", "Ecru"]]
        assert [variant.options for variant in coat.variants][4:6] == [("XL", "Indigo"), ("XS", "Ecru")]

    def test_the_order_of_columns_and_the_case_of_their_names_are_free(self) -> None:
        (coat,) = candidates("Price From,NAME,Code", "199,Coat,K1")
        assert (coat.code, coat.values["name"], coat.values["price_from"]) == ("K1", "Coat", 19900)

    def test_a_trailing_space_in_an_option_makes_no_second_one(self) -> None:
        (coat,) = candidates("code,name,option1_name,option1_value", "K1,Coat,Size ,S", "K1,Coat,Size,M ", "K1,,,L")
        assert coat.values["option1_name"] == "Size"
        assert options(coat)[0] == ["S", "M", "L"]

    def test_a_row_with_a_picture_alone_adds_a_picture_and_no_variant(self) -> None:
        (coat,) = candidates("code,name,price,image", "K1,Coat,299,front.jpg", "K1,,,back.jpg")
        assert len(coat.variants) == 1
        assert [(picture.source, picture.shows) for picture in coat.pictures] == [("front.jpg", ""), ("back.jpg", "")]

    def test_several_pictures_fit_into_one_cell(self) -> None:
        (coat,) = candidates("code,name,image", "K1,Coat,a.jpg | b.jpg|a.jpg")
        assert [picture.source for picture in coat.pictures] == ["a.jpg", "b.jpg"]

    def test_beside_a_swatch_a_picture_shows_that_colour(self) -> None:
        header = "code,name,option1_name,option1_value,option1_swatch,option2_name,option2_value,image"
        (coat,) = candidates(header, "K1,Coat,Colour,Indigo,#1F3A5F,Size,S,i.jpg", "K1,,,Ecru,#eeeadd,,S,e.jpg", "K1,,,Ecru,,,M,")
        assert [(picture.source, picture.shows) for picture in coat.pictures] == [("i.jpg", "Indigo"), ("e.jpg", "Ecru")]
        assert [option.values["swatch"] for option in coat.options if option.axis == 1] == ["#1f3a5f", "#eeeadd"]

    def test_english_columns_are_taken_where_they_are(self) -> None:
        header = "code,name,category_en,composition_en,care_en,option1_name,option1_name_en,option1_value,option1_value_en"
        (coat,) = candidates(header, "K1,大衣,Coats,Wool,Dry clean,颜色,Colour,靛蓝,Indigo")
        texts = ("category_en", "composition_en", "care_en", "option1_name_en")
        assert [coat.values[name] for name in texts] == ["Coats", "Wool", "Dry clean", "Colour"]
        assert coat.options[0].values["value_en"] == "Indigo"

    def test_chinese_names_of_columns_are_known_and_the_most_exact_one_is_taken(self) -> None:
        (coat,) = candidates("款号,品名,一级类目,类目,零售价,SKU价格,规格,起订量", "K1,大衣,女装,外套,399,299,S,50", "K1,,,,399,299,M,50")
        assert (coat.values["category"], coat.values["option1_name"], coat.offer["minimum"]) == ("外套", "规格", 50)
        assert [variant.values["price"] for variant in coat.variants] == [29900, 29900]

    def test_unknown_columns_are_a_notice(self) -> None:
        assert notices("code,name,库存,shelf", "K1,Coat,9,B2") == ["columns that aren't used: 库存, shelf"]

    def test_a_workbook_says_the_same_as_a_csv(self) -> None:
        rows: list[list[object]] = [
            ["code", "name", "price", "option1_name", "option1_value"],
            ["K1", "大衣", 299.5, "尺码", "S"],
            ["K1", "大衣", 299.5, "尺码", 38],
        ]
        from_xlsx = assemble(importing.read(xlsx(*rows)), currency="CNY")
        assert from_xlsx == candidates(*(",".join(str(cell) for cell in row) for row in rows))

    @pytest.mark.parametrize("sign", [",", ";", "\t"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
    def test_every_way_of_saving_it_says_the_same(self, sign: str, encoding: str) -> None:
        text = "code,name,price\nK1,羊毛大衣,299.00\n".replace(",", sign)
        (coat,) = assemble(importing.read(text.encode(encoding)), currency="CNY")
        assert (coat.values["name"], coat.variants[0].values["price"]) == ("羊毛大衣", 29900)


SHOPIFY = (
    "Handle,Title,Body (HTML),Type,Option1 Name,Option1 Value,Option3 Value,Variant Grams,Variant Price,Image Src,Variant Image,Gift Card"
)


class TestShopify:
    def test_real_apparel(self, real_data: Path) -> None:
        made = assemble(importing.read((real_data / "catalogues/shopify/apparel.csv").read_bytes()), currency="CNY")
        assert (len(made), sum(len(each.variants) for each in made)) == (20, 22)
        top = next(each for each in made if each.code == "classic-varsity-top")
        assert (top.values["option1_name"], options(top)) == ("Size", [["Small", "Medium", "Large"], []])
        assert [each.values["option1_name"] for each in made if each is not top] == [""] * 19

    def test_real_jewellery(self, real_data: Path) -> None:
        made = assemble(importing.read((real_data / "catalogues/shopify/jewelery.csv").read_bytes()), currency="CNY")
        assert (len(made), sum(len(each.variants) for each in made)) == (20, 23)
        several = {each.code: (each.values["option1_name"], options(each)[0]) for each in made if len(each.variants) > 1}
        assert several == {
            "chain-bracelet": ("Color", ["Blue", "Black"]),
            "leather-anchor": ("Color", ["Gold", "Silver"]),
            "gemstone": ("Colour", ["Blue", "Purple"]),
        }
        anchor = next(each for each in made if each.code == "leather-anchor")
        assert [(variant.options[0], variant.values["price"]) for variant in anchor.variants] == [("Gold", 6999), ("Silver", 5500)]
        assert [picture.shows for picture in anchor.pictures] == ["Gold", "Silver", ""]
        assert sum(len(each.pictures) for each in made) == 41, "rows with a picture alone add pictures"

    def test_real_furniture(self, real_data: Path) -> None:
        parsed = importing.read((real_data / "catalogues/shopify/packt_Product-data.csv").read_bytes())
        made = assemble(parsed, currency="CNY")
        assert (len(made), sum(len(each.variants) for each in made), parsed.findings.problems) == (20, 21, [])
        gloves = next(each for each in made if each.code == "gardening-gloves")
        assert (gloves.values["price_from"], gloves.values["price_to"]) == (999, 1599)
        assert not any("<" in each.values["description"] for each in made)

    def test_the_default_title_is_no_option(self) -> None:
        (lamp,) = candidates(SHOPIFY, "lamp,Lamp,<p>A &amp; B</p><p>C</p>,Indoor,Title,Default Title,,0.0,69.99,,,")
        assert (lamp.options, lamp.variants[0].options, lamp.variants[0].sku) == ((), ("", ""), "lamp")
        assert (lamp.values["description"], lamp.variants[0].values["weight_g"]) == ("A & B\nC", None)

    def test_a_third_option_is_a_problem(self) -> None:
        found = problems(SHOPIFY, "lamp,Lamp,,,Size,S,long,0,69.99,,,")
        assert found == ["row 2, Option3 Value “long”: a third option can't be ordered; join it with the second, like “M / long”"]

    def test_a_gift_card_is_a_notice(self) -> None:
        lines = (SHOPIFY, "card,Card,,,Title,Default Title,,0,50,,,true", "card,,,,,,,,,c.jpg,,", "lamp,Lamp,,,,,,,9,,,false")
        assert [each.code for each in candidates(*lines)] == ["lamp"]
        assert "row 2, Handle “card”: a gift card can't be a candidate" in notices(*lines)

    def test_a_problem_names_the_column_as_shopify_does(self) -> None:
        assert problems(SHOPIFY, "lamp,Lamp,,,,,,,cheap,,,")[0].startswith("row 2, Variant Price “cheap”")


WOO = "ID,Type,SKU,Name,Parent,Categories,Regular price,Weight (kg),Images"
WOO += "".join(f",Attribute {axis} name,Attribute {axis} value(s)" for axis in (1, 2))


class TestWooCommerce:
    def test_real_sample_products(self, real_data: Path) -> None:
        parsed = importing.read((real_data / "catalogues/woocommerce/sample_products.csv").read_bytes())
        made = {each.code: each for each in assemble(parsed, currency="CNY")}
        assert (parsed.format, len(made), parsed.findings.problems) == ("woocommerce", 11, [])
        hoodie, tee = made["cc-hoodie"], made["cc-tee"]
        assert (hoodie.values["option1_name"], hoodie.values["option2_name"]) == ("Color", "Logo")
        assert options(hoodie) == [["Red", "Green", "Blue"], ["No", "Yes"]]
        assert {variant.sku for variant in hoodie.variants} == {
            *(f"cc-hoodie-{colour}" for colour in ("red", "green", "blue")),
            *(f"cc-hoodie-{colour}-logo" for colour in ("red", "green", "blue")),
        }
        assert len(tee.variants) == 9, "three colours, each for any of three sizes"
        assert [len(each.variants) for code, each in made.items() if code not in ("cc-hoodie", "cc-tee")] == [1] * 9
        reported = [notice.value for notice in parsed.findings.notices if notice.column == "Type"]
        assert reported == ["simple, downloadable, virtual"] * 2 + ["grouped", "external"]

    def test_a_variation_may_stand_before_its_parent_and_name_it_by_id(self) -> None:
        (tee,) = candidates(WOO, "2,variation,t-s,,id:1,,9,0.25,,Size,S,,", "1,variable,tee,Tee,,Clothing > Tees,,,,Size,S,,")
        assert (tee.code, tee.values["category"], tee.variants[0].sku) == ("tee", "Tees", "t-s")
        assert tee.variants[0].values["weight_g"] == 250

    def test_an_open_attribute_makes_a_variant_of_each_value_and_says_so(self) -> None:
        lines = (WOO, '1,variable,tee,Tee,,,,,,Color,"Red, Blue",Size,"M, S"', "2,variation,t-red,,tee,,9,,,Color,Red,Size,")
        (tee,) = candidates(*lines)
        assert [(variant.sku, variant.options) for variant in tee.variants] == [("t-red-M", ("Red", "M")), ("t-red-S", ("Red", "S"))]
        assert "one variant is made for each of M, S" in notices(*lines)[-1]

    def test_a_variation_without_its_parent_is_a_problem(self) -> None:
        assert problems(WOO, "2,variation,t-s,,tee,,9,,,Size,S,,", "3,simple,cap,Cap,,,5,,,,,,") == [
            "row 2, Parent “tee”: no variable product has this SKU; export parent and variations together"
        ]

    def test_a_product_without_a_sku_goes_by_its_id(self) -> None:
        assert [each.code for each in candidates(WOO, "77,simple,,Cap,,,5,,,,,,")] == ["77"]

    def test_the_attributes_of_a_simple_product_are_no_options(self) -> None:
        (cap,) = candidates(WOO, "3,simple,cap,Cap,,,5,,a.jpg,Color,Red,,")
        assert (cap.options, [picture.source for picture in cap.pictures]) == ((), ["a.jpg"])
