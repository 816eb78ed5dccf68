"""c2b verify: a published result is recomputed; needs no database."""

from collections.abc import Iterator
from pathlib import Path

import click

from c2b.cli import context
from c2b.errors import N_, Invalid
from c2b.voting import receipts, verifying
from c2b.voting.receipts import Receipt
from c2b.voting.verifying import Report

_LONGEST_RECEIPT = 64 * 1024
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("verify")
@click.argument("bundle", type=_FILE)
@click.option("--receipt", "receipt_file", type=_FILE, metavar="FILE", help="A voter's receipt: what became of this ballot?")
@click.option("--expect", "expected", multiple=True, metavar="HASH", help="A hash noted down elsewhere that must be one of the bundle's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(bundle: Path, receipt_file: Path | None, expected: tuple[str, ...], *, as_json: bool) -> None:
    """Recompute the published result in BUNDLE; exit status 1 and a list if anything doesn't hold."""
    report = verifying.verify(bundle, expected=expected, receipt=_receipt(receipt_file) if receipt_file else None)
    document = {
        "valid": report.valid,
        "failures": [str(failure) for failure in report.failures],
        "receipt": report.answer and report.answer.value,
        "counted": report.counted,
        "held": report.held,
        "recounted": report.opened,
        "hashes": dict(report.hashes),
        "versions": list(report.versions),
    }
    context.output(document, as_json=as_json, lines=_lines(report, expected=bool(expected)))
    click.get_current_context().exit(0 if report.valid else 1)


def _receipt(file: Path) -> Receipt:
    try:
        with file.open(encoding="utf-8") as stream:
            return receipts.parse(stream.read(_LONGEST_RECEIPT))
    except UnicodeDecodeError as error:
        raise Invalid(N_("%(file)s is no receipt"), file=file) from error


def _lines(report: Report, *, expected: bool) -> Iterator[str]:
    yield from (f"{name:<14} {value}" for name, value in report.hashes.items())
    if len(report.versions) > 1:  # overrides followed the result; every version's hash stays true
        yield from (f"{f'version {number}':<14} {value}" for number, value in enumerate(report.versions, start=1))
    if report.answer:
        yield f"receipt        {report.answer.value}"
    yield from (f"wrong: {failure}" for failure in report.failures)
    if not report.valid:
        yield "The result does not hold."
        return
    how = (
        "every vote was counted anew"
        if report.opened
        else "the picks aren't public, so the totals were checked against the ballots' number only"
    )
    yield f"The result holds: {report.counted} ballots counted, {report.held} held; {how}."
    if not expected:
        yield "Compare the hashes with what was published when voting opened and with the result; --expect does it."
