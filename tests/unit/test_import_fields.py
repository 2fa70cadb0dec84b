"""Every tracker's file gives back what was written into it, field by field."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.beads import DAY
from tests.support.trackers import TRACKERS, Task, projects

NOW = parse("2026-11-22T12:00:00Z")
CATEGORIES = {"open": "planned", "doing": "active", "blocked": "waiting", "done": "done", "dropped": "dropped"}
WITHOUT = {  # what a format cannot say
    "trello": {"priority", "parent", "needs"},
    "taskwarrior": {"text", "parent"},
}
EVERY = [name for name in TRACKERS if name not in ("beads", "taskmaster", "backlog", "todotxt")]  # have tests of it


@pytest.mark.parametrize("tracker", EVERY)
@settings(max_examples=15, deadline=None)
@given(tasks=projects())
def test_what_was_written_is_read(tracker: str, tasks: list[Task]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reading = SOURCES[tracker].read(TRACKERS[tracker](Path(folder), tasks), str, NOW)

    left = WITHOUT.get(tracker, set())
    assert (reading.found, reading.not_taken) == (len(tasks), [])
    for task, item in zip(tasks, reading.items, strict=True):
        name = item.external_id.removesuffix(str(task.number))
        links = {kind: {link.to for link in item.links if link.kind == kind} for kind in ("parent", "depends_on")}
        assert item.fields["title"] == task.title
        assert item.fields.get("description") == (None if "text" in left else task.text)
        assert (item.category, item.created.at) == (CATEGORIES[task.state], parse(DAY.format(1)))
        assert item.changed.at == parse(DAY.format(task.changed))
        assert set(task.tags) <= set(item.fields.get("tags", ()))
        assert item.fields.get("priority") == (None if "priority" in left else task.priority + 2)
        assert links["depends_on"] == (set() if "needs" in left else {f"{name}{other}" for other in task.needs})
        assert links["parent"] == ({f"{name}{task.parent}"} if task.parent and "parent" not in left else set())
