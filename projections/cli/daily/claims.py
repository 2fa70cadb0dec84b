"""Commands on what can be begun, and on who has begun it: `ready`, `next`, `claim`, `renew` and `release`."""

from collections.abc import Callable
from typing import Any

import click

from ledger.aggregates.work_item.state import ITEM_TYPES
from ledger.world import ReadyFilter
from projections.cli.daily.shared.calls import perform
from projections.cli.terminal import every_ledger, exits
from projections.cli.terminal.completions import PERSON, REF, TAG
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, printable, remark, say, table
from projections.operations.work.claims import LONGEST
from projections.questions.pages import counted

Decorator = Callable[[Any], Any]

TYPES = click.Choice(ITEM_TYPES)
MINUTES = click.option(
    "--minutes", type=click.IntRange(1, LONGEST), help="Length of the claim (default: the ledger's setting)."
)
TOKEN = click.option("--token", help="Distinguishes workers of the same name (default: LEDGER_TOKEN).")


def filters(command: Any) -> Any:
    """The options that narrow down what is ready."""
    options: list[Decorator] = [
        click.option("--type", "item_type", type=TYPES, help="Only this type."),
        click.option("--tag", type=TAG, help="Only with this tag."),
        click.option("--below", "parent_id", type=REF, help="Only below this item."),
        click.option("--assignee", type=PERSON, help="Only assigned to this person."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=CliCommand)
@filters
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many.")
@click.option("--cursor", hidden=True, help="Where the previous page ended.")
@click.option("--page", type=click.IntRange(1, 100), default=1, help="The number of the page (default: 1).")
@every_ledger.OPTION
@pass_invocation
def ready(invocation: Invocation, /, page: int, **arguments: Any) -> None:
    """Work you can start now: active, not claimed, and not waiting for unfinished work that blocks it or is below
    it."""
    if arguments.pop("every_ledger"):
        _ready_everywhere(invocation, page, arguments)
        return
    for _ in range(page):
        answered = perform(invocation, "ready_work", **arguments)
        arguments["cursor"] = answered["next_cursor"]
        if not answered["has_more"]:
            break
    if invocation.as_json:
        answer_json(answered)
        return
    for item in answered.get("you_hold", ()):
        remark(f"you hold {item['ref']}  {printable(item['title'])}  until {item['until']}")
    columns = ("ref", "title", "item_type", "priority", "assignee")
    table(
        ("ref", "title", "type", "priority", "for"),
        ([item.get(name) for name in columns] for item in answered["items"]),
    )
    if not answered["items"]:
        remark("nothing is ready; what waits, and for what: tracking-ledger list --blocked")
        return
    remark(f"to begin the first: tracking-ledger start {answered['items'][0]['ref']}")
    if answered["has_more"]:
        remark(f"{answered['returned']} of {counted(answered)}; more: tracking-ledger ready --page {page + 1}")


def _ready_everywhere(invocation: Invocation, page: int, arguments: dict[str, Any]) -> None:
    if page > 1 or arguments["parent_id"] or arguments["cursor"]:
        raise click.UsageError("--all cannot be combined with --page or --below")
    given = {name: value for name, value in arguments.items() if value is not None}
    found = every_ledger.everywhere(
        invocation, "ready_work", given, arguments["limit"], lambda item: item.get("priority") or 9
    )
    if invocation.as_json:
        found.as_json()
    else:
        columns = ("ref", "title", "item_type", "priority", "assignee")
        found.show(("ref", "title", "type", "priority", "for"), lambda item: [item.get(name) for name in columns])


@click.command("next", cls=CliCommand)
@filters
@MINUTES
@TOKEN
@pass_invocation
def next_(invocation: Invocation, /, **arguments: Any) -> int:
    """Claim the next ready work item: the most urgent one, then the oldest.

    Workers that ask at the same moment get different items. If nothing is ready, a message says so.
    """
    wanted = {name: arguments.pop(name) for name in ReadyFilter.__struct_fields__}
    given = {name: value for name, value in wanted.items() if value is not None}
    return _claim(invocation, "next", {**arguments, "filter": given or None})


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@MINUTES
@TOKEN
@pass_invocation
def claim(invocation: Invocation, /, ref: str, **arguments: Any) -> int:
    """Claim the work item REF, so that no other worker begins it. It is yours in every shell of this machine."""
    return _claim(invocation, "claim", {"id": ref, **arguments})


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@MINUTES
@TOKEN
@pass_invocation
def renew(invocation: Invocation, /, ref: str, **arguments: Any) -> int:
    """Extend the claim of the work item REF, before it ends."""
    return _claim(invocation, "renew", {"id": ref, **arguments})


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@TOKEN
@pass_invocation
def release(invocation: Invocation, /, ref: str, **arguments: Any) -> int:
    """Release the claim of the work item REF."""
    return _claim(invocation, "release", {"id": ref, **arguments})


def _claim(invocation: Invocation, action: str, arguments: dict[str, Any]) -> int:
    answered = perform(invocation, "claim_work_item", action=action, **arguments)
    if invocation.as_json:
        answer_json(answered)
    elif "id" not in answered:
        remark("nothing is ready to claim; what waits, and for what: tracking-ledger list --blocked")
    else:
        outcome = (
            ("nothing to give back" if answered.get("unchanged") else "given back",) if action == "release" else ()
        )
        say("  ".join([answered["ref"], *outcome, printable(answered.get("title", answered["outcome"]))]))
        if (before := answered.get("taken_from")) is not None:
            remark(
                f"{printable(before['by'])} had it until {moment(before['until'])} UTC and may still be at work on it:"
                f" tracking-ledger history {answered['ref']}"
            )
        if "until" in answered:
            remark(
                f"yours until {moment(answered['until'])} UTC; when it is done: tracking-ledger done {answered['ref']}"
            )
    return exits.of_answer(answered)
