"""task-master's tasks.json, read."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.trackers.assistants import taskmaster
from ledger.values.moment import parse, text
from tests.support.each import each
from tests.support.imported_log import ImportedLog

IMPORTED_AT = parse("2026-11-22T12:00:00Z")
REAL = Path(__file__).parents[3] / "shared" / "data" / "trackers" / "taskmaster-tasks-typosentinel.json"
needs_real_file = pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not beside the checkout")


def read(folder: Path, whole: Any) -> Reading:
    file = folder / "tasks.json"
    file.write_text(whole if isinstance(whole, str) else json.dumps(whole))
    return taskmaster.read(file, lambda name: f"id of {name}", IMPORTED_AT)


def task(number: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"id": number, "title": f"T{number}", "status": "pending", "dependencies": []} | fields


def one(folder: Path, **fields: Any) -> ImportedItem:
    return read(folder, {"tasks": [task(**fields)]}).items[0]


def links(reading: Reading) -> dict[str, list[tuple[str, str]]]:
    return {item.external_id: [(link.kind, link.to) for link in item.links] for item in reading.items}


def kinds(reading: Reading) -> list[str]:
    return [finding.kind for finding in reading.not_taken]


@each(("hours", "minutes"), [(1.5, 90), (2, 120), (0.33, None), ("2", None), (-1, None)])
def test_a_due_date_and_an_estimate_are_fields_of_the_item(tmp_path: Path, hours: Any, minutes: int | None) -> None:
    found = one(tmp_path, dueDate="2026-12-15", estimatedHours=hours).fields

    assert (found["due"], found.get("estimate")) == ("2026-12-15", minutes)
    assert ("estimatedHours" in found["metadata"]) == (minutes is None)


def test_both_layouts_name_the_same_tasks(tmp_path: Path) -> None:
    tasks = [task(1, subtasks=[task(1)]), task("2")]

    flat, tagged = read(tmp_path, {"tasks": tasks}), read(tmp_path, {"master": {"tasks": tasks}})

    assert [item.external_id for item in flat.items] == ["1", "1.1", "2"]
    assert flat == tagged


def test_the_list_of_a_file_without_tags_beside_that_of_master_is_another_list(tmp_path: Path) -> None:
    main = {"tasks": [task(1, title="Write parser", status="done"), task(2, dependencies=[1])]}
    whole = {"master": main, "tasks": [task(1, title="Another first"), task(3, dependencies=[1])]}

    reading = read(tmp_path, whole)

    assert {item.external_id: item.fields["title"] for item in reading.items} == {
        "1": "Write parser",
        "2": "T2",
        "tasks:1": "Another first",
        "tasks:3": "T3",
    }
    assert links(reading)["tasks:3"] == [("depends_on", "tasks:1")]
    assert (reading.found, reading.not_taken) == (4, [])


def test_a_task_that_stands_in_both_lists_is_one_and_the_second_is_named(tmp_path: Path) -> None:
    both = [task(1, subtasks=[task(1)]), task(2)]
    whole = {"tasks": [*both, task(3, dependencies=[2])], "master": {"tasks": both}}

    reading = read(tmp_path, whole)

    assert [item.external_id for item in reading.items] == ["1", "1.1", "2", "tasks:3"]
    assert links(reading)["tasks:3"] == [("depends_on", "2")]
    assert (reading.found, kinds(reading)) == (7, ["repeated_id"] * 3)


@pytest.mark.parametrize("order", [1, -1])
def test_both_lists_imported_again_change_nothing(order: int) -> None:
    whole = {"master": {"tasks": [task(1, status="done")]}, "tasks": [task(1, title="Another"), task(2)]}
    log = ImportedLog("taskmaster")
    log.bring(lambda folder: written(folder, whole))

    assert log.bring(lambda folder: written(folder, dict(list(whole.items())[::order]))) == []


def written(folder: Path, whole: Any) -> Path:
    file = folder / "tasks.json"
    file.write_text(json.dumps(whole))
    return file


def test_a_key_that_is_named_twice_is_reported(tmp_path: Path) -> None:
    lists = ", ".join(f'"master": {{"tasks": [{{"id": {number}, "title": "T", "title": "U"}}]}}' for number in (1, 2))

    reading = read(tmp_path, f"{{{lists}}}")

    assert [item.external_id for item in reading.items] == ["2"]
    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [
        ("repeated_field", "master"),
        ("repeated_field", "master.tasks[0].title"),
    ]


def test_what_a_list_says_of_itself_is_kept_with_its_first_task(tmp_path: Path) -> None:
    metadata = {"updated": "2026-05-02T10:00:00Z", "description": "All", "version": "1.2", "taskCount": 2}

    reading = read(tmp_path, {"master": {"tasks": [task(1), task(2)], "metadata": metadata, "x": 1}, "generator": "tm"})

    kept = [item.fields["metadata"].get("source_list") for item in reading.items]
    says = {"metadata": metadata, "x": 1, "beside": {"generator": "tm"}}
    assert kept == [{"name": "master", "updated": "2026-05-02T10:00:00.000000Z", "says": says}, None]


@each(("named", "agrees"), [(1, True), ("1", True), (9, False), ("undefined", False), (None, True), ([1], False)])
def test_a_parent_that_is_named_beside_the_nesting_is_compared_with_it(
    tmp_path: Path, named: Any, agrees: bool
) -> None:
    reading = read(tmp_path, {"tasks": [task(1, subtasks=[task(1, parentId=named)])]})

    below = reading.items[1]
    assert below.fields["metadata"].get("parentId") == (None if agrees else named)
    assert [finding.kind for finding in reading.warnings if finding.where == "1.1"] == (
        [] if agrees else ["parent_disagrees"]
    )


def test_an_unpaired_surrogate_costs_that_character_and_no_link(tmp_path: Path) -> None:
    half = task(1, details="half \ud83d", title="a\0b")

    reading = read(tmp_path, {"tasks": [half, task(2, dependencies=[1])]})

    assert (reading.items[0].fields["notes"], reading.items[0].fields["title"]) == ("half \ufffd", "a\ufffdb")
    assert links(reading)["2"] == [("depends_on", "1")]
    assert {finding.where for finding in reading.warnings if finding.kind == "character_replaced"} == {
        "1: details",
        "1: title",
    }


@each(
    ("times", "kind"),
    [
        ({"createdAt": "2026-05-01T10:00:00Z", "updatedAt": "2026-05-01T10:00:00Z"}, []),
        ({"createdAt": "2026-05-01T10:00:00Z"}, ["times_of_the_whole_list"]),
        ({}, ["times_of_the_whole_list"]),
    ],
)
def test_a_list_stands_in_for_tasks_that_lack_times(tmp_path: Path, times: dict[str, str], kind: list[str]) -> None:
    metadata = {"created": "2026-05-01T10:00:00Z", "updated": "2026-05-02T10:00:00Z"}

    reading = read(tmp_path, {"master": {"tasks": [task(1, **times)], "metadata": metadata}})

    assert [finding.kind for finding in reading.warnings] == kind
    assert [finding.kind for finding in read(tmp_path, {"tasks": [task(1)]}).warnings] == ["times_unknown"]


def test_a_time_of_completion_is_kept(tmp_path: Path) -> None:
    item = one(tmp_path, status="done", createdAt="2026-05-01T10:00:00Z", completedAt="2026-05-03T10:00:00Z")

    assert item.settled is not None and text(item.settled.at) == "2026-05-03T10:00:00.000000Z"
    assert item.fields["metadata"]["source_closed_at"] == "2026-05-03T10:00:00.000000Z"


def test_a_task_of_another_tag_is_another_task_and_bears_the_tag(tmp_path: Path) -> None:
    reading = read(
        tmp_path, {"master": {"tasks": [task(1)]}, "Feature X": {"tasks": [task(1, dependencies=[2]), task(2)]}}
    )

    assert links(reading) == {"1": [], "Feature X:1": [("depends_on", "Feature X:2")], "Feature X:2": []}
    fields = reading.items[1].fields
    assert (fields["tags"], fields["metadata"]["source_tag"]) == (("feature x",), "Feature X")


@each("spelled", ["2", "5.2", 2, "5.2 "])
def test_every_spelling_of_a_subtask_is_the_same_one(tmp_path: Path, spelled: Any) -> None:
    reading = read(tmp_path, {"tasks": [task(5, subtasks=[task(spelled)])]})

    assert links(reading) == {"5": [], "5.2": [("parent", "5")]}


def test_an_id_written_as_a_fraction_keeps_its_zeros(tmp_path: Path) -> None:
    reading = read(
        tmp_path, '{"tasks": [{"id": 29, "subtasks": [{"id": 29.1}, {"id": 29.10, "dependencies": [29.1]}]}]}'
    )

    assert links(reading)["29.10"] == [("parent", "29"), ("depends_on", "29.1")]


def test_a_bare_number_in_a_subtask_is_its_sibling_else_a_task(tmp_path: Path) -> None:
    subtasks = [task(1), task(2, dependencies=[1, "3", "4.1", 2])]

    reading = read(tmp_path, {"tasks": [task(5, subtasks=subtasks), task(2), task(3), task(4, subtasks=[task(1)])]})

    assert [to for kind, to in links(reading)["5.2"] if kind == "depends_on"] == ["5.1", "3", "4.1", "2"]


def test_dependencies_in_one_text_are_each_a_dependency(tmp_path: Path) -> None:
    reading = read(tmp_path, {"tasks": [task(1), task(2), task(3, dependencies="1, 2")]})

    assert (links(reading)["3"], kinds(reading)) == ([("depends_on", "1"), ("depends_on", "2")], [])


def test_subtasks_that_are_no_list_are_kept_and_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, {"tasks": [task(1, subtasks={"1": task(1)})]})

    assert [finding.where for finding in reading.warnings if finding.kind == "field_not_understood"] == ["1: subtasks"]
    assert "subtasks" in reading.items[0].fields["metadata"]


def test_subtasks_of_subtasks_are_taken_too(tmp_path: Path) -> None:
    reading = read(tmp_path, {"tasks": [task(1, subtasks=[task(2, subtasks=[task(3)])])]})

    assert (reading.found, links(reading)["1.2.3"]) == (3, [("parent", "1.2")])


@each(
    ("word", "category"),
    [
        ("pending", "planned"),
        ("in-progress", "active"),
        ("in_progress", "active"),
        ("In Progress", "active"),
        ("review", "review"),
        ("blocked", "waiting"),
        ("done", "done"),
        ("completed", "done"),
        ("deferred", "waiting"),
        ("cancelled", "dropped"),
        ("odd", "waiting"),
    ],
)
def test_a_status_is_kept_with_what_it_means(tmp_path: Path, word: str, category: str) -> None:
    item = one(tmp_path, status=word)

    assert (item.status, item.category, item.removed) == (word, category, None)
    assert item.fields["metadata"]["source_status"] == word


@each(("word", "ours"), [("critical", 1), ("High", 2), ("medium", 3), ("low", 4)])
def test_a_priority_becomes_a_number_with_its_word_kept(tmp_path: Path, word: str, ours: int) -> None:
    fields = one(tmp_path, priority=word).fields

    assert (fields["priority"], fields["metadata"]["source_priority"]) == (ours, word)


def test_nothing_of_a_task_is_lost(tmp_path: Path) -> None:
    fields = one(
        tmp_path,
        description="d",
        details="how",
        testStrategy="t",
        acceptanceCriteria=["a"],
        complexity=7.5,
        metadata={"source_tag": "x"},
        source_status="theirs",
        assignee="ann",
        tags=["Big"],
    ).fields

    assert (fields["description"], fields["notes"], fields["assignee"], fields["tags"]) == ("d", "how", "ann", ("big",))
    assert fields["metadata"] == {
        "testStrategy": "t",
        "acceptance": ["a"],
        "complexity": 7.5,
        "metadata": {"source_tag": "x"},
        "tags": ["Big"],
        "source_status": "pending",
        "source_fields": {"source_status": "theirs"},
    }


def test_a_task_without_times_has_those_of_its_list(tmp_path: Path) -> None:
    dates = {"created": "2025-06-19T08:07:04Z", "updated": "2025-06-20T12:00:00Z"}
    late = task(2, updatedAt="2025-07-01T00:00:00Z", createdAt="2025-06-30T00:00:00Z")

    first, second = read(tmp_path, {"master": {"tasks": [task(1), late], "metadata": dates}}).items

    assert [text(mark.at)[:10] for mark in (first.created, first.changed)] == ["2025-06-19", "2025-06-20"]
    assert [text(mark.at)[:10] for mark in (second.created, second.changed)] == ["2025-06-30", "2025-07-01"]


@each(
    ("record", "kind"),
    [
        (7, "not_an_object"),
        ({"title": "no id"}, "no_id"),
        ({"id": True}, "no_id"),
        (task("1"), "repeated_id"),
        (task("x" * 501), "id_too_long"),
    ],
)
def test_a_record_that_cannot_be_taken_is_named(tmp_path: Path, record: Any, kind: str) -> None:
    reading = read(tmp_path, {"tasks": [task(1), record]})

    assert ([item.external_id for item in reading.items], kinds(reading)) == (["1"], [kind])
    assert reading.not_taken[0].where.startswith("master, task 2")


def test_subtasks_of_a_record_that_is_not_taken_are_named_too(tmp_path: Path) -> None:
    reading = read(tmp_path, {"tasks": [task(1), {"title": "x", "subtasks": [task(1), task(2)]}]})

    assert (reading.found, kinds(reading)) == (4, ["no_id", "below_a_record_not_taken", "below_a_record_not_taken"])


@each(
    ("content", "problem"),
    [
        ("[1]", "no lists of tasks"),
        ('{"tasks": 1}', "no lists of tasks"),
        ('{\n "tasks": [,]}', "line 2 is not JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"tasks": [{"no": "id"}]}', "holds no task"),
        ("", "is empty"),
        ('{"tasks": [{"id": 1, "title": "T"}', r"line 1 ends in the middle .* cut off"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        read(tmp_path, content)


def test_a_tag_that_is_no_list_is_named(tmp_path: Path) -> None:
    reading = read(tmp_path, {"master": {"tasks": [task(1)]}, "odd": {"tasks": {}}})

    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [("not_a_list", "odd")]


@needs_real_file
def test_the_real_file_is_taken_as_an_independent_count_has_it() -> None:
    tasks = json.loads(REAL.read_text())["master"]["tasks"]
    subtasks = [subtask for task in tasks for subtask in task["subtasks"]]

    reading = taskmaster.read(REAL, str, IMPORTED_AT)

    assert (reading.found, len(reading.items), kinds(reading)) == (len(tasks) + len(subtasks), 46, [])
    done = [item for item in reading.items if item.finished]
    assert len(done) == sum(one["status"] in ("done", "completed") for one in tasks + subtasks) == 33
    by_kind = [link.kind for item in reading.items for link in item.links]
    assert (by_kind.count("parent"), by_kind.count("depends_on")) == (12, 36)
