"""A disk that cannot be used costs this machine's own copy, and nothing that the database has."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.errors import LedgerError, Unavailable
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.terminal.exits import UNAVAILABLE
from projections.local_copy.cache import cache_file
from projections.maintenance import access_tokens
from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.waits import until

NOWHERE = "host=127.0.0.1 port=1"


@pytest.fixture
def app(settings: Settings) -> Iterator[App]:
    app = App(replace(settings, home=Path("/dev/null")))
    yield app
    app.close()


def test_without_working_files_the_database_is_read_and_written(perform: Perform) -> None:
    made = perform("create_work_item", item_type="task", title="Recorded")

    assert made["outcome"] == "committed"
    assert perform("query_work_item", id=made["id"])["source"] == "postgres"
    assert "working_files" in perform("get_project_configuration")["health"]


def test_without_both_a_list_is_empty_and_a_write_is_unavailable(settings: Settings) -> None:
    app = App(replace(settings, home=Path("/dev/null"), dsn=NOWHERE))

    with pytest.raises(Unavailable):
        OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Nowhere"})
    read = OPERATIONS["list_work_items"].perform(app, {})
    assert (read["items"], read["source"]) == ([], "none")
    app.close()


@pytest.mark.processes
def test_a_cache_that_is_no_database_is_made_again(settings: Settings) -> None:
    app = App(settings)
    made = OPERATIONS["create_vendor"].perform(app, {"name": "Acme"})
    until(app.sync.follow)
    app.close()
    for name in (cache_file(), "journal-index.sqlite3"):
        (app.home / name).write_bytes(b"this is no database, and was never one, whatever its name says" * 100)

    again = App(replace(settings, dsn=NOWHERE))
    read = OPERATIONS["query_vendor_status"].perform(again, {"id": made["id"]})
    assert (read["name"], read["source"]) == ("Acme", "journal")
    again.close()


def test_an_outbox_that_a_full_disk_left_empty_holds_nothing_up(settings: Settings) -> None:
    app = App(settings)
    (app.home / "outbox.jsonl").touch()
    (app.home / "outbox-index.sqlite3").mkdir()  # an index that cannot be written, as on a full disk

    made = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Recorded"})
    assert made["outcome"] == "committed"
    app.close()


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_what_waits_is_not_passed_over_where_the_disk_does_not_take_its_index(settings: Settings) -> None:
    """The database answers, and has not heard of it yet: what it would say of this machine's own items is not true."""
    away = App(replace(settings, dsn=NOWHERE))
    made = OPERATIONS["create_work_item"].perform(away, {"item_type": "task", "title": "Queued"})
    away.close()
    for index in away.home.glob("outbox-index.sqlite3*"):
        index.unlink()
    (away.home / "outbox-index.sqlite3").mkdir()  # as with a disk that takes no write

    app = App(settings)
    asked = {
        "query_work_item": {"id": made["ref"]},
        "update_work_item": {"id": made["ref"], "version": made["version"]},
    }
    codes = {}
    for name, arguments in asked.items():
        with pytest.raises(LedgerError) as refused:
            OPERATIONS[name].perform(app, {**arguments, **({"title": "New"} if name == "update_work_item" else {})})
        codes[name] = refused.value.code
    (away.home / "outbox-index.sqlite3").rmdir()
    read = OPERATIONS["query_work_item"].perform(app, asked["query_work_item"])
    app.close()

    assert codes == dict.fromkeys(asked, "unavailable")
    assert (made["outcome"], read["title"]) == ("queued", "Queued")


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_doctor_names_a_folder_that_takes_no_more(settings: Settings) -> None:
    app = App(settings)
    app.home.mkdir(parents=True, exist_ok=True)
    app.close()
    fine = run(settings, "doctor", "--json")
    (app.home / f"doctor.{os.getpid()}").symlink_to("/dev/full")

    full = run(settings, "doctor", "--json")

    found = {finding["code"]: finding["what"] for finding in json.loads(full.stdout)["findings"]}
    assert "disk_unusable" not in fine.stdout
    assert f"{app.home} cannot be written: No space left on device" in found["disk_unusable"]
    assert not list(app.home.glob("doctor.*"))


def test_a_command_that_meets_a_full_disk_is_no_fault_of_the_program(settings: Settings) -> None:
    app = App(settings)
    OPERATIONS["create_vendor"].perform(app, {"name": "Acme"})
    app.close()
    draft = app.home / f"{access_tokens.FILE}.{os.getpid()}.new"
    draft.symlink_to("/dev/full")

    result = run(settings, "token", "create", "ann")

    assert result.exit_code == UNAVAILABLE
    assert "could not be read or written: No space left on device" in result.stderr
    assert "fault of the program" not in result.output
    assert not draft.is_symlink()
