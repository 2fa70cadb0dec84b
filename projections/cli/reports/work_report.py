"""The command `report`: what was done by whom, what is late, what waits, and the time that work took in each state."""

from datetime import UTC, datetime
from typing import Any

import click

from projections.cli.terminal import exits
from projections.cli.terminal.completions import PERSON, REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, heading, planned, remark, table
from projections.cli.terminal.parameters.dates import written
from projections.cli.terminal.parameters.points import POINT, point
from projections.cli.terminal.wording import ago, cost_heading
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

HEADINGS = {"at": "completed", "who": "has it", "whom": "waits for"}


class Since(click.ParamType[str, str]):
    """A day or a moment that was, or how long ago it was."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        ago = point(value, datetime.now(UTC))
        try:
            return ago if ago != value else written(value, datetime.now(), past=True)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(cls=CliCommand)
@click.argument("person", type=PERSON, required=False)
@click.option("--of", "id", type=REF, metavar="REF", help="Only this item and what is below it, or in this milestone.")
@click.option("--since", type=Since(), metavar="WHEN", help="Only what happened since: fri, 2w, 2026-11-20.")
@click.option("--as-of", type=POINT, help="As it was at a position, at a time, or a while ago, like 2h.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many items."
)
@pass_invocation
def report(invocation: Invocation, /, person: str | None, **wanted: Any) -> int:
    """Who put how much effort into what; what was completed, what is overdue, what waits and for whom; how long
    items were in each state. With PERSON, only what is theirs.

    Effort is what `effort REF 1h30` adds. The time in a state ends when the item leaves the state or is finished.
    """
    return print_report(invocation, person=invocation.actor if person == "me" else person, **wanted)


def print_report(invocation: Invocation, **wanted: Any) -> int:
    given = {name: value for name, value in wanted.items() if value is not None}
    answered = OPERATIONS["work_report"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
    elif not answered["items"] and "waiting" not in answered:
        remark("no work items like that: tracking-ledger report")
    else:
        _print(answered)
    return exits.of_answer(answered)


def _print(answered: Answered) -> None:
    amounts = ("time", "tokens", cost_heading(answered))
    people = ((one["person"], *_amounts(one), one["completed"] or None, one["items"]) for one in answered["people"])
    table(("who", *amounts, "completed", "items"), people)
    _print_section(answered, "completed", ("ref", "title", "by", "at"))
    _print_section(answered, "overdue", ("ref", "title", "due", "who"))
    _print_section(answered, "waiting", ("ref", "title", "whom", "by", "since", "question", "reason"))
    if answered["people"]:
        heading("time in each state")
    rows = (
        (one["state"], length(one["minutes"]), one["items"] or None, one["now"] or None) for one in answered["states"]
    )
    table(("state", "time", "items", "now"), rows)
    heading("item by item")
    items = ((one["ref"], one["title"], one["status"], *_amounts(one), _stays(one)) for one in answered["items"])
    table(("ref", "title", "status", *amounts, "time in each state"), items, cut=("title",))
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; more: --limit")


def _print_section(answered: Answered, name: str, columns: tuple[str, ...]) -> None:
    """Nothing where there is nothing to say."""
    if name not in answered:
        return
    count = answered.get(f"{name}_count")
    heading(f"{name}, {len(answered[name])} of {count}" if count else name)
    rows = ([_cell(column, line.get(column)) for column in columns] for line in answered[name])
    table(tuple(HEADINGS.get(column, column) for column in columns), rows, cut=("title", "question", "reason"))


def _cell(column: str, value: str | None) -> str | None:
    if value is None:
        return None
    if column in ("at", "since"):
        return ago(value, datetime.now(UTC))
    return planned(value) if column == "due" else value


def _amounts(entry: Answered) -> tuple[object, ...]:
    return (length(entry["minutes"]), entry["tokens"] or None, entry["cost"] or None)


def _stays(item: Answered) -> str:
    return ", ".join(f"{state} {length(minutes) or '0m'}" for state, minutes in item["minutes_in"].items())


def length(minutes: int) -> str | None:
    """
    >>> [length(minutes) for minutes in (0, 5, 90, 120, 1500, 2880)]
    [None, '5m', '1h30', '2h', '1d1h', '2d']
    """
    if minutes < 60:
        return f"{minutes}m" if minutes else None
    days, rest = divmod(minutes, 24 * 60)
    if days:
        return f"{days}d{rest // 60}h" if rest >= 60 else f"{days}d"
    return f"{rest // 60}h{rest % 60:02}" if rest % 60 else f"{rest // 60}h"
