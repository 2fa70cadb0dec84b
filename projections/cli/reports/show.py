"""`show`: one item, vendor, deployment, enhancement or the configuration, in full."""

import json

import click

from ledger.envelope import configuration_id
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.reports.entity_page import print_entity
from projections.cli.reports.log import RAW, refs_in
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, fields
from projections.cli.terminal.parameters.points import POINT
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions import enhancements, entities
from projections.questions.answers import Entity
from projections.questions.lookup import find
from projections.questions.references import references


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.option(
    "--as-of", type=POINT, help="As it was at a version, at a position, at a time, or a while ago: v3, 120, 2h."
)
@RAW
@pass_invocation
def show(invocation: Invocation, ref: str, as_of: str | None, raw: bool) -> None:
    """Show one item in full: what it is, who has it, what it waits for, its text, its comments.

    REF is a short reference (w-7k3qd), an id, a vendor's name, the id that an imported item had before, or
    `configuration`.
    """
    _, (category, entity_id) = router.run_on_first_source(invocation.app, lambda view: _find(view, ref), replicas=True)
    answered = _entity(invocation.app, category, entity_id, as_of)
    if invocation.as_json:
        answer_json(answered)
    elif raw:
        fields((name, json.dumps(value, ensure_ascii=False)) for name, value in answered.items())
    else:
        print_entity(category, answered, refs_in(invocation.app, answered), invocation.app.clock())


def _entity(app: App | LedgerView, category: str, entity_id: str, as_of: str | None = None) -> Entity:
    """The answer of the operation that reads such an entity."""
    then = {} if as_of is None else {"as_of": as_of}
    match category:
        case "work_item":
            include = ["ancestors", "descendants", "dependencies", "comments", "effort"]
            return OPERATIONS["query_work_item"].perform(app, {"id": entity_id, "include": include, **then})
        case "vendor":
            return OPERATIONS["query_vendor_status"].perform(app, {"id": entity_id, **then})
        case "deployment":
            return OPERATIONS["query_deployments"].perform(app, {"id": entity_id, **then})
        case _ if as_of is not None:
            raise click.UsageError(f"--as-of is for work items, vendors and deployments, this is a {category}")
        case "configuration":
            return OPERATIONS["get_project_configuration"].perform(app, {})
        case _:
            return router.answer(app, lambda view: _plain(view, category, entity_id))


def _plain(view: LedgerView, category: str, entity_id: str) -> Entity:
    with view.tables.snapshot() as snapshot:
        if category == "enhancement":
            return enhancements.by_id(snapshot, entity_id)
        row = entities.row(snapshot, category, entity_id, "check the id, or see the log")
        return entities.complete(row, references(snapshot, category, [entity_id])[entity_id])


def _find(view: LedgerView, ref: str) -> tuple[str, str]:
    own = configuration_id(view.identity.ledger)
    return ("configuration", own) if ref.strip().lower() in ("configuration", own) else find(view.tables, ref)
