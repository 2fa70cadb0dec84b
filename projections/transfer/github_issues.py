"""Work items as issues in the form that GitHub's issue import takes, one way: what GitHub has no field for is text."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.values.states import FINISHED, ORIGINAL
from projections.questions.answers import Entity
from projections.tables.contract import Snapshot
from projections.transfer.exports import entities

LONGEST_TITLE = 256  # characters
LONGEST_BODY = 65_000  # characters; GitHub takes 65,536

_encode = msgspec.json.Encoder().encode


def issues(snapshot: Snapshot) -> Iterator[bytes]:
    """A JSON list, an issue a line. Deleted and withdrawn items are left out."""
    yield b"["
    separator = b"\n"
    for entity in entities(snapshot, "work_item"):
        if not entity["deleted"] and not entity.get("withdrawn"):
            yield separator + _encode({"issue": _issue(entity), "comments": _comments(entity)})
            separator = b",\n"
    yield b"\n]\n"


def _issue(entity: Entity) -> dict[str, Any]:
    fields = {
        "title": (entity["title"].strip() or entity["ref"])[:LONGEST_TITLE],
        "body": _body(entity),
        "created_at": entity["created_at"],
        "updated_at": entity["updated_at"],
        "closed": entity["category"] in FINISHED,
        "labels": sorted({entity["item_type"], *_state(entity), *entity["tags"]}),
    }
    return fields | ({"assignee": entity["assignee"].removeprefix("@")} if entity["assignee"] else {})


def _state(entity: Entity) -> Iterator[str]:
    if entity["status"] == "blocked" or entity["status"] not in ORIGINAL:
        yield entity["status"]
    if entity["priority"] is not None:
        yield f"priority {entity['priority']}"


def _body(entity: Entity) -> str:
    acceptance = entity["metadata"].get("acceptance")
    checks = [f"- [ ] {text}" for text in acceptance] if isinstance(acceptance, list) else []
    reason_of = "Dropped" if entity["category"] == "dropped" else "Blocked"
    parts = [
        entity["description"],
        "\n".join(["## Acceptance", *checks]) if checks else None,
        f"## Notes\n\n{entity['notes']}" if entity["notes"] else None,
        f"{reason_of}: {entity['block_reason']}" if entity["block_reason"] else None,
        "\n".join(_origin(entity)),
    ]
    return "\n\n".join(part for part in parts if part)[:LONGEST_BODY]


def _origin(entity: Entity) -> Iterator[str]:
    yield f"Ledger: {entity['ref']} ({entity['id']}), by {entity['created_by']}"
    if entity["parent_id"]:
        yield f"Below: {entity['parent_id']}"
    if entity["external_id"]:
        yield f"From: {entity['external_source']} {entity['external_id']}"
    for link in entity["links"]:
        yield f"{link['kind'].replace('_', ' ').capitalize()}: {link['to_id']}"
    for attachment in entity.get("attachments", []):
        yield f"{attachment['kind'].replace('_', ' ').capitalize()}: {attachment['url']}"


def _comments(entity: Entity) -> list[dict[str, str]]:
    """GitHub takes no author of a comment, so its first line says who wrote it, and when."""
    return [
        {"body": f"{comment['by']}, {comment['at']}:\n\n{comment['text']}"[:LONGEST_BODY], "created_at": comment["at"]}
        for comment in entity["comments"]
    ]
