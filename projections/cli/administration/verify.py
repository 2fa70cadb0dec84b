"""`verify`: do journal, log and read models say the same? And `rebuild`: the two ways out when they do not."""

from typing import Any

import click
from msgspec import to_builtins

from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, fields, printable, remark, say
from projections.maintenance import rebuild as rebuilding
from projections.maintenance.rebuild import Rebuilt
from projections.maintenance.verify import Verified
from projections.maintenance.verify import verify as verify_all


@click.command(cls=CliCommand)
@pass_invocation
def verify(invocation: Invocation) -> int:
    """Compare this machine's journal, the log in the database and the read models; every digest is checked.

    It names the first difference and changes nothing. Exit code 8 if there is a difference, 5 if the database could
    not be asked.
    """
    found = verify_all(invocation.app)
    if invocation.as_json:
        answer_json({"equal": not found.differences, **to_builtins(found)})
    else:
        _print_findings(found)
    if found.differences:
        return exits.DIFFERENCE
    return exits.UNAVAILABLE if found.database is None else exits.DONE


@click.command(cls=CliCommand)
@click.option("--from-journal", is_flag=True, help="The journal is right: the database gets its tail.")
@click.option("--from-database", is_flag=True, help="The database is right: the journal is set aside.")
@pass_invocation
def rebuild(invocation: Invocation, from_journal: bool, from_database: bool) -> int:
    """Repair a journal and a database that disagree, because the database lost events or is new and empty.

    --from-journal appends what the database lost again, byte for byte, with each digest checked; it needs the role
    that owns the schema. --from-database renames this machine's journal and queues what only the journal had.
    Neither removes anything. `tracking-ledger doctor` shows what differs.
    """
    if from_journal == from_database:
        raise click.UsageError("say which one is right: --from-journal or --from-database")
    app = invocation.app
    done = rebuilding.from_journal(app) if from_journal else rebuilding.from_database(app, app.clock())
    if invocation.as_json:
        answer_json(_plain(done))
    else:
        _print_rebuilt(done)
    return exits.DONE


def _print_findings(found: Verified) -> None:
    reached = "not reached" if found.database is None else f"position {found.database}"
    fields([("journal", f"position {found.journal}"), ("database", reached)])
    for difference in found.differences:
        say(f"{difference.where}, {printable(difference.at)}: {printable(difference.what)}", style="red")
    if found.unreachable:
        remark(f"the database was not compared: {printable(found.unreachable)}", style="yellow")
    if not found.differences:
        say("no difference", style="green")


def _print_rebuilt(done: Rebuilt) -> None:
    say(f"both were the same up to position {done.common}; the log now ends at position {done.position}")
    if done.restored:
        say(f"{done.restored} events were put back")
    if done.set_aside is not None:
        say(f"the journal was set aside as {printable(done.set_aside)}")
    if done.queued:
        say(
            f"{done.queued} commands that only it held are queued: the next call records them, or they become conflicts"
        )


def _plain(done: Rebuilt) -> dict[str, Any]:
    return {
        "common": done.common,
        "position": done.position,
        "restored": done.restored,
        "queued": done.queued,
        "set_aside": None if done.set_aside is None else str(done.set_aside),
    }
