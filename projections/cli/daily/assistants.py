"""Commands that speak to the operations an assistant uses most: `prime`, `bulk` and `search`."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ledger.errors import Invalid
from projections.cli.terminal import every_ledger, exits
from projections.cli.terminal.invocation import Command, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say, table, write
from projections.cli.terminal.wording import short_ago
from projections.operations.catalog import OPERATIONS
from projections.operations.inputs import argument_values
from projections.questions.pages import counted

HEADINGS = ("ref", "title", "type", "status", "changed")


@click.command(cls=Command)
@pass_invocation
def prime(invocation: Invocation) -> None:
    """What an assistant reads first: how to work with this ledger, what is in progress, what is ready.

    Under 1,500 tokens, whatever the ledger holds.
    """
    answered = OPERATIONS["prime"].perform(invocation.app, {})
    if invocation.as_json:
        answer_json(answered)
    else:
        write(answered["text"].rstrip())


@click.command(cls=Command)
@click.argument("file", metavar="FILE|-")
@click.option("--skip-refused", is_flag=True, help="Record the others when some are refused.")
@click.option("--command-id", metavar="UUID", help="Makes a repetition harmless.")
@pass_invocation
def bulk(invocation: Invocation, file: str, skip_refused: bool, command_id: str | None) -> int:
    """Create, update and link many work items as one command: all of them, or none.

    FILE is a JSON array of {"op": "create"|"update"|"link", ...} with the arguments of those operations; - reads
    it from standard input. A created item may have a "key", and those after it name it as "$key".
    """
    arguments = {"items": _items(file), "all_or_nothing": not skip_refused, "command_id": command_id}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["bulk_work_items"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
    else:
        _print_answered(answered)
    return exits.REFUSED if answered["refused"] else exits.of_answer(answered)


@click.command(cls=Command)
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


def _items(file: str) -> list[Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        given = json.loads(text, object_pairs_hook=argument_values.object_of)
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise _wrong(file, f"cannot be read as JSON: {error}") from None
    if not isinstance(given, list):
        raise _wrong(file, "is not a JSON array")
    return given


def _print_answered(answered: dict[str, Any]) -> None:
    for line in answered["results"]:
        if "error" in line:
            remark(f"items.{line['index']}: {printable(line['error']['message'])}", style="red")
        else:
            say(f"{line['ref']}  {printable(line['key'])}" if "key" in line else line["ref"])
    remark(f"{answered['taken']} taken, {answered['refused']} refused; command {answered['command_id']}")


def _wrong(file: str, problem: str) -> Invalid:
    fields = [{"field": "FILE", "problem": problem}]
    return Invalid(f"{file} {problem}", next_step="see `tracking-ledger bulk --help`", fields=fields)
