"""The report's document from a real ledger: every section, and the one rule of readiness."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from projections.application.app import App
from projections.questions.overviews.status import waiting_cycles
from projections.reports import report
from projections.reports.parse import parse
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import export, issue, needs
from tests.support.calls import task

COMMIT = "84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4"


@pytest.fixture
def made(app: App) -> Any:
    def make() -> report.Document:
        with app.tables.snapshot() as snapshot:
            return report.document(snapshot, app.identity.name)

    return make


def ready(document: report.Document) -> list[str]:
    return [item["title"] for item in document["ready"]["items"]]


def test_vendors_are_counted_and_what_is_not_known_is_neither(perform: Perform, made: Any) -> None:
    for name, status in (("One", "operational"), ("Two", "operational"), ("Three", "broken")):
        perform("create_vendor", name=name, status=status)

    health = made()["vendor_health"]

    assert (health["total_vendors"], health["operational_count"], health["broken_count"]) == (3, 2, 1)
    assert health["operational_percentage"] == 66.67
    assert [vendor["name"] for vendor in health["vendors"]] == ["One", "Three", "Two"]


@pytest.mark.processes
def test_work_is_counted_by_type_status_and_priority(perform: Perform, made: Any) -> None:
    project = perform("create_work_item", item_type="project", title="P", description="d", priority=1)
    task(perform, "open", parent_id=project["id"])
    done = task(perform, "done")
    perform("update_work_item", id=done["id"], version=1, status="completed")
    gone = task(perform, "gone")
    perform("update_work_item", id=gone["id"], version=1, deleted=True)

    work = made()["active_work_items"]

    assert (work["total_count"], work["archived_count"], work["returned"], work["has_more"]) == (3, 0, 3, False)
    assert work["by_type"] == {"project": 1, "task": 2}
    assert work["by_status"] == {"active": 2, "completed": 1}
    assert work["by_priority"] == {"1": 1, "3": 2}
    assert [(item["title"], item["depth"]) for item in work["items"]] == [("P", 0), ("open", 1), ("done", 0)]


@pytest.mark.processes
def test_an_item_names_its_open_blockers_only(perform: Perform, made: Any) -> None:
    blocked, first, second = task(perform, "blocked"), task(perform, "first"), task(perform, "second")
    for blocker in (first, second):
        perform("link_work_items", id=blocker["id"], kind="blocks", to_id=blocked["id"])
    perform("update_work_item", id=first["id"], version=2, status="completed")

    items = {item["title"]: item for item in made()["active_work_items"]["items"]}

    assert [blocker["ref"] for blocker in items["blocked"]["blocked_by"]] == [second["ref"]]


@pytest.fixture
def cycle(app: App, perform: Perform, tmp_path: Path) -> list[str]:
    """The references of three imported items, each of which waits for the next."""
    wanted = [("x-1", "x-2"), ("x-2", "x-3"), ("x-3", "x-1")]
    given = [issue(one, title=one, dependencies=[needs(one, other, "blocks")]) for one, other in wanted]
    given.append(issue("x-4", dependencies=[needs("x-4", "x-1")]))
    ImportRequest(source="beads", path=export(tmp_path, *given)).run(app)
    return [perform("query_work_item", id=one)["ref"] for one, _ in wanted]


@pytest.mark.processes
def test_items_that_wait_for_each_other_are_named_until_a_link_is_taken_away(
    app: App, perform: Perform, made: Any, cycle: list[str]
) -> None:
    with app.tables.snapshot() as snapshot:
        everywhere = waiting_cycles(snapshot)
    before = made()
    perform("link_work_items", id=cycle[1], kind="blocks", to_id=cycle[0], remove=True)

    (named,) = before["active_work_items"]["cycles"]
    assert {item["ref"] for item in named} == set(cycle)
    assert everywhere == before["active_work_items"]["cycles"]
    assert all(
        f"`{ref}`" in report.markdown(before).split("none of them can begin: ")[1].split(".")[0] for ref in cycle
    )
    assert parse(report.with_ids(before))["active_work_items"]["cycles"] == [named]
    assert made()["active_work_items"]["cycles"] == []


@pytest.mark.processes
def test_cycles_are_named_also_where_little_is_shown(app: App, tmp_path: Path) -> None:
    """By links alone, and by links and parents."""
    given = [
        issue("x-1", dependencies=[needs("x-1", "x-2", "blocks")]),
        issue("x-2", dependencies=[needs("x-2", "x-1", "blocks")]),
        issue("x-3", dependencies=[needs("x-3", "x-4", "blocks")]),
        issue("x-4", dependencies=[needs("x-4", "x-5", "parent-child")]),
        issue("x-5", dependencies=[needs("x-5", "x-3", "blocks")]),
        issue("x-6", dependencies=[needs("x-6", "x-5", "parent-child"), needs("x-6", "x-1", "blocks")]),
    ]
    ImportRequest(source="beads", path=export(tmp_path, *given)).run(app)

    with app.tables.snapshot() as snapshot:
        whole = report.document(snapshot, app.identity.name)
        little = report.document(snapshot, app.identity.name, shown=report.Shown(vendors=1, lines=1))

    cycles = whole["active_work_items"]["cycles"]
    assert len(cycles) == 2
    assert little["active_work_items"]["cycles"] == cycles
    assert len(little["active_work_items"]["items"]) < len(whole["active_work_items"]["items"])


def test_a_cycle_of_which_an_item_is_finished_holds_nothing(perform: Perform, made: Any, cycle: list[str]) -> None:
    perform("update_work_item", id=cycle[0], version=perform("query_work_item", id=cycle[0])["version"],
            status="completed", force=True, reason="done already")  # fmt: skip

    assert made()["active_work_items"]["cycles"] == []


@pytest.mark.processes
def test_ready_is_what_has_no_unfinished_child_and_no_unfinished_blocker_above_it(perform: Perform, made: Any) -> None:
    parent = task(perform, "parent", priority=1)
    task(perform, "child", parent_id=parent["id"], priority=1)
    held = task(perform, "held", priority=1)
    task(perform, "below held", parent_id=held["id"], priority=1)
    blocker = task(perform, "blocker", priority=2)
    perform("link_work_items", id=blocker["id"], kind="blocks", to_id=held["id"])
    waiting = task(perform, "waiting", priority=1)
    perform("update_work_item", id=waiting["id"], version=1, status="blocked", reason="for the post")

    assert ready(made()) == ["child", "blocker"]

    perform("update_work_item", id=blocker["id"], version=2, status="completed")

    assert ready(made()) == ["child", "below held"]


@pytest.mark.processes
def test_a_deleted_blocker_or_child_holds_no_item(perform: Perform, made: Any) -> None:
    free = task(perform, "free")
    child = task(perform, "child", parent_id=free["id"])
    blocker = task(perform, "blocker")
    perform("link_work_items", id=blocker["id"], kind="blocks", to_id=free["id"])
    for gone, version in ((child, 1), (blocker, 2)):
        perform("update_work_item", id=gone["id"], version=version, deleted=True)

    assert ready(made()) == ["free"]


def test_a_deployment_names_what_it_touched(perform: Perform, made: Any) -> None:
    vendor = perform("create_vendor", name="Acme")
    item = task(perform, "shipped")
    perform(
        "record_deployment",
        deployed_at="2026-11-20T08:30:00Z",
        commit_hash=COMMIT,
        pr_number=123,
        pr_title="Ship it",
        test_summary={"passed": 45, "failed": 0, "skipped": 2},
        constitutional_compliance=True,
        vendor_ids=[vendor["id"]],
        work_item_ids=[item["id"]],
    )

    (deployment,) = made()["recent_deployments"]

    assert (deployment["pr_number"], deployment["test_summary"]["passed"]) == (123, 45)
    assert [one["name"] for one in deployment["vendors"]] == ["Acme"]
    assert [one["title"] for one in deployment["work_items"]] == ["shipped"]


@pytest.mark.processes
def test_at_most_ten_deployments_the_newest_first(perform: Perform, made: Any) -> None:
    for n in range(12):
        perform(
            "record_deployment",
            deployed_at=f"2026-11-{n + 1:02}T08:30:00Z",
            commit_hash=COMMIT,
            pr_number=n + 1,
            pr_title=f"number {n + 1}",
            test_summary={},
            constitutional_compliance=True,
        )

    assert [deployment["pr_number"] for deployment in made()["recent_deployments"]] == list(range(12, 2, -1))


def test_a_finished_enhancement_is_not_to_come(perform: Perform, made: Any) -> None:
    fields = {"description": "d", "target_quarter": "2027-Q1", "principles": []}
    perform("record_enhancement", title="second", priority=4, **fields)
    perform("record_enhancement", title="first", priority=1, **fields)
    dropped = perform("record_enhancement", title="dropped", priority=1, **fields)
    perform("update_enhancement", id=dropped["id"], version=1, changes={"status": "dropped"})

    assert [enhancement["title"] for enhancement in made()["pending_enhancements"]] == ["first", "second"]


@pytest.mark.processes
def test_what_is_due_stands_in_sections_of_its_own_that_are_left_out_when_empty(perform: Perform, made: Any) -> None:
    task(perform, "no date")
    assert "## Overdue" not in report.markdown(made())
    today = datetime.now(UTC).date()
    yesterday, soon, later = (str(today + timedelta(days=days)) for days in (-1, 5, 30))
    late = task(perform, "late", due=yesterday, assignee="ann")
    task(perform, "soon", due=soon)
    task(perform, "today", due=str(today))
    task(perform, "later", due=later)
    done = task(perform, "done late", due=yesterday)
    perform("update_work_item", id=done["id"], version=1, status="completed")

    document = made()

    assert [item["title"] for item in document["overdue"]["items"]] == ["late"]
    assert [item["title"] for item in document["due_this_week"]["items"]] == ["today", "soon"]
    assert f"1. `{late['ref']}` late (task, P3): due {yesterday}; with ann" in report.markdown(document)
    answer = perform("project_status")
    assert [item["due"] for item in answer["due_this_week"]["items"]] == [str(today), soon]
    assert perform("project_status", format="markdown")["markdown"] == report.markdown(document)


@pytest.mark.processes
def test_the_same_position_gives_the_same_bytes(perform: Perform, made: Any) -> None:
    parent = task(perform, "a parent")
    for n in range(5):
        task(perform, f"child {n}", parent_id=parent["id"])

    first, second = report.markdown(made()), report.markdown(made())

    assert first == second
    assert made()["as_of"]["position"] == 6


def test_a_report_of_an_empty_ledger_is_one_too(made: Any) -> None:
    document = made()

    assert document["as_of"] == {"position": 0, "time": None}
    assert "No work items yet." in report.markdown(document)


@pytest.mark.processes
def test_a_vendor_has_the_same_reference_in_the_report_as_everywhere(perform: Perform, made: Any) -> None:
    for n in range(30):
        perform("create_vendor", name=f"Vendor {n}")

    listed = perform("query_vendor_status", limit=100)["items"]

    assert {vendor["id"]: vendor["ref"] for vendor in made()["vendor_health"]["vendors"]} == {
        vendor["id"]: vendor["ref"] for vendor in listed
    }
