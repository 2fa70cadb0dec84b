"""`mcp` and `serve`: assistants come in over standard input and output, or over HTTP."""

import gc
import importlib
from pathlib import Path
from typing import Any

import click

from ledger import identity
from ledger.errors import NoLedger
from projections.cli.administration.setup.clients import CLIENTS, start
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, remark, say


@click.command(cls=CliCommand)
@click.option("--toolset", "toolsets", multiple=True, metavar="NAME", help="Only the tools of these sets (repeatable).")
@click.option("--read-only", is_flag=True, help="Only tools that read, whatever other options say.")
@click.option(
    "--print-config",
    "client",
    metavar="CLIENT",
    type=click.Choice(list(CLIENTS)),
    help=f"Print what makes a client start this server instead: {', '.join(CLIENTS)}.",
)
@pass_invocation
def mcp(invocation: Invocation, /, toolsets: tuple[str, ...], read_only: bool, client: str | None) -> None:
    """Serve an assistant over stdio.

    Only the protocol is written to stdout. The database is opened by the first call that needs it.
    """
    if client is not None:
        given = [word for name in toolsets for word in ("--toolset", name)] + ["--read-only"] * read_only
        _print_config(invocation, client, given)
        return
    adapter = _loaded("mcp_adapter.server")
    adapter.run_stdio(invocation.app, toolsets, read_only=read_only)


@click.command(cls=CliCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port; 0 takes a free one."
)
@click.option(
    "--also",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Another project to serve (repeatable).",
)
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A host name by which clients reach it (repeatable)."
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="An origin whose web pages may send requests (repeatable).",
)
@click.option("--tls-cert", "certificate", metavar="FILE", help="The certificate chain, as PEM.")
@click.option("--tls-key", "key", metavar="FILE", help="The key of the certificate, as PEM.")
@click.option(
    "--behind-proxy",
    "proxies",
    metavar="ADDRESSES",
    help="The proxies in front, which end TLS and pass on the client's address.",
)
@click.option("--issuer", metavar="URL", help="An OAuth issuer whose tokens are accepted too.")
@click.option(
    "--jwks", "keys_url", metavar="URL", help="The keys of the issuer (default: ISSUER/.well-known/jwks.json)."
)
@click.option("--public-url", metavar="URL", help="The address that clients and issuer use, with /mcp.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 10_000),
    default=50.0,
    show_default=True,
    help="The most requests per second of each token.",
)
@click.option("--toolset", "toolsets", multiple=True, metavar="NAME", help="Only the tools of these sets (repeatable).")
@click.option("--read-only", is_flag=True, help="Only tools that read, whatever other options say.")
@click.option(
    "--announce",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the address into this file while serving.",
)
@click.option(
    "--no-tokens", is_flag=True, help="Accept this machine's requests without a token; only on a loopback address."
)
@pass_invocation
def serve(invocation: Invocation, /, also: tuple[Path, ...], no_tokens: bool, **how: Any) -> None:
    """Serve a team over HTTP, with tokens.

    `tracking-ledger token create` creates the tokens. On SIGTERM the server refuses new requests, finishes those
    that run, and ends. /health and /ready answer without a token.
    """
    adapter = _loaded("mcp_adapter.http")
    others = [invocation.app.for_project(folder) for folder in also]
    adapter.run_http([invocation.app, *others], adapter.Serving(tokens_needed=not no_tokens, **how))


def _print_config(invocation: Invocation, client: str, arguments: list[str]) -> None:
    """Prints nothing but the configuration on stdout, so that it can be redirected into its file."""
    chosen = CLIENTS[client]
    started = start(_project(invocation), client, arguments)
    if invocation.as_json:
        answer_json({"client": client, "file": chosen.file, "text": chosen.text(started), **started})
        return
    say(chosen.text(started))
    remark(f"this belongs into {chosen.file}, with what that file already has")
    if invocation.settings.dsn:
        remark("set LEDGER_DSN for the client too, in env: it may hold a password, so it is not printed")


def _project(invocation: Invocation) -> Path:
    """The folder with the ledger; where there is none yet, the one that would get it."""
    folder = invocation.settings.project.absolute()
    try:
        return identity.find(folder).project
    except NoLedger:
        return folder


def _loaded(adapter: str) -> Any:
    """The adapter, by its name: loading `mcp` takes half a second that no other command should wait for.

    What it makes while it is loaded stays for good, so the garbage collector is off.
    """
    gc.disable()
    try:
        return importlib.import_module(adapter)
    finally:
        gc.freeze()
        gc.enable()
