"""Org files as people keep them: what is said of a heading is in its task or named, however it is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from projections.transfer.import_sources import SOURCES, detected

NOW = parse("2026-11-22T12:00:00Z")
Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def of(*below: str, heading: str = "* TODO One", before: str = "") -> Reading:
        file = tmp_path / "plan.org"
        file.write_text("\n".join([before, heading, *below]), encoding="utf-8")
        assert detected(file).name == "org"
        return SOURCES["org"].read(file, str, NOW)

    return of


def only(reading: Reading) -> ImportedItem:
    (item,) = reading.items
    return item


def metadata(reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = only(reading).fields["metadata"]
    return found


def findings(reading: Reading, kind: str) -> list[str]:
    return [one.where for one in [*reading.warnings, *reading.not_taken] if one.kind == kind]


@pytest.mark.parametrize("stamp", ["<%%(diary-float t 4 2)>", "<2026-02-30 Mon>", "[2026-13-01]"])
def test_a_planned_day_that_is_none_stays_as_written_and_is_named(read: Read, stamp: str) -> None:
    reading = read(f"DEADLINE: {stamp}")

    assert "due" not in only(reading).fields
    assert metadata(reading)["DEADLINE"] == stamp
    assert findings(reading, "time_not_understood") == ["One: DEADLINE"]


def test_what_is_said_twice_stays_twice(read: Read) -> None:
    reading = read("SCHEDULED: <2026-03-01 Sun> SCHEDULED: <2026-03-09 Mon>", ":PROPERTIES:", ":A: 1", ":A: 2", ":END:")

    assert only(reading).fields["not_before"] == "2026-03-09"
    assert metadata(reading)["SCHEDULED"] == ["<2026-03-01 Sun>", "<2026-03-09 Mon>"]
    assert metadata(reading)["A"] == ["1", "2"]


def test_only_a_drawer_has_properties_whose_names_have_no_case(read: Read) -> None:
    outside = read("Write it as", ":ID: text")
    inside = read(":properties:", ":Id: one", ":created: [2026-03-01 Sun 09:30]", ":EFFORT: 0:45", ":end:")

    assert (outside.items[0].external_id, outside.items[0].fields["description"]) == ("One", "Write it as\n:ID: text")
    assert (inside.items[0].external_id, inside.items[0].fields["estimate"]) == ("one", 45)
    assert text(inside.items[0].created.at).startswith("2026-03-01T09:30")


def test_a_note_keeps_its_own_list_and_its_indentation(read: Read) -> None:
    reading = read(
        ":LOGBOOK:",
        "- Note taken on [2026-03-03 Tue 10:00] \\\\",
        "  Two points:",
        "  - one",
        "    more of it",
        "  - two",
        '- State "DONE"       from "TODO"       [2026-03-02 Mon 10:00] \\\\',
        "  because",
        "CLOCK: [2026-03-01 Sun 10:00]--[2026-03-01 Sun 11:00] =>  1:00",
        "- Note taken on [2026-03-01 Sun 09:00]",
        ":END:",
    )

    assert [one.text for one in only(reading).comments or ()] == ["Two points:\n- one\n  more of it\n- two"]
    assert metadata(reading)["logbook"] == [
        '- State "DONE"       from "TODO"       [2026-03-02 Mon 10:00] \\\\',
        "  because",
        "CLOCK: [2026-03-01 Sun 10:00]--[2026-03-01 Sun 11:00] =>  1:00",
        "- Note taken on [2026-03-01 Sun 09:00]",
    ]


@pytest.mark.parametrize(("rank", "priority"), [("A", 1), ("E", 5), ("Q", 5), ("2", 2), ("17", 5)])
def test_a_priority_is_a_letter_or_a_number(read: Read, rank: str, priority: int) -> None:
    item = only(read(heading=f"* TODO [#{rank}] One"))

    assert (item.fields["title"], item.fields["priority"]) == ("One", priority)


def test_a_files_own_keywords_are_enough_to_know_it(read: Read) -> None:
    assert only(read(heading="* IDEA One", before="#+todo: IDEA | SHIPPED")).status == "IDEA"


def test_text_above_the_first_heading_is_named(read: Read) -> None:
    reading = read(before="#+title: Plan\n:PROPERTIES:\n:ID: file\n:END:\n\nCall them first.")

    assert findings(reading, "document") == ["line 6: Call them first."]
    assert reading.found == len(reading.items) + len(reading.not_taken)


def test_a_heading_without_a_keyword_and_a_task_without_words_are_named(read: Read) -> None:
    reading = read("** TODO Two", "* Area", "** TODO Three", "* Milk", "** COMMENT TODO Four", "* TODO ")

    assert [item.fields["title"] for item in reading.items] == ["One", "Two", "Three"]
    assert findings(reading, "document") == ["line 6: Milk", "line 7: COMMENT TODO Four"]
    assert findings(reading, "no_id") == ["line 8: TODO"]


@pytest.mark.parametrize(
    "heading", ["* COMMENT Old", "* TODO COMMENT Old", "* Old :ARCHIVE:", "* TODO Old :ARCHIVE:a:"]
)
def test_what_org_leaves_out_of_its_lists_waits_but_for_what_is_done(read: Read, heading: str) -> None:
    reading = read(heading, "** TODO Two", "*** DONE Three", "* TODO Four")

    found = {item.fields["title"]: item.category for item in reading.items if not item.fields["title"].endswith("Old")}
    assert found == {"One": "planned", "Two": "waiting", "Three": "done", "Four": "planned"}


def test_tasks_without_words_are_named_alike(read: Read) -> None:
    reading = read("* TODO ", "* TODO :tag:", "* TODO  ")

    assert findings(reading, "no_id") == ["line 3: TODO", "line 4: TODO", "line 5: TODO"]


def test_what_org_logs_below_a_heading_without_a_drawer_is_no_text(read: Read) -> None:
    reading = read(
        "CLOSED: [2026-03-05 Thu 10:00]",
        '- State "DONE"       from "TODO"       [2026-03-05 Thu 10:00]',
        "- Note taken on [2026-03-03 Tue 10:00] \\\\",
        "  Two points:",
        "  - one",
        "CLOCK: [2026-03-01 Sun 10:00]--[2026-03-01 Sun 11:00] =>  1:00",
        "  - [ ] a box",
        '- State "DONE" is what it says here',
        heading="* DONE One",
    )

    assert only(reading).fields["description"] == '  - [ ] a box\n- State "DONE" is what it says here'
    assert [one.text for one in only(reading).comments or ()] == ["Two points:\n- one"]
    assert len(metadata(reading)["logbook"]) == 2


def test_the_log_says_when_a_task_ended_where_nothing_else_does(read: Read) -> None:
    log = [
        f'- State "{state}" from "" [2026-03-0{day} Thu 10:00]'
        for day, state in ((7, "TODO"), (6, "DONE"), (5, "DONE"))
    ]

    ended = metadata(read(*log, heading="* DONE One"))["source_closed_at"]
    begun = metadata(read(*log))

    assert (ended[:16], "source_closed_at" in begun) == ("2026-03-06T10:00", False)


@pytest.mark.parametrize("tags", [":home:web:", "home web", ":home: :web:"])
def test_tags_of_the_file_are_parted_by_colons_or_blanks(read: Read, tags: str) -> None:
    assert only(read(before=f"#+FILETAGS: {tags}")).fields["tags"] == ("home", "web")


def test_tasks_of_the_same_outline_are_named_as_told_apart_by_their_order(read: Read) -> None:
    reading = read("** TODO Call", "** DONE Call", "** Notes", "** Notes", "*** TODO Call", heading="* Week")

    assert [item.status for item in reading.items] == ["TODO", "DONE", "TODO"]
    assert findings(reading, "told_apart_by_order") == ["line 4: Call"]
