"""c2b work: what happens in the background."""

import signal
from types import FrameType

import click

from c2b.cli import context
from c2b.work import Worker


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
def work(*, once: bool) -> None:
    """Keep the timetable, look after payments, send refunds and mail; stopped by SIGTERM or Ctrl-C after the step under way."""
    worker = Worker(context.database(), context.settings())
    if once:
        for line in worker.round() or ["Nothing was due."]:
            click.echo(line)
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    click.echo("The worker is running.", err=True)
    worker.run()
