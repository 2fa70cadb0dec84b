"""`publish`: the journal into the project, where version control takes it along."""

import click

from ledger.errors import LedgerError
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark
from projections.transfer.publication import publish as copy_out


@click.command(cls=CliCommand)
@pass_invocation
def publish(invocation: Invocation) -> None:
    """Copy this machine's journal to .ledger/journal.jsonl, to be committed with the project.

    Questions are answered from this file when neither the database nor this machine's own copy can be read. The
    file is replaced as a whole, and only by a journal that contains it. Exit code 5 when this machine's disk does not
    take what the journal lacks; the file stays as it was.
    """
    app = invocation.app
    if app.runtime.opened or _reached(invocation):
        app.sync.follow_for_copy()
    done = copy_out(app)
    if invocation.as_json:
        answer_json({"file": str(done.file), "position": done.position, "outcome": done.outcome})
    else:
        remark(f"{done.outcome}: {printable(done.file)} goes up to position {done.position}")


def _reached(invocation: Invocation) -> bool:
    try:
        invocation.app.runtime.live()
    except LedgerError:  # then the journal is as new as it is
        return False
    return True
