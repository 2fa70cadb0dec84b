"""Whatever two states of a source are imported one after the other, the ledger then holds what the second one says.

If the second one may win where it is older.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.values.revision import Change
from tests.support.beads import DAY, export, issue, needs
from tests.support.examples import examples
from tests.support.imported_log import NOW, ImportedLog, differing
from tests.support.trackers import TRACKERS, Task, projects

NAMES = [f"n-{number}" for number in range(5)]
STATES = ("open", "doing", "blocked", "done")
WITHOUT_THE_FIFTH = [
    Task(
        number=n,
        title=f"t{n}",
        text="x",
        state=STATES[n - 1],
        priority=1,
        parent=5 - n % 2 * 5 or None,
        needs=(5,),
        tags=(),
        changed=n,
    )
    for n in range(1, 5)
]
TIMES = re.compile(rb"2026-03-0\d(?:[T ]10:00:00(?:Z|\.000))?|0\d/Mar/26 10:00 AM|2026030\dT100000Z")
EVERY = pytest.mark.parametrize("tracker", TRACKERS)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
KINDS = st.sampled_from(["blocks", "parent-child", "discovered-from", "duplicates", "tracks", "related"])
DAYS = st.integers(1, 9)
LINKS = st.lists(st.tuples(st.sampled_from(NAMES), KINDS, DAYS), max_size=3, unique_by=lambda x: x[:2])
OPTIONAL = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXTS,
        "assignee": TEXTS,
        "labels": st.lists(TEXTS, max_size=3),
        "custom": st.one_of(st.none(), st.integers(-9, 9), st.lists(TEXTS, max_size=2)),
        "close_reason": TEXTS,
    },
)


@st.composite
def an_issue(draw: st.DrawFn, name: str) -> dict[str, Any]:
    links = draw(LINKS)
    status = draw(st.sampled_from(["open", "hooked", "blocked", "closed"]))
    optional = draw(OPTIONAL)
    return issue(
        name,
        title=draw(TEXTS),
        status=status,
        issue_type=draw(st.sampled_from(["epic", "task", "bug"])),
        priority=draw(st.integers(0, 4)),
        updated_at=DAY.format(draw(DAYS)),
        closed_at=DAY.format(draw(DAYS)) if status == "closed" else None,
        dependencies=[needs(name, to, kind, created_at=DAY.format(day)) for to, kind, day in links],
        **optional,
    )


def exports() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.tuples(*(an_issue(name) for name in NAMES)).map(list)


def bring_beads(log: ImportedLog, issues: list[dict[str, Any]]) -> Any:
    return log.bring(lambda folder: export(folder, *issues), older_wins=True)


def bring(log: ImportedLog, tracker: str, tasks: list[Task]) -> Any:
    return log.bring(lambda folder: TRACKERS[tracker](folder, tasks), older_wins=True)


def among(log: ImportedLog, others: ImportedLog) -> dict[str, Any]:
    """What the items are that the others have too; a task-master subtask that moves gets another id."""
    kept = others.current_states().keys()
    ids = {stream[-36:] for stream in kept}
    return {
        stream: state | {"links": [link for link in state["links"] if link[1] in ids]}
        for stream, state in log.current_states().items()
        if stream in kept
    }


@examples(60)
@given(exports(), exports())
def test_after_two_beads_exports_of_any_shape_the_ledger_holds_the_second(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    one_after_the_other, at_once = ImportedLog("beads"), ImportedLog("beads")
    bring_beads(one_after_the_other, first)
    bring_beads(at_once, second)

    bring_beads(one_after_the_other, second)

    assert differing(one_after_the_other.current_states(), at_once.current_states()) == []
    assert one_after_the_other.times_rise()
    assert bring_beads(one_after_the_other, second) == []


@EVERY
@examples(15)
@given(first=projects(), second=projects())
def test_after_two_states_the_ledger_holds_the_second(tracker: str, first: list[Task], second: list[Task]) -> None:
    one_after_the_other, at_once = ImportedLog(tracker), ImportedLog(tracker)
    bring(one_after_the_other, tracker, first)
    bring(at_once, tracker, second)

    bring(one_after_the_other, tracker, second)

    assert differing(among(one_after_the_other, at_once), at_once.current_states()) == []
    assert one_after_the_other.times_rise()
    assert bring(one_after_the_other, tracker, second) == []


def files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def without_times(file: Path) -> bytes:
    return TIMES.sub(lambda time: b"x" * len(time[0]), file.read_bytes())


@EVERY
def test_every_time_that_a_source_writes_is_one_that_these_tests_can_take_out(tracker: str, tmp_path: Path) -> None:
    def written(day: int) -> list[bytes]:
        tasks = [replace(task, state="done", changed=day) for task in WITHOUT_THE_FIFTH]
        (folder := tmp_path / str(day)).mkdir()
        return list(map(without_times, files(TRACKERS[tracker](folder, tasks))))

    assert written(2) == written(7), (
        f"what {tracker} writes differs with the day alone: TIMES of {Path(__file__).name} lacks the form of its times"
    )


@EVERY
def test_what_says_no_times_and_names_what_is_nowhere_brings_nothing_an_hour_later(tracker: str) -> None:
    def write(folder: Path) -> Path:
        path = TRACKERS[tracker](folder, WITHOUT_THE_FIFTH)
        for file in files(path):
            file.write_bytes(without_times(file))
        return path

    log = ImportedLog(tracker)
    log.bring(write, all_taken=False)

    assert log.bring(write, all_taken=False, imported_at=NOW + timedelta(hours=1)) == []


@EVERY
@examples(8)
@given(first=projects(), second=projects(), who=st.integers(0, 4))
def test_what_a_person_changed_between_two_imports_stays(
    tracker: str, first: list[Task], second: list[Task], who: int
) -> None:
    log, untouched = ImportedLog(tracker), ImportedLog(tracker)
    bring(log, tracker, first)
    bring(untouched, tracker, first)
    changed = list(log.current_states())[who]
    log.revise(changed, WorkItemRevised(changes={"title": Change("", "Ours"), "notes": Change(None, "ours")}))

    bring(log, tracker, second)
    bring(untouched, tracker, second)

    ours = log.current_states()
    assert (ours[changed]["title"], ours[changed]["notes"]) == ("Ours", "ours")
    assert ours.keys() == untouched.current_states().keys()
    assert bring(log, tracker, second) == []


@EVERY
@examples(8)
@given(whole=projects(), half=st.integers(1, 4))
def test_half_of_a_source_and_then_all_of_it_is_the_same_as_all_of_it(
    tracker: str, whole: list[Task], half: int
) -> None:
    in_two, at_once = ImportedLog(tracker), ImportedLog(tracker)
    bring(in_two, tracker, whole[:half])
    bring(at_once, tracker, whole)

    bring(in_two, tracker, whole)

    assert differing(among(in_two, at_once), at_once.current_states()) == []
    assert bring(in_two, tracker, whole) == []
