"""Whatever a source holds, it is read or refused; and every record is taken or named."""

import csv
import io
import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codec import unstorable
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.examples import examples
from tests.support.trackers import TRACKERS

NOW: datetime = parse("2026-11-22T12:00:00Z")
EVERY = pytest.mark.parametrize("tracker", TRACKERS)
NAMES = {"backlog": "tasks/task-1 - A.md"}
FIELDS = {
    "beads": ("id title status issue_type priority created_at updated_at closed_at labels dependencies parent comments"
              " comment_count created_by acceptance_criteria deleted_at _type metadata source_status"),
    "taskmaster": ("id title status priority dependencies subtasks tags createdAt updatedAt details acceptanceCriteria"
                   " metadata source_status assignee"),
    "backlog": ("id title status priority dependencies labels assignee reporter created_date updated_date milestone"
                " parent_task_id ordinal type source_file tags"),
}  # fmt: skip
WORDS = ["a-1", "TASK-1", "task-01.2", "1", "1.2", "2", "done", "closed", "2026-03-01", "2026-03-01T10:00:00Z", "high",
         "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "@ann", "", " ", "ü", "x" * 600, "\0", "\ud800", "=1",
         "---", "## Description", "\u202e"]  # fmt: skip

IN_JSON = {
    "github": "number title state state_reason labels assignees comments author parent blockedBy body url",
    "gitlab": (
        "iid title state labels label_links assignees author notes links parent status references web_url time_stats"
        " due_date created_at closed_at project_id moved_to_id user_notes_count link_type system body"
    ),
    "taskwarrior": "uuid description status entry modified end start wait due depends annotations tags priority",
    "trello": (
        "id shortLink name desc idList idMembers labels due start closed dueComplete dateLastActivity badges"
        " cards lists members checklists checkItems actions data card old type date memberCreator text idCard"
    ),
}
BEGUN: dict[str, dict[str, Any]] = {
    "github": {"number": 1, "state": "open"},
    "gitlab": {"iid": 1},
    "taskwarrior": {"uuid": "u", "status": "pending"},
    "trello": {"id": "5cfa8fff"},
}
HEADS = {
    "jira": (
        "Summary,Issue key,Issue id,Status,Priority,Created,Updated,Resolved,Due date,Labels,Labels,Comment,Parent,"
        "Original estimate,Inward issue link (Blocks),Outward issue link (Blocks),Status Category,Resolution"
    ),
    "linear": "ID,Team,Title,Status,Cycle Number,Created,Completed,Canceled,Archived,Due Date,Blocked by,Blocks",
    "gitlab": "Title,Issue ID,URL,State,Created At (UTC),Closed At (UTC),Due Date,Labels,Time Estimate",
    "asana": "Task ID,Name,Completed At,Created At,Due Date,Parent task,Blocking (Dependencies),Tags",
    "plane": "Identifier,Name,State Name,Target Date,Relations,Comments,Labels,Assignees,Created At,Priority,Is Draft",
}
OF_BYTES = {  # tried with any bytes alone
    "todotxt": "a line has no named fields",
    "org": "a line has no named fields",
    "claude-code": "a folder of files",
    "vibe-kanban": "a database",
}
texts = st.sampled_from(WORDS) | st.text(max_size=5)
numbers = st.integers() | st.floats(allow_nan=False) | st.sampled_from([1, 2, 1.2, 2**63, -(2**63)])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def test_every_source_is_tried_with_records_of_its_fields() -> None:
    missing = TRACKERS.keys() - FIELDS.keys() - IN_JSON.keys() - HEADS.keys() - OF_BYTES.keys()

    assert missing == set(), (
        f"no test here writes odd records of {', '.join(sorted(missing))}: add the columns of a table to HEADS of"
        f" {Path(__file__).name}, the fields of a JSON format to IN_JSON and what every record has to BEGUN, or the"
        " reason why not to OF_BYTES"
    )


def records(tracker: str) -> st.SearchStrategy[Any]:
    links = st.fixed_dictionaries({}, optional={"depends_on_id": texts, "issue_id": texts, "type": values, "id": texts})
    usual = st.fixed_dictionaries({"id": texts | numbers}, optional={"title": texts, "status": texts})
    odd = st.dictionaries(st.sampled_from(FIELDS[tracker].split()), values | st.lists(links, max_size=2), max_size=8)
    return st.one_of(values, st.tuples(usual, odd).map(lambda both: both[0] | both[1]), odd)


def read(tracker: str, content: bytes) -> Reading | None:
    """None when it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAMES.get(tracker, "some.file")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        try:
            return SOURCES[tracker].read(Path(folder) if tracker == "backlog" else file, lambda id: f"id of {id}", NOW)
        except Invalid:
            return None


def check(reading: Reading | None, tracker: str) -> None:
    if reading is None:
        return
    links = ("link_not_understood", "not_a_list")
    named = [finding for finding in reading.not_taken if finding.kind not in links]
    assert reading.found == len(reading.items) + len(named)
    assert len({item.external_id for item in reading.items}) == len(reading.items)
    for item in reading.items:
        assert item.created.at <= item.changed.at
        assert unstorable(item.fields) == []
        assert all(isinstance(mark.by, str) and mark.at.tzinfo for mark in (item.created, item.changed))


@examples(150)
@given(st.lists(records("beads"), max_size=4))
def test_any_json_lines_are_read_as_issues_or_refused(found: list[Any]) -> None:
    check(read("beads", "\n".join(json.dumps(record) for record in found).encode()), "beads")
    check(read("beads", json.dumps(found).encode()), "beads")


@examples(150)
@given(st.lists(records("taskmaster"), max_size=4), values)
def test_any_json_is_read_as_tasks_or_refused(found: list[Any], metadata: Any) -> None:
    check(read("taskmaster", json.dumps({"master": {"tasks": found, "metadata": metadata}}).encode()), "taskmaster")
    check(read("taskmaster", json.dumps({"tasks": found, "x": metadata}).encode()), "taskmaster")


@examples(150)
@given(records("backlog").filter(lambda found: isinstance(found, dict)), st.lists(texts, max_size=4).map("\n".join))
def test_any_front_matter_and_body_are_read_as_a_task_or_refused(head: dict[str, Any], body: str) -> None:
    lines = [f"{name}: {json.dumps(value)}" for name, value in head.items()]
    check(read("backlog", "\n".join(["---", *lines, "---", body]).encode("utf-8", "surrogatepass")), "backlog")


@pytest.mark.parametrize("tracker", IN_JSON)
@examples(60)
@given(data=st.data())
def test_any_json_is_read_as_records_or_refused(tracker: str, data: st.DataObject) -> None:
    names = st.sampled_from(IN_JSON[tracker].split())
    inner = st.dictionaries(names, values, max_size=4)
    odd = st.dictionaries(names, values | inner | st.lists(values | inner, max_size=2), max_size=8)
    found = data.draw(st.lists(values | odd.map(lambda one: BEGUN[tracker] | one), max_size=3))
    whole = data.draw(odd) | {"cards": found} if tracker == "trello" else found

    check(read(tracker, json.dumps(whole).encode()), tracker)


@pytest.mark.parametrize("tracker", HEADS)
@examples(60)
@given(data=st.data())
def test_any_cells_are_read_as_records_or_refused(tracker: str, data: st.DataObject) -> None:
    names = HEADS[tracker].split(",")
    cells = st.sampled_from([*WORDS, "5/3/25", "1 Foo 24", "99999999999999999999", "=a", "[1", "a;b;c"]) | st.text(
        max_size=5
    )
    rows = data.draw(st.lists(st.lists(cells, max_size=len(names) + 1), max_size=4))
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])

    check(read(tracker, text.getvalue().encode("utf-8", "surrogatepass")), tracker)


@EVERY
@examples(60)
@given(content=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(tracker: str, content: bytes) -> None:
    check(read(tracker, content), tracker)
