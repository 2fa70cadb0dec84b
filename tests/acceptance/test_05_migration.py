"""Acceptance scenario 5: a status file of 45 vendors, 12 deployments, 8 enhancements and 25 sessions is taken whole.

Or not at all: where the ledger does not hold what the file says, nothing is stored and the file is as it was.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.connect import DATABASE
from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.status_files import grammar_a

pytestmark = pytest.mark.processes

CHECKS = {"vendor_count", "deployment_history", "enhancements", "session_prompts", "vendor_metadata", "work_items"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".project_status.md"
    path.write_bytes(grammar_a()[0].encode())
    return path


@pytest.fixture
def altered(server: EmbeddedServer, app: App) -> Iterator[None]:
    """The database changes one vendor of this ledger while it is written: the injected difference."""
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        administrator.execute(f"""
            CREATE FUNCTION pg_temp_alter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.ledger_id = '{app.identity.ledger}' AND NEW.doc ->> 'name' = 'Vendor07' THEN
                    NEW.doc := jsonb_set(NEW.doc, '{{extractor_version}}', '"9.9.9"');
                END IF;
                RETURN NEW; END $$;
            CREATE TRIGGER alter_one BEFORE INSERT ON tracking_ledger.vendors
                FOR EACH ROW EXECUTE FUNCTION pg_temp_alter();
        """)
        yield
        administrator.execute("DROP TRIGGER alter_one ON tracking_ledger.vendors; DROP FUNCTION pg_temp_alter()")


def everything(perform: Perform, name: str, **arguments: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = perform(name, limit=20, offset=len(found), **arguments)
        found += page["items"]
        if not page["has_more"]:
            return found


def test_all_checks_are_true_and_all_fields_are_equal(app: App, perform: Perform, file: Path) -> None:
    _, known = grammar_a()

    report = ImportRequest(source="legacy", path=file).run(app)

    assert (report["success"], report["rollback_executed"], report["errors"]) == (True, False, [])
    assert {name: check["match"] for name, check in report["reconciliation"].items()} == dict.fromkeys(CHECKS, True)
    assert report["data_preservation_percentage"] == 100.0
    for name, expected in known.vendors.items():
        held = perform("query_vendor_status", name=name)
        assert (held["status"], held["extractor_version"]) == (expected["status"], expected["version"])
        assert {key: held["test_results"][key] for key in ("passing", "total", "skipped")} == {
            key: expected[key] for key in ("passing", "total", "skipped")
        }
        assert {key for key, supported in held["format_support"].items() if supported} == set(expected["formats"])
    deployed = perform("query_deployments", limit=100)["items"]
    assert {(one["pr_number"], one["commit_hash"]) for one in deployed} == set(known.deployments)
    planned = perform("list_enhancements", limit=100)["items"]
    assert {one["title"]: (one["priority"], one["target_quarter"]) for one in planned} == known.enhancements
    sessions = perform("list_work_items", item_type="session", limit=100, detail=True)["items"]
    assert {one["external_id"]: one["metadata"]["body"] for one in sessions} == known.sessions
    assert (len(known.vendors), len(deployed), len(planned), len(sessions)) == (45, 12, 8, 25)


@pytest.mark.usefixtures("altered")
def test_an_injected_difference_takes_everything_back(app: App, perform: Perform, file: Path) -> None:
    before = file.read_bytes()

    report = ImportRequest(source="legacy", path=file).run(app)

    assert (report["success"], report["rollback_executed"], report["position"]) == (False, True, None)
    assert report["reconciliation"]["vendor_metadata"]["differing"][0]["name"] == "Vendor07"
    assert "Vendor07" in report["errors"][0]
    assert (file.read_bytes(), list(app.store.read_all())) == (before, [])
    assert perform("query_vendor_status")["total_count"] == 0
