"""How a command runs an operation: with the arguments that were given."""

from typing import Any

from projections.cli.terminal.invocation import Invocation
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered


def perform(invocation: Invocation, name: str, /, **arguments: Any) -> Answered:
    """Its answer; an argument of None was not given."""
    given = {key: value for key, value in arguments.items() if value is not None}
    return OPERATIONS[name].perform(invocation.app, given)
