"""Commands on the archive: `archive` and `restore`."""

from typing import Any

import click

from projections.cli.daily.shared.calls import perform
from projections.cli.daily.shared.each_item import REFS, each
from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, say


@click.command(cls=CliCommand)
@click.argument("refs", type=REF, metavar="[REF...|-]", nargs=-1)
@click.option(
    "--older-than",
    "older_than_days",
    metavar="DAYS",
    type=click.IntRange(0, 36_500),
    help="Unchanged for this many days; 0 means all that is finished.",
)
@click.option("--dry-run", is_flag=True, default=None, help="Only show what would be archived.")
@pass_invocation
def archive(invocation: Invocation, /, refs: tuple[str, ...], **arguments: Any) -> int:
    """Archive finished work that has not changed for a while: it leaves the lists. With REF, archive that item and
    what is below it now.

    Only whole trees are archived. `restore` brings them back.
    """
    return _archive(invocation, "archive", refs, arguments)


@click.command(cls=CliCommand)
@REFS
@click.option("--dry-run", is_flag=True, default=None, help="Only show what would be brought back.")
@pass_invocation
def restore(invocation: Invocation, /, refs: tuple[str, ...], **arguments: Any) -> int:
    """Bring the work items REF back from the archive, with what is below and above them."""
    return _archive(invocation, "restore", refs, arguments)


def _archive(invocation: Invocation, action: str, refs: tuple[str, ...], arguments: dict[str, Any]) -> int:
    def act(ref: str | None) -> dict[str, Any]:
        return perform(invocation, "archive_work_items", action=action, id=ref, **arguments)

    if refs:
        return each(invocation, refs, act, _print_archived)
    answered = act(None)
    answer_json(answered) if invocation.as_json else _print_archived(answered)
    return exits.of_answer(answered)


def _print_archived(answered: dict[str, Any]) -> None:
    done = {"archive": "archived", "restore": "brought back"}[answered["action"]]
    would = "would be " if answered["outcome"] == "dry_run" else ""
    which = f": {printable(answered['refs'])}" if answered["count"] else ""
    say(f"{answered['count'] or 'nothing'} {would}{done}{which}")
