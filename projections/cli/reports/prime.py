"""`prime`: what an assistant reads first."""

import click

from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, write
from projections.operations.catalog import OPERATIONS


@click.command(cls=CliCommand)
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
