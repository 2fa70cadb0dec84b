"""Scenario 4: the database goes away. The same questions are answered from what is left, and nothing is lost."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.settings import Settings
from tests.support import forked
from tests.support.git_repository import commit_all
from tests.support.mcp_client import served
from tests.support.tcp_gate import Gate
from tests.support.waits import until

pytestmark = pytest.mark.processes

COMMIT = "84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60"


@pytest.fixture
def behind(settings: Settings, gate: Gate) -> Settings:
    """The test's ledger, its database behind a gate that can be closed."""
    return replace(settings, dsn=gate.dsn)


def test_while_it_is_away_the_same_entities_are_answered_and_what_is_written_arrives_later(
    behind: Settings, gate: Gate
) -> None:
    with served(behind) as assistant:
        vendor = assistant.call("create_vendor", name="Epson", status="operational", extractor_version="1.2.3")
        item = assistant.call("create_work_item", item_type="task", title="Begun before")
        _until_followed(behind, 2)
        gate.close()

        read = assistant.call("query_vendor_status", name="epson")
        queued = assistant.call("update_work_item", id=item["id"], version=1, title="Written meanwhile")
        seen = assistant.call("query_work_item", id=item["id"])
        status_file = _status_file(behind, "Written meanwhile")

    assert (read["id"], read["extractor_version"]) == (vendor["id"], "1.2.3")
    assert (read["source"], read["as_of"]["position"]) == ("journal", 2)
    assert read["as_of"]["age"] is not None
    assert {"postgres_unavailable", "using_journal"} <= set(read["warnings"])
    assert (queued["outcome"], queued["position"]) == ("queued", None)
    assert "queued_offline" in queued["warnings"]
    assert (seen["title"], seen["version"]) == ("Written meanwhile", queued["version"])
    assert "Written meanwhile" in status_file

    gate.open()
    with served(behind) as assistant:
        after = assistant.call("query_work_item", id=item["id"])
        recorded = assistant.call("changes_since", since=2)
    assert (after["title"], after["version"], after["source"]) == ("Written meanwhile", 2, "postgres")
    assert [change["type"] for change in recorded["items"]] == ["WorkItemRevised"]


def test_without_this_machines_copy_what_was_committed_answers_and_then_the_status_file(
    behind: Settings, gate: Gate
) -> None:
    with served(behind) as assistant:
        assistant.call("create_vendor", name="Epson", status="operational", extractor_version="1.2.3")
        item = assistant.call("create_work_item", item_type="task", title="In the journal")
    _run(behind, "publish")
    _run(behind, "status", "--write")
    commit_all(behind.project, "chore: keep the ledger (#1)")
    assert behind.home is not None
    shutil.rmtree(behind.home)
    gate.close()

    from_git = _read(behind, item["id"])
    (behind.project / ".ledger" / "journal.jsonl").unlink()
    (behind.project / ".git").rename(behind.project.parent / "gone")
    from_markdown = _read(behind, item["id"])
    (behind.project / ".project_status.md").unlink()
    with served(behind) as assistant:
        nothing = assistant.call("list_work_items")
        refused = assistant.refusal("query_work_item", id=item["id"])

    assert (from_git["title"], from_git["version"], from_git["source"]) == ("In the journal", 1, "git")
    assert "using_git_history" in from_git["warnings"]
    assert (from_markdown["title"], from_markdown["source"]) == ("In the journal", "markdown")
    assert "using_markdown" in from_markdown["warnings"]
    assert (nothing["items"], nothing["source"]) == ([], "none")
    assert refused["code"] == "unavailable"


def test_the_commits_alone_tell_of_deployments_and_the_committed_report_of_vendors(
    behind: Settings, gate: Gate
) -> None:
    commit_all(behind.project, "feat: add the parser (#12)")
    gate.close()
    with served(behind) as assistant:
        deployments = assistant.call("query_deployments")
    gate.open()
    with served(behind) as assistant:
        assistant.call("create_vendor", name="Epson", status="operational")
    _run(behind, "status", "--write")
    commit_all(behind.project, "docs: the report")
    (behind.project / ".project_status.md").unlink()
    assert behind.home is not None
    shutil.rmtree(behind.home)
    gate.close()
    with served(behind) as assistant:
        vendors = assistant.call("query_vendor_status")

    assert ([deployment["pr_number"] for deployment in deployments["items"]], deployments["source"]) == ([12], "git")
    assert ([vendor["name"] for vendor in vendors["items"]], vendors["source"]) == (["Epson"], "git")


def _read(settings: Settings, entity_id: str) -> dict[str, object]:
    with served(settings) as assistant:
        return assistant.call("query_work_item", id=entity_id)


def _until_followed(settings: Settings, position: int) -> None:
    until(
        lambda: sum(len(file.read_bytes().splitlines()) for file in _home(settings).glob("journal.jsonl")) >= position
    )


def _home(settings: Settings) -> Path:
    return identity.home(identity.find(settings.project), settings)


def _status_file(settings: Settings, awaited: str) -> str:
    file = settings.project / ".project_status.md"
    until(lambda: file.exists() and awaited in file.read_text(encoding="utf-8"))
    return file.read_text(encoding="utf-8")


def _run(settings: Settings, *arguments: str) -> None:
    folders = {"LEDGER_PROJECT": str(settings.project), "LEDGER_HOME": str(settings.home)}
    environment = os.environ | folders | {"LEDGER_DSN": str(settings.dsn)}
    done = forked.run(*arguments, env=environment, cwd=settings.project)
    assert done.returncode == 0, done.stderr
