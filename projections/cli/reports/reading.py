"""Commands that only read: `log`, `show`, `vendors`, `deployments`."""

import json
from datetime import datetime
from itertools import islice
from typing import Any

import click

from ledger.envelope import configuration_id
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.reports.showing import print_entity
from projections.cli.terminal.invocation import Command, Invocation, pass_invocation
from projections.cli.terminal.known import REF
from projections.cli.terminal.output import answer_json, fields, moment, printable, remark, table
from projections.cli.terminal.points import POINT
from projections.cli.terminal.wording import Refs, changed, happened, ids_in, short_ago
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions import enhancements, entities
from projections.questions.log.event_lines import event_lines
from projections.questions.lookup import find
from projections.questions.references import references, references_of_ids

Entity = dict[str, Any]
LINES = 50
RAW = click.option("--raw", is_flag=True, help="Every field as it is stored, with exact times.")


@click.command(cls=Command)
@click.option("--after", type=click.IntRange(min=0), help="Only events after this position, oldest first.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LINES, show_default=True, help="At most this many.")
@RAW
@pass_invocation
def log(invocation: Invocation, after: int | None, limit: int, raw: bool) -> None:
    """What happened, event by event: the newest ones, or those after a position."""
    answered = router.answer(invocation.app, lambda view: _events(view, after, limit))
    if invocation.as_json:
        answer_json(answered)
        return
    if raw:
        columns = ("position", "by", "type", "ref", "summary")
        lines = ([moment(item["recorded_at"]), *(item[name] for name in columns)] for item in answered["items"])
        table(("time (UTC)", "position", "by", "event", "ref", "what"), lines)
    else:
        print_events(answered["items"], refs_in(invocation.app, answered["items"]), invocation.app.clock())
    if after is not None and not answered["items"]:
        remark(f"no event is after position {after}: the newest is {answered['total_count']}")
    if answered["next_after"] is not None:
        remark(f"more: tracking-ledger log --after {answered['next_after']}")


@click.command(cls=Command)
@click.argument("ref", type=REF)
@click.option("--as-of", type=POINT, help="As it was at a version, position or time, or so long ago: v3, 120, 2h.")
@RAW
@pass_invocation
def show(invocation: Invocation, ref: str, as_of: str | None, raw: bool) -> None:
    """Show one item in full: what it is, who has it, what it waits for, its text, its comments.

    REF is a short reference (w-7k3qd), an id, a vendor's name, the id that an imported item had before, or
    `configuration`.
    """
    _, (category, entity_id) = router.run_on_first_source(invocation.app, lambda view: _find(view, ref), replicas=True)
    answered = entity_of(invocation.app, category, entity_id, as_of)
    if invocation.as_json:
        answer_json(answered)
    elif raw:
        fields((name, json.dumps(value, ensure_ascii=False)) for name, value in answered.items())
    else:
        print_entity(category, answered, refs_in(invocation.app, answered), invocation.app.clock())


@click.command(cls=Command)
@click.option("--status", type=click.Choice(["operational", "broken"]), help="Only these.")
@click.option(
    "--broke-since", type=POINT, help="Only those that became broken since a deployment, position or time (or 3d)."
)
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True, help="At most this many.")
@pass_invocation
def vendors(invocation: Invocation, status: str | None, broke_since: str | None, limit: int) -> None:
    """The vendors and their status."""
    arguments = {"limit": limit, "status": status, "broke_since": broke_since}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["query_vendor_status"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
        return
    if broke_since is not None:
        _print_broken(answered["items"])
        return
    table(
        ("ref", "name", "status", "version", "tests", "formats", "manifest"),
        (
            (
                vendor["ref"],
                vendor.get("name"),
                vendor.get("status"),
                vendor.get("extractor_version"),
                _tests(vendor.get("test_results")),
                [name for name, supported in (vendor.get("format_support") or {}).items() if supported],
                vendor.get("manifest_compliant"),
            )
            for vendor in answered["items"]
        ),
    )
    _remark_rest(answered, "vendors", given, "call create_vendor name=NAME")


@click.command(cls=Command)
@click.option("--from", "earliest", metavar="TIME", help="Deployed then or later.")
@click.option("--to", "latest", metavar="TIME", help="Deployed then or before.")
@click.option("--vendor", metavar="NAME", help="Only for this vendor.")
@click.option("--work-item", type=REF, help="Only for this work item.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many.")
@pass_invocation
def deployments(
    invocation: Invocation,
    earliest: str | None,
    latest: str | None,
    vendor: str | None,
    work_item: str | None,
    limit: int,
) -> None:
    """What was deployed, the newest first."""
    arguments = {"from": earliest, "to": latest, "vendor": vendor, "work_item": work_item, "limit": limit}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["query_deployments"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
        return
    columns = ("ref", "deployed_at", "pr_number", "pr_title", "commit_hash", "environment", "constitutional_compliance")
    table(
        ("ref", "deployed (UTC)", "PR", "title", "commit", "environment", "compliant"),
        ([_deployment_cell(name, item.get(name)) for name in columns] for item in answered["items"]),
    )
    _remark_rest(answered, "deployments", given, "call record_deployment pr_title=TITLE")


def _print_broken(items: list[Entity]) -> None:
    table(
        ("ref", "name", "status", "broke (UTC)", "by", "deployment", "last good version"),
        (
            (
                item["ref"],
                item["name"],
                item["status"],
                moment(item["broke_at"]),
                item["by"],
                _deployment(item["deployment"]),
                (item["last_good"] or {}).get("extractor_version"),
            )
            for item in items
        ),
    )
    if not items:
        remark("no vendor broke since")


def _deployment(named: Entity | None) -> str | None:
    """Its reference, and its pull request as far as that is known."""
    if named is None:
        return None
    number = None if named["pr_number"] is None else f"#{named['pr_number']}"
    return " ".join(filter(None, [named["ref"], number, named["pr_title"]]))


def entity_of(app: App | LedgerView, category: str, entity_id: str, as_of: str | None = None) -> Entity:
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


def print_events(items: list[Entity], refs: Refs, now: datetime) -> None:
    """What each event did, and to what."""
    table(
        ("position", "when", "by", "event", "ref", "title", "what"),
        (
            (
                item["position"],
                short_ago(item["recorded_at"], now),
                item["by"],
                happened(item["type"]),
                item["ref"],
                item["title"],
                None if item["version"] == 1 else changed(item["changes"], refs),
            )
            for item in items
        ),
        cut=("title",),
    )


def refs_in(app: App, answered: Any) -> Refs:
    """The references of all ids in an answer's fields, but for those in its source's words."""
    ids = set(ids_in(answered))
    if not ids:
        return {}

    def ask(view: LedgerView) -> Refs:
        with view.tables.snapshot() as snapshot:
            return references_of_ids(snapshot, ids)

    layer = app.answered_by
    try:
        return router.run_on_first_source(app, ask, replicas=True)[1]
    finally:
        app.answered_by = layer


def _events(view: LedgerView, after: int | None, limit: int) -> Entity:
    with view.tables.snapshot() as snapshot:
        head = snapshot.as_of.position
        start = max(0, head - limit) if after is None else after
        events = list(islice(view.store.read_all(start), limit))
        items = event_lines(view.store, snapshot, events)
    last = events[-1].position if events else start
    more = last < head
    return {
        "items": items,
        "total_count": head,
        "returned": len(items),
        "has_more": more,
        "next_after": last if more else None,
    }


def _deployment_cell(name: str, value: Any) -> object:
    if name == "deployed_at":
        return moment(value)
    return value[:7] if name == "commit_hash" and value else value


def _tests(results: Entity | None) -> str | None:
    if not results:
        return None
    skipped = f", {results['skipped']} skipped" if results.get("skipped") else ""
    return f"{printable(results.get('passing'))} of {printable(results.get('total'))}{skipped}"


def _remark_rest(answered: Entity, what: str, given: Entity, first: str) -> None:
    """What is not shown; where there is nothing, whether there is none at all, and what records the first."""
    if not answered["items"]:
        narrowed = given.keys() - {"limit"}
        remark(f"no {what} like that" if narrowed else f"no {what} yet; record one: tracking-ledger {first}")
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; the rest with --limit, or `tracking-ledger call`")
