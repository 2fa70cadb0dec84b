"""Beads exports, read."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.work_item.commands import Attribution, ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import LONGEST_LINE, Reading
from ledger.importing.readers.trackers.assistants import beads
from ledger.values.moment import parse, text
from tests.support.beads import DAY, closed, export, issue, needs
from tests.support.each import each
from tests.support.imported_log import ImportedLog

IMPORTED_AT = parse("2026-11-22T12:00:00Z")


def read(folder: Path, *issues: dict[str, Any] | str | bytes) -> Reading:
    return beads.read(export(folder, *issues), lambda name: f"id of {name}", IMPORTED_AT)


def one(folder: Path, **fields: Any) -> ImportedItem:
    return read(folder, issue("a-1", **fields)).items[0]


def day(number: int) -> datetime:
    return parse(DAY.format(number))


def kinds(reading: Reading) -> tuple[list[str], list[str]]:
    return [finding.kind for finding in reading.warnings], [finding.kind for finding in reading.not_taken]


@each(
    ("word", "item_type"),
    [("epic", "project"), ("task", "task"), ("bug", "task"), ("agent", "task"), ("convoy", "task"), ("odd", "task")],
)
def test_an_epic_is_a_project_and_all_others_are_tasks_with_their_word_kept(
    tmp_path: Path, word: str, item_type: str
) -> None:
    fields = one(tmp_path, issue_type=word).fields

    assert (fields["item_type"], fields["metadata"]["source_type"]) == (item_type, word)


@each(
    ("word", "category"),
    [
        ("open", "planned"),
        ("in_progress", "active"),
        ("hooked", "active"),
        ("pinned", "waiting"),
        ("deferred", "waiting"),
        ("blocked", "waiting"),
        ("closed", "done"),
        ("in_review", "review"),
        ("wontfix", "dropped"),
    ],
)
def test_a_status_is_kept_with_what_it_means(tmp_path: Path, word: str, category: str) -> None:
    item = one(tmp_path, status=word)

    assert (item.status, item.category, item.fields["metadata"]["source_status"]) == (word, category, word)


@each(
    ("fields", "word"),
    [({"issue_type": "gate"}, "gate"), ({"pinned": True}, "pinned"), ({"is_template": True}, "template")],
)
def test_what_is_no_work_waits(tmp_path: Path, fields: dict[str, Any], word: str) -> None:
    item = one(tmp_path, **fields)

    assert (item.status, item.category, item.fields["metadata"]["source_status"]) == (word, "waiting", "open")


def test_what_is_deferred_due_and_estimated_is_planned_so(tmp_path: Path) -> None:
    item = one(tmp_path, defer_until="2099-01-01T00:00:00+01:00", due_at="2099-02-01T00:00:00Z", estimated_minutes=90)

    assert (item.status, item.category) == ("open", "planned")
    assert {name: item.fields[name] for name in ("not_before", "due", "estimate")} == {
        "not_before": "2098-12-31T23:00:00.000000Z",
        "due": "2099-02-01T00:00:00.000000Z",
        "estimate": 90,
    }
    assert not {"defer_until", "due_at", "estimated_minutes"} & item.fields["metadata"].keys()


@each(
    ("fields", "warnings"),
    [
        ({"due_at": "soon"}, ["time_not_understood"]),
        ({"defer_until": 5}, ["time_not_understood"]),
        ({"due_at": "0001-01-01T00:00:00Z"}, []),
        ({"estimated_minutes": 0}, []),
        ({"estimated_minutes": 10**12}, []),
        ({"estimated_minutes": True}, []),
    ],
)
def test_a_plan_that_is_not_understood_stays_as_found(
    tmp_path: Path, fields: dict[str, Any], warnings: list[str]
) -> None:
    reading = read(tmp_path, issue("a-1", **fields))

    assert not {"due", "not_before", "estimate"} & reading.items[0].fields.keys()
    assert reading.items[0].fields["metadata"].items() >= fields.items()
    assert [finding.kind for finding in reading.warnings] == warnings


def test_an_unknown_status_waits_with_a_warning(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", status="odd"))

    assert (reading.items[0].status, reading.items[0].category) == ("odd", "waiting")
    assert kinds(reading) == (["unknown_status", "state_waiting"], [])


def test_a_closed_issue_is_completed_at_its_closing_time_by_an_unknown_person(tmp_path: Path) -> None:
    item = read(tmp_path, closed("a-1", day=5)).items[0]

    assert (item.category, item.settled) == ("done", Attribution(by="unknown (beads)", at=day(5)))


def test_a_tombstone_is_deleted_by_whom_the_source_names(tmp_path: Path) -> None:
    item = one(tmp_path, status="tombstone", deleted_at=DAY.format(6), deleted_by="bob", delete_reason="doubled")

    assert (item.status, item.removed) == (None, Attribution(by="bob", at=day(6)))
    assert item.fields["metadata"]["delete_reason"] == "doubled"


@each(("theirs", "ours"), [(0, 1), (1, 2), (4, 5), (9, 5)])
def test_a_priority_is_one_more_and_at_most_five_with_the_original_kept(tmp_path: Path, theirs: int, ours: int) -> None:
    fields = one(tmp_path, priority=theirs).fields

    assert (fields["priority"], fields["metadata"]["source_priority"]) == (ours, theirs)


def test_what_the_source_does_not_say_is_absent(tmp_path: Path) -> None:
    fields = one(tmp_path, priority=None, created_by=None).fields

    assert {"priority", "assignee", "description", "notes", "tags"} & fields.keys() == set()


def test_a_missing_actor_is_unknown(tmp_path: Path) -> None:
    assert one(tmp_path, created_by=None).created == Attribution(by="unknown (beads)", at=day(1))


def test_a_missing_creation_time_is_the_earliest_time_the_source_knows(tmp_path: Path) -> None:
    reading = read(tmp_path, closed("a-1", day=3, created_at=None))

    assert (reading.items[0].created.at, kinds(reading)[0]) == (day(3), ["no_creation_time"])


def test_nothing_of_an_issue_is_lost(tmp_path: Path) -> None:
    given = issue(
        "a-1",
        design="d",
        comments=[{"text": "hm", "mood": "grim"}, {"text": ""}, {"text": "plain", "author": "ann"}],
        comment_count=3,
        labels=["Big", "a"],
        new_field={"x": [1]},
        owner="o",
    )

    item = read(tmp_path, given).items[0]
    fields = item.fields

    odd = [{"text": "hm", "mood": "grim"}, {"text": ""}]
    kept = {"design": "d", "comments": odd, "labels": ["Big", "a"], "new_field": {"x": [1]}, "owner": "o"}
    assert [(comment.made.by, comment.text) for comment in item.comments or ()] == [
        ("unknown (beads)", "hm"),
        ("ann", "plain"),
    ]
    assert fields["metadata"].items() >= kept.items()
    assert fields["tags"] == ("big", "a")


def test_a_field_of_an_unexpected_kind_is_kept_as_found(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", title=5, priority="high", assignee=["x"], updated_at="soon"))

    metadata = reading.items[0].fields["metadata"]
    assert metadata.items() >= {"title": 5, "priority": "high", "assignee": ["x"], "updated_at": "soon"}.items()
    assert set(kinds(reading)[0]) == {"field_not_understood", "time_not_understood", "no_title"}


def test_a_field_with_the_name_of_ours_is_kept_beside_it(tmp_path: Path) -> None:
    metadata = one(tmp_path, source_type="theirs").fields["metadata"]

    assert (metadata["source_type"], metadata["source_fields"]) == ("task", {"source_type": "theirs"})


def test_derived_counts_are_left_out_and_comments_that_are_only_counted_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", dependency_count=3, dependent_count=1, comment_count=2))

    assert (
        reading.items[0].fields["metadata"].keys() & {"dependency_count", "dependent_count", "comment_count"} == set()
    )
    assert kinds(reading) == (["links_missing", "comments_missing"], [])


@each(
    ("word", "kind"),
    [
        ("blocks", "depends_on"),
        ("parent-child", "parent"),
        ("discovered-from", "discovered_from"),
        ("duplicates", "duplicates"),
        ("tracks", "relates_to"),
    ],
)
def test_a_dependency_becomes_a_link_with_its_author_and_time(tmp_path: Path, word: str, kind: str) -> None:
    link = one(tmp_path, dependencies=[needs("a-1", "a-2", word)]).links[0]

    assert (link.kind, link.to_id, link.word, link.made) == (kind, "id of a-2", word, Attribution(by="bob", at=day(2)))


@each(
    ("word", "kind"),
    [
        ("parent_child", "parent"),
        ("parentChild", "parent"),
        ("Parent-Child", "parent"),
        ("parentchild", "parent"),
        ("parent child", "parent"),
        ("child-of", "parent"),
        ("discovered_from", "discovered_from"),
        ("DiscoveredFrom", "discovered_from"),
        ("duplicate_of", "duplicates"),
        ("Blocks", "depends_on"),
        ("blocked_by", "depends_on"),
        ("depends-on", "depends_on"),
        ("waits-for", "depends_on"),
        ("waits_for", "depends_on"),
        ("conditional-blocks", "depends_on"),
    ],
)
def test_a_kind_of_dependency_is_known_in_every_spelling_and_its_word_is_kept(
    tmp_path: Path, word: str, kind: str
) -> None:
    entry = needs("a-1", "a-2", word)

    item = one(tmp_path, dependencies=[entry])

    assert [(link.kind, link.word) for link in item.links] == [(kind, word)]
    assert item.fields["metadata"]["dependencies"] == [entry]


def test_a_condition_under_which_a_link_blocks_is_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", dependencies=[needs("a-1", "a-2", "waits-for")]))

    assert [(finding.kind, finding.where) for finding in reading.warnings] == [
        ("link_taken_as_blocking", "a-1 -> a-2 (waits-for)")
    ]


@each(
    ("word", "category"),
    [
        ("open", "planned"),
        ("in_progress", "active"),
        ("hooked", "active"),
        ("blocked", "waiting"),
        ("deferred", "waiting"),
        ("pinned", "waiting"),
        ("closed", "done"),
    ],
)
def test_every_status_of_beads_itself_is_known(tmp_path: Path, word: str, category: str) -> None:
    reading = read(tmp_path, issue("a-1", status=word))

    assert reading.items[0].category == category
    assert [finding for finding in reading.warnings if finding.kind == "unknown_status"] == []


@each("word", ["closed", "Closed", "DONE", "resolved", "won't fix"])
def test_whatever_its_word_an_end_has_its_time(tmp_path: Path, word: str) -> None:
    reading = read(tmp_path, closed("a-1") | {"status": word}, issue("a-2", status=word))

    settled = reading.items[0].settled
    assert settled is not None
    assert (text(settled.at)[:10], reading.items[0].fields["metadata"]["source_closed_at"][:10]) == ("2026-03-05",) * 2
    assert [finding.where for finding in reading.warnings if finding.kind == "no_closing_time"] == ["a-2"]


def test_a_deleted_issue_is_one_in_any_case(tmp_path: Path) -> None:
    [item] = read(tmp_path, issue("a-1", status="Tombstone", deleted_at=DAY.format(4))).items

    assert item.removed is not None
    assert (text(item.removed.at)[:10], item.status) == ("2026-03-04", None)


@each("entry", ["a-2", {"depends_on_id": "a-2"}, {"id": "a-2", "type": "blocks"}, {"id": "a-2", "title": "T"}])
def test_a_dependency_in_short_is_a_link(tmp_path: Path, entry: Any) -> None:
    item = one(tmp_path, dependencies=[entry])

    assert [(link.kind, link.to) for link in item.links] == [("depends_on", "a-2")]


@each("given", [1, 1.0, "1", "P1", "p1"])
def test_a_priority_is_understood_as_it_is_typed(tmp_path: Path, given: Any) -> None:
    item = one(tmp_path, priority=given)

    assert (item.fields["priority"], item.fields["metadata"]["source_priority"]) == (2, given)


@each(
    ("fields", "missing"),
    [
        ({"comments": [{"text": "hm"}]}, False),
        ({"comments": [{"text": "hm"}], "comment_count": 1}, False),
        ({"comments": [{"text": "hm"}], "comment_count": 2}, True),
        ({"comments": [{"text": "hm"}, {"text": "so"}], "comment_count": 1}, False),
        ({"comment_count": 0}, False),
        ({"comment_count": 3}, True),
    ],
)
def test_comments_are_missing_where_more_are_counted_than_given(
    tmp_path: Path, fields: dict[str, Any], missing: bool
) -> None:
    reading = read(tmp_path, issue("a-1", **fields))

    assert kinds(reading) == (["comments_missing"] if missing else [], [])
    stated = [{"text": comment.text} for comment in reading.items[0].comments or ()]
    assert stated == fields.get("comments", [])


@pytest.mark.parametrize(
    ("status", "field", "kept"),
    [("closed", "closed_at", "source_closed_at"), ("tombstone", "deleted_at", "source_deleted_at")],
)
def test_an_end_before_the_beginning_is_kept_and_reported(tmp_path: Path, status: str, field: str, kept: str) -> None:
    ended = {"status": status, field: "2026-02-28T09:00:00+05:30"}

    reading = read(tmp_path, issue("a-1", **ended))

    assert reading.items[0].fields["metadata"][kept] == "2026-02-28T03:30:00.000000Z"
    assert [(finding.kind, finding.where) for finding in reading.warnings] == [
        ("ended_before_it_began", f"a-1: {field} 2026-02-28T03:30:00.000000Z")
    ]


def test_the_parent_that_the_issue_names_comes_first(tmp_path: Path) -> None:
    both = [needs("a-1", "p-1", "parent-child"), needs("a-1", "p-2", "parent-child")]

    assert [link.to for link in one(tmp_path, parent="p-2", dependencies=both).links] == ["p-2", "p-1"]


def test_a_dependency_that_says_more_is_kept_whole(tmp_path: Path) -> None:
    more = needs("a-1", "a-2", metadata='{"gate": 1}')

    assert one(tmp_path, dependencies=[needs("a-1", "a-3"), more]).fields["metadata"]["dependencies"] == [more]


def test_a_dependency_that_names_nothing_is_not_taken_and_kept_as_found(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", dependencies=[{"type": "blocks"}]))

    assert kinds(reading) == ([], ["link_not_understood"])
    assert reading.items[0].fields["metadata"]["dependencies"] == [{"type": "blocks"}]


def test_what_bd_show_prints_as_a_list_is_read_too(tmp_path: Path) -> None:
    other = issue("a-2") | {"dependency_type": "blocks"}
    file = tmp_path / "shown.json"
    file.write_text(json.dumps([issue("a-1", dependencies=[other]), 7], indent=2))

    reading = beads.read(file, str, IMPORTED_AT)

    assert [(link.kind, link.to, link.word) for link in reading.items[0].links] == [("depends_on", "a-2", "blocks")]
    assert "dependencies" not in reading.items[0].fields["metadata"]
    assert (reading.found, [finding.where for finding in reading.not_taken]) == (2, ["entry 2"])


def test_the_first_exports_called_the_type_of_an_issue_type(tmp_path: Path) -> None:
    fields = one(tmp_path, issue_type=None, type="epic").fields

    assert (fields["item_type"], fields["metadata"]["source_type"]) == ("project", "epic")


def test_a_memory_is_named_and_the_head_of_an_export_is_no_record(tmp_path: Path) -> None:
    reading = read(
        tmp_path, '{"_schema": "beads-jsonl/1"}', {"_type": "memory", "key": "k"}, issue("a-1") | {"_type": "issue"}
    )

    assert (reading.found, kinds(reading)) == (2, ([], ["another_kind_of_record"]))
    assert "_type" not in reading.items[0].fields["metadata"]


def test_a_time_in_the_far_future_is_taken_with_a_warning(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", updated_at="2999-01-01T00:00:00Z"))

    assert reading.items[0].changed.at.year == 2999
    assert kinds(reading)[0] == ["time_in_the_future"]


def test_texts_beyond_the_limits_are_taken_whole_with_a_warning(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", title="t" * 201, description="d" * 20_001, labels=["l" * 51]))

    assert len(reading.items[0].fields["description"]) == 20_001
    assert kinds(reading)[0] == ["longer_than_the_limit"] * 3


@pytest.mark.parametrize("later_first", [False, True])
def test_of_an_issue_that_stands_twice_the_one_that_was_changed_last_counts(tmp_path: Path, later_first: bool) -> None:
    both = [issue("a-1"), closed("a-1", day=5)]

    reading = read(tmp_path, *(reversed(both) if later_first else both), issue("a-2"))

    assert [(item.external_id, item.status) for item in reading.items] == [("a-1", "closed"), ("a-2", "open")]
    assert [finding.kind for finding in reading.not_taken] == ["repeated_id"]
    assert reading.found == 3


@each("indent", [None, 2])
@each("wrapped", [False, True])
def test_a_list_is_read_on_one_line_or_on_many_by_itself_or_as_issues(
    tmp_path: Path, indent: int | None, wrapped: bool
) -> None:
    both = [issue("a-1"), issue("a-2")]
    whole = {"issues": both, "total": 2} if wrapped else both

    reading = read(tmp_path, json.dumps(whole, indent=indent))

    assert [item.external_id for item in reading.items] == ["a-1", "a-2"]
    assert kinds(reading) == ([], [])


def test_one_issue_on_several_lines_is_read(tmp_path: Path) -> None:
    assert [item.external_id for item in read(tmp_path, json.dumps(issue("a-1"), indent=2)).items] == ["a-1"]


def test_a_dependency_without_a_type_blocks_as_in_beads_and_is_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", dependencies=[{"issue_id": "a-1", "depends_on_id": "a-2"}]), issue("a-2"))

    assert [link.kind for link in reading.items[0].links] == ["depends_on"]
    assert kinds(reading)[0] == ["link_taken_as_blocking"]


def test_dependencies_that_are_only_counted_stay_as_they_were() -> None:
    log = ImportedLog("beads")
    below = needs("a-1", "a-3", "parent-child")
    full = issue("a-1", dependencies=[needs("a-1", "a-2"), below], comments=[{"id": 1, "text": "hm"}])
    log.bring(lambda folder: export(folder, full, issue("a-2"), issue("a-3")))

    counted = issue("a-1", dependency_count=2, comment_count=1)
    assert log.bring(lambda folder: export(folder, counted, issue("a-2"), issue("a-3"))) == []


def test_dependencies_that_are_counted_and_not_named_are_reported(tmp_path: Path) -> None:
    assert kinds(read(tmp_path, issue("a-1", dependency_count=1), issue("a-2", dependency_count=0)))[0] == [
        "links_missing"
    ]


def test_a_comment_whose_time_cannot_be_understood_is_taken_and_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, issue("a-1", comments=[{"author": "ann", "text": "one", "created_at": "later"}]))

    assert [comment.text for comment in reading.items[0].comments or ()] == ["one"]
    assert kinds(reading)[0] == ["time_not_understood"]


@each("fields", [{"labels": "a, b"}, {"comments": "one"}, {"comments": ["one"]}])
def test_what_is_no_list_of_labels_or_comments_is_kept_and_reported(tmp_path: Path, fields: dict[str, Any]) -> None:
    reading = read(tmp_path, issue("a-1", **fields))

    assert kinds(reading)[0] == ["field_not_understood"]
    assert fields.items() <= reading.items[0].fields["metadata"].items()


def test_a_blank_name_is_no_assignee(tmp_path: Path) -> None:
    assert "assignee" not in one(tmp_path, assignee="  ").fields


@each(
    ("line", "kind"),
    [
        ("<<<<<<< HEAD", "not_json"),
        ("[1]", "not_an_object"),
        ('{"title": "no id"}', "no_id"),
        ('{"id": "  ", "title": "blank"}', "no_id"),
        ('{"id": "x", "key": "a memory"}', "not_an_issue"),
        ('{"id": "good", "title": "again"}', "repeated_id"),
        ('{"id": "' + "x" * 501 + '", "title": "t"}', "id_too_long"),
        ('{"id": "x", "title": ' + "[" * 100_000, "not_json"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_and_the_others_are_taken(tmp_path: Path, line: str, kind: str) -> None:
    reading = read(tmp_path, issue("good"), "", line, issue("fine"))

    assert [item.external_id for item in reading.items] == ["good", "fine"]
    assert [(finding.kind, finding.where.partition(" (")[0]) for finding in reading.not_taken] == [(kind, "line 3")]
    assert reading.found == 3


@each(
    ("written", "kept"),
    [
        (r"half \ud83d", "half \ufffd"),
        (r"\ud83d half", "\ufffd half"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"a\u0000b", "a\ufffdb"),
        (r"\ud83d\ude00 \ud800", "\U0001f600 \ufffd"),
    ],
)
def test_an_unpaired_surrogate_costs_that_character_and_is_named(tmp_path: Path, written: str, kept: str) -> None:
    line = f'{{"id": "x", "title": "T", "description": "{written}", "custom": {{"{written}": ["{written}"]}}}}'

    reading = read(tmp_path, line)

    fields = reading.items[0].fields
    assert (fields["title"], fields["description"], fields["metadata"]["custom"]) == ("T", kept, {kept: [kept]})
    assert [finding.where for finding in reading.warnings if finding.kind == "character_replaced"] == [
        "x: description",
        "x: custom",
        f"x: custom.{kept}[0]",
    ]
    assert reading.not_taken == []


@each("number", ["99999999999999999999999", "-99999999999999999999999", "1e999", "NaN", "-Infinity"])
def test_a_number_that_cannot_be_kept_is_its_text_and_is_named(tmp_path: Path, number: str) -> None:
    reading = read(tmp_path, f'{{"id": "x", "title": "T", "created_at": "{DAY.format(1)}", "n": [{number}, 7, 0.1]}}')

    found, *others = reading.items[0].fields["metadata"]["n"]
    assert (str(found).upper().replace("+", ""), others) == (number.upper(), [7, 0.1])
    assert ("number_kept_as_text", "x: n[0]") in [(finding.kind, finding.where) for finding in reading.warnings]


def test_a_field_that_is_named_twice_is_reported_with_its_place(tmp_path: Path) -> None:
    line = '{"id": "x", "title": "lost", "title": "T", "metadata": {"a": 1, "b": [{"c": 1, "c": 1}]}}'

    reading = read(tmp_path, line)

    assert reading.items[0].fields["title"] == "T"
    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [
        ("repeated_field", "line 1 ('x'): title"),
        ("repeated_field", "line 1 ('x'): metadata.b[0].c"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id": "x", "title": "\xff"}', "not UTF-8"),
        (b"\x7fELF\x00\x01", "binary"),
        (b" " * (LONGEST_LINE + 1), "longer than"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_its_line(tmp_path: Path, line: bytes, problem: str) -> None:
    with pytest.raises(Invalid, match=f"line 2 .*{problem}"):
        read(tmp_path, issue("good"), line)


@each("line", ['{"tasks": []}', "# Markdown", '{"id": 1, "title": "number"}'])
def test_a_file_without_any_issue_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(Invalid, match="no beads issue"):
        read(tmp_path, line)


def test_a_missing_file_a_folder_and_a_cycle_of_symbolic_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cycle").symlink_to(tmp_path / "cycle")

    for name in ("absent", ".", "cycle"):
        with pytest.raises(Invalid, match="cannot be read"):
            beads.read(tmp_path / name, str, IMPORTED_AT)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    reading = read(tmp_path, b'\xef\xbb\xbf{"id": "a", "title": "t", "status": "open"}\r')

    assert [item.external_id for item in reading.items] == ["a"]
