"""`open`: the console of this project in a browser, signed in by a link that works once."""

import webbrowser

import click

from ledger import identity
from ledger.identity import Identity
from projections.application.app import App
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, say
from projections.maintenance.access_tokens import Tokens
from projections.maintenance.console_links import ConsoleLinks
from projections.maintenance.console_server import find_or_start, others

DAYS = 30  # that a browser stays signed in


@click.command("open", cls=CliCommand)
@click.option("--print", "only_print", is_flag=True, help="Print the link instead of opening a browser.")
@pass_invocation
def open_console(invocation: Invocation, only_print: bool) -> None:
    """Open the web console of this project and of your other projects.

    It runs on this machine's loopback address until it is stopped. The link signs the browser in; it works once,
    within a minute. Your other projects are those that were opened on this machine.
    """
    app = invocation.app
    also = others(app)
    url = find_or_start(app.home, app.identity.project, [project.project for project in also])
    secrets = [_token(app, project) for project in (app.identity, *also)]
    link = f"{url}/enter?once={ConsoleLinks(app.home).make(secrets, app.clock())}"
    if invocation.as_json:
        answer_json({"url": url, "link": link})
        return
    if only_print or not webbrowser.open(link):
        say(link)
    else:
        say(f"opened {url}")


def _token(app: App, project: Identity) -> str:
    """A token of a project for whom acts here."""
    home = identity.home(project, app.settings)
    return Tokens(home).make(project.ledger, app.actor(None), "admin", app.clock(), DAYS)[0]
