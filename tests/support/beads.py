"""Small beads exports, written by the tests that read them."""

import json
from pathlib import Path
from typing import Any

DAY = "2026-03-0{}T10:00:00Z"


def issue(name: str, **fields: Any) -> dict[str, Any]:
    """An open task made on 1 March by ann; a field that is None is left out."""
    plain = {
        "id": name,
        "title": f"Title of {name}",
        "status": "open",
        "priority": 2,
        "issue_type": "task",
        "created_at": DAY.format(1),
        "created_by": "ann",
        "updated_at": DAY.format(1),
    }
    return {key: value for key, value in (plain | fields).items() if value is not None}


def closed(name: str, day: int = 5, **fields: Any) -> dict[str, Any]:
    return issue(name, status="closed", closed_at=DAY.format(day), updated_at=DAY.format(day), **fields)


def needs(name: str, other: str, kind: str = "blocks", **fields: Any) -> dict[str, Any]:
    """`name` depends on `other`, said by bob on 2 March."""
    return {
        "issue_id": name,
        "depends_on_id": other,
        "type": kind,
        "created_at": DAY.format(2),
        "created_by": "bob",
    } | fields


def export(folder: Path, *issues: dict[str, Any] | str | bytes) -> Path:
    """The file with these lines; a text or bytes stand for themselves."""
    file = folder / "issues.jsonl"
    lines = [line if isinstance(line, (str, bytes)) else json.dumps(line) for line in issues]
    file.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
    return file
