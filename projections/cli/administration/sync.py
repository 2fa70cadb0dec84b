"""Commands on what waits for the database: `sync`, and `conflicts` and `resolve` for what met other changes there."""

import json
from collections import Counter
from typing import Any

import click

from ledger.aggregates.conflict.commands import CHOICES
from ledger.errors import Invalid, Unavailable, VersionConflict
from ledger.offline.queue.outbox import ASIDE
from ledger.offline.queue.outbox_file import FILE
from projections.application.app import App
from projections.cli.exchange.github import github
from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, counting, printable, remark, say, table
from projections.operations.catalog import OPERATIONS
from projections.operations.sync import MOST
from projections.questions.log.event_lines import in_words

OUTBOX = "outbox"  # the command that `sync` is without a name
AT_ONCE = 5.0  # seconds between two looks at whether another process drains


class Kinds(CliGroup):
    """`sync` alone is what waits on this machine; `sync github OWNER/REPO` a repository."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not any(argument in self.commands or argument == "--help" for argument in args):
            args = [OUTBOX, *args]
        return super().parse_args(ctx, args)


@click.group(cls=Kinds)
def sync() -> None:
    """Send queued changes to the database; with `github`, keep a repository's issues the same as the ledger.

    Without a subcommand it does what `sync outbox` does.
    """


sync.add_command(github)


@sync.command(OUTBOX, cls=CliCommand)
@click.option("--set-aside", is_flag=True, help="First move damaged lines out of the way, into a file of their own.")
@pass_invocation
def outbox(invocation: Invocation, set_aside: bool) -> int:
    """Send queued changes to the database.

    They are sent in their order, and each is recorded exactly once. If it is interrupted, run it again: it
    continues where it stopped. Exit code 8 if a change became a conflict or is held back.
    """
    app = invocation.app
    if set_aside and (moved := app.local.outbox.set_aside()):
        remark(f"{moved} damaged lines are in {app.home / ASIDE} now", style="yellow")
    waited, asked_at = app.local.waiting, app.local.outbox.sequence
    try:
        _ = app.database
    except Unavailable:
        remark(f"{waited} changes wait on this machine", style="yellow")
        raise
    outcomes, held = _drained(app, waited)
    left = app.local.waiting
    outcomes |= Counter(app.local.outbox.ended_since(asked_at))  # also by others, who may be faster
    settled = max(outcomes.total(), waited - left)
    if invocation.as_json:
        answer_json({"waited": waited, "settled": settled, **outcomes, "waiting": left, "held": held})
    else:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        say(
            f"{settled} settled: {counts}; {left} wait"
            if counts or left
            else "nothing to send: nothing waits on this machine"
        )
        if outcomes["conflict"]:
            remark("next: tracking-ledger conflicts")
        if held:
            remark(f"{held} are held back by damaged lines of {app.home / FILE}; `sync --set-aside` lets them go on")
    return exits.DIFFERENCE if held or outcomes["conflict"] else exits.DONE


@click.command(cls=CliCommand)
@pass_invocation
def conflicts(invocation: Invocation) -> int:
    """Show conflicts: queued changes that met other changes, and what is there now. `resolve` decides them."""
    answered = OPERATIONS["sync_state"].perform(invocation.app, {})
    if invocation.as_json:
        answer_json(answered)
    else:
        for conflict in answered["items"]:
            _print_conflict(conflict)
        if not answered["items"]:
            remark("no conflicts")
        elif answered["has_more"]:
            remark(f"{answered['returned']} of {answered['conflicts']}: at most {MOST} are shown")
    return exits.DIFFERENCE if answered["items"] else exits.DONE


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("choice", type=click.Choice(CHOICES))
@click.option("--changes", metavar="JSON", help="For edited: the fields that differ, as a JSON object.")
@click.option("--version", help="The version of the conflict that you have read (default: the newest).")
@click.option("--command-id", metavar="UUID", help="Repeated with the same id, it is recorded only once.")
@pass_invocation
def resolve(invocation: Invocation, /, ref: str, choice: str, version: str | None, **given: Any) -> int:
    """Decide the conflict REF.

    mine applies the queued command to the current state, theirs drops the command and keeps a record of it, edited
    applies it with other values.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    if "changes" in arguments:
        arguments["changes"] = _object(arguments["changes"])
    expected: Any = version if version is not None else 1  # a conflict that waits has never changed
    expected = int(expected) if str(expected).isdecimal() else expected
    arguments |= {"id": ref, "choice": choice}
    try:
        answered = OPERATIONS["resolve_conflict"].perform(invocation.app, {**arguments, "version": expected})
    except VersionConflict as error:
        if version is not None:
            raise
        answered = OPERATIONS["resolve_conflict"].perform(
            invocation.app, {**arguments, "version": error.details["actual"]}
        )
    if invocation.as_json:
        answer_json(answered)
    else:
        say(f"{answered['ref']}  {answered['outcome']}")
        for other in answered.get("resolved_too", ()):
            say(f"{other}  followed it")
    return exits.of_answer(answered)


def _drained(app: App, total: int) -> tuple[Counter[str], int]:
    outcomes: Counter[str] = Counter()
    held = 0
    with counting("sending what waits to the database", total) as progress:
        while not app.local.is_settled:
            drained = app.sync.drain(on_progress=lambda settled: _show(progress, sum(outcomes.values()) + settled))
            if drained is None:
                if app.sync.drain_for(AT_ONCE):
                    break
                continue
            outcomes.update(drained.outcomes)
            held = drained.held
            if held or not drained.settled:
                break
    return outcomes, held


def _show(progress: Any, settled: int) -> None:
    progress.update(progress.task_ids[0], completed=settled)


def _print_conflict(conflict: dict[str, Any]) -> None:
    say(f"{conflict['ref']}  {conflict['command']} of {', '.join(conflict['about'])} by {printable(conflict['by'])}")
    if conflict.get("met"):
        columns = ("field", "base", "mine", "now", "by")
        table(columns, ([in_words(met[name]) for name in columns] for met in conflict["met"]))
    if conflict.get("refusal"):
        remark(f"  refused: {printable(conflict['refusal']['message'])}")
    if conflict.get("waits_for"):
        remark(f"  waits for {', '.join(conflict['waits_for'])}")


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        fields = [{"field": "--changes", "problem": "is not a JSON object"}]
        raise Invalid("--changes is not a JSON object", next_step="see `tracking-ledger resolve --help`", fields=fields)
    return given
