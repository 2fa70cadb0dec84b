"""An imported item answers to the id that its source gave it, wherever an id is taken."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.errors import Invalid, LedgerError, NotFound
from ledger.settings import Settings
from projections.application.app import App
from projections.questions.references import NO_NAMES, KnownNames, look_up, resolve
from projections.tables.contract import Tables
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import export, issue
from tests.support.command_line import run


@pytest.fixture(autouse=True)
def imported(app: App, tmp_path: Path) -> None:
    ImportRequest(source="beads", path=export(tmp_path, issue("bd-6df0"), issue("x-5"), issue("w-12"))).run(app)


@pytest.mark.processes
def test_every_operation_on_an_item_takes_it(perform: Perform) -> None:
    item = perform("query_work_item", id="bd-6df0")

    assert item["title"] == "Title of bd-6df0"
    assert perform("query_work_item", id=" BD-6DF0 ")["id"] == item["id"]
    below = perform("create_work_item", item_type="task", title="Below", parent_id="bd-6df0")
    assert perform("query_work_item", id=below["id"])["parent_id"] == item["id"]
    perform("update_work_item", id="x-5", version=1, title="Renamed")
    perform("link_work_items", id="bd-6df0", to_id="x-5", kind="relates_to")
    perform("claim_work_item", action="claim", id="x-5", by="ann")
    other = perform("query_work_item", id="x-5")
    assert (other["title"], other["claim"]["by"]) == ("Renamed", "ann")
    assert [entry["title"] for entry in perform("list_work_items", parent_id="bd-6df0")["items"]] == ["Below"]
    assert perform("query_history", id="bd-6df0")["id"] == perform("query_work_item", id="bd-6df0")["id"]


def test_an_id_that_looks_like_a_reference_is_found_where_no_reference_is(perform: Perform) -> None:
    assert perform("query_work_item", id="w-12")["title"] == "Title of w-12"


def test_an_issue_of_github_answers_to_every_name_that_github_reads(app: App, perform: Perform, tmp_path: Path) -> None:
    plain = {"state": "OPEN", "createdAt": "2026-05-01T10:00:00Z", "updatedAt": "2026-05-01T10:00:00Z"}
    issues = [
        {"number": 12, "title": "Bare"} | plain,
        {"number": 12, "title": "Addressed", "url": "https://github.com/o/r/issues/12"} | plain,
    ]
    (tmp_path / "issues.json").write_text(json.dumps(issues))
    ImportRequest(source="github", path=tmp_path / "issues.json").run(app)

    for given in ("#12", "gh-12", "GH-12"):
        assert perform("query_work_item", id=given)["title"] == "Bare"
    for given in ("o/r#12", "https://github.com/o/r/issues/12", "https://github.com/O/R/issues/12#issuecomment-3"):
        assert perform("query_work_item", id=given)["title"] == "Addressed"


def test_an_id_that_two_sources_gave_is_refused_with_both(app: App, perform: Perform, tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text(json.dumps({"tasks": [{"id": "X-5", "title": "Other"}]}))
    ImportRequest(source="taskmaster", path=tmp_path / "tasks.json").run(app)

    with pytest.raises(Invalid, match="x-5 could be w-") as refused:
        perform("query_work_item", id="x-5")

    assert len(refused.value.details["fields"][0]["allowed"]) == 2


def test_names_that_are_looked_up_at_once_mean_what_each_means_by_itself(app: App, perform: Perform) -> None:
    item, vendor = perform("query_work_item", id="bd-6df0"), perform("create_vendor", name="Acme")
    later = perform("record_enhancement", title="Later")
    near = str(UUID(int=UUID(item["id"]).int ^ 1 << 90))  # its reference begins as the other one's
    alike = app.live_view().record(CreateWorkItem(id=near, item_type="task", title="Alike"))
    spelled = [item["id"], item["id"].upper(), item["ref"], item["ref"].upper(), f" {item['ref']} ", item["ref"] + "0"]
    named = ["bd-6df0", " BD-6DF0 ", "x-5", "w-12", "gh-12", "#12", "bd-none", "7", "w-zzzzz", "", "e-", later["ref"]]
    names = [*spelled, *named, vendor["ref"], item["ref"][:7], "x" * 500, "https://github.com/o/r/issues/12"]
    tables = app.live_view().tables

    known = look_up(tables, names)

    assert alike.positions
    for category in ("work_item", "enhancement"):
        for name in names:
            assert found(tables, category, name, known) == found(tables, category, name, NO_NAMES), name


def found(tables: Tables, category: str, name: str, known: KnownNames) -> Any:
    try:
        return resolve(tables, category, name, "to_id", known)
    except LedgerError as error:
        return error.as_answer()


@pytest.mark.parametrize("given", ["bd-none", "7", "w-zzzzz", "gh-12", "https://github.com/o/r/issues/12"])
def test_what_nothing_is_called_is_still_refused(perform: Perform, given: str) -> None:
    with pytest.raises((Invalid, NotFound)):
        perform("query_work_item", id=given)


@pytest.mark.processes
def test_the_commands_take_it_too(settings: Settings) -> None:
    shown = run(settings, "show", "bd-6df0")

    assert (shown.exit_code, "Title of bd-6df0" in shown.stdout) == (0, True)
