"""`replay`: rebuild the read models from the log, or check that they are what it adds up to."""

import click
import msgspec

from projections.app import App
from projections.cli import exits
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.output import answer_json, remark, say, shown, table
from projections.postgres_tables import PostgresTables
from projections.replay import Report, check
from projections.replay import replay as rebuild

NAMES = {True: "equal", False: "different", None: "nothing to compare with"}


@click.command(cls=Command)
@click.argument("projections", metavar="[PROJECTION]...", nargs=-1)
@click.option(
    "--check", "only_check", is_flag=True, help="Compare and change nothing; exit code 8 if something differs."
)
@pass_invocation
def replay(invocation: Invocation, projections: tuple[str, ...], only_check: bool) -> int:
    """Rebuild the read models from the log, and tell whether they equal what was there.

    Without names all of them. Readers and writers go on meanwhile, and see the new rows all at once.
    """
    app = invocation.app
    report = (check if only_check else rebuild)(app.store, _tables(app), projections)
    if invocation.as_json:
        answer_json({"rebuilt": not only_check, "equal": report.equal, **msgspec.to_builtins(report)})
    else:
        _tell(report, rebuilt=not only_check)
    return exits.DIFFERENCE if only_check and not report.equal else exits.DONE


def _tables(app: App) -> PostgresTables:
    """Tables that do not catch up by themselves: a check changes nothing."""
    return PostgresTables(app.database, app.identity.key)


def _tell(report: Report, *, rebuilt: bool) -> None:
    found = report.projections.values()
    table(
        ("read model", "rows", "compared with the log"),
        ((each.projection, each.rows, NAMES[each.equal]) for each in found),
    )
    for each in found:
        for difference in each.differences:
            say(
                f"{each.projection} {difference.id} {shown(difference.field)}:"
                f" stored {shown(difference.stored)}, by the log {shown(difference.replayed)}"
            )
        if each.different > len(each.differences):
            say(f"{each.projection}: {each.different - len(each.differences)} more")
    if rebuilt:
        remark(f"rebuilt, compared as of position {report.as_of}")
    elif not report.equal:
        remark("next: run `tracking-ledger replay`; the log is right, and no event is touched")
