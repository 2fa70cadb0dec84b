"""`mcp`: an assistant's client starts this and speaks to it over standard input and output."""

import importlib

import click

from projections.cli.invocation import Command, Invocation, pass_invocation


@click.command(cls=Command)
@click.option("--toolset", "toolsets", multiple=True, metavar="NAME", help="Only the tools of these sets (repeatable).")
@click.option("--read-only", is_flag=True, help="Only tools that read; wins over everything.")
@pass_invocation
def mcp(invocation: Invocation, /, toolsets: tuple[str, ...], read_only: bool) -> None:
    """Serve an assistant over stdio.

    Nothing but the protocol is written to stdout. The database is opened by the first call that needs it.
    """
    # imported only here, by name: loading `mcp` takes half a second that no other command should wait for
    adapter = importlib.import_module("mcp_adapter.server")
    adapter.run_stdio(invocation.app, toolsets, read_only=read_only)
