"""`bulk`: many changes of work items as one command, from a JSON file."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ledger.errors import Invalid
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say
from projections.operations.catalog import OPERATIONS
from projections.operations.inputs import argument_values


@click.command(cls=CliCommand)
@click.argument("file", metavar="FILE|-")
@click.option("--skip-refused", is_flag=True, help="Record the others when some are refused.")
@click.option("--command-id", metavar="UUID", help="Repeated with the same id, it is recorded only once.")
@pass_invocation
def bulk(invocation: Invocation, file: str, skip_refused: bool, command_id: str | None) -> int:
    """Create, update and link many work items as one command: all of them, or none.

    FILE is a JSON array of {"op": "create"|"update"|"link", ...} with the arguments of those operations; - reads it
    from standard input. A "create" may have a "key": later changes refer to the item that it creates as "$key".
    """
    arguments = {"items": _items(file), "all_or_nothing": not skip_refused, "command_id": command_id}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["bulk_work_items"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
    else:
        _print_answered(answered)
    return exits.REFUSED if answered["refused"] else exits.of_answer(answered)


def _items(file: str) -> list[Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        given = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=argument_values.object_of)
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise _wrong(file, f"cannot be read as JSON: {error}") from None
    except RecursionError:
        raise _wrong(file, "cannot be read as JSON: it is nested too deep") from None
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
