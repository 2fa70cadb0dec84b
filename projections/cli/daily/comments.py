"""The command `comment`: say something about an entity, or correct and withdraw what one said."""

from typing import Any

import click

from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, say
from projections.cli.terminal.parameters.texts import STANDARD_INPUT, text_of_standard_input
from projections.operations.catalog import OPERATIONS

DONE = {"add": "", "correct": "corrected", "withdraw": "withdrawn"}


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("text", metavar="TEXT|-", nargs=-1)
@click.option("--correct", "correct", metavar="ID", help="Replace the text of your comment ID.")
@click.option("--withdraw", "withdraw", metavar="ID", help="Withdraw your comment ID.")
@pass_invocation
def comment(invocation: Invocation, ref: str, text: tuple[str, ...], correct: str | None, withdraw: str | None) -> int:
    """Comment on REF: a work item, a vendor, a deployment, an enhancement or a conflict.

    The text is Markdown; - reads it from standard input. `show REF` lists the comments with their ids.
    """
    if correct and withdraw:
        raise click.UsageError("--correct and --withdraw exclude each other")
    arguments: dict[str, Any] = {"id": ref, "action": "correct" if correct else "withdraw" if withdraw else "add"}
    if text:
        arguments["text"] = " ".join(text) if text != (STANDARD_INPUT,) else text_of_standard_input()
    if correct or withdraw:
        arguments["comment_id"] = correct or withdraw
    answered = OPERATIONS["comment"].perform(invocation.app, arguments)
    if invocation.as_json:
        answer_json(answered)
    else:
        word = "nothing to change:" if answered.get("unchanged") else DONE[arguments["action"]]
        say(" ".join(filter(None, (f"{answered['ref']} ", word, "comment", answered["comment_id"]))))
    return exits.of_answer(answered)
