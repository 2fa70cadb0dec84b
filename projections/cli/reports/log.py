"""`log`: what happened, event by event; and what other commands print of events."""

from datetime import datetime
from itertools import islice
from typing import Any

import click

from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, remark, table
from projections.cli.terminal.wording import Refs, changed, happened, ids_in, short_ago
from projections.fallback import router
from projections.questions.answers import Entity
from projections.questions.log.event_lines import event_lines
from projections.questions.references import references_of_ids

LINES = 50
RAW = click.option("--raw", is_flag=True, help="Every field as it is stored, with exact times.")


@click.command(cls=CliCommand)
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
