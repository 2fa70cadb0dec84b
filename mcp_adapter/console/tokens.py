"""Tokens made and revoked on the settings page, under the rules of the command `token`, by administrators only."""

from typing import get_args

from starlette.datastructures import FormData

from ledger.envelope import Scope
from ledger.errors import Forbidden
from ledger.problems import check, problem
from mcp_adapter.console.ledger import Ledger
from projections.maintenance.access_tokens import MOST_DAYS, Token, Tokens, checked_name

SCOPES: tuple[Scope, ...] = get_args(Scope)


def make(ledger: Ledger, form: FormData) -> tuple[str, Token]:
    """(the secret, what is kept of it). Raises Forbidden and Invalid."""
    _check_rights(ledger)
    scope, days = str(form.get("scope", "")), str(form.get("days", "")).strip()
    if scope not in SCOPES:
        check([problem("scope", f"must be one of {', '.join(SCOPES)}", scope)])
    if days and not (days.isascii() and days.isdigit() and 1 <= int(days[:6]) <= MOST_DAYS):
        check([problem("days", f"must be a number from 1 to {MOST_DAYS}, or empty", days)])
    app, actor = ledger.caller.app, checked_name(str(form.get("actor", "")))
    wanted = SCOPES[SCOPES.index(scope)]
    return Tokens(app.home).make(app.identity.ledger, actor, wanted, app.clock(), int(days) if days else None)


def revoke(ledger: Ledger, form: FormData) -> Token:
    """The token, revoked from now on in every open page. Raises Forbidden and NotFound."""
    _check_rights(ledger)
    app = ledger.caller.app
    return Tokens(app.home).revoke(str(form.get("id", "")), app.clock())


def _check_rights(ledger: Ledger) -> None:
    if not ledger.may_make_tokens:
        raise Forbidden(
            "tokens are made and revoked by administrators only",
            next_step="sign in with a token of the scope admin, or use `tracking-ledger token` on the server's machine",
            needed="admin",
            scope=ledger.caller.scope,
        )
