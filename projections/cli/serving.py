"""`mcp`: an assistant's client starts this and speaks to it over standard input and output."""

import importlib

import click

from projections.cli.invocation import Command, Invocation, pass_invocation


@click.command(cls=Command)
@pass_invocation
def mcp(invocation: Invocation) -> None:
    """Serve an assistant over stdio.

    Nothing but the protocol is written to stdout. The database is opened by the first call that needs it.
    """
    # imported only here, by name: loading `mcp` takes half a second that no other command should wait for
    adapter = importlib.import_module("mcp_adapter.server")
    adapter.run_stdio(invocation.app)
