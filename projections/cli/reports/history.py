"""Commands on the past: `history`, `diff`, `undo`, `changes`."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from ledger.aggregates.work_item.events import WorkItemClaimReleased
from ledger.catalog import NAME_FIELDS
from ledger.envelope import RecordedEvent
from ledger.errors import NotFound, Refused
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.reports.log import RAW, print_events, refs_in
from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import (
    answer_json,
    moment,
    on_terminal,
    printable,
    remark,
    remark_ready,
    say,
    table,
)
from projections.cli.terminal.parameters.points import POINT
from projections.cli.terminal.wording import Refs, changed, happened, in_words, short_ago
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Entity
from projections.questions.log.changes import author_text
from projections.questions.log.event_lines import event_lines
from projections.questions.log.history import is_of_claims, newest_commands
from projections.tables.contract import Snapshot

ENTITY_COLUMNS = ("ref", "title", "fields")


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.option("--since", type=POINT, help="Only what happened after this point.")
@click.option("--as-of", type=POINT, help="Up to this point; with --json, the state at it.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many events.")
@click.option("--cursor", help="Where the previous page ended.")
@click.option("--detail", is_flag=True, help="Show long texts in full (with --raw or --json).")
@RAW
@pass_invocation
def history(invocation: Invocation, /, ref: str, raw: bool, **options: Any) -> None:
    """What happened to one item, the newest event first.

    REF is a reference (w-7k3qd), an id, a vendor's name, or `configuration`. A POINT is a version (v3), a position of
    the log (120), a time (2026-11-22T15:00:00Z), or how long ago (2h, 3d, 1w, yesterday).
    """
    answered = _perform(invocation.app, "query_history", id=ref, **options)
    if invocation.as_json:
        answer_json(answered)
        return
    if raw:
        names = ("version", "position", "occurred_at", "by", "event")
        lines = ([*(item[name] for name in names), _sentence(item)] for item in answered["items"])
        table(("version", "position", "time (UTC)", "by", "event", "what changed"), lines)
    else:
        _print_history(answered["items"], refs_in(invocation.app, answered), invocation.app.clock())
    if not answered["items"]:
        remark("no event of it in this time")
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; more with --cursor {answered['next_cursor']}")


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("earlier", type=POINT, metavar="FROM")
@click.argument("later", type=POINT, metavar="[TO]", required=False)
@click.option("--detail", is_flag=True, help="Show long texts in full.")
@pass_invocation
def diff(invocation: Invocation, ref: str, earlier: str, later: str | None, detail: bool) -> None:
    """What differs between two points of one item. Without TO: between FROM and now.

    A point is a version (v3), a position of the log (120), a time (2026-11-22T15:00:00Z), or how long ago (2h, 3d,
    1w, yesterday).
    """
    answered = _perform(invocation.app, "query_history", id=ref, diff_from=earlier, as_of=later, detail=detail)
    if invocation.as_json:
        answer_json(answered)
        return
    say(f"{printable(answered['ref'])}: version {answered['from']['version']} to {answered['to']['version']}")
    refs = refs_in(invocation.app, answered)
    lines = (
        (change["field"], in_words(change["old"], refs), in_words(change["new"], refs))
        for change in answered["changes"]
    )
    table(("field", "from", "to"), lines)
    if not answered["changes"]:
        remark("nothing differs between the two")


@click.command(cls=CliCommand)
@click.argument("what", required=False)
@click.option("--version", type=click.IntRange(min=1), help="The change that made this version (default: the newest).")
@click.option("--only-untouched", is_flag=True, help="Restore only what was not changed since.")
@click.option("--command-id", help="A UUID for this undo: repeated with it, it is recorded only once.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before your last command is taken back.")
@pass_invocation
def undo(
    invocation: Invocation,
    what: str | None,
    version: int | None,
    only_untouched: bool,
    command_id: str | None,
    yes: bool,
) -> int:
    """Take back your last command, which is shown first, or WHAT.

    WHAT is a command's id, a position of the log (120), or an item: a reference, an id, a vendor's name. If you
    repeat it without WHAT, it takes back the command before. An undo can be undone itself. If your last command was
    a claim, you are shown how to release it, and how to take back the command before it.
    """
    if what is None and version is not None:
        raise click.UsageError("--version belongs to an item: name it, as in: undo w-7k3qd --version 2")
    asked: Entity = _undo_arguments(invocation.app, what, version) if what else _newest(invocation, ask=not yes)
    given = {"only_untouched": only_untouched, "command_id": command_id}
    answered = _perform(invocation.app, "undo", **asked, **given)
    if invocation.as_json:
        answer_json(answered)
        return exits.of_answer(answered)
    for item in answered.get("items", [answered]):
        now = (
            f", now at version {item['version']}" if isinstance(item["version"], int) else ""
        )  # none while it is queued
        say(f"{item['ref']}  taken back{now}")
    if answered.get("returned", 0) < answered.get("total_count", 0):
        say(f"and {answered['total_count'] - answered['returned']} more")
    remark_ready(answered)
    remark(f"to take this back: tracking-ledger undo {answered['command_id']}")
    return exits.of_answer(answered)


@click.command(cls=CliCommand)
@click.argument("point", type=POINT, required=False)
@click.option("--since", type=POINT, hidden=True, help="The same as POINT.")
@click.option("--category", "categories", multiple=True, help="Only entities of this kind; may be repeated.")
@click.option("--type", "types", multiple=True, help="Only events of this type; may be repeated.")
@click.option("--author", help="Only events by this person.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="At most this many events.")
@RAW
@pass_invocation
def changes(
    invocation: Invocation,
    raw: bool,
    point: str | None,
    since: str | None,
    categories: tuple[str, ...],
    types: tuple[str, ...],
    author: str | None,
    limit: int,
) -> None:
    """What changed since POINT, or from the beginning, the oldest event first.

    A POINT is a position of the log (120), a time (2026-11-22T15:00:00Z), or how long ago (2h, 3d, 1w, yesterday).
    """
    since = point or since or "0"
    given = {"categories": list(categories), "types": list(types), "by": author, "limit": limit}
    answered = _perform(invocation.app, "changes_since", since=since, **given)
    if invocation.as_json:
        answer_json(answered)
        return
    now = invocation.app.clock()
    table(
        ("position", "time (UTC)" if raw else "when", "by", "event", *ENTITY_COLUMNS, "said"),
        (_change_line(item, now, raw) for item in answered["items"]),
        cut=("title", "said"),
    )
    if not answered["items"]:
        remark("nothing changed since")
    if answered["has_more"]:
        remark(f"more: tracking-ledger changes {answered['next_position']}")


def _change_line(item: Entity, now: datetime, raw: bool) -> tuple[object, ...]:
    when = moment(item["at"]) if raw else short_ago(item["at"], now)
    event = item["type"] if raw else happened(item["type"])
    return item["position"], when, item["by"], event, *(item.get(name) for name in ENTITY_COLUMNS), author_text(item)


def _print_history(items: list[Entity], refs: Refs, now: datetime) -> None:
    names = ("version", "when", "by", "event", "what changed")
    table(names, (_history_line(item, refs, now) for item in items))


def _history_line(item: Entity, refs: Refs, now: datetime) -> tuple[object, ...]:
    event, when = happened(item["event"]), short_ago(item["occurred_at"], now)
    return item["version"], when, item["by"], event, _changed(item, refs)


def _changed(item: Entity, refs: Refs) -> str:
    """What a creation says is the item itself, which `show` tells; of it the name is enough."""
    names = [change["new"] for change in item["changes"] if item["version"] == 1 and change["field"] in NAME_FIELDS]
    what = in_words(names[0], refs) if names else changed(item["changes"], refs)
    return "; ".join(filter(None, (what, *_spoken(item))))


def _spoken(item: Entity) -> Iterator[str]:
    """Why, and over whose claim, where no field keeps it."""
    if "forced_over" in item:
        yield f"forced over {in_words(item['forced_over'], {})}"
    kept = [change["new"] for change in item["changes"]]
    author_text = [item[name] for name in ("reason", "forced") if name in item]
    yield from (f"reason: {in_words(words, {})}" for words in author_text if words not in kept)


def _newest(invocation: Invocation, *, ask: bool) -> Entity:
    """The newest command of who acts, as an undo names it. It is shown, and on a terminal asked for."""

    def find(view: LedgerView) -> list[Entity]:
        commands = newest_commands(view.store, invocation.actor)
        newest = next(commands, [])
        is_claim = bool(newest) and is_of_claims(newest)
        before = next((command for command in commands if not is_of_claims(command)), []) if is_claim else []
        with view.tables.snapshot() as snapshot:
            if is_claim:
                raise _no_undo_of_a_claim(_lined(view, snapshot, newest), _lined(view, snapshot, before))
            return _lined(view, snapshot, newest)

    items = router.run_on_first_source(invocation.app, find)[1]
    if not items:
        raise NotFound(
            f"{invocation.actor} has no recent command that could be taken back",
            next_step="tracking-ledger log shows what others did; tracking-ledger undo POSITION takes one back",
        )
    if not invocation.as_json:
        print_events(items, refs_in(invocation.app, items), invocation.app.clock())
        if ask and sys.stdin.isatty() and on_terminal():
            click.confirm("Take this back?", default=True, abort=True, err=True)
    return {"command": items[0]["command"]}


def _lined(view: LedgerView, snapshot: Snapshot, events: list[RecordedEvent]) -> list[Entity]:
    lines = zip(event_lines(view.store, snapshot, events), events, strict=True)
    return [{**line, "command": str(event.command_id)} for line, event in lines]


def _no_undo_of_a_claim(claims: list[Entity], before: list[Entity]) -> Refused:
    """What ends it instead, and how to take back what was done before it."""
    ref, was_released = claims[0]["ref"], claims[0]["type"] == WorkItemClaimReleased.__name__
    done, instead = ("gave", "start {} claims it again") if was_released else ("claimed", "stop {} gives it back")
    step = f"tracking-ledger {instead.format(ref)}"
    if before:
        what = f"{happened(before[0]['type'])} {before[0]['ref']}{' and more' if before[1:] else ''}"
        step += f"; tracking-ledger undo {before[0]['command']} takes back what you did before: {what}"
    return Refused(
        f"your last command {done} {ref}{' back' if was_released else ''}, and no undo changes a claim",
        rule="nothing_to_undo",
        items=[{name: line[name] for name in ("id", "ref", "title")} for line in claims],
        next_step=step,
    )


def _perform(app: App, name: str, **arguments: Any) -> Entity:
    return OPERATIONS[name].perform(app, {key: value for key, value in arguments.items() if value is not None})


def _undo_arguments(app: App, what: str, version: int | None) -> Entity:
    """The arguments of the undo that a person means."""
    if what.isdecimal() and version is None:
        return {"position": int(what)}
    try:
        command = UUID(what)
        if router.run_on_first_source(app, lambda layered: layered.store.find_command(command))[1] is not None:
            return {"command": what}
    except ValueError:
        pass
    return {"id": what, "version": version}


def _sentence(item: Entity) -> str:
    changed = [(change["field"], _text(change["old"]), _text(change["new"])) for change in item["changes"]]
    return ", ".join(f"{field}: {old} -> {new}" for field, old, new in changed)


def _text(value: Any) -> str:
    if value in (None, [], {}):
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
