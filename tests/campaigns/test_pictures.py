import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from c2b.campaigns import importing
from c2b.campaigns.importing import pictures
from c2b.campaigns.importing.pictures import Shots
from c2b.errors import Invalid
from tests.campaigns.files import csv


def picture(width: int = 40, height: int = 30, kind: str = "PNG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, kind)
    return buffer.getvalue()


def archive(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_jpg", ".jpg"), content)
    return path


@pytest.fixture
def media(tmp_path: Path) -> Path:
    return tmp_path / "media"


def illustrated(place: Path, media: Path, *lines: str, known: set[tuple[str, str]] | None = None) -> tuple[importing.Parsed, Shots]:
    parsed = importing.read(csv(*lines))
    with pictures.album(place) as album:
        return pictures.illustrate(parsed, album, media, known=known or set())


class TestStoring:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_every_usual_kind_becomes_webp_under_a_random_name(self, media: Path, kind: str) -> None:
        first, second = (pictures.store(picture(kind=kind), media) for _ in range(2))
        assert first.file != second.file
        with Image.open(media / first.file) as kept:
            assert (kept.format, kept.size) == ("WEBP", (40, 30))

    def test_a_large_one_is_made_smaller_and_keeps_its_shape(self, media: Path) -> None:
        stored = pictures.store(picture(4000, 3000, "JPEG"), media)
        assert (stored.width, stored.height) == (1600, 1200)

    def test_a_transparent_one_stays_transparent(self, media: Path) -> None:
        with Image.open(media / pictures.store(picture(mode="RGBA"), media).file) as kept:
            assert kept.mode == "RGBA"

    def test_one_that_was_taken_sideways_is_turned_upright_and_loses_where_it_was_taken(self, media: Path) -> None:
        sideways, buffer = Image.new("RGB", (40, 30)), io.BytesIO()
        exif = sideways.getexif()
        exif[0x0112] = 6  # rotated by 90 degrees
        exif[0x010F] = "a camera"
        sideways.save(buffer, "JPEG", exif=exif)
        stored = pictures.store(buffer.getvalue(), media)
        assert (stored.width, stored.height) == (30, 40)
        with Image.open(media / stored.file) as kept:
            assert dict(kept.getexif()) == {}

    @pytest.mark.parametrize(
        "data",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"not a picture",
            b"",
            picture()[:40],
            picture(kind="BMP"),
            b"%PDF-1.7",
        ],
        ids=["svg", "text", "nothing", "half", "bmp", "pdf"],
    )
    def test_what_is_no_picture_by_its_content_is_refused(self, media: Path, data: bytes) -> None:
        with pytest.raises(Invalid, match="no JPEG, PNG, WebP or GIF"):
            pictures.store(data, media)
        assert not media.exists()

    def test_more_than_25_megapixels_are_refused_before_they_are_unpacked(self, media: Path) -> None:
        with pytest.raises(Invalid, match="25 megapixels"):
            pictures.store(picture(5001, 5000, mode="1"), media)
        assert pictures.store(picture(5000, 5000, mode="1"), media).width == 1600


class TestFinding:
    def test_a_cell_names_a_file_by_path_or_by_name_in_any_case(self, tmp_path: Path, media: Path) -> None:
        place = archive(tmp_path / "p.zip", coats__K1_jpg=picture(), K2_jpg=picture(50))
        parsed, shots = illustrated(place, media, "code,name,image", "X1,Coat,k1.JPG", "X2,Dress,./K2.jpg", "X3,Hat,coats\\K1.jpg")
        assert {source: shot.width for source, shot in shots.items()} == {"k1.JPG": 40, "./K2.jpg": 50, "coats\\K1.jpg": 40}
        assert parsed.findings.notices == []

    def test_without_a_cell_the_code_finds_its_pictures(self, tmp_path: Path, media: Path) -> None:
        for name in ("K1.png", "K1-2.png", "K1_3.png", "K10.png", "K2/front.png", "other.png"):
            (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "p" / name).write_bytes(picture())
        parsed, shots = illustrated(tmp_path / "p", media, "code,name,price", "K1,Coat,9", "K2,Dress,9")
        assert [set(line.images) for line in parsed.lines] == [{"k1.png", "k1-2.png", "k1_3.png"}, {"k2/front.png"}]
        assert set(shots) == {"k1.png", "k1-2.png", "k1_3.png", "k2/front.png"}
        assert len(list(media.iterdir())) == 4

    def test_a_picture_that_is_not_there_is_a_notice(self, tmp_path: Path, media: Path) -> None:
        parsed, shots = illustrated(archive(tmp_path / "p.zip", a_jpg=picture()), media, "code,name,image", "K1,Coat,b.jpg")
        assert [str(notice) for notice in parsed.findings.notices] == ["row 2, image “b.jpg”: the picture isn't there"]
        assert (shots, parsed.findings.problems) == ({}, [])

    def test_an_address_is_kept_and_never_fetched(self, tmp_path: Path, media: Path) -> None:
        place = archive(tmp_path / "p.zip", a_jpg=picture())
        parsed, shots = illustrated(place, media, "code,name,image", "K1,Coat,https://example.com/a.jpg")
        assert (parsed.findings.notices, shots) == ([], {})

    def test_one_that_can_not_be_used_is_a_problem_of_its_row(self, tmp_path: Path, media: Path) -> None:
        parsed, _ = illustrated(archive(tmp_path / "p.zip", a_jpg=b"<svg/>"), media, "code,name,image", "K1,Coat,a.jpg")
        (problem,) = parsed.findings.problems
        assert (problem.row, problem.column, problem.value) == (2, "image", "a.jpg")

    def test_one_that_is_stored_already_is_not_stored_again(self, tmp_path: Path, media: Path) -> None:
        place = archive(tmp_path / "p.zip", a_jpg=picture())
        _, shots = illustrated(place, media, "code,name,image", "K1,Coat,a.jpg", known={("K1", "a.jpg")})
        assert shots == {}
        assert not media.exists()

    def test_two_of_the_same_name_are_told_apart_by_their_folders(self, tmp_path: Path, media: Path) -> None:
        place = archive(tmp_path / "p.zip", one__a_jpg=picture(), two__a_jpg=picture(50))
        parsed, shots = illustrated(place, media, "code,name,image", "K1,Coat,a.jpg", "K2,Dress,two/a.jpg")
        assert [notice.row for notice in parsed.findings.notices] == [2]
        assert shots["two/a.jpg"].width == 50

    def test_discarding_leaves_nothing_behind(self, tmp_path: Path, media: Path) -> None:
        _, shots = illustrated(archive(tmp_path / "p.zip", a_jpg=picture()), media, "code,name,image", "K1,Coat,a.jpg")
        pictures.discard(shots, media)
        assert list(media.iterdir()) == []


class TestHostileArchives:
    def test_what_is_no_archive_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "p.zip").write_bytes(b"hello")
        with pytest.raises(Invalid, match="neither a folder nor a ZIP"), pictures.album(tmp_path / "p.zip"):
            pass

    def test_a_bomb_is_refused_before_it_is_unpacked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_UNPACKED", 1000)
        place = archive(tmp_path / "p.zip", a_jpg=b" " * 2000)
        with pytest.raises(Invalid, match="unpack to more"), pictures.album(place):
            pass

    def test_one_entry_that_is_too_large_is_a_problem_of_its_row(
        self, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100)
        parsed, _ = illustrated(archive(tmp_path / "p.zip", a_jpg=b" " * 101), media, "code,name,image", "K1,Coat,a.jpg")
        assert "has more than" in str(parsed.findings.problems[0])

    def test_too_many_files_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_FILES", 1)
        with pytest.raises(Invalid, match="There are 2 pictures"), pictures.album(archive(tmp_path / "p.zip", a_jpg=b"1", b_jpg=b"2")):
            pass

    def test_a_name_that_leads_outside_writes_nothing_there(self, tmp_path: Path, media: Path) -> None:
        place = tmp_path / "p.zip"
        with zipfile.ZipFile(place, "w") as made:
            made.writestr("../../evil.jpg", picture())
        _, shots = illustrated(place, media, "code,name,image", "K1,Coat,evil.jpg")
        assert [path.parent for path in tmp_path.rglob("*.webp")] == [media]
        assert len(shots) == 1
