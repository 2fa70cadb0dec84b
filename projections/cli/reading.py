"""Commands that only read: `log`, `show`, `vendors`, `deployments`."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import click

from ledger.catalog import NAME_FIELDS
from ledger.envelope import RecordedEvent, category_of, id_of
from ledger.pending import shown_position, shown_version
from ledger.values.moment import text
from ledger.values.reference import LETTERS
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.event_lines import sentence
from projections.cli.finding import found
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.output import answer_json, fields, heading, moment, remark, say, shown, table
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions import entities
from projections.questions.references import references
from projections.tables.contract import Snapshot

Entity = dict[str, Any]
LINES = 50


@click.command(cls=Command)
@click.option("--after", type=click.IntRange(min=0), help="Only events after this position, oldest first.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LINES, show_default=True, help="At most this many.")
@pass_invocation
def log(invocation: Invocation, after: int | None, limit: int) -> None:
    """What happened, event by event: the newest ones, or those after a position."""
    answered = router.answer(invocation.app, lambda view: _events(view, after, limit))
    if invocation.as_json:
        answer_json(answered)
        return
    columns = ("position", "by", "type", "ref", "summary")
    table(
        ("time (UTC)", "position", "by", "event", "ref", "what"),
        ([moment(item["recorded_at"]), *(item[name] for name in columns)] for item in answered["items"]),
    )
    if answered["next_after"] is not None:
        remark(f"more: tracking-ledger log --after {answered['next_after']}")


@click.command(cls=Command)
@click.argument("ref")
@pass_invocation
def show(invocation: Invocation, ref: str) -> None:
    """One thing, whole.

    REF is a short reference (w-7k3qd), an id, or a vendor's name.
    """
    _, (category, entity_id) = router.run_on_first_source(
        invocation.app, lambda view: found(view.tables, ref), replicas=True
    )
    answered = whole(invocation.app, category, entity_id)
    if invocation.as_json:
        answer_json(answered)
    else:
        _print_thing(category, answered)


@click.command(cls=Command)
@click.option("--status", type=click.Choice(["operational", "broken"]), help="Only these.")
@click.option("--broke-since", metavar="POINT", help="Who broke since a deployment, position or time.")
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True, help="At most this many.")
@pass_invocation
def vendors(invocation: Invocation, status: str | None, broke_since: str | None, limit: int) -> None:
    """The vendors and how they are."""
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
    _remark_rest(answered)


@click.command(cls=Command)
@click.option("--from", "earliest", metavar="TIME", help="Deployed then or later.")
@click.option("--to", "latest", metavar="TIME", help="Deployed then or before.")
@click.option("--vendor", metavar="NAME", help="Only for this vendor.")
@click.option("--work-item", metavar="REF", help="Only for this work item.")
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
    _remark_rest(answered)


def _print_broken(items: list[Entity]) -> None:
    table(
        ("ref", "name", "status", "broke (UTC)", "by", "last good version"),
        (
            (
                item["ref"],
                item["name"],
                item["status"],
                moment(item["broke_at"]),
                item["by"],
                (item["last_good"] or {}).get("extractor_version"),
            )
            for item in items
        ),
    )
    if not items:
        remark("no vendor broke since")


def whole(app: App | LedgerView, category: str, entity_id: str) -> Entity:
    """The answer of the operation that reads such a thing."""
    match category:
        case "work_item":
            include = ["ancestors", "descendants", "dependencies", "comments"]
            return OPERATIONS["query_work_item"].perform(app, {"id": entity_id, "include": include})
        case "vendor":
            return OPERATIONS["query_vendor_status"].perform(app, {"id": entity_id})
        case "deployment":
            return OPERATIONS["query_deployments"].perform(app, {"id": entity_id})
        case "configuration":
            return OPERATIONS["get_project_configuration"].perform(app, {})
        case _:
            return router.answer(app, lambda view: _plain(view, category, entity_id))


def _plain(view: LedgerView, category: str, entity_id: str) -> Entity:
    with view.tables.snapshot() as snapshot:
        row = entities.row(snapshot, category, entity_id, "check the id, or see the log")
        return entities.whole(row, references(snapshot, category, [entity_id])[entity_id])


def _events(view: LedgerView, after: int | None, limit: int) -> Entity:
    with view.tables.snapshot() as snapshot:
        head = snapshot.as_of.position
        start = max(0, head - limit) if after is None else after
        events = list(islice(view.store.read_all(start), limit))
        items = _event_lines(snapshot, events)
    last = events[-1].position if events else start
    more = last < head
    return {
        "items": items,
        "total_count": head,
        "returned": len(items),
        "has_more": more,
        "next_after": last if more else None,
    }


def _event_lines(snapshot: Snapshot, events: Iterable[RecordedEvent]) -> list[Entity]:
    events = list(events)
    refs: dict[str, str] = {}
    for category in {category_of(event.stream_id) for event in events} & LETTERS.keys():
        entity_ids = {id_of(event.stream_id) for event in events if category_of(event.stream_id) == category}
        refs |= references(snapshot, category, entity_ids)
    return [
        {
            "position": shown_position(event),
            "recorded_at": text(event.recorded_at),
            "occurred_at": text(event.occurred_at),
            "by": event.by,
            "type": event.type,
            "id": id_of(event.stream_id),
            "ref": refs.get(id_of(event.stream_id)),
            "version": shown_version(event),
            "summary": sentence(event),
        }
        for event in events
    ]


def _print_thing(category: str, entity: Entity) -> None:
    lists = ("ancestors", "descendants", "dependencies", "links", "comments")
    name = next(filter(None, map(entity.get, NAME_FIELDS)), category.replace("_", " "))
    heading(f"{entity.get('ref', '')} {shown(name)}".strip())
    fields((key, _flat(value)) for key, value in entity.items() if key not in lists and value not in (None, [], {}, ()))
    for part in lists[:3]:
        if entity.get(part):
            heading(part)
            table(("ref", "", "title", "status"), (_neighbour(part, item) for item in entity[part]))
    if entity.get("comments"):
        heading("comments")
        _print_comments(entity["comments"])


def _print_comments(comments: list[Entity]) -> None:
    for comment in comments:
        corrected = ", corrected" if "corrected_at" in comment else ""
        say(f"{moment(comment['at'])}  {shown(comment['by'])}  ({comment['id']}{corrected})")
        for line in comment["text"].splitlines():
            say(f"    {shown(line)}")


def _neighbour(part: str, item: Entity) -> tuple[object, ...]:
    indent = "  " * (item["depth"] - 1) if part == "descendants" else ""
    return item["ref"], item.get("kind") or item.get("item_type"), indent + item["title"], item["status"]


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(_flat(inner))}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(_flat(inner)) for inner in value)
    return value


def _deployment_cell(name: str, value: Any) -> object:
    if name == "deployed_at":
        return moment(value)
    return value[:7] if name == "commit_hash" and value else value


def _tests(results: Entity | None) -> str | None:
    if not results:
        return None
    skipped = f", {results['skipped']} skipped" if results.get("skipped") else ""
    return f"{shown(results.get('passing'))} of {shown(results.get('total'))}{skipped}"


def _remark_rest(answered: Entity) -> None:
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; the rest with --limit, or `tracking-ledger call`")
