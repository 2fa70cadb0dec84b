"""`replay`: rebuild the read models from the log, or compare them, or write down what they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from ledger.problems import check as check_input
from ledger.problems import problem
from projections.application.app import App
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say, table
from projections.cli.terminal.parameters.points import POINT
from projections.cli.terminal.progress import OnProgress, progress
from projections.questions.log.as_of import position_of
from projections.tables.postgres import PostgresTables
from projections.tables.replay import LogSource, Report, check, no_progress, replay, write

NAMES = {True: "equal", False: "different", None: "nothing to compare with"}


@click.command("replay", cls=CliCommand)
@click.argument("projections", metavar="[PROJECTION]...", nargs=-1)
@click.option("--check", "only_check", is_flag=True, help="Compare, change nothing; exit code 8 on a difference.")
@click.option(
    "--from", "source", type=click.Choice(["postgres", "journal"]), default="postgres", help="Source of the log."
)
@click.option("--until", type=POINT, help="End at a position or time; only with --check or --output.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows to a new file instead.")
@pass_invocation
def replay_command(
    invocation: Invocation,
    projections: tuple[str, ...],
    only_check: bool,
    source: str,
    until: str | None,
    output: Path | None,
) -> int:
    """Rebuild the read models from the log: all of them, or those that are named.

    Readers and writers continue meanwhile, and see all new rows at the same moment. With --from journal, the log is
    read from this machine's journal as far as that goes, and from PostgreSQL after it. Rows of an earlier position
    are never served: with --until they are compared with rows that have not changed since (--check), or written to
    a file, one JSON object per row (--output).
    """
    check_input(_faults(only_check, until, output))
    app = invocation.app
    point = None if until is None else position_of(app.store, until, "until")
    begun = _source(app, source)
    with _progress(invocation) as report_progress:
        if output is not None:
            return _written(
                invocation, write(app.store, projections, output, source=begun, until=point, progress=report_progress)
            )
        tables = PostgresTables(app.database, app.identity.key)  # which do not catch up by themselves
        if only_check:
            report = check(app.store, tables, projections, source=begun, until=point, progress=report_progress)
        else:
            report = replay(app.store, tables, projections, source=begun, progress=report_progress)
    if invocation.as_json:
        answer_json({"rebuilt": not only_check, "equal": report.equal, **msgspec.to_builtins(report)})
    else:
        _print_report(report, rebuilt=not only_check)
    return exits.DIFFERENCE if only_check and not report.equal else exits.DONE


def _faults(only_check: bool, until: str | None, output: Path | None) -> Iterator[dict[str, object]]:
    if until is not None and not only_check and output is None:
        yield problem(
            "until", "needs --check, or --output with a file: rows of an earlier position are never served", until
        )
    if only_check and output is not None:
        yield problem("output", "cannot be given with --check: one writes, the other compares", str(output))


def _source(app: App, name: str) -> LogSource | None:
    if name == "postgres":
        return None
    journal = app.local.journal
    if journal.head.position == 0:
        remark("the journal is empty: everything is read from PostgreSQL")
    return journal


@contextmanager
def _progress(invocation: Invocation) -> Iterator[OnProgress]:
    if invocation.as_json:
        yield no_progress
        return
    with progress() as report_progress:
        yield report_progress


def _written(invocation: Invocation, report: Report) -> int:
    if invocation.as_json:
        answer_json({"rebuilt": False, **msgspec.to_builtins(report)})
    else:
        table(("read model", "rows"), ((each.projection, each.rows) for each in report.projections.values()))
        remark(f"written as of position {report.as_of}")
    return exits.DONE


def _print_report(report: Report, *, rebuilt: bool) -> None:
    found = report.projections.values()
    outcomes = NAMES | ({None: "rebuilt"} if rebuilt else {})
    table(("read model", "rows", "outcome"), ((each.projection, each.rows, outcomes[each.equal]) for each in found))
    for each in found:
        for difference in each.differences:
            say(
                f"{each.projection} {difference.id} {printable(difference.field)}:"
                f" stored {printable(difference.stored)}, by the log {printable(difference.replayed)}"
            )
        if each.different > len(each.differences):
            say(f"{each.projection}: {each.different - len(each.differences)} more")
    for kind in report.unknown:
        remark(f"{kind.events} x {printable(kind.type)} of schema {kind.schema}: only a newer program understands them")
    if rebuilt:
        remark(f"rebuilt as of position {report.as_of}")
    elif not report.equal:
        remark("next: run `tracking-ledger replay`; the log is right, and no event is touched")
