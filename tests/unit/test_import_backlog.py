"""Backlog.md folders, read."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.backlog import tasks
from ledger.importing.readers.backlog.folder import canonical
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from tests.support.each import each

IMPORTED_AT = parse("2026-11-22T12:00:00Z")
REAL = Path(__file__).parents[3] / "shared" / "data" / "trackers" / "backlogmd-sample"
needs_real_folder = pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not beside the checkout")

BODY = """
## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
What it is.

## Context
still the description
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [x] #1 first
- [ ] #2 second
a line of its own
<!-- AC:END -->

## Implementation Plan

1. plan
## Odd heading
more plan

## Implementation Notes

notes

## Comments
<!-- COMMENTS:BEGIN -->
<!-- COMMENT:BEGIN -->
index: 1
author: ann
created: 2026-03-01 10:00

one

two
<!-- COMMENT:END -->
<!-- COMMENTS:END -->

## Definition of Done
- [X] done
"""


def put(root: Path, place: str, head: str = "", body: str = "", *, number: str = "TASK-1") -> None:
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = f"id: {number}\ntitle: T\nstatus: To Do\ncreated_date: '2026-03-01 00:00'\n"
    file.write_text(f"---\n{lines}{head}\n---\n{body}")


def read(root: Path) -> Reading:
    return tasks.read(root, lambda name: f"id of {name}", IMPORTED_AT)


def one(root: Path, head: str = "", body: str = "") -> ImportedItem:
    put(root, "tasks/task-1 - T.md", head, body)
    return read(root).items[0]


def fields(item: ImportedItem) -> dict[str, Any]:
    return item.fields | item.fields["metadata"]


def with_windows_line_ends(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\n", "\r\n")
        case dict():
            return {key: with_windows_line_ends(inner) for key, inner in value.items()}
        case list():
            return [with_windows_line_ends(inner) for inner in value]
        case _:
            return value


def kinds(reading: Reading) -> list[str]:
    return [finding.kind for finding in reading.not_taken]


def test_sections_checklists_and_comments_have_their_places(tmp_path: Path) -> None:
    found = fields(one(tmp_path, body=BODY))

    assert found["description"] == "What it is.\n\n## Context\nstill the description"
    assert found["implementation_plan"] == "1. plan\n## Odd heading\nmore plan"
    assert found["notes"] == "notes"
    assert (found["acceptance"], found["acceptance_checked"]) == (["first", "second"], [1])
    assert found["sections"] == {"acceptance criteria": "a line of its own"}
    assert (found["definition_of_done"], found["definition_of_done_checked"]) == (["done"], [1])
    assert "comments" not in found


def comments(item: ImportedItem) -> list[tuple[str, str, str]]:
    return [(comment.made.by, f"{comment.made.at:%m-%d %H:%M}", comment.text) for comment in item.comments or ()]


def test_a_comment_has_its_author_its_time_and_its_text(tmp_path: Path) -> None:
    assert comments(one(tmp_path, body=BODY)) == [("ann", "03-01 10:00", "one\n\ntwo")]


def test_comments_between_dashes_are_comments_too(tmp_path: Path) -> None:
    written = (
        "## Comments\n\n<!-- COMMENTS:BEGIN -->\nauthor: ann\ncreated: 2026-03-01 10:00\n---\none\n\ntwo\n---\n\n"
        "created: 2026-03-02\n---\nthree\n---\nleft over\n<!-- COMMENTS:END -->\n"
    )

    assert comments(one(tmp_path, "updated_date: 2026-03-05", written)) == [
        ("ann", "03-01 10:00", "one\n\ntwo"),
        ("unknown (backlog)", "03-02 00:00", "three"),
        ("unknown (backlog)", "03-05 00:00", "left over"),
    ]


@pytest.mark.parametrize("mark", ["COMMENT", "DELIMITER"])
def test_text_below_the_end_of_the_comments_is_no_comment(tmp_path: Path, mark: str) -> None:
    one_of_them = {
        "COMMENT": "<!-- COMMENT:BEGIN -->\nauthor: ann\ncreated: 2026-03-01 10:00\n\none\n<!-- COMMENT:END -->",
        "DELIMITER": "author: ann\ncreated: 2026-03-01 10:00\n---\none\n---",
    }[mark]
    written = (
        f"## Comments\n\n<!-- COMMENTS:BEGIN -->\n{one_of_them}\n<!-- COMMENTS:END -->\n\n## Open points\n\nmany\n"
    )

    item = one(tmp_path, body=written)

    assert comments(item) == [("ann", "03-01 10:00", "one")]
    assert fields(item)["sections"] == {"comments": "## Open points\n\nmany"}


def test_a_comment_whose_time_cannot_be_understood_is_taken_and_reported(tmp_path: Path) -> None:
    written = (
        "## Comments\n\n<!-- COMMENTS:BEGIN -->\nauthor: ann\ncreated: later\n---\none\n---\n<!-- COMMENTS:END -->\n"
    )
    put(tmp_path, "tasks/task-1 - T.md", "updated_date: 2026-03-05 10:00", written)

    reading = read(tmp_path)

    assert comments(reading.items[0]) == [("ann", "03-05 10:00", "one")]
    assert ("time_not_understood", "TASK-1: comments, later") in [
        (warned.kind, warned.where) for warned in reading.warnings
    ]


def test_a_record_that_is_no_markdown_is_named(tmp_path: Path) -> None:
    put(tmp_path, "tasks/task-1 - T.md")
    (tmp_path / "tasks" / "task-2 - T.txt").write_text("x")
    (tmp_path / "tasks" / ".DS_Store").write_text("x")

    assert [(warned.kind, warned.where) for warned in read(tmp_path).not_taken] == [
        ("no_markdown", "tasks/task-2 - T.txt")
    ]


def test_dependencies_in_one_text_are_each_a_dependency(tmp_path: Path) -> None:
    links = one(tmp_path, "dependencies: task-2, task-3").links

    assert [(link.kind, link.to) for link in links] == [("depends_on", "TASK-2"), ("depends_on", "TASK-3")]


def test_a_body_without_headings_is_the_description(tmp_path: Path) -> None:
    assert one(tmp_path, body="\nJust text\n").fields["description"] == "Just text"


def test_windows_line_ends_stay_in_texts_and_change_nothing_else(tmp_path: Path) -> None:
    plain = fields(one(tmp_path, "labels: [a]", BODY))
    file = tmp_path / "tasks/task-1 - T.md"

    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert fields(read(tmp_path).items[0]) == with_windows_line_ends(plain)


def test_front_matter_is_kept_whole(tmp_path: Path) -> None:
    item = one(
        tmp_path,
        "assignee: @ann\nreporter: '@bob'\nlabels: [Big, 7]\nmilestone: m-8\nordinal: 1000\npriority: High\n"
        "references:\n  - https://example.org\nupdated_date: 2026-03-02 10:30\ntype: bug\nextra: {a: [1]}",
    )

    found = fields(item)
    assert (found["assignee"], found["tags"], found["priority"]) == ("@ann", ("big", "7"), 2)
    assert (found["milestone"], found["ordinal"], found["references"]) == ("m-8", 1000, ["https://example.org"])
    assert (found["source_type"], found["source_priority"], found["extra"]) == ("bug", "High", {"a": [1]})
    assert [(mark.by, text(mark.at)[:16]) for mark in (item.created, item.changed)] == [
        ("@bob", "2026-03-01T00:00"),
        ("unknown (backlog)", "2026-03-02T10:30"),
    ]


def test_a_due_date_is_one_of_the_item(tmp_path: Path) -> None:
    found = one(tmp_path, "due_date: 2026-12-15").fields

    assert found["due"] == "2026-12-15"
    assert "due_date" not in found["metadata"]


@each("written", ["@ann", "[@ann]", "['@ann']", "\n  - '@ann'", "[ @ann , bob ]"])
def test_every_spelling_of_an_assignee_is_understood(tmp_path: Path, written: str) -> None:
    assert one(tmp_path, f"assignee: {written}").fields["assignee"] == "@ann"


@each(
    ("written", "read_as"),
    [("2026-03-01", "2026-03-01T00:00"), ("2026-03-01 09:05", "2026-03-01T09:05"), ("01-03-26", "2026-03-01T00:00")],
)
def test_every_form_of_a_date_is_understood(tmp_path: Path, written: str, read_as: str) -> None:
    assert text(one(tmp_path, f"updated_date: '{written}'").changed.at)[:16] == read_as


@each(
    ("written", "status", "category"),
    [
        ("To Do", "To Do", "planned"),
        ("◑ In Progress", "In Progress", "active"),
        ("✔ Done", "Done", "done"),
        ("done", "done", "done"),
        ("Shipped", "Shipped", "done"),
        ("Cooking", "Cooking", "active"),
        ("Testing", "Testing", "review"),
        ("Blocked", "Blocked", "waiting"),
        ("Cancelled", "Cancelled", "dropped"),
        ("Deferred", "Deferred", "waiting"),
        ("Odd", "Odd", "waiting"),
    ],
)
def test_a_status_is_understood_as_configured(tmp_path: Path, written: str, status: str, category: str) -> None:
    (tmp_path / "config.yml").write_text('statuses: ["To Do", "Cooking", "Testing", "Shipped"]')
    put(tmp_path, "tasks/task-1 - T.md")
    file = tmp_path / "tasks/task-1 - T.md"
    file.write_text(file.read_text().replace("status: To Do", f"status: {written}"))

    reading = read(tmp_path)

    item = reading.items[0]
    assert (item.status, item.category, item.removed, fields(item)["source_status"]) == (
        status,
        category,
        None,
        written,
    )
    assert ("unknown_status" in [finding.kind for finding in reading.warnings]) == (written == "Odd")


def test_ids_compare_as_backlog_md_compares_them(tmp_path: Path) -> None:
    put(tmp_path, "tasks/task-7 - A.md", number="TASK-007")
    put(tmp_path, "tasks/task-7.01 - B.md", "dependencies: [task-8, 8]", number="task-7.01")
    put(tmp_path, "tasks/task-8 - C.md", number="TASK-8")

    found = {item.external_id: [(link.kind, link.to) for link in item.links] for item in read(tmp_path).items}

    assert found["task-7.01"] == [("parent", "TASK-7"), ("depends_on", "TASK-8"), ("depends_on", "TASK-8")]
    assert canonical("back-355.06") == canonical("BACK-355.6")


def test_a_reference_by_the_first_prefix_finds_the_task_under_todays(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text('default_assignee: @me\nstatuses:\n  - "To Do"\ntask_prefix: back\n')
    put(tmp_path, "tasks/back-1 - A.md", "dependencies: [task-2, DRAFT-2]", number="BACK-1")
    put(tmp_path, "tasks/back-2 - B.md", number="BACK-2")

    reading = read(tmp_path)

    assert [link.to for link in reading.items[0].links] == ["BACK-2", "DRAFT-2"]
    assert [finding.kind for finding in reading.warnings] == ["link_by_another_prefix"]


def test_each_folder_says_what_its_files_are(tmp_path: Path) -> None:
    put(tmp_path, "tasks/task-1 - A.md", "milestone: First")
    put(tmp_path, "completed/task-2 - B.md", number="TASK-2")
    put(tmp_path, "archive/tasks/task-3 - C.md", number="TASK-3")
    put(tmp_path, "drafts/draft-1 - D.md", number="DRAFT-1")
    put(tmp_path, "decisions/decision-1 - E.md", body="## Context\n\nwhy", number="decision-1")
    put(tmp_path, "milestones/m-0 - F.md", number="m-0")
    file = tmp_path / "milestones/m-0 - F.md"
    file.write_text(file.read_text().replace("title: T", "title: First"))
    put(tmp_path, "docs/doc-1 - G.md", number="doc-1")
    (tmp_path / "README.md").write_text("# Read me")

    reading = read(tmp_path)

    found = {item.external_id: item for item in reading.items}
    assert {
        name: (item.fields["item_type"], item.status, item.removed is not None) for name, item in found.items()
    } == {
        "TASK-1": ("task", "To Do", False),
        "TASK-2": ("task", "completed", False),
        "TASK-3": ("task", "To Do", True),
        "DRAFT-1": ("task", "Draft", False),
        "decision-1": ("research", "To Do", False),
        "m-0": ("milestone", "To Do", False),
    }
    assert (found["TASK-1"].fields["milestone_id"], found["TASK-1"].links) == (found["m-0"].id, ())
    assert found["decision-1"].fields["description"] == "## Context\n\nwhy"
    assert found["DRAFT-1"].fields["tags"] == ("draft",)
    assert (reading.found, sorted(kinds(reading))) == (8, ["document", "document"])


def test_of_two_files_with_one_id_the_one_that_is_not_put_aside_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "archive/tasks/task-1 - Old.md")
    put(tmp_path, "tasks/task-1 - New.md")

    reading = read(tmp_path)

    assert fields(reading.items[0])["source_file"] == "tasks/task-1 - New.md"
    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [
        ("repeated_id", "archive/tasks/task-1 - Old.md (TASK-1)")
    ]


def test_a_project_with_a_backlog_in_it_is_read_too(tmp_path: Path) -> None:
    put(tmp_path, "backlog/tasks/task-1 - T.md")

    assert fields(read(tmp_path).items[0])["source_file"] == "tasks/task-1 - T.md"


@each(
    ("content", "kind", "where"),
    [
        (b"---\nid: TASK-2\ntitle: [\n---\n", "broken_front_matter", "line 4"),
        (b"# No head", "no_front_matter", ""),
        (b"---\nid: TASK-2\n", "broken_front_matter", "no closing"),
        (b"---\na: &a [1]\nb: [*a, *a]\n---\n", "broken_front_matter", "line 3"),
        (b"---\ntitle: x\n---\n", "no_id", ""),
        (b"---\nid: TASK-2\n---\n\xff", "cannot_be_read", "line 4 is not UTF-8"),
        (b"\x7fELF\x00", "cannot_be_read", "binary zeros"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_with_its_line(
    tmp_path: Path, content: bytes, kind: str, where: str
) -> None:
    put(tmp_path, "tasks/task-1 - T.md")
    (tmp_path / "tasks/task-2 - X.md").write_bytes(content)

    reading = read(tmp_path)

    assert (len(reading.items), reading.found, kinds(reading)) == (1, 2, [kind])
    assert reading.not_taken[0].where.startswith("tasks/task-2 - X.md") and where in reading.not_taken[0].where


def test_an_unpaired_surrogate_costs_that_character_and_not_the_task(tmp_path: Path) -> None:
    reading_of = {
        '"half \\ud83d"': "half \ufffd",
        '"a\\u0000b"': "a\ufffdb",
        '"\\ud83d\\ude00"': "\U0001f600",
    }
    for place, written in enumerate(reading_of, 1):
        put(tmp_path, f"tasks/task-{place} - T.md", f"custom: {written}", number=f"TASK-{place}")

    reading = read(tmp_path)

    assert [fields(item)["custom"] for item in reading.items] == list(reading_of.values())
    assert [finding.where for finding in reading.warnings] == ["TASK-1: custom", "TASK-2: custom"]


def test_a_day_without_a_time_of_day_is_reported(tmp_path: Path) -> None:
    reading = read(tmp_path) if one(tmp_path, "updated_date: 2026-03-02") else None

    assert reading and [(finding.kind, finding.where) for finding in reading.warnings] == [
        ("no_time_of_day", "TASK-1: updated_date")
    ]


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    root, outside = tmp_path / "backlog", tmp_path / "outside"
    put(root, "tasks/task-1 - T.md")
    put(outside, "secret.md", number="TASK-2")
    (root / "tasks/task-2 - X.md").symlink_to(outside / "secret.md")
    (root / "tasks/more").symlink_to(outside)
    (root / "tasks/cycle").symlink_to(root)
    (root / "tasks/task-3 - X.md").symlink_to("task-3 - X.md")
    os.mkfifo(root / "tasks/task-4 - X.md")

    reading = read(root)

    assert [item.external_id for item in reading.items] == ["TASK-1"]
    warned = {re.sub(r"[:, ].*", "", finding.where.rpartition("/")[2]): finding.kind for finding in reading.not_taken}
    assert warned == {"task-2": "cannot_be_read", "task-3": "cannot_be_read", "task-4": "cannot_be_read"} | {
        "more": "link_to_a_folder",
        "cycle": "link_to_a_folder",
    }


def test_a_folder_without_any_task_and_a_broken_configuration_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"holds no Backlog\.md task"):
        read(tmp_path)
    with pytest.raises(Invalid, match="cannot be read"):
        read(tmp_path / "absent")

    (tmp_path / "config.yml").write_text("a: 1\nstatuses: [")
    with pytest.raises(Invalid, match=r"config\.yml, line \d"):
        read(tmp_path)


@needs_real_folder
def test_the_real_folder_is_taken_as_an_independent_count_has_it() -> None:
    texts = [file.read_text() for file in REAL.glob("*.md")]
    criteria = [entry for text in texts for entry in re.findall(r"^- \[[ x]\] #\d+ ", _criteria(text), re.MULTILINE)]

    reading = read(REAL)

    assert (reading.found, len(reading.items), reading.not_taken) == (len(texts), 13, [])
    assert {finding.kind for finding in reading.warnings} <= {"no_time_of_day", "state_active"}
    done = [item for item in reading.items if item.finished]
    assert len(done) == sum("\nstatus: Done" in text for text in texts) == 9
    assert sum(len(item.fields["metadata"]["acceptance"]) for item in reading.items) == len(criteria)
    assert all(item.fields["description"] for item in reading.items)


def _criteria(text: str) -> str:
    return text.partition("<!-- AC:BEGIN -->")[2].partition("<!-- AC:END -->")[0]
