"""Work items as issues in the form that GitHub's issue import takes, one way: what GitHub has no field for is text."""

from collections.abc import Iterator
from typing import Any

import msgspec

from projections.questions.things import Thing
from projections.tables.contract import Snapshot
from projections.transfer.exporting import things

LONGEST_TITLE = 256  # characters
LONGEST_BODY = 65_000  # characters; GitHub takes 65,536

_encode = msgspec.json.Encoder().encode


def issues(snapshot: Snapshot) -> Iterator[bytes]:
    """A JSON list, an issue a line. Deleted and withdrawn items are left out."""
    yield b"["
    separator = b"\n"
    for thing in things(snapshot, "work_item"):
        if not thing["deleted"] and not thing.get("withdrawn"):
            yield separator + _encode({"issue": _issue(thing), "comments": _comments(thing)})
            separator = b",\n"
    yield b"\n]\n"


def _issue(thing: Thing) -> dict[str, Any]:
    told = {
        "title": (thing["title"].strip() or thing["ref"])[:LONGEST_TITLE],
        "body": _body(thing),
        "created_at": thing["created_at"],
        "updated_at": thing["updated_at"],
        "closed": thing["status"] == "completed",
        "labels": sorted({thing["item_type"], *_state(thing), *thing["tags"]}),
    }
    return told | ({"assignee": thing["assignee"].removeprefix("@")} if thing["assignee"] else {})


def _state(thing: Thing) -> Iterator[str]:
    if thing["status"] == "blocked":
        yield "blocked"
    if thing["priority"] is not None:
        yield f"priority {thing['priority']}"


def _body(thing: Thing) -> str:
    acceptance = thing["metadata"].get("acceptance")
    checks = [f"- [ ] {text}" for text in acceptance] if isinstance(acceptance, list) else []
    parts = [
        thing["description"],
        "\n".join(["## Acceptance", *checks]) if checks else None,
        f"## Notes\n\n{thing['notes']}" if thing["notes"] else None,
        f"Blocked: {thing['block_reason']}" if thing["block_reason"] else None,
        "\n".join(_origin(thing)),
    ]
    return "\n\n".join(part for part in parts if part)[:LONGEST_BODY]


def _origin(thing: Thing) -> Iterator[str]:
    yield f"Ledger: {thing['ref']} ({thing['id']}), by {thing['created_by']}"
    if thing["parent_id"]:
        yield f"Below: {thing['parent_id']}"
    if thing["external_id"]:
        yield f"From: {thing['external_source']} {thing['external_id']}"
    for link in thing["links"]:
        yield f"{link['kind'].replace('_', ' ').capitalize()}: {link['to_id']}"


def _comments(thing: Thing) -> list[dict[str, str]]:
    """Those that came with an import and say something."""
    comments = thing["metadata"].get("comments")
    found = [comment for comment in comments if isinstance(comment, dict)] if isinstance(comments, list) else []
    return [{"body": _said(comment)} for comment in found if comment.get("text")]


def _said(comment: dict[str, Any]) -> str:
    told = [str(comment[name]) for name in ("author", "created_at", "created") if comment.get(name)]
    return f"{', '.join(told)}:\n\n{comment['text']}"[:LONGEST_BODY] if told else str(comment["text"])[:LONGEST_BODY]
