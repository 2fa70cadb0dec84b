"""Commands on the past: `history`, `diff`, `undo`, `changes`."""

import json
from typing import Any
from uuid import UUID

import click

from projections.application.app import App
from projections.cli import exits
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.output import answer_json, moment, remark, say, shown, table
from projections.fallback import router
from projections.operations.catalog import OPERATIONS

Entity = dict[str, Any]


@click.command(cls=Command)
@click.argument("ref")
@click.option("--since", metavar="POINT", help="Only after this.")
@click.option("--as-of", metavar="POINT", help="Only until then, and how it was then (with --json).")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many events.")
@click.option("--cursor", help="Where the page before ended.")
@click.option("--detail", is_flag=True, help="Long texts whole.")
@pass_invocation
def history(invocation: Invocation, /, ref: str, **options: Any) -> None:
    """What happened to one thing, the newest first.

    REF is a reference (w-7k3qd), an id, a vendor's name, or `configuration`. A POINT is a version (v3), a position of
    the log (120) or a time (2026-11-22T15:00:00Z).
    """
    answered = _perform(invocation.app, "query_history", id=ref, **options)
    if invocation.as_json:
        answer_json(answered)
        return
    table(
        ("version", "position", "time (UTC)", "by", "event", "what changed"),
        (
            (item["version"], item["position"], moment(item["occurred_at"]), item["by"], item["event"], _sentence(item))
            for item in answered["items"]
        ),
    )
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; more with --cursor {answered['next_cursor']}")


@click.command(cls=Command)
@click.argument("ref")
@click.argument("earlier", metavar="FROM")
@click.argument("later", metavar="TO", required=False)
@click.option("--detail", is_flag=True, help="Long texts whole.")
@pass_invocation
def diff(invocation: Invocation, ref: str, earlier: str, later: str | None, detail: bool) -> None:
    """What differs between two points of one thing; without TO, between one and now.

    A point is a version (v3), a position of the log (120) or a time (2026-11-22T15:00:00Z).
    """
    answered = _perform(invocation.app, "query_history", id=ref, diff_from=earlier, as_of=later, detail=detail)
    if invocation.as_json:
        answer_json(answered)
        return
    say(f"{shown(answered['ref'])}: version {answered['from']['version']} to {answered['to']['version']}")
    table(
        ("field", "from", "to"),
        ((change["field"], _text(change["old"]), _text(change["new"])) for change in answered["changes"]),
    )


@click.command(cls=Command)
@click.argument("what")
@click.option("--version", type=click.IntRange(min=1), help="The change that made this version (default: the newest).")
@click.option("--only-untouched", is_flag=True, help="Restore only what was not changed since.")
@click.option("--command-id", help="UUID of this undo, which makes a repetition safe.")
@pass_invocation
def undo(invocation: Invocation, what: str, version: int | None, only_untouched: bool, command_id: str | None) -> int:
    """Take back a command, or what it did to one thing.

    WHAT is a command's id, a position of the log (120), or a thing: a reference, an id, a vendor's name. An undo can
    be undone itself.
    """
    asked: Entity = _meant(invocation.app, what, version)
    given = {"only_untouched": only_untouched, "command_id": command_id}
    answered = _perform(invocation.app, "undo", **asked, **given)
    if invocation.as_json:
        answer_json(answered)
        return exits.of_answer(answered)
    for item in answered.get("items", [answered]):
        say(f"{item['ref']} is restored, now at version {item['version']}")
    if answered.get("returned", 0) < answered.get("total_count", 0):
        say(f"and {answered['total_count'] - answered['returned']} more")
    remark(f"to take this back: tracking-ledger undo {answered['command_id']}")
    return exits.of_answer(answered)


@click.command(cls=Command)
@click.option("--since", metavar="POINT", default="0", help="After this position or time (default: from the start).")
@click.option("--category", "categories", multiple=True, help="Only things of this kind; may be repeated.")
@click.option("--type", "types", multiple=True, help="Only events of this type; may be repeated.")
@click.option("--author", help="Only what this one did.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="At most this many events.")
@pass_invocation
def changes(
    invocation: Invocation,
    since: str,
    categories: tuple[str, ...],
    types: tuple[str, ...],
    author: str | None,
    limit: int,
) -> None:
    """What changed since a position or a time, the oldest first."""
    given = {"categories": list(categories), "types": list(types), "by": author, "limit": limit}
    answered = _perform(invocation.app, "changes_since", since=since, **given)
    if invocation.as_json:
        answer_json(answered)
        return
    table(
        ("position", "time (UTC)", "by", "event", "ref", "fields", "what"),
        (
            (
                item["position"],
                moment(item["at"]),
                item["by"],
                item["type"],
                item["ref"],
                item.get("fields"),
                item.get("title"),
            )
            for item in answered["items"]
        ),
    )
    if answered["has_more"]:
        remark(f"more: tracking-ledger changes --since {answered['next_position']}")


def _perform(app: App, name: str, **arguments: Any) -> Entity:
    return OPERATIONS[name].perform(app, {key: value for key, value in arguments.items() if value is not None})


def _meant(app: App, what: str, version: int | None) -> Entity:
    """The arguments of the undo that a person means."""
    if what.isdigit() and version is None:
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
