"""The activity log: one line a call, no texts, no secrets, and never in the way."""

import json
import threading
from pathlib import Path

import pytest

from ledger.errors import Invalid, VersionConflict
from projections.application import activity
from projections.application.activity import FILE, ActivityLine, activity_line, lines, summaries
from projections.application.app import App
from tests.conftest import Perform

SECRET = "hunter2-very-secret"
TEXT = "a title nobody else may read"


def test_every_call_leaves_one_line(app: App, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="T", by="ana")
    perform("list_work_items")
    with pytest.raises(VersionConflict):
        perform("update_work_item", id=item["id"], version=9, title="x")

    created, listed, refused = lines(app.home)

    assert (created.kind, created.name, created.by, created.outcome, created.positions) == (
        "tool", "create_work_item", "ana", "committed", [1],
    )  # fmt: skip
    assert (listed.by, listed.outcome, listed.positions) == ("tester", "answered", [])
    assert (refused.outcome, refused.error) == ("error", "version_conflict")
    assert all(line.milliseconds > 0 and line.pid > 0 and line.time for line in (created, listed, refused))


def test_neither_texts_nor_secrets_are_in_it(app: App, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title=TEXT, description=SECRET, metadata={"token": SECRET})
    with pytest.raises(Invalid):
        perform("create_work_item", item_type=SECRET, title=TEXT, **{SECRET: TEXT})
    with pytest.raises(Invalid):
        perform("query_work_item", id=TEXT)
    with pytest.raises(Invalid):
        perform("create_work_item", item_type="task", title="T", by=SECRET * 10)

    written = (app.home / FILE).read_text()

    assert len(written.splitlines()) == 4
    assert SECRET not in written
    assert TEXT not in written


def test_an_unexpected_fault_is_known_by_its_kind_and_place_only(tmp_path: Path) -> None:
    with pytest.raises(AttributeError), activity_line(lambda: tmp_path, "tool", "broken"):
        summaries([SECRET])  # type: ignore[list-item]  # a fault inside our own code, with a text in its message

    fault = list(lines(tmp_path))[-1]
    assert fault.error == "AttributeError"
    assert fault.at[-1].startswith("projections/application/activity.py:")
    assert SECRET not in (tmp_path / FILE).read_text()


def test_a_log_that_cannot_be_written_fails_no_call(app: App, perform: Perform) -> None:
    (app.home / FILE).mkdir()  # even root cannot append to a folder

    assert perform("create_work_item", item_type="task", title="T")["outcome"] == "committed"


def test_a_name_that_no_file_can_hold_fails_no_call(tmp_path: Path) -> None:
    with activity_line(lambda: tmp_path, "tool", "named", "lone \ud800 surrogate"):
        pass

    assert json.loads((tmp_path / FILE).read_text())["by"] == "lone \\ud800 surrogate"


@pytest.mark.processes
def test_lines_of_many_writers_stay_whole_while_the_file_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "LARGEST", 4000)
    monkeypatch.setattr(activity, "KEPT", 50)

    def call() -> None:
        for _ in range(50):
            with activity_line(lambda: tmp_path, "tool", "many"):
                pass

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert summaries(lines(tmp_path))[0].count == 400
    assert (tmp_path / f"{FILE}.1").exists()


def test_old_files_go_and_a_torn_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "LARGEST", 10)
    (tmp_path / FILE).write_text('{"time": "torn')

    for n in range(10):
        with activity_line(lambda: tmp_path, "tool", f"n{n}"):
            pass

    assert [line.name for line in lines(tmp_path)] == ["n6", "n7", "n8", "n9"]
    assert len(list(tmp_path.glob(f"{FILE}*[0-9]"))) == activity.KEPT


def test_percentiles_are_of_what_was_measured() -> None:
    found = [ActivityLine(time="", kind="tool", name="t", milliseconds=float(n)) for n in range(1, 101)]
    found.append(ActivityLine(time="", kind="command", name="c", milliseconds=7.0, error="refused", outcome="error"))

    command, tool = summaries(found)

    assert (command.count, command.errors, command.p50, command.p99) == (1, 1, 7.0, 7.0)
    assert (tool.count, tool.errors, tool.p50, tool.p95, tool.p99) == (100, 0, 50.0, 95.0, 99.0)
