"""After every refusal a person has a line to type."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import errors
from ledger.errors import LeaseMoved, LedgerError, LostRace, ReadModelBehind, Refused
from projections.cli.commands import COMMANDS
from projections.cli.terminal.next_lines import COMMAND, LISTS_OF, OF_CODE, OF_RULE, WORDS, next_lines
from tests.support.each import each

ROOT = Path(__file__).parent.parent.parent
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LedgerError)]
INTERNAL = {LostRace, ReadModelBehind, LeaseMoved}  # never shown: the write path decides again


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every place where the program makes an error, with what it is given."""
    names = {kind.__name__ for kind in KINDS if kind not in INTERNAL}
    for room in ("ledger", "projections", "mcp_adapter"):
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)) if any(name in text for name in names) else []:
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


@pytest.mark.processes
def test_every_refusal_of_the_program_says_what_to_do() -> None:
    silent = [
        place
        for place, call in raised()
        if not any(word.arg is None or (word.arg == "next_step" and not is_empty(word.value)) for word in call.keywords)
    ]

    assert silent == []


def is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not value.value


@each("kind", KINDS)
@each("advice", ["", "see to it"])
def test_every_kind_of_refusal_ends_with_a_command(kind: type[LedgerError], advice: str) -> None:
    lines = next_lines(kind("w-7k3qd is in the way", next_step=advice), "done")

    assert lines[:-1] == [advice] * bool(advice)
    assert COMMAND.search(lines[-1])
    assert lines[-1].split()[1] in COMMANDS


def test_the_commands_that_are_advised_are_commands() -> None:
    advised = [
        *OF_RULE.values(),
        *OF_CODE.values(),
        *LISTS_OF.values(),
        *(line.partition("tracking-ledger ")[2] for line in WORDS.values()),
    ]

    assert {line.split()[0] for line in advised if line and not line.startswith("{")} <= set(COMMANDS)


def test_what_a_refusal_is_about_stands_in_its_command_and_what_is_no_reference_in_none() -> None:
    of_items = Refused("the parent is archived", rule="parent_archived", items=[{"ref": "w-00001"}], next_step="")

    assert next_lines(of_items) == ["tracking-ledger restore w-00001"]
    assert next_lines(Refused("no", next_step=""), "move") == ["tracking-ledger move --help"]


def test_advice_for_tools_is_said_in_options() -> None:
    error = Refused(
        "w-00001 has 2 unfinished children", next_step="finish those first, or send force=true with a reason"
    )

    assert next_lines(error)[0] == "finish those first, or repeat it with --force --reason TEXT"
