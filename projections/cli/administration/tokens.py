"""`token`: who may come in through `serve`, as whom, and what they may do."""

from typing import get_args

import click

from ledger.envelope import Scope
from projections.cli.terminal.invocation import CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, printable, remark, say, table
from projections.maintenance.access_tokens import MOST_DAYS, Tokens, checked_name


@click.group(cls=CliGroup)
def token() -> None:
    """Create, list and revoke the tokens that `serve` accepts."""


@token.command()
@click.argument("actor")
@click.option("--scope", type=click.Choice(get_args(Scope)), default="write", show_default=True, help="What it allows.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="Valid for this many days (default: until revoked).")
@pass_invocation
def create(invocation: Invocation, /, actor: str, scope: Scope, days: int | None) -> None:
    """Create a token for ACTOR, and print it: it is not shown again."""
    app = invocation.app
    secret, made = Tokens(app.home).make(app.identity.ledger, checked_name(actor), scope, app.clock(), days)
    if invocation.as_json:
        answer_json({"token": secret, **made.public_fields()})
        return
    say(secret)
    remark(f"token {made.id}: acts as {printable(made.actor)}, scope {scope}; keep it now, it is not shown again")


@token.command("list")
@pass_invocation
def list_(invocation: Invocation, /) -> None:
    """All tokens, and whether each is valid."""
    app = invocation.app
    found = [{**made.public_fields(), "good": made.is_valid_at(app.clock())} for made in Tokens(app.home).all()]
    if invocation.as_json:
        answer_json({"items": found, "total_count": len(found)})
        return
    columns = ("id", "actor", "scope", "created_at", "expires_at", "revoked_at")
    table(
        ("id", "actor", "scope", "created", "expires", "revoked"),
        ([moment(one[name]) if name.endswith("_at") and one[name] else one[name] for name in columns] for one in found),
    )
    if not found:
        remark("there is no token yet; to create one: tracking-ledger token create NAME")


@token.command()
@click.argument("id")
@pass_invocation
def revoke(invocation: Invocation, /, id: str) -> None:
    """Revoke the token ID: its next request is refused, also by servers that are running."""
    app = invocation.app
    revoked = Tokens(app.home).revoke(id, app.clock())
    if invocation.as_json:
        answer_json(revoked.public_fields())
        return
    remark(f"token {revoked.id} of {printable(revoked.actor)} is revoked")
