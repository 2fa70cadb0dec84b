"""Snapshots of a source in any order: one that is older than what is known undoes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.transfer.import_sources import SOURCES
from tests.support.beads import DAY, export, issue, needs
from tests.support.each import each
from tests.support.examples import examples
from tests.support.imported_log import NOW, ImportedLog, differing
from tests.support.trackers import TRACKERS, Task, as_taskmaster, projects

DATED = [name for name in TRACKERS if SOURCES[name].is_dated]
EVERY = pytest.mark.parametrize("tracker", DATED)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Task]]:
    """Snapshots of one project, the oldest first: from one to the next some tasks change, and their day with them."""
    first = draw(projects())
    kept = [replace(task, parent=None, changed=1) for task in first]
    snapshots = [kept]
    for day in range(2, draw(st.integers(2, 4)) + 1):
        others = draw(projects())
        changed = draw(st.sets(st.integers(0, len(kept) - 1)))
        kept = [
            replace(others[place], parent=None, changed=day) if place in changed else task
            for place, task in enumerate(kept)
        ]
        snapshots.append(kept)
    return snapshots


def bring(log: ImportedLog, tracker: str, tasks: list[Task]) -> Any:
    return log.bring(lambda folder: TRACKERS[tracker](folder, tasks))


@EVERY
@examples(12)
@given(data=st.data(), history=histories())
def test_snapshots_in_any_order_are_the_newest_one(
    tracker: str, data: st.DataObject, history: list[list[Task]]
) -> None:
    in_some_order, newest = ImportedLog(tracker), ImportedLog(tracker)
    bring(newest, tracker, history[-1])

    for snapshot in data.draw(st.permutations([*history, history[0]])):
        bring(in_some_order, tracker, snapshot)

    assert differing(in_some_order.current_states(), newest.current_states()) == []
    assert in_some_order.times_rise()
    assert bring(in_some_order, tracker, history[-1]) == []


@examples(25)
@given(data=st.data(), history=histories())
def test_a_list_that_says_when_it_changed_decides_for_tasks_that_do_not(
    data: st.DataObject, history: list[list[Task]]
) -> None:
    def written(at: int) -> Any:
        def write(folder: Path) -> Path:
            file = as_taskmaster(folder, history[at])
            whole = json.loads(file.read_text())
            for task in whole["master"]["tasks"]:
                del task["updatedAt"]
            whole["master"]["metadata"]["updated"] = DAY.format(at + 1)
            file.write_text(json.dumps(whole))
            return file

        return write

    in_some_order, newest = ImportedLog("taskmaster"), ImportedLog("taskmaster")
    newest.bring(written(len(history) - 1))

    for at in data.draw(st.permutations(range(len(history)))):
        in_some_order.bring(written(at))

    assert differing(in_some_order.current_states(), newest.current_states()) == []


def old_and_new(tracker: str, folder: Path, *, is_new: bool) -> Path:
    task = Task(number=1, title="w", text="t", state="done" if is_new else "open", priority=1, parent=None, needs=(),
                tags=(), changed=5 if is_new else 2)  # fmt: skip
    return TRACKERS[tracker](folder, [task])


@each("tracker", TRACKERS)
def test_a_source_is_dated_whose_records_say_when_they_changed(tracker: str, tmp_path: Path) -> None:
    task = Task(number=1, title="w", text="t", state="open", priority=1, parent=None, needs=(), tags=(), changed=2)
    [early] = SOURCES[tracker].read(TRACKERS[tracker](tmp_path, [task]), str, NOW).items
    [late] = SOURCES[tracker].read(TRACKERS[tracker](tmp_path, [replace(task, changed=5)]), str, NOW).items

    assert SOURCES[tracker].is_dated == (early.changed.at < late.changed.at), (
        f"the records of {tracker} say when they last changed, or do not: set or remove `is_dated` of its entry in"
        " projections/transfer/import_sources.py"
    )


@EVERY
def test_an_older_record_is_left_out_and_reported_and_taken_when_it_is_to_win(tracker: str) -> None:
    log = ImportedLog(tracker)
    log.bring(lambda folder: old_and_new(tracker, folder, is_new=True))
    known = log.current_states()

    assert log.bring(lambda folder: old_and_new(tracker, folder, is_new=False)) == []
    assert log.warnings()["older_than_known"] != []
    assert log.current_states() == known

    log.bring(lambda folder: old_and_new(tracker, folder, is_new=False), older_wins=True)
    assert [state["status"] for state in log.current_states().values()] == ["active"]

    log.bring(lambda folder: old_and_new(tracker, folder, is_new=True))
    assert log.current_states() == known


def test_comments_and_links_that_an_older_file_lacks_stay() -> None:
    log = ImportedLog("beads")
    new = issue("a-1", updated_at=DAY.format(5), comments=[{"text": "hm"}], dependencies=[needs("a-1", "a-2")])
    log.bring(lambda folder: export(folder, new, issue("a-2")))
    known = log.current_states()

    assert log.bring(lambda folder: export(folder, issue("a-1", updated_at=DAY.format(3)), issue("a-2"))) == []
    assert log.current_states() == known


def test_a_closing_time_that_is_corrected_is_taken_over() -> None:
    log = ImportedLog("beads")
    closed = {"status": "closed", "closed_at": DAY.format(3), "updated_at": DAY.format(3)}
    log.bring(lambda folder: export(folder, issue("a-1", **closed)))

    corrected = closed | {"closed_at": DAY.format(4), "updated_at": DAY.format(5)}
    log.bring(lambda folder: export(folder, issue("a-1", **corrected)))

    state = next(iter(log.current_states().values()))
    assert (state["status"], state["metadata"]["source_closed_at"]) == ("completed", "2026-03-04T10:00:00.000000Z")


def test_a_record_without_any_time_is_taken() -> None:
    log = ImportedLog("beads")
    log.bring(lambda folder: export(folder, issue("a-1", updated_at=None, created_at=None)))

    log.bring(lambda folder: export(folder, issue("a-1", updated_at=None, created_at=None, title="Other")))

    assert [state["title"] for state in log.current_states().values()] == ["Other"]


def test_a_record_that_no_longer_says_when_it_changed_is_older_by_its_creation() -> None:
    log = ImportedLog("beads")
    log.bring(lambda folder: export(folder, issue("a-1", updated_at=DAY.format(5))))

    assert log.bring(lambda folder: export(folder, issue("a-1", updated_at=None, title="Other"))) == []
