"""Pictures of a folder or a ZIP archive: found by name, checked by content, kept as WebP under random names."""

import io
import re
import secrets
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps

from c2b.campaigns.importing.formats import Line, Parsed
from c2b.errors import N_, Invalid

MAX_BYTES = 20_000_000
MAX_UNPACKED = 2_000_000_000
MAX_FILES = 20_000
MAX_PIXELS = 25_000_000
_LONGEST = 1600
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".svg")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Stored:
    """A picture in `media/`."""

    file: str
    width: int
    height: int


@dataclass(frozen=True)
class Album:
    """Pictures by their path in a folder or an archive, in lower case; each is read when it is asked for."""

    entries: Mapping[str, Callable[[], bytes]]

    def find(self, source: str) -> str | None:
        """Return the entry that a cell names: by path, or by file name alone where only one has it."""
        wanted = source.replace("\\", "/").removeprefix("./").casefold()
        if wanted in self.entries:
            return wanted
        same = [path for path in self.entries if PurePosixPath(path).name == wanted]
        return same[0] if len(same) == 1 else None

    def by_code(self) -> dict[str, list[str]]:
        """Map a code in lower case to its pictures: K1.jpg, K1-2.jpg, K1_3.png, or whatever lies in a folder K1."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.entries):
            place = PurePosixPath(path)
            for name in {place.stem, re.sub(r"[-_][0-9]{1,2}$", "", place.stem), place.parent.name} - {""}:
                found.setdefault(name, []).append(path)
        return found


@contextmanager
def album(path: Path) -> Iterator[Album]:
    """Open a folder or a ZIP archive; raises Invalid where it is neither, or unpacks to more than can be meant."""
    if path.is_dir():
        files = filter(Path.is_file, sorted(path.rglob("*")))
        yield _album({file.relative_to(path).as_posix(): partial(_read_file, file) for file in files})
        return
    with _archive(path) as archive:
        _refuse_bomb(archive)
        yield _album({entry.filename: partial(_unpack, archive, entry) for entry in archive.infolist()})


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
        raise Invalid(N_("The pictures unpack to more than %(limit)s MB; split the archive"), limit=MAX_UNPACKED // 1_000_000)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Invalid(N_("%(path)s is neither a folder nor a ZIP archive"), path=path.name) from error


def _album(files: Mapping[str, Callable[[], bytes]]) -> Album:
    entries = {name.casefold(): load for name, load in files.items() if name.lower().endswith(_SUFFIXES)}
    if len(entries) > MAX_FILES:
        message = N_("There are %(count)s pictures; at most %(limit)s can be taken at once")
        raise Invalid(message, count=len(entries), limit=MAX_FILES)
    return Album(entries)


def _read_file(path: Path) -> bytes:
    _refuse_large(path.stat().st_size)
    return path.read_bytes()


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _refuse_large(entry.file_size)
    try:
        return archive.read(entry)  # no more than the size that the archive states
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise Invalid(N_("the picture can't be unpacked")) from error


def _refuse_large(size: int) -> None:
    if size > MAX_BYTES:
        raise Invalid(N_("the picture has more than %(limit)s MB"), limit=MAX_BYTES // 1_000_000)


def store(data: bytes, media: Path) -> Stored:
    """Check a picture by its content and keep it as WebP, at most 1600 pixels long, under a random name; raises Invalid."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is lower
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise Invalid(N_("the picture has more than %(limit)s megapixels"), limit=MAX_PIXELS // 1_000_000)
            picture.draft("RGB", (_LONGEST, _LONGEST))
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((_LONGEST, _LONGEST))
            small = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Invalid(N_("the file is no JPEG, PNG, WebP or GIF picture that can be read")) from error
    media.mkdir(parents=True, exist_ok=True)
    name = f"{secrets.token_urlsafe(12)}.webp"
    small.save(media / name, "WEBP", quality=82)
    return Stored(name, small.width, small.height)


def preview(path: Path, longest: int) -> bytes | None:
    """Return a kept picture as a JPEG of at most so many pixels, on white, for files that know no WebP; None where it can't be drawn."""
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            picture.thumbnail((longest, longest))
            seen = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None  # a drawing, or a file that was taken away: the rest of the document is worth having
    white = Image.new("RGBA", seen.size, "white")
    stream = io.BytesIO()
    Image.alpha_composite(white, seen).convert("RGB").save(stream, "JPEG", quality=82)
    return stream.getvalue()


Shots = dict[str, Stored]
"""What was stored, by the source that cells name."""


def illustrate(
    parsed: Parsed,
    of: Album,
    media: Path,
    *,
    known: Collection[tuple[str, str]] = (),
    store_files: bool = True,
    progress: Callable[[Sequence[Line]], Iterable[Line]] = tuple,
) -> tuple[Parsed, Shots]:
    """Give candidates the pictures that bear their code, and store all that lines name and `known` (code, source) doesn't have.

    A picture that isn't there is a notice; one that can't be used is a problem of its row.
    """
    lines = tuple(_with_pictures_of_code(parsed.lines, of))
    shots: Shots = {}
    for line in progress(lines):
        for source in _wanted(line, shots, known):
            path = of.find(source)
            if path is None:
                parsed.findings.notice(N_("the picture isn't there"), row=line.row, column=parsed.names.get("image", "image"), value=source)
            elif store_files:
                shots |= _stored(parsed, line, source, of.entries[path], media)
    return replace(parsed, lines=lines), shots


def _wanted(line: Line, shots: Shots, known: Collection[tuple[str, str]]) -> Iterator[str]:
    """Return the sources of a line that are file names and not stored yet."""
    for source in (*line.images, *line.shows):
        if not (source in shots or _ADDRESS.match(source) or (line.cells["code"], source) in known):
            yield source


def _stored(parsed: Parsed, line: Line, source: str, load: Callable[[], bytes], media: Path) -> Shots:
    try:
        return {source: store(load(), media)}
    except Invalid as problem:
        repair = N_("save it as JPEG or PNG of at most 25 megapixels")
        parsed.problem(line.row, "image", problem.message, repair, value=source, **problem.values)
        return {}


def _with_pictures_of_code(lines: tuple[Line, ...], of: Album) -> Iterator[Line]:
    """Name the pictures of each code in its first line, unless the file names some itself."""
    waiting = of.by_code()
    for line in lines:
        if line.images or line.shows:
            waiting.pop(line.cells["code"].casefold(), None)
    for line in lines:
        added = tuple(waiting.pop(line.cells["code"].casefold(), ()))
        yield replace(line, images=(*line.images, *added))


def discard(shots: Shots, media: Path) -> None:
    """Remove stored pictures that no row came to name."""
    for shot in shots.values():
        (media / shot.file).unlink(missing_ok=True)
