import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from tests import make
from tests.campaigns.files import xlsx
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    with sqlite_database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    return Shell(tmp_path / "data", sqlite_database)


def saved(tmp_path: Path, *lines: str, name: str = "candidates.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def pictures(tmp_path: Path, **files: bytes) -> Path:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.png", content)
    return path


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "PNG")
    return buffer.getvalue()


LINES = ("code,name,price,image", "K1,羊毛大衣,299,K1.png", "K2,连衣裙,199,")


def test_importing_twice_says_nothing_new_the_second_time(shell: Shell, tmp_path: Path) -> None:
    file = saved(tmp_path, *LINES)
    assert shell.does("candidates", "import", "ss27", file) == "candidates 2 new, 0 changed, 0 unchanged, 0 skipped\n"
    assert shell.does("candidates", "import", "ss27", file) == "candidates 0 new, 0 changed, 2 unchanged, 0 skipped\n"


@pytest.mark.parametrize("encoding", ["auto", "gbk", "GB18030"])
def test_gbk_comes_in_by_itself_and_by_name(shell: Shell, tmp_path: Path, sqlite_database: Database, encoding: str) -> None:
    shell.does("candidates", "import", "ss27", saved(tmp_path, *LINES, encoding="gbk"), "--encoding", encoding)
    with sqlite_database.reading() as session:
        of = queries.campaign(session, "ss27")
        assert [card.name for card in queries.candidates(session, of.id, locale="en")] == ["羊毛大衣", "连衣裙"]


def test_a_workbook_comes_in_and_json_is_one_document(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "candidates.xlsx"
    file.write_bytes(xlsx(["code", "name", "price", "shelf"], ["K1", "Coat", 299.0, "B2"]))
    report = shell.reads("candidates", "import", "ss27", file)
    assert (report["written"], report["new"], report["variants"], report["problems"]) == (True, 1, 1, [])
    assert report["notices"] == [{"row": 0, "column": "", "value": "", "problem": "columns that aren't used: shelf", "repair": ""}]


def test_problems_are_all_listed_and_nothing_is_written(shell: Shell, tmp_path: Path) -> None:
    file = saved(tmp_path, *LINES, "K3,,cheap,", "K 4,Hat,9,")
    result = shell.run("candidates", "import", "ss27", file)
    assert result.exit_code == 1
    assert result.stderr == "Error: nothing was written: 3 problems; repair them or use --skip-bad\n"
    assert [line.split(":")[1].split(" “")[0] for line in result.stdout.splitlines()] == [" row 4, name", " row 4, price", " row 5, code"]
    assert shell.reads("campaign", "show", "ss27")["candidates"] == 0


def test_problems_in_json_have_row_column_value_and_repair(shell: Shell, tmp_path: Path) -> None:
    result = shell.run("candidates", "import", "ss27", saved(tmp_path, "code,name,price", "K 1,Coat,9"), "--json")
    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    assert problem == {
        "row": 2,
        "column": "code",
        "value": "K 1",
        "problem": "is no code of a candidate",
        "repair": "use 1 to 60 of A-Z a-z 0-9 - _ .",
    }


def test_bad_ones_are_skipped_when_asked(shell: Shell, tmp_path: Path) -> None:
    output = shell.does("candidates", "import", "ss27", saved(tmp_path, *LINES, "K3,,cheap,"), "--skip-bad")
    assert output.endswith("candidates 2 new, 0 changed, 0 unchanged, 1 skipped\n")


def test_a_dry_run_tells_and_writes_nothing_not_even_pictures(shell: Shell, tmp_path: Path) -> None:
    images = pictures(tmp_path, K1=png())
    output = shell.does("candidates", "import", "ss27", saved(tmp_path, *LINES), "--dry-run", "--images", images)
    assert output == "candidates would be 2 new, 0 changed, 0 unchanged, 0 skipped\n"
    assert shell.reads("campaign", "show", "ss27")["candidates"] == 0
    assert not (shell.folder / "media").exists()


def test_pictures_of_an_archive_are_stored_once(shell: Shell, tmp_path: Path, sqlite_database: Database) -> None:
    file, images = saved(tmp_path, *LINES), pictures(tmp_path, K1=png(), K2=png())
    assert shell.reads("candidates", "import", "ss27", file, "--images", images)["pictures"] == 2
    stored = sorted(path.name for path in (shell.folder / "media").iterdir())
    with sqlite_database.reading() as session:
        cards = queries.candidates(session, queries.campaign(session, "ss27").id, locale="en")
    assert sorted(card.picture.file for card in cards if card.picture) == stored
    assert shell.reads("candidates", "import", "ss27", file, "--images", images)["pictures"] == 0
    assert sorted(path.name for path in (shell.folder / "media").iterdir()) == stored


def test_pictures_that_no_row_came_to_name_are_not_left_behind(shell: Shell, tmp_path: Path) -> None:
    file = saved(tmp_path, *LINES, "K3,,cheap,")
    assert shell.run("candidates", "import", "ss27", file, "--images", pictures(tmp_path, K1=png())).exit_code == 1
    assert list((shell.folder / "media").iterdir()) == []


def test_a_bad_picture_is_a_problem_of_its_row(shell: Shell, tmp_path: Path) -> None:
    result = shell.run("candidates", "import", "ss27", saved(tmp_path, *LINES), "--images", pictures(tmp_path, K1=b"<svg/>"))
    assert (result.exit_code, "row 2, image “K1.png”: the file is no JPEG" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "empty"), (b"a,b\n1,2\n", "fits no format"), (b"code,name\n\x00,\n", "NUL"), (b"code,name\nK1,\xff\xff\n", "not text in UTF-8")],
)
def test_a_file_that_can_not_be_read_is_refused_in_one_line(shell: Shell, tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "candidates.csv").write_bytes(content)
    assert why in shell.refuses("candidates", "import", "ss27", tmp_path / "candidates.csv")


def test_an_unknown_campaign_is_refused_before_pictures_are_stored(shell: Shell, tmp_path: Path) -> None:
    images = pictures(tmp_path, K1=png())
    assert "There is no campaign" in shell.refuses("candidates", "import", "aw27", saved(tmp_path, *LINES), "--images", images)
    assert not (shell.folder / "media").exists()


def test_after_the_selection_those_that_lost_are_notices(shell: Shell, tmp_path: Path, sqlite_database: Database) -> None:
    file = saved(tmp_path, *LINES)
    shell.does("candidates", "import", "ss27", file)
    with sqlite_database.transaction() as session:
        queries.campaign(session, "ss27").state = CampaignState.SELECTED  # and nobody was selected
    report = shell.reads("candidates", "import", "ss27", file)
    assert (report["changed"], report["skipped"]) == (0, 2)
    assert [notice["value"] for notice in report["notices"]] == ["K1", "K2"]


def test_real_catalogues_come_in_within_seconds(shell: Shell, real_data: Path) -> None:
    chinese = shell.reads("candidates", "import", "ss27", real_data / "catalogues/chinese/litemall_239_goods_gbk.csv")
    apparel = shell.reads("candidates", "import", "ss27", real_data / "catalogues/shopify/apparel.csv", "--format", "shopify")
    shop = shell.reads("candidates", "import", "ss27", real_data / "catalogues/woocommerce/sample_products.csv")
    assert [report["new"] for report in (chinese, apparel, shop)] == [239, 20, 11]


def test_suppliers_come_first_and_are_named_by_code(shell: Shell, tmp_path: Path) -> None:
    offers = saved(tmp_path, "code,name,price,supplier", "K1,Coat,299,TX2")
    assert "there is no such supplier" in shell.run("candidates", "import", "ss27", offers).stdout
    factories = saved(tmp_path, "code,name,lead_days", "TX2,桐乡织造二厂,30", name="suppliers.csv")
    assert shell.does("suppliers", "import", factories) == "suppliers 1 new, 0 changed, 0 unchanged, 0 skipped\n"
    assert shell.does("suppliers", "import", factories) == "suppliers 0 new, 0 changed, 1 unchanged, 0 skipped\n"
    assert shell.reads("candidates", "import", "ss27", offers)["new"] == 1


def test_a_supplier_with_a_problem_is_reported_and_may_be_skipped(shell: Shell, tmp_path: Path) -> None:
    factories = saved(tmp_path, "code,name,lead_days", "TX2,,30", "YL,义乌,soon", "OK,Fine,9", name="suppliers.csv")
    result = shell.run("suppliers", "import", factories)
    assert (result.exit_code, result.stdout.count("problem:")) == (1, 2)
    assert shell.reads("suppliers", "import", factories, "--skip-bad")["new"] == 1
