"""An export of some fields changes nothing of what it does not name: no field, metadata, comment, link or state."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.aggregates.work_item.commands import ImportedItem
from projections.transfer.import_sources import SOURCES
from tests.support.each import each
from tests.support.examples import examples
from tests.support.imported_log import NOW, ImportedLog
from tests.support.trackers import TRACKERS
from tests.support.whole_exports import EXPORTS

LINES = {"todotxt", "org"}  # a line of these has no named fields of which some could be left out
EVERY = pytest.mark.parametrize("called", EXPORTS)
ONE_BY_ONE = [(called, field) for called, export in EXPORTS.items() for field in export.fields]


def test_every_source_with_fields_is_tried_without_some_of_them() -> None:
    missing = TRACKERS.keys() - LINES - {export.source for export in EXPORTS.values()}

    assert missing == set(), (
        f"add what {', '.join(sorted(missing))} writes with all of its fields, in two states, to EXPORTS of"
        " tests/support/whole_exports.py"
    )


@EVERY
@pytest.mark.parametrize("state", [0, 1])
def test_whatever_a_whole_export_says_is_stated(called: str, state: int, tmp_path: Path) -> None:
    export = EXPORTS[called]
    items = SOURCES[export.source].read(export.without(set(), state)(tmp_path), str, NOW).items

    unstated = {name for item in items for name in said(item) if not item.stated.holds(name)}

    assert unstated == set(), (
        f"the reader of {export.source} reads {', '.join(sorted(unstated))} and does not state it: name its column in"
        " SAID_BY there, or a later export changes nothing of it"
    )


def said(item: ImportedItem) -> Iterator[str]:
    """The names of what has a value; every item has a type, whose default no column says."""
    fields = {name: value for name, value in item.fields.items() if name != "metadata"}
    fields |= {"status": item.status, "comments": item.comments, "deleted": item.removed}
    yield from (name for name, value in fields.items() if value and (name, value) != ("item_type", "task"))
    yield from ("parent_id" for link in item.links if link.kind == "parent")


@each(("called", "field"), ONE_BY_ONE)
def test_the_same_export_without_one_field_changes_nothing(called: str, field: str) -> None:
    export = EXPORTS[called]
    log = ImportedLog(export.source)
    log.bring(export.without(set()))

    assert log.bring(export.without({field})) == []


@EVERY
@examples(12)
@given(data=st.data())
def test_the_same_export_with_any_fewer_fields_changes_nothing(called: str, data: st.DataObject) -> None:
    export = EXPORTS[called]
    log = ImportedLog(export.source)
    log.bring(export.without(set()))

    assert log.bring(export.without(data.draw(st.sets(st.sampled_from(export.fields))))) == []


@EVERY
@examples(12)
@given(data=st.data())
def test_after_some_fields_all_of_them_are_as_if_they_had_come_at_once(called: str, data: st.DataObject) -> None:
    export = EXPORTS[called]
    log, at_once = ImportedLog(export.source), ImportedLog(export.source)
    at_once.bring(export.without(set()))
    fields = [field for field in export.fields if field not in export.began]
    log.bring(export.without(data.draw(st.sets(st.sampled_from(fields)))))

    log.bring(export.without(set()))

    assert dict(paths(log)) == dict(paths(at_once))


@EVERY
@examples(12)
@given(data=st.data())
def test_a_later_export_of_some_fields_leaves_each_as_it_was_or_brings_it_whole(
    called: str, data: st.DataObject
) -> None:
    export = EXPORTS[called]
    log, whole = ImportedLog(export.source), ImportedLog(export.source)
    for one in (log, whole):
        one.bring(export.without(set()))
    before = dict(paths(log))
    whole.bring(export.without(set(), 1))
    after = dict(paths(whole))

    log.bring(export.without(data.draw(st.sets(st.sampled_from(export.fields))), 1))

    strange = {path: value for path, value in paths(log) if value not in (before.get(path), after.get(path))}
    assert strange == {}


@EVERY
def test_a_later_export_of_all_fields_is_taken_whole(called: str) -> None:
    export = EXPORTS[called]
    log, alone = ImportedLog(export.source), ImportedLog(export.source)
    log.bring(export.without(set()))
    alone.bring(export.without(set(), 1))

    log.bring(export.without(set(), 1))

    gone = {path for path, _ in paths(log)} ^ {path for path, _ in paths(alone)}
    assert {path for path in gone if "comments" not in path} == set()
    assert [value for path, value in paths(log) if "title" in path] == [
        value for path, value in paths(alone) if "title" in path
    ]


def paths(log: ImportedLog) -> Iterator[tuple[str, Any]]:
    """Every value of every item by where it stands; a link by itself."""
    for stream, state in log.current_states().items():
        for field, value in state.items():
            if isinstance(value, dict):
                yield from ((f"{stream} {field} {name}", _plain(one)) for name, one in value.items())
            elif field == "links":
                yield from ((f"{stream} {kind} {to}", note) for kind, to, note in value)
            elif value not in (None, (), ""):
                yield f"{stream} {field}", value


def _plain(value: Any) -> Any:
    """GitHub's interfaces write a state in capitals or not."""
    return value.lower() if isinstance(value, str) else value


def test_a_record_whose_beginning_was_not_known_is_the_same_when_a_fuller_one_says_it() -> None:
    export = EXPORTS["github"]
    log = ImportedLog(export.source)
    log.bring(export.without({"createdAt", "closedAt"}))

    log.bring(export.without(set(), 1))

    states = list(log.current_states().values())
    assert sorted(state["title"] for state in states) == ["1", "Two"]
    assert {state["metadata"]["source_created_at"] for state in states} == {"2026-03-01T10:00:00.000000Z"}


def test_issues_of_two_repositories_that_a_file_does_not_name_are_two() -> None:
    export = EXPORTS["github"]
    log = ImportedLog(export.source)
    log.bring(export.without({"url", "parent", "blockedBy"}))
    elsewhere = [one | {"title": "Else", "createdAt": "2025-01-01T10:00:00Z"} for one in export.states[0]]
    elsewhere = [{name: said for name, said in one.items() if name not in {"url", "parent"}} for one in elsewhere]

    log.bring(lambda folder: export.write(folder, elsewhere))

    assert len(log.current_states()) == 4
