"""`board`: the work in columns, one a state, as wide as the terminal."""

from collections.abc import Iterator
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from ledger.values.states import FINISHED, ORIGINAL, State, in_order
from projections.cli.daily.items import ASSIGNEE, person
from projections.cli.daily.shared.calls import perform
from projections.cli.daily.shared.filters import filter_options
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.live import watch
from projections.cli.terminal.output import GAP, answer_json, on_terminal, printable, remark, say, width
from projections.cli.terminal.wording import awaited
from projections.questions.answers import Answered
from projections.questions.pages import counted

NARROWEST = 20  # characters of a column; what has no room beside the others stands below them


@click.command(cls=CliCommand)
@filter_options("tag", "parent_id")
@ASSIGNEE
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100), default=8, show_default=True, help="At most this many in a column."
)
@click.option("--watch", "again", is_flag=True, help="Show it again after each change, until Ctrl-C.")
@pass_invocation
def board(invocation: Invocation, /, again: bool, limit: int, **filters: Any) -> None:
    """The work in columns, one for each state: the most urgent first; of finished work, the newest."""
    if again and invocation.as_json:
        raise click.UsageError("--watch draws for a person: leave --json out, or use `status --watch --json`")
    filters["assignee"] = person(invocation, filters["assignee"])

    def draw() -> None:
        columns = [_column(invocation, state, limit, filters) for state in _states(invocation)]
        if invocation.as_json:
            answer_json({"columns": columns})
            return
        if again and on_terminal():
            click.clear()
        _draw([column for column in columns if column["items"]] or columns)
        if not any(column["items"] for column in columns):
            remark("no work items: tracking-ledger add TITLE creates one")

    if again:
        watch(invocation.app, draw)
    else:
        draw()


def _states(invocation: Invocation) -> list[State]:
    own = perform(invocation, "get_project_configuration")["states"]
    found = (State(name=state["name"], category=state["category"]) for state in own)
    return in_order(state for state in found if state.name not in ORIGINAL)


def _column(invocation: Invocation, state: State, limit: int, filters: Answered) -> Answered:
    order = "updated" if state.category in FINISHED else "priority"
    page = perform(invocation, "list_work_items", status=state.name, order=order, limit=limit, **filters)
    known: Answered = {name: page[name] for name in ("total_count", "total_is_at_least", "next_step") if name in page}
    return {"state": state.name, "category": state.category, **known, "items": page["items"]}


def _draw(columns: list[Answered]) -> None:
    """Draws as many columns beside each other as the terminal has room for, the others below."""
    abreast = max(1, min(len(columns), (width() + len(GAP)) // (NARROWEST + len(GAP))))
    wide = (width() - len(GAP) * (abreast - 1)) // abreast
    for start in range(0, len(columns), abreast):
        row = columns[start : start + abreast]
        heads = [f"{column['state']} ({counted(column)})" for column in row]
        say(GAP.join(_cut(head, wide) for head in heads).rstrip(), style="bold")
        lines = [list(_cards(column["items"], wide)) for column in row]
        for depth in range(max(map(len, lines))):
            parts = [column[depth] if depth < len(column) else "" for column in lines]
            say(GAP.join(_cut(part, wide) for part in parts).rstrip())


def _cards(items: list[Answered], wide: int) -> Iterator[str]:
    """The reference with its priority and who has it, the title, and whose answer it waits for."""
    for item in items:
        claim = item.get("claim") or {}
        holder = f"@{claim['by']}" if claim and not claim.get("expired") else item.get("assignee") or ""
        priority = f"p{item['priority']}" if item.get("priority") else ""
        yield printable(" ".join(part for part in (item["ref"], priority, holder) if part))
        yield printable(f"  {item['title']}")
        if item.get("question"):
            asked = item["question"]
            yield printable(f"  {'' if asked.get('completes') else 'waits for '}{awaited(asked)}")


def _cut(text: str, wide: int) -> str:
    fits = cell_len(text) <= wide
    return set_cell_size(text, wide) if fits else set_cell_size(text, wide - 3).rstrip() + "..."
