"""Pictures of the data folder."""

from pathlib import Path

import pytest
from flask import Flask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    media = tmp_path / "media"
    media.mkdir()
    (media / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    (media / "b.webp").write_bytes(b"RIFF")
    (media / "c.html").write_text("<script>alert(1)</script>")
    (tmp_path / "secret-key").write_text("k")
    return media


@pytest.mark.usefixtures("folder")
def test_a_picture_is_kept_for_ever_and_can_run_nothing(app: Flask) -> None:
    with app.test_client().get("/media/a.svg") as answer:
        assert answer.mimetype == "image/svg+xml"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    with app.test_client().get("/media/b.webp") as answer:
        assert answer.mimetype == "image/webp"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("file", ["c.html", "none.svg", "..%2Fsecret-key", "../secret-key", "%2e%2e/secret-key", "a.svg/"])
def test_nothing_but_pictures_leaves_the_folder(app: Flask, file: str) -> None:
    assert app.test_client().get(f"/media/{file}").status_code == 404
