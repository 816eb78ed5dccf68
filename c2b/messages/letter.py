"""One source, two forms: a template becomes a mail's plain text and its HTML, so that each sentence is written once. Pure.

A template's first line is the subject; after an empty line the body follows, its blocks parted by empty lines. A block is a
paragraph, or all its lines begin with a mark: `= label: value` for an amount, a date or a code, `> label: $link` for the one link,
`| $field` for what keeps its lines. `$name` stands for a field. The blocks are found before the fields are filled in: whatever a
field holds, it becomes no block, no link and no header.
"""

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

FACT, BUTTON, VERBATIM = "= ", "> ", "| "
_MARKS = (FACT, BUTTON, VERBATIM)
_LABEL = re.compile(r"(.*?)(?:: |：)(.*)")
_UNSEEN = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that turn the direction of reading, halves of characters: nothing that a name needs."""


@dataclass(frozen=True)
class Text:
    """A message, ready to go out; without `html` it is plain text alone."""

    subject: str
    body: str
    html: str = ""


@dataclass(frozen=True)
class Frame:
    """What stands around every mail: `layout` is the page with its places, `heading` the campaign or the shop, `foot` why it is sent.

    `refuse` is the address where such mails can be refused, and `refusing` what its link says; empty where they can't be.
    """

    layout: str
    language: str
    heading: str
    foot: str
    refuse: str = ""
    refusing: str = ""


@dataclass(frozen=True)
class _Block:
    mark: str
    lines: tuple[str, ...]


Fields = Mapping[str, str]


def fill(template: str, fields: Fields, frame: Frame | None = None) -> Text:
    """Put `fields` into a template; with a `frame` there is HTML beside the text, and both say why the mail is sent.

    Raises KeyError for a field that isn't given: no customer ever reads "$amount".
    """
    first, rest = template.split("\n\n", 1)
    blocks = [_block(part) for part in rest.strip("\n").split("\n\n")]
    subject = _one_line(first, fields)
    body = "\n\n".join("\n".join(_filled(block, fields)) for block in blocks)
    if frame is None:
        return Text(subject, body)
    return Text(subject, body + _foot(frame), _page(frame, subject, "\n".join(_drawn(block, fields) for block in blocks)))


def fill_short(template: str, fields: Fields) -> Text:
    """Put `fields` into a text message, which is one line without a subject; raises KeyError as `fill` does."""
    return Text("", _one_line(template.strip(), fields))


def _block(part: str) -> _Block:
    lines = part.split("\n")
    mark = next((mark for mark in _MARKS if lines[0].startswith(mark)), "")
    return _Block(mark, tuple(line.removeprefix(mark) for line in lines))


def _one_line(template: str, fields: Fields) -> str:
    """Fill a line in; line ends in a field are only space."""
    return string.Template(template).substitute({name: _clean(value) for name, value in fields.items()})


def _clean(value: str) -> str:
    return _UNSEEN.sub("", " ".join(value.split()))


def _filled(block: _Block, fields: Fields) -> list[str]:
    if block.mark == VERBATIM:
        kept = {name: _UNSEEN.sub("", value).rstrip("\n") for name, value in fields.items()}
        return [string.Template(line).substitute(kept) for line in block.lines]
    return [_one_line(line, fields) for line in block.lines]


def _foot(frame: Frame) -> str:
    """Return why the mail is sent, below the line that mail programs take for the end of a text."""
    refusing = f"\n{frame.refusing}: {frame.refuse}" if frame.refuse else ""
    return f"\n\n-- \n{frame.foot}{refusing}\n"


# Mail programs read inline styles alone. No colour of ground or text is set, so that the reader's scheme, light or dark, is what
# they see; the button's blue stands out against both (white on it 5.9:1, itself 5.9:1 on white and 3.2:1 on #121212).
_STYLES = {
    "p": "margin:16px 0 0",
    "code": "margin:16px 0 0;font-size:28px;font-weight:700;letter-spacing:4px",
    "facts": "width:100%;margin:16px 0 0;border-collapse:collapse",
    "label": "padding:6px 12px 6px 0;text-align:left;vertical-align:top;font-weight:400;border-bottom:1px dashed #818ba0",
    "value": "padding:6px 0;text-align:right;vertical-align:top;font-weight:700;border-bottom:1px dashed #818ba0",
    "button": (
        "display:inline-block;padding:12px 24px;border-radius:6px;"
        "background-color:#2f5fc4;color:#ffffff;font-weight:600;text-decoration:none"
    ),
    "pre": "margin:16px 0 0;font:13px/1.5 Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere",
}


def _drawn(block: _Block, fields: Fields) -> str:
    return _DRAWN[block.mark](block, fields)


def _paragraph(block: _Block, fields: Fields) -> str:
    return _styled("p", "p", "<br>\n".join(map(escape, _filled(block, fields))))


def _facts(block: _Block, fields: Fields) -> str:
    """Draw a row for each line with a label; a line without is a code, alone and large."""
    rows = [_LABEL.fullmatch(line) for line in block.lines]
    if not all(rows):
        return _styled("p", "code", "<br>\n".join(map(escape, _filled(block, fields))))
    drawn = (_row(*(_one_line(part, fields) for part in row.groups())) for row in rows if row)
    return _styled("table", "facts", "\n" + "\n".join(drawn) + "\n")


def _row(label: str, value: str) -> str:
    return "<tr>" + _styled("th", "label", escape(label), scope="row") + _styled("td", "value", escape(value)) + "</tr>"


def _button(block: _Block, fields: Fields) -> str:
    """Draw the one link as a button with its label on it."""
    (line,) = block.lines
    found = _LABEL.fullmatch(line)
    assert found, line
    label, link = (_one_line(part, fields) for part in found.groups())
    return _styled("p", "p", _styled("a", "button", escape(label), href=link))


def _verbatim(block: _Block, fields: Fields) -> str:
    return _styled("pre", "pre", escape("\n".join(_filled(block, fields))))


_DRAWN: Mapping[str, Callable[[_Block, Fields], str]] = {"": _paragraph, FACT: _facts, BUTTON: _button, VERBATIM: _verbatim}


def _styled(tag: str, style: str, content: str, **attributes: str) -> str:
    given = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f'<{tag} style="{_STYLES[style]}"{given}>{content}</{tag}>'


def _page(frame: Frame, subject: str, content: str) -> str:
    foot = f"<p>{escape(frame.foot)}</p>"
    if frame.refuse:
        foot += f'\n<p><a href="{escape(frame.refuse)}" style="color:inherit">{escape(frame.refusing)}</a></p>'
    places = {"language": frame.language, "heading": _clean(frame.heading), "subject": subject}
    safe = {name: escape(value) for name, value in places.items()}
    return string.Template(frame.layout).substitute(safe, content=content, foot=foot)
