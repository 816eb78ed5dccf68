"""Addresses of static files, with the fingerprint of their content, so that browsers may keep them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

from c2b.ui.shell import parts

FOR_EVER = "public, max-age=31536000, immutable"


@cache
def fingerprint(path: Path) -> str:
    """Return a short name for the content of `path`; read once a process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def set_up(app: Flask) -> None:
    """Give templates `asset(name)`, `media(file)` and `absolute(path)`, and let what is fingerprinted be cached."""
    folder = Path(app.static_folder or "")

    def asset(name: str) -> str:
        return url_for("static", filename=name, v=fingerprint(folder / name))

    def media(file: str) -> str:
        return f"/media/{file}"

    def absolute(path: str) -> str:
        return parts().settings.base_url.rstrip("/") + path

    def keep(response: Response) -> Response:
        if request.endpoint == "static" and request.args.get("v") and response.status_code in {200, 304}:
            response.headers["Cache-Control"] = FOR_EVER
        return response

    app.jinja_env.globals.update(asset=asset, media=media, absolute=absolute)
    app.after_request(keep)
