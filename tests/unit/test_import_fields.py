"""Every tracker's file gives back what was written into it, field by field."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.beads import DAY
from tests.support.examples import examples
from tests.support.trackers import TRACKERS, Task, projects

NOW = parse("2026-11-22T12:00:00Z")
CATEGORIES = {"open": "planned", "doing": "active", "blocked": "waiting", "done": "done", "dropped": "dropped"}
NOT_SAID = {  # what a format cannot say, or says in a test of its own
    "github": {"priority"},
    "trello": {"priority", "parent", "needs"},
    "taskwarrior": {"text", "parent"},
    "claude-code": {"priority", "parent", "tags", "created", "changed"},
    "vibe-kanban": {"priority", "needs", "tags"},
    "org": {"parent", "needs", "changed", "priority", "tags"},
}
OTHERWISE = {  # states that a format does not have
    "vibe-kanban": {"blocked": "review"},
    "github": {"doing": "planned", "blocked": "planned"},
}
HAVE_THEIR_OWN = ("beads", "taskmaster", "backlog", "todotxt")
EVERY = [name for name in TRACKERS if name not in HAVE_THEIR_OWN]


def wanted(task: Task, name: str, tracker: str) -> dict[str, Any]:
    category = (CATEGORIES | OTHERWISE.get(tracker, {}))[task.state]
    fields = {
        "title": task.title,
        "text": task.text,
        "category": category,
        "created": parse(DAY.format(1)),
        "changed": parse(DAY.format(task.changed)),
        "tags": set(task.tags),
        "priority": task.priority + 2,
        "needs": {f"{name}{other}" for other in task.needs},
        "parent": {f"{name}{task.parent}"} if task.parent else set(),
    }
    return {field: value for field, value in fields.items() if field not in NOT_SAID.get(tracker, ())}


def found(item: ImportedItem, tracker: str) -> dict[str, Any]:
    tags = {tag for tag in item.fields.get("tags", ()) if "::" not in tag}
    fields = {
        "title": item.fields["title"].rpartition(", ")[0] if tracker == "asana" else item.fields["title"],
        "text": item.fields.get("description"),
        "category": item.category,
        "created": item.created.at,
        "changed": item.changed.at,
        "tags": tags,
        "priority": item.fields.get("priority"),
        "needs": {link.to for link in item.links if link.kind == "depends_on"},
        "parent": {link.to for link in item.links if link.kind == "parent"},
    }
    return {field: value for field, value in fields.items() if field not in NOT_SAID.get(tracker, ())}


@pytest.mark.parametrize("tracker", EVERY)
@examples(15)
@given(tasks=projects())
def test_what_was_written_is_read(tracker: str, tasks: list[Task]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reading = SOURCES[tracker].read(TRACKERS[tracker](Path(folder), tasks), str, NOW)

    items = {item.external_id[-1]: item for item in reading.items}
    name = reading.items[0].external_id[:-1]
    assert (reading.found, reading.not_taken) == (len(tasks), [])
    for task in tasks:
        assert found(items[str(task.number)], tracker) == wanted(task, name, tracker)
