"""The commands `ask` and `answer`: an item waits for a person or a role, and goes on with the answer."""

from typing import Any

import click

from projections.cli import exits
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.output import answer_json, say
from projections.operations.catalog import OPERATIONS


@click.command(cls=Command)
@click.argument("ref")
@click.argument("whom")
@click.argument("text", nargs=-1, required=True)
@click.option("--choice", "choices", multiple=True, help="An answer to choose; give it once for each.")
@pass_invocation
def ask(invocation: Invocation, ref: str, whom: str, text: tuple[str, ...], choices: tuple[str, ...]) -> int:
    """Let the work item REF wait until WHOM, a person or a role, has answered TEXT."""
    given = {"choices": list(choices)} if choices else {}
    return _perform(invocation, {"id": ref, "action": "ask", "whom": whom, "text": " ".join(text), **given})


@click.command(cls=Command)
@click.argument("ref")
@click.argument("text", nargs=-1)
@click.option("--approve", "verdict", flag_value="approve", help="Yes.")
@click.option("--refuse", "verdict", flag_value="refuse", help="No: back to its holder, TEXT says why.")
@click.option("--choose", "choice", metavar="CHOICE", help="One of the choices that were asked for.")
@click.option("--withdraw", is_flag=True, help="Take your question back instead.")
@pass_invocation
def answer(
    invocation: Invocation, ref: str, text: tuple[str, ...], verdict: str | None, choice: str | None, withdraw: bool
) -> int:
    """Answer what the work item REF waits for, so that it goes on."""
    given = {"text": " ".join(text) or None, "verdict": verdict, "choice": choice}
    arguments = {name: value for name, value in given.items() if value is not None}
    return _perform(invocation, {"id": ref, "action": "withdraw" if withdraw else "answer", **arguments})


def _perform(invocation: Invocation, arguments: dict[str, Any]) -> int:
    answered = OPERATIONS["question"].perform(invocation.app, arguments)
    if invocation.as_json:
        answer_json(answered)
    else:
        say(f"{answered['ref']}  {answered['outcome']}")
    return exits.of_answer(answered)
