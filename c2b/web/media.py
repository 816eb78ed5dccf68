"""Pictures of the data folder, under random names that never change their content."""

from pathlib import PurePosixPath

from flask import Blueprint, Response, send_from_directory
from werkzeug.exceptions import NotFound

from c2b.ui.access import public
from c2b.ui.assets import FOR_EVER
from c2b.ui.shell import parts

bp = Blueprint("media", __name__)
TYPES = {
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".avif": "image/avif",
}


@bp.get("/media/<file>")
@public
def media(file: str) -> Response:
    """Send a picture; a drawing (SVG) may neither load nor run anything, even opened by itself."""
    kind = TYPES.get(PurePosixPath(file).suffix.lower())
    if kind is None:
        raise NotFound
    answer = send_from_directory(parts().settings.data.resolve() / "media", file, mimetype=kind)
    answer.headers["Cache-Control"] = FOR_EVER
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer
