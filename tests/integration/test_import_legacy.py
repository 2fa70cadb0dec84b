"""Legacy status files, imported into a real PostgreSQL and compared with it before the commit."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from ledger.embedded.server import EmbeddedServer
from ledger.errors import Invalid
from ledger.postgres.connection.connect import DATABASE
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.long_cases import long_cases
from tests.support.status_files import grammar_a, grammar_c

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "legacy"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not beside the checkout")

Bring = Callable[..., dict[str, Any]]
Plant = Callable[[str, str], None]


@pytest.fixture
def bring(app: App, tmp_path: Path) -> Bring:
    """bring(text) -> the report of importing a status file that holds this text."""

    def run(text: str, **more: Any) -> dict[str, Any]:
        path = tmp_path / ".project_status.md"
        path.write_bytes(text.encode())
        return ImportRequest(source="legacy", path=path, **more).run(app)

    return run


@pytest.fixture
def plant(server: EmbeddedServer, app: App) -> Iterator[Plant]:
    """plant("vendors", SQL) -> from now on the database itself changes NEW.doc before it writes this ledger's rows."""
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        planted: list[str] = []

        def run(table: str, statement: str) -> None:
            planted.append(table)
            administrator.execute(f"""
                CREATE FUNCTION tracking_ledger.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.ledger_id = '{app.identity.ledger}' THEN {statement} END IF;
                    RETURN NEW; END $$;
                CREATE TRIGGER planted BEFORE INSERT ON tracking_ledger.{table}
                    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.planted();
            """)

        yield run
        for table in planted:
            administrator.execute(f"DROP TRIGGER planted ON tracking_ledger.{table}")
        administrator.execute("DROP FUNCTION IF EXISTS tracking_ledger.planted()")


def matches(report: dict[str, Any]) -> dict[str, bool]:
    return {name: check["match"] for name, check in report["reconciliation"].items()}


PLANTED = {
    "vendor_count": ("vendors", """IF NEW.doc ->> 'name' = 'Vendor01' THEN RETURN NULL; END IF;"""),
    "deployment_history": (
        "deployments",
        """IF NEW.doc ->> 'pr_number' = '100' THEN
               NEW.doc := jsonb_set(NEW.doc, '{commit_hash}', '"ffffffff"'); END IF;""",
    ),
    "enhancements": ("enhancements", """NEW.doc := jsonb_set(NEW.doc, '{title}', '"Another"');"""),
    "session_prompts": (
        "work_items",
        """IF NEW.doc ->> 'external_id' = 'sess_000' THEN RETURN NULL; END IF;""",
    ),
    "vendor_metadata": (
        "vendors",
        """IF NEW.doc ->> 'name' = 'Vendor01' THEN
               NEW.doc := jsonb_set(NEW.doc, '{test_results,passing}', '0'); END IF;""",
    ),
}


@long_cases("check", PLANTED)
def test_each_check_finds_what_is_planted_for_it_and_everything_is_taken_back(
    bring: Bring, plant: Plant, app: App, tmp_path: Path, check: str
) -> None:
    text = grammar_a((2, 2, 1, 2), seed=3)[0]
    plant(*PLANTED[check])

    report = bring(text)

    found = matches(report)
    assert not found[check]
    assert [name for name, match in found.items() if not match] == [check] or check == "vendor_count"
    assert (report["success"], report["rollback_executed"], report["position"]) == (False, True, None)
    assert any(error.startswith(f"{check}: ") for error in report["errors"])
    assert list(app.store.read_all()) == []
    assert (tmp_path / ".project_status.md").read_text() == text


def test_a_row_that_cannot_even_be_read_is_a_difference(bring: Bring, plant: Plant, app: App) -> None:
    plant("vendors", """NEW.doc := jsonb_set(NEW.doc, '{status}', '"odd"');""")

    report = bring(grammar_a((1, 0, 0, 0))[0])

    assert report["reconciliation"]["vendor_count"]["only_in_file"] == ["Vendor01"]
    assert list(app.store.read_all()) == []


@pytest.mark.processes
def test_what_was_imported_before_the_difference_stays(bring: Bring, plant: Plant, app: App) -> None:
    bring(grammar_a((1, 0, 0, 0))[0])
    plant("enhancements", """NEW.doc := jsonb_set(NEW.doc, '{title}', '"Another"');""")

    assert not bring(grammar_a((1, 0, 1, 0))[0])["success"]

    assert [event.type for event in app.store.read_all()] == ["VendorCreated"]


def test_a_vendor_that_the_ledger_knows_otherwise_and_never_from_this_file_is_a_difference(
    bring: Bring, perform: Perform
) -> None:
    perform("create_vendor", name="vendor01", status="operational", extractor_version="77.0")

    report = bring(grammar_a((2, 1, 1, 1))[0])

    assert (report["success"], report["rollback_executed"]) == (False, True)
    differing = {one["field"]: one for one in report["reconciliation"]["vendor_metadata"]["differing"]}
    assert differing["extractor_version"]["ledger"] == "77.0"
    assert perform("query_vendor_status")["total_count"] == 1


def test_a_vendor_stated_twice_with_different_words_is_a_difference(bring: Bring, app: App) -> None:
    twice = "# Project Status\n\n## Vendors (2 total)\n\n- A: operational (1/2 tests passed, 1 skipped)\n- A: broken\n"

    report = bring(twice)

    [differing] = report["reconciliation"]["vendor_metadata"]["differing"]
    assert (differing["name"], differing["field"], report["success"]) == ("A", "status", False)
    assert list(app.store.read_all()) == []


@pytest.mark.processes
def test_what_was_changed_here_since_stays_and_is_no_difference(bring: Bring, perform: Perform) -> None:
    text = grammar_a((2, 1, 1, 1), seed=5)[0]
    bring(text)
    perform("update_vendor_status", name="Vendor01", version=1, extractor_version="99.0", status="broken")

    report = bring(text.replace("Vendor02: ", "Vendor02: broken, formerly "))

    assert report["success"]
    kept = report["reconciliation"]["vendor_metadata"]["kept_here"]
    assert ("Vendor01", "extractor_version") in {(one["name"], one["field"]) for one in kept}
    assert perform("query_vendor_status", name="Vendor01")["extractor_version"] == "99.0"


@pytest.mark.processes
def test_importing_again_changes_nothing(bring: Bring, app: App) -> None:
    text = grammar_a((3, 2, 2, 2))[0]
    bring(text)
    before = [event.digest for event in app.store.read_all()]

    report = bring(text)

    assert (report["success"], report["events"], report["unchanged"]) == (True, 0, 9)
    assert [event.digest for event in app.store.read_all()] == before


@pytest.mark.processes
def test_half_of_a_file_and_then_all_of_it_has_no_duplicates(bring: Bring, perform: Perform) -> None:
    whole = grammar_a((4, 2, 2, 2))[0]
    half = whole.replace(whole[whole.index("- Vendor03") : whole.index("## Deployments")], "\n")
    bring(half)

    report = bring(whole)

    assert (report["success"], report["created"], report["unchanged"]) == (True, 2, 8)
    assert perform("query_vendor_status")["total_count"] == 4


@pytest.mark.processes
def test_a_dry_run_tells_the_same_and_records_nothing(bring: Bring, app: App) -> None:
    text = grammar_a((3, 2, 2, 2))[0]

    planned = bring(text, dry_run=True)

    assert list(app.store.read_all()) == []
    assert planned["reconciliation"] == bring(text)["reconciliation"]
    assert (planned["success"], planned["rollback_executed"], planned["backup"]) == (True, False, None)


@long_cases("more", [{"dry_run": True}, {}])
def test_what_is_taken_back_is_not_shown_when_the_database_is_away(
    bring: Bring, perform: Perform, plant: Plant, settings: Settings, more: dict[str, Any]
) -> None:
    perform("create_work_item", item_type="task", title="Recorded")
    if not more:
        plant(*PLANTED["vendor_count"])

    report = bring(grammar_a((3, 2, 2, 2))[0], **more)

    assert (report["success"], report["position"]) == (bool(more), None)
    away = App(replace(settings, dsn="host=/nowhere"))
    shown = OPERATIONS["list_work_items"].perform(away, {})
    away.close()
    assert [item["title"] for item in shown["items"]] == ["Recorded"]


def test_a_backup_of_the_file_is_made_and_named(bring: Bring) -> None:
    text, _, _ = grammar_c()

    report = bring(text)

    assert Path(report["backup"]).read_text() == text


def test_a_heading_that_announces_what_is_not_there_fails_the_whole_file(bring: Bring, app: App) -> None:
    text = "# Project Status\n\n## Vendors (5 total)\n\nTo be written.\n\n## Future Enhancements (1 total)\n\n- Fax\n"

    report = bring(text)

    assert (report["success"], report["found"] > 0) == (False, True)
    assert "line 3" in report["errors"][0]
    assert list(app.store.read_all()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# Notes\n\nJust words.\n",
        b"\x89PNG\r\n\0\0",
        b"caf\xe9\n",
        b"# Vendors\n" + b"\xff\xfe",
        b"x" * 1_000_001,
    ],
)
def test_a_file_that_is_none_is_refused_and_named(app: App, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(content)

    with pytest.raises(Invalid, match=r"odd\.md"):
        ImportRequest(source="legacy", path=path).run(app)

    assert list(app.store.read_all()) == []


@needs_samples
@pytest.mark.parametrize(
    ("name", "items", "unfinished"),
    [("01-project_status-freeform.md", 6, "active"), ("02-status-wip-board.md", 9, "in_progress")],
)
def test_a_file_of_no_grammar_gives_the_work_it_tells_of(
    app: App, perform: Perform, name: str, items: int, unfinished: str
) -> None:
    report = ImportRequest(source="legacy", path=SAMPLES / name).run(app)

    assert (report["success"], report["created"]) == (True, items)
    listed = perform("list_work_items", limit=100)["items"]
    assert len(listed) == items
    assert {item["status"] for item in listed} == {unfinished, "completed"}


def test_the_word_of_the_source_is_kept(bring: Bring, perform: Perform) -> None:
    bring("# Project Status\n\n## Vendors (1 total)\n\n- A: ready_for_production (1/2 tests passed, 1 skipped)\n")

    held = perform("query_vendor_status", name="A")
    assert (held["status"], json.dumps(held["metadata"])) == ("broken", '{"source_status": "ready_for_production"}')


def test_a_session_among_the_work_items_needs_no_more_than_its_title(bring: Bring) -> None:
    assert bring("## Active Work Items (1)\n\n### Reading (session)\n- Status: active\n")["success"]
