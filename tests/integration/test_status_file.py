"""The status file on disk: replaced whole, beside what people wrote, after each write when the ledger wants it so."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.errors import Refused, Unavailable
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.after_write import keep_status
from projections.maintenance.status_file import place, read, write_status
from projections.operations.catalog import OPERATIONS
from projections.reports.marked_section import NAME, report_in
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import export, issue
from tests.support.command_line import run
from tests.support.forked import Forked
from tests.support.mcp_client import environment
from tests.support.waits import until

AUTHOR = b"\xef\xbb\xbf# Notes\r\n\tby hand \xff\r\n\r\n```\r\n<!-- tracking-ledger: begin -->\r\n```\r\nno end"


@pytest.fixture
def file(settings: Settings) -> Path:
    return settings.project / NAME


def task(perform: Perform, title: str = "A task") -> Any:
    return perform("create_work_item", item_type="task", title=title)


def start(settings: Settings, *words: str) -> Forked:
    return Forked(*words, env=environment(settings), cwd=settings.project)


def said(settings: Settings, *words: str) -> str:
    """The output of a command that succeeds, on both streams."""
    result = run(settings, *words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.processes
def test_a_new_file_holds_the_report_and_can_be_read_back(app: App, perform: Perform, file: Path) -> None:
    item = task(perform, "Write it down")

    written = write_status(app)

    document = read(file)
    assert (written.outcome, written.file, written.position) == ("created", file, 1)
    assert document is not None
    (found,) = document["active_work_items"]["items"]
    assert (found["id"], found["version"], found["title"]) == (item["id"], 1, "Write it down")


@pytest.mark.processes
def test_a_report_that_a_person_put_into_a_file_is_read_too(settings: Settings, perform: Perform, file: Path) -> None:
    task(perform, "Write it down")

    file.write_text(said(settings, "status"), encoding="utf-8")

    document = read(file)
    assert document is not None
    assert [item["title"] for item in document["active_work_items"]["items"]] == ["Write it down"]


def test_a_text_of_a_person_is_no_report(file: Path) -> None:
    file.write_text("# Status\n\nAll is well.\n")

    assert read(file) is None


def test_what_people_wrote_is_kept_and_the_report_comes_below(app: App, perform: Perform, file: Path) -> None:
    file.write_bytes(AUTHOR)

    first = write_status(app)
    task(perform)
    second = write_status(app)

    assert (first.outcome, second.outcome) == ("added", "replaced")
    assert file.read_bytes().startswith(AUTHOR)
    assert "A task" in str(report_in(file.read_bytes()))


def test_nothing_is_written_where_nothing_changed(app: App, file: Path) -> None:
    write_status(app)
    before = file.stat()

    assert write_status(app).outcome == "unchanged"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_report_that_a_person_edited_is_replaced_and_their_text_kept_elsewhere(app: App, file: Path) -> None:
    write_status(app)
    file.write_bytes(file.read_bytes().replace(b"No vendors yet.", b"Ask Ann about the vendors."))

    written = write_status(app)

    assert "No vendors yet." in file.read_text()
    assert written.kept is not None
    assert "Ask Ann about the vendors." in written.kept.read_text()


def test_a_file_in_doubt_stays_as_it_is(app: App, file: Path) -> None:
    write_status(app)
    doubled = file.read_bytes() * 2
    file.write_bytes(doubled)

    with pytest.raises(Refused, match="lines 1, "):
        write_status(app)

    assert file.read_bytes() == doubled
    assert [path.name for path in file.parent.iterdir() if path.suffix == ".new"] == []


def test_a_draft_that_a_killed_process_left_is_cleared_away(app: App, file: Path) -> None:
    forgotten, fresh = (file.with_name(f".{NAME}.{n}-0.new") for n in (1, 2))
    for draft in (forgotten, fresh):
        draft.write_text("half")
    os.utime(forgotten, (0, 0))

    write_status(app)

    assert (forgotten.exists(), fresh.exists()) == (False, True)


def test_rights_and_links_survive(app: App, file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("Mine.\n")
    elsewhere.chmod(0o640)
    file.symlink_to(elsewhere)

    write_status(app)

    assert file.is_symlink()
    assert elsewhere.read_text().startswith("Mine.\n\n<!-- tracking-ledger: begin")
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_file_can_be_named_from_the_project_folder(app: App) -> None:
    (app.identity.project / "docs").mkdir()
    app.runtime.settings = replace(app.settings, status_file=Path("docs/STATUS.md"))

    write_status(app)

    assert read(app.identity.project / "docs" / "STATUS.md") is not None


@pytest.mark.parametrize("named", ["folder", "missing/status.md", "text/status.md", "cycle"])
def test_a_place_that_cannot_be_written_is_named(app: App, named: str) -> None:
    project = app.identity.project
    (project / "folder").mkdir()
    (project / "text").write_text("")
    (project / "cycle").symlink_to("cycle")
    app.runtime.settings = replace(app.settings, status_file=Path(named))

    with pytest.raises(Unavailable, match=f"{place(app)} cannot be written"):
        write_status(app)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into every folder")
def test_a_folder_without_the_right_to_write_is_named(app: App, file: Path) -> None:
    file.parent.chmod(0o555)
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            write_status(app)
    finally:
        file.parent.chmod(0o755)


@pytest.mark.processes
def test_a_reader_never_sees_half_a_file(app: App, perform: Perform, file: Path) -> None:
    write_status(app)
    halves: list[bytes] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            found = file.read_bytes()
            if report_in(found) is None or not found.endswith(b"-->\n"):
                halves.append(found)

    reader = threading.Thread(target=look)
    reader.start()
    for n in range(20):
        task(perform, f"Task {n}")
        write_status(app)
    ended.set()
    reader.join()

    assert halves == []


@pytest.mark.processes
def test_with_the_setting_each_recorded_write_brings_the_file_up_to_date(settings: Settings, file: Path) -> None:
    on = ["version=0", 'settings={"write_status_file": true}']
    said(settings, "call", "update_project_configuration", *on)
    said(settings, "call", "create_work_item", "item_type=task", "title=Told at once")

    assert "Told at once" in file.read_text()


@pytest.mark.processes
def test_a_server_writes_the_file_after_its_answer(app: App, perform: Perform, file: Path) -> None:
    perform("update_project_configuration", version=0, settings={"write_status_file": True})
    for n in range(5):
        task(perform, f"Task {n}")

    app.after_write.finish()

    assert read(file)["as_of"]["position"] == 6  # type: ignore[index]


@pytest.mark.processes
def test_many_changes_in_one_call_and_an_import_bring_the_file_up_to_date_too(
    app: App, perform: Perform, file: Path, tmp_path: Path
) -> None:
    perform("update_project_configuration", version=0, settings={"write_status_file": True})
    app.after_write.finish()
    perform("bulk_work_items", items=[{"op": "create", "item_type": "task", "title": "Of many"}])
    app.after_write.finish()
    after_bulk = file.read_text()

    ImportRequest(source="beads", path=export(tmp_path, issue("x-1", title="Imported"))).run(app)
    app.after_write.finish()

    assert "Of many" in after_bulk
    assert "Imported" in file.read_text()


def test_without_the_setting_nothing_is_written(app: App, perform: Perform, file: Path) -> None:
    task(perform)

    app.after_write.finish()

    assert not file.exists()


def test_a_file_that_cannot_be_written_fails_no_write(
    app: App, perform: Perform, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.mkdir()

    perform("update_project_configuration", version=0, settings={"write_status_file": True})
    app.after_write.finish()

    assert f"{file} cannot be written" in caplog.text


def test_the_command_says_what_it_did(settings: Settings, file: Path) -> None:
    file.write_text("Mine.")

    first, again = said(settings, "status", "--write"), json.loads(said(settings, "status", "--write", "--json"))

    assert "kept all of its text, and added the report below it" in first
    assert again == {"file": str(file), "outcome": "unchanged", "position": 0}


@pytest.mark.processes
def test_a_watch_tells_again_when_something_changed_and_ends_cleanly(settings: Settings, perform: Perform) -> None:
    watch = start(settings, "status", "--watch", "--json")
    assert watch.stdout is not None

    first = json.loads(watch.stdout.readline())
    task(perform)
    second = json.loads(watch.stdout.readline())
    watch.send_signal(signal.SIGINT)
    rest, errors = watch.communicate(timeout=30)

    assert (first["as_of"]["position"], second["as_of"]["position"]) == (0, 1)
    assert (watch.returncode, rest, errors) == (0, "", "")


@pytest.mark.processes
def test_a_watch_keeps_the_file(settings: Settings, perform: Perform, file: Path) -> None:
    watch = start(settings, "status", "--write", "--watch")
    task(perform, "Seen by the watch")

    until(lambda: file.exists() and "Seen by the watch" in file.read_text())
    watch.send_signal(signal.SIGINT)
    watch.communicate(timeout=30)

    assert watch.returncode == 0


def test_the_past_is_not_watched_or_written(settings: Settings) -> None:
    refused = run(settings, "status", "--as-of", "0", "--write")

    assert refused.exit_code == 2
    assert "--as-of shows an earlier state" in refused.stderr


@pytest.mark.processes
def test_with_the_database_away_a_queued_write_is_added_to_a_file_that_knows_more(
    app: App, perform: Perform, file: Path, settings: Settings, tmp_path: Path
) -> None:
    task(perform, "Known to the file")
    write_status(app)
    elsewhere = App(replace(settings, dsn="host=/nowhere", home=tmp_path / "empty"), keep_status=keep_status)

    OPERATIONS["create_work_item"].perform(elsewhere, {"item_type": "task", "title": "Queued"})
    elsewhere.close()

    document = read(file)
    assert document is not None
    assert {item["title"] for item in document["active_work_items"]["items"]} == {"Known to the file", "Queued"}
    assert (document["as_of"]["position"], document["sync"]["queued"]) == (1, 1)
