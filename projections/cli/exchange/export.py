"""`export`: the events, the read models, the report, for keeping or reading them elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from ledger.errors import Unavailable
from ledger.store import EventStore
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import counting, printable, remark
from projections.fallback import router
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.reports import report
from projections.reports.atomic_file import replacing
from projections.transfer import exports, github_issues

Write = Callable[[bytes], Any]
NOUNS = tuple(PROJECTIONS)


@click.command(cls=CliCommand)
@click.argument("what", type=click.Choice(["events", "json", "csv", "report", "github"]), default="events")
@click.argument("read_model", required=False, metavar="[READ_MODEL]", type=click.Choice(NOUNS))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    default="-",
    help="The file to write, replaced as a whole; - is standard output.",
)
@pass_invocation
def export(invocation: Invocation, what: str, read_model: str | None, output: str) -> None:
    """Export events, data or the report.

    \b
    events  every event, byte for byte; `import events` makes the same ledger of it elsewhere
    json    all read models as one JSON document
    csv     one read model as a table: `export csv work_items`
    report  the status report as Markdown
    github  work items as a list that GitHub's issue import takes
    """
    if (what == "csv") != (read_model is not None):
        raise click.UsageError(f"`export csv` takes the name of a read model, and only it: one of {', '.join(NOUNS)}")
    view = _complete_view(invocation.app)
    with _opened(output) as stream:
        if what == "events":
            _events(view.store, stream.write)
        else:
            _snapshot(view, what, read_model, stream.write)
    if output != "-":
        remark(f"written to {printable(output)}")


def _complete_view(app: App) -> LedgerView:
    """The first layer that can answer, if it has everything: an excerpt would pass for the whole."""
    view, _ = router.run_on_first_source(app, lambda layered: layered.store.read_streams([]).head)
    if not view.layer.kind.is_complete:
        raise Unavailable(
            "the database cannot be reached, and this machine has no copy of the whole ledger",
            next_step="see `tracking-ledger doctor`; export again when the database is back",
        )
    return view


@contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    if output != "-":
        with replacing(Path(output)) as stream:
            yield stream
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _events(store: EventStore, write: Write) -> None:
    with counting("exporting events", store.read_streams([]).head) as progress:
        for line in exports.events(store, lambda: progress.advance(progress.task_ids[0])):
            write(line)


def _snapshot(view: LedgerView, what: str, read_model: str | None, write: Write) -> None:
    with view.tables.snapshot() as snapshot:
        match what:
            case "json":
                parts = exports.read_models(snapshot, view.store.ledger)
            case "csv":
                category = next(name for name, found in BY_CATEGORY.items() if found.name == read_model)
                parts = exports.table(snapshot, category)
            case "github":
                parts = github_issues.issues(snapshot)
            case _:
                document = report.document(snapshot, view.identity.name, shown=report.IN_MARKDOWN)
                parts = iter([report.markdown(document).encode()])
        for part in parts:
            write(part)
