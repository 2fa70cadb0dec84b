"""`move`: take a ledger to another database, and back."""

from contextlib import closing, nullcontext
from typing import Any

import click
import msgspec

from ledger.postgres import directory
from ledger.postgres.connection.connect import connect
from ledger.postgres.log_copy import EMBEDDED
from ledger.settings import Settings
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, fields, remark, table
from projections.cli.terminal.progress import progress
from projections.tables.replay import no_progress
from projections.transfer.ledger_move import Moved, destination
from projections.transfer.ledger_move import move as move_ledger


@click.command(cls=CliCommand)
@click.argument("to")
@click.option("--admin-dsn", help="The role that creates and owns the schema there, if the role of TO may not.")
@pass_invocation
def move(invocation: Invocation, to: str, admin_dsn: str | None) -> None:
    """Move this project's ledger to another database.

    TO is a database of the directory, as `tracking-ledger databases list` names it, a connection string, or the
    word embedded.

    Work continues meanwhile; writes wait only for the last events, a few seconds. The ledger is opened there and
    closed here when position, digest and every read model are the same on both sides. If the move is interrupted,
    repeat it. Programs follow by themselves to a database of the directory, and from the embedded server; in all
    other cases set LEDGER_DSN.
    """
    _check(invocation.settings, to)
    with nullcontext(no_progress) if invocation.as_json else progress() as report_progress:
        moved = move_ledger(invocation.app, destination(invocation.settings, to, admin_dsn), report_progress)
    if invocation.as_json:
        answer_json(_as_answer(moved))
        return
    fields([("from", moved.source), ("to", moved.target), ("position", moved.position), ("digest", moved.digest)])
    fields([("copied", moved.copied), ("closed", f"{moved.closed_ms:.0f} ms of {moved.elapsed_ms:.0f} ms")])
    table(
        (f"read model at {moved.compared_at}", "rows", "digest"),
        ((name, *found) for name, found in moved.read_models.items()),
    )
    if to == EMBEDDED:
        remark("next: unset LEDGER_DSN")
    elif not directory.NAME.fullmatch(to):
        remark("next: set LEDGER_DSN to where it is now, for all who use it")


def _check(settings: Settings, to: str) -> None:
    if to != EMBEDDED and directory.NAME.fullmatch(to):
        with closing(connect(settings)) as database:
            directory.require(database, to)


def _as_answer(moved: Moved) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.to_builtins(moved)
    models = {name: {"rows": rows, "digest": digest} for name, (rows, digest) in moved.read_models.items()}
    return answer | {"read_models": models}
