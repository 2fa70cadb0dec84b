"""An id that a source gives again means another item; the first one keeps its life."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.values.revision import Change
from tests.support.beads import DAY, export, issue, needs
from tests.support.imported_log import ImportedLog

FEBRUARY, MAY = "2026-02-01 10:00", "2026-05-01 10:00"
Files = dict[str, str]


def task(title: str, created: str, number: str = "TASK-1", **fields: str) -> str:
    more = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"---\nid: {number}\ntitle: {title}\nstatus: To Do\ncreated_date: '{created}'\n{more}---\n\nText.\n"


def folder_of(files: Files) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        root = folder / "backlog"
        shutil.rmtree(root, ignore_errors=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return root

    return write


OLD, NEW = task("Old work", FEBRUARY), task("Entirely new work", MAY)
BEFORE: Files = {"tasks/task-1 - Old.md": OLD}
AFTER: Files = {"archive/tasks/task-1 - Old.md": OLD, "tasks/task-1 - New.md": NEW}
WAITS = {"tasks/task-2 - Waits.md": task("Waits", MAY, "TASK-2", dependencies="[TASK-1]")}


def by_title(log: ImportedLog) -> dict[str, dict[str, Any]]:
    return {
        state["title"]: state | {"id": stream[len("work_item-") :]} for stream, state in log.current_states().items()
    }


def blocked(log: ImportedLog, blocker: str) -> list[str]:
    found = by_title(log)
    targets = [to for kind, to, _ in found[blocker]["links"] if kind == "blocks"]
    return [title for title, state in found.items() if state["id"] in targets]


def test_a_task_with_the_id_of_an_archived_one_is_another_task() -> None:
    log = ImportedLog("backlog")
    log.bring(folder_of(BEFORE))
    stream = next(iter(log.current_states()))
    log.revise(stream, WorkItemRevised(changes={"notes": Change(None, "ours"), "assignee": Change(None, "ann")}))

    log.bring(folder_of(AFTER))

    found = by_title(log)
    assert found.keys() == {"Old work", "Entirely new work"}
    assert (found["Old work"]["notes"], found["Old work"]["assignee"], found["Old work"]["deleted"]) == (
        "ours",
        "ann",
        True,
    )
    assert (found["Entirely new work"]["notes"], found["Entirely new work"]["deleted"]) == (None, False)
    assert log.warnings()["id_given_again"] == ["TASK-1"]
    assert log.bring(folder_of(AFTER)) == []


def test_both_are_taken_from_the_beginning_and_links_mean_the_one_that_was_not_put_aside() -> None:
    log = ImportedLog("backlog")

    log.bring(folder_of(AFTER | WAITS))

    assert (blocked(log, "Entirely new work"), blocked(log, "Old work")) == (["Waits"], [])
    assert by_title(log)["Entirely new work"]["external_id"] == "TASK-1"
    assert log.bring(folder_of(AFTER | WAITS)) == []


def test_a_third_one_is_a_third_task() -> None:
    log = ImportedLog("backlog")
    log.bring(folder_of(AFTER))
    third = task("Third", "2026-06-01 10:00")
    now = {"archive/tasks/task-1 - Old.md": OLD, "archive/tasks/task-1 - New.md": NEW, "tasks/task-1 - Third.md": third}

    log.bring(folder_of(now | WAITS))

    found = by_title(log)
    assert {title: state["deleted"] for title, state in found.items()} == {
        "Old work": True,
        "Entirely new work": True,
        "Third": False,
        "Waits": False,
    }
    assert blocked(log, "Third") == ["Waits"]
    assert log.bring(folder_of(now | WAITS)) == []


def test_while_the_live_task_cannot_be_read_nothing_is_linked_to_its_archived_namesake() -> None:
    broken = AFTER | WAITS | {"tasks/task-1 - New.md": "---\nid: [\n---\n"}
    log, known = ImportedLog("backlog"), ImportedLog("backlog")
    known.bring(folder_of(BEFORE | WAITS))
    known.bring(folder_of(AFTER | WAITS))

    log.bring(folder_of(broken), all_taken=False)
    known.bring(folder_of(broken), all_taken=False)

    assert blocked(log, "Old work") == []
    assert (blocked(known, "Entirely new work"), blocked(known, "Old work")) == (["Waits"], [])
    log.bring(folder_of(AFTER | WAITS))
    assert (blocked(log, "Entirely new work"), blocked(log, "Old work")) == (["Waits"], [])
    assert log.began(by_title(log)["Entirely new work"]["id"]).month == 5


def test_a_corrected_time_of_creation_makes_no_other_task_and_is_reported() -> None:
    log = ImportedLog("backlog")
    log.bring(folder_of(BEFORE))

    log.bring(folder_of({"tasks/task-1 - Old.md": task("Old work", MAY)}))

    assert len(log.current_states()) == 1
    assert log.warnings()["began_at_another_time"] == ["TASK-1: 2026-02-01T10:00:00.000000Z is kept"]


def test_a_renamed_task_is_the_same_task() -> None:
    log = ImportedLog("backlog")
    log.bring(folder_of(BEFORE))

    log.bring(folder_of({"tasks/task-1 - Renamed.md": task("Renamed", FEBRUARY)}))

    assert by_title(log).keys() == {"Renamed"}


def test_one_id_that_two_clones_gave_is_two_issues() -> None:
    one, other = (
        issue("a-1", title="One"),
        issue("a-1", title="Other", created_at=DAY.format(2), updated_at=DAY.format(2)),
    )
    waits = issue("a-2", dependencies=[needs("a-2", "a-1")])
    log = ImportedLog("beads")

    log.bring(lambda folder: export(folder, one, other, waits))

    assert by_title(log).keys() == {"One", "Other", "Title of a-2"}
    assert blocked(log, "One") == ["Title of a-2"]
    assert log.bring(lambda folder: export(folder, one, other, waits)) == []


def test_an_issue_made_again_under_its_id_is_another_one() -> None:
    log = ImportedLog("beads")
    log.bring(lambda folder: export(folder, issue("a-1", title="One")))

    again = issue("a-1", title="Other", created_at=DAY.format(4), updated_at=DAY.format(4))
    log.bring(lambda folder: export(folder, again))

    assert by_title(log).keys() == {"One", "Other"}
