"""A command as JSON and back: how it waits in an outbox, and how a conflict keeps it."""

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.catalog import COMMANDS
from ledger.envelope import Command
from ledger.errors import VERIFY, Damaged, NewerProgramNeeded

SCHEMA = 1  # of every command that has no upcast yet
UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}  # (command, schema) -> of schema + 1
INNER = {"ChangeWorkItems": "changes"}  # which field of a command holds commands
TYPE = "command"  # which of them it is, beside its arguments


def schema_of(name: str) -> int:
    """Today's schema of a command."""
    return SCHEMA + max((schema for command, schema in UPCASTS if command == name), default=0)


def is_known(name: str, schema: int) -> bool:
    """Whether this program understands such a command; if not, a newer one has written it."""
    return name in COMMANDS and schema <= schema_of(name)


def arguments_of(command: Command) -> dict[str, Any]:
    """Everything the command says, as JSON has it."""
    arguments: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(command))
    if inner := INNER.get(type(command).__name__):
        held = getattr(command, inner)
        arguments[inner] = [{TYPE: type(one).__name__, **arguments_of(one)} for one in held]
    return arguments


def command_of(name: str, schema: int, arguments: dict[str, Any]) -> Command:
    """The command that was written. Raises NewerProgramNeeded for one that this program does not know."""
    if not is_known(name, schema):
        raise NewerProgramNeeded(
            f"this program does not know the command {name} of schema {schema}",
            next_step="upgrade tracking-ledger on this machine",
            command=name,
            schema=schema,
        )
    for older in range(schema, schema_of(name)):
        arguments = UPCASTS[name, older](arguments)
    try:
        return _read(name, arguments)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Damaged(f"the arguments of a {name} do not parse: {error}", next_step=VERIFY, command=name) from error


def _read(name: str, arguments: dict[str, Any]) -> Command:
    inner = INNER.get(name)
    if inner is None:
        return msgspec.convert(arguments, COMMANDS[name])
    held = tuple(_read(one[TYPE], {key: one[key] for key in one if key != TYPE}) for one in arguments[inner])
    rest = {key: value for key, value in arguments.items() if key != inner}
    return COMMANDS[name](**rest, **{inner: held})
