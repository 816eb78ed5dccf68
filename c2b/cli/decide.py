"""c2b decide: the decision, dry or for good."""

from collections.abc import Iterator

import click

from c2b import clock, money
from c2b.cli import context
from c2b.production import actions, queries
from c2b.production.rules import DecisionFigures


@click.command()
@click.argument("slug")
@click.option("--dry-run", is_flag=True, help="Show what deciding now would do; nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def decide(slug: str, *, dry_run: bool, as_json: bool) -> None:
    """Decide the campaign SLUG: what reached its minimum is made, everybody else gets the money back. Once decided, show the result."""
    if dry_run:
        with context.reading() as session:
            figures = queries.preview(session, slug=slug)
    else:
        with context.transaction() as session:
            figures = actions.decide(session, slug=slug, actor=context.actor(), now=clock.now())
    context.output(figures.document(), as_json=as_json, lines=_lines(figures, dry_run=dry_run))


def _lines(figures: DecisionFigures, *, dry_run: bool) -> Iterator[str]:
    for product in figures.products:
        extra = f", {product.extra} extra" if product.extra else ""
        extra += f", made although it missed: {product.reason}" if product.reason else ""
        yield f"{product.outcome:8}{product.code:24}{product.units:>8,} of {product.minimum:,}{extra}"
    yield (
        f"{'Deciding now makes' if dry_run else 'Decided:'} {figures.made:,} products, {figures.pieces:,} pieces, "
        f"{figures.production_orders:,} production orders; {figures.refunds:,} payments get "
        f"{money.show(figures.refund_amount, figures.currency, 'en')} back"
    )
