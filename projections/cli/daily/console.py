"""`open`: the console of this project in a browser, signed in by a link that works once."""

import webbrowser

import click

from projections.cli.terminal.invocation import Command, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, say
from projections.maintenance.access_tokens import Tokens
from projections.maintenance.console_links import Links
from projections.maintenance.console_server import find_or_start

DAYS = 30  # that a browser stays signed in


@click.command("open", cls=Command)
@click.option("--print", "only_print", is_flag=True, help="Print the link instead of opening a browser.")
@pass_invocation
def open_console(invocation: Invocation, only_print: bool) -> None:
    """Open the web console of this project.

    It runs on this machine's loopback address until it is stopped. The link signs the browser in, works once and for a
    minute.
    """
    app = invocation.app
    url = find_or_start(app.home, app.identity.project)
    secret, _ = Tokens(app.home).make(app.identity.ledger, app.actor(None), "admin", app.clock(), DAYS)
    link = f"{url}/enter?once={Links(app.home).make(secret, app.clock())}"
    if invocation.as_json:
        answer_json({"url": url, "link": link})
        return
    if only_print or not webbrowser.open(link):
        say(link)
    else:
        say(f"opened {url}")
