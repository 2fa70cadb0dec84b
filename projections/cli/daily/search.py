"""`search`: work items by their words."""

from datetime import UTC, datetime
from typing import Any

import click

from projections.cli.terminal import every_ledger
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, remark, table
from projections.cli.terminal.wording import short_ago
from projections.operations.catalog import OPERATIONS
from projections.questions.pages import counted

HEADINGS = ("ref", "title", "type", "status", "changed")


@click.command(cls=CliCommand)
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many.")
@click.option("--with-archived", "everything", is_flag=True, help="Archived and deleted items too.")
@every_ledger.OPTION
@pass_invocation
def search(invocation: Invocation, /, words: tuple[str, ...], limit: int, everything: bool, **options: Any) -> None:
    """Find work items by their words, the best first: titles, tags, descriptions, notes, reasons, findings.

    All WORDS must occur, in any order. Case and accents do not matter; a word may be the beginning of a longer one.
    """
    arguments = {"text": " ".join(words), "limit": limit}
    arguments |= {"include_archived": True, "include_deleted": True} if everything else {}
    if options["every_ledger"]:
        _search_everywhere(invocation, arguments, limit)
        return
    answered = OPERATIONS["list_work_items"].perform(invocation.app, arguments)
    if invocation.as_json:
        answer_json(answered)
        return
    found = answered["items"]
    now = invocation.app.clock()
    table(HEADINGS, (_line(item, now) for item in found))
    remark(f"{answered['returned']} of {counted(answered)}" if found else "nothing is found")
    if "next_step" in answered:
        remark(answered["next_step"])


def _search_everywhere(invocation: Invocation, arguments: dict[str, Any], limit: int) -> None:
    found = every_ledger.everywhere(invocation, "list_work_items", arguments, limit)
    if invocation.as_json:
        found.as_json()
    else:
        now = datetime.now(UTC)
        found.show(HEADINGS, lambda item: _line(item, now))


def _line(item: dict[str, Any], now: datetime) -> tuple[object, ...]:
    return (*(item.get(name) for name in ("ref", "title", "item_type", "status")), short_ago(item["updated_at"], now))
