"""What a newer program has recorded is carried along and never built upon."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from ledger import __version__, catalog, codec
from ledger.envelope import UnknownFact
from ledger.errors import NewerProgramNeeded
from ledger.settings import Settings
from projections.application.app import App
from tests.conftest import NewDatabase
from tests.support.command_line import run

pytestmark = pytest.mark.processes

Perform = Callable[..., dict[str, Any]]
MIGRATED = "INSERT INTO tracking_ledger.migrations VALUES ('9999_tomorrow', 'x', '{99, 2, 0}')"
FUNCTIONS = "UPDATE tracking_ledger.migrations SET digest = 'x', release = '{99, 2, 0}' WHERE name = 'functions'"


@pytest.fixture
def noted(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An item whose second event is of a type that this program has never heard of."""
    item = perform("create_work_item", item_type="task", title="Known")
    perform("update_work_item", id=item["id"], version=1, notes="from the future")
    monkeypatch.delitem(catalog.FACTS, "WorkItemRevised")
    return item


def test_a_change_of_an_entity_with_an_unknown_event_is_refused(perform: Perform, noted: dict[str, Any]) -> None:
    with pytest.raises(NewerProgramNeeded) as refused:
        perform("update_work_item", id=noted["id"], version=2, title="Overwritten")

    assert refused.value.details["type"] == "WorkItemRevised"


def test_other_entities_can_still_be_changed(perform: Perform, noted: dict[str, Any]) -> None:
    other = perform("create_work_item", item_type="task", title="Other")

    changed = perform("update_work_item", id=other["id"], version=1, status="completed")

    assert changed["version"] == 2


def test_a_fact_that_is_not_understood_cannot_be_written() -> None:
    with pytest.raises(NewerProgramNeeded, match="WorkItemSung"):
        codec.encode(UnknownFact(type="WorkItemSung", schema=2))


def test_an_unknown_event_counts_in_the_version_and_changes_nothing_else(app: App, noted: dict[str, Any]) -> None:
    past = app.store.read_streams([f"work_item-{noted['id']}"]).events[f"work_item-{noted['id']}"]

    assert [event.version for event in past] == [1, 2]
    assert catalog.fold_stream(past[0].stream_id, past).notes is None


@pytest.fixture
def changed_by_99(settings: Settings, new_database: NewDatabase, migrated: str) -> Callable[[str], Settings]:
    """Settings of a database of this program, after a newer one has executed a statement there."""

    def changed(statement: str) -> Settings:
        own = replace(settings, dsn=new_database(migrated))
        assert run(own, "add", "T").exit_code == 0
        with psycopg.connect(own.dsn or "", autocommit=True) as connection:
            connection.execute(statement)
        return own

    return changed


def test_doctor_calls_a_database_that_a_newer_program_migrated_wrong(changed_by_99: Callable[[str], Settings]) -> None:
    own = changed_by_99(MIGRATED)

    text, as_json = run(own, "doctor"), run(own, "doctor", "--json")

    (finding,) = json.loads(as_json.stdout)["findings"]
    assert (finding["code"], finding["grave"]) == ("newer_program_needed", True)
    assert (text.exit_code, as_json.exit_code) == (5, 5)
    assert f"wrong: {finding['what']}" in text.stdout
    assert all(part in finding["what"] for part in ("99.2.0", "9999_tomorrow", __version__))
    assert "upgrade tracking-ledger on this machine to 99.2.0" in finding["next_step"]
    database = json.loads(as_json.stdout)["database"]
    assert (database["answers"], database["schema_release"]) == (True, "99.2.0")


def test_doctor_names_the_newer_program_whose_functions_an_older_one_uses(
    changed_by_99: Callable[[str], Settings],
) -> None:
    own = changed_by_99(FUNCTIONS)

    text, as_json = run(own, "doctor"), run(own, "doctor", "--json")

    found = {finding["code"]: finding for finding in json.loads(as_json.stdout)["findings"]}
    assert "99.2.0" in found["newer_program_beside"]["what"]
    assert __version__ in found["newer_program_beside"]["what"]
    assert "upgrade tracking-ledger on this machine to 99.2.0" in found["newer_program_beside"]["next_step"]
    assert (text.exit_code, as_json.exit_code) == (0, 0)
    assert found["newer_program_beside"]["what"] in text.stdout
    assert json.loads(as_json.stdout)["database"]["schema_release"] == "99.2.0"
