"""The archive through the operation and the background job, on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import uuid4

import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.errors import Invalid, Refused
from ledger.settings import Settings
from projections.application.app import App
from projections.application.commands import submit
from projections.maintenance.background_jobs import archive_once, start_background_jobs
from tests.conftest import Perform

TODAY = "2026-11-22"


def made(app: App, title: str, *, age: int, parent: str | None = None, finished: bool = True) -> str:
    """An item whose last change is `age` days old."""
    then = datetime.now(UTC) - timedelta(days=age)
    view, entity_id = app.live_view(), str(uuid4())
    create = CreateWorkItem(id=entity_id, item_type="task", title=title, parent_id=parent)
    submit(view, create, category="work_item", occurred_at=then)
    if finished:
        done = UpdateWorkItem(id=entity_id, expected=1, status="completed", force=True, reason="as it was")
        submit(view, done, category="work_item", occurred_at=then)
    return entity_id


def titles(perform: Perform, **filters: bool) -> set[str]:
    return {item["title"] for item in perform("list_work_items", **filters)["items"]}


@pytest.mark.processes
def test_old_finished_trees_leave_the_lists_and_nothing_else_does(app: App, perform: Perform) -> None:
    made(app, "alone", age=400)
    made(app, "recent", age=300)
    made(app, "old but open", age=400, finished=False)
    parent = made(app, "parent of something recent", age=400)
    made(app, "recent child", age=300, parent=parent)
    tree = made(app, "old tree", age=400)
    made(app, "old leaf", age=400, parent=tree)

    answer = perform("archive_work_items", action="archive")

    assert (answer["outcome"], answer["count"]) == ("committed", 3)
    left = {"recent", "old but open", "parent of something recent", "recent child"}
    assert titles(perform) == left
    assert titles(perform, include_archived=True) == left | {"alone", "old tree", "old leaf"}


def test_a_dry_run_tells_and_records_nothing(app: App, perform: Perform) -> None:
    made(app, "alone", age=400)

    answer = perform("archive_work_items", action="archive", dry_run=True)

    assert (answer["outcome"], answer["count"], len(answer["refs"])) == ("dry_run", 1, 1)
    assert titles(perform) == {"alone"}


def test_the_age_is_a_setting_and_an_argument(app: App, perform: Perform) -> None:
    made(app, "of a month", age=30)

    assert perform("archive_work_items", action="archive")["count"] == 0
    assert perform("archive_work_items", action="archive", older_than_days=20)["count"] == 1


@pytest.mark.processes
def test_an_archived_item_keeps_its_links_and_comes_back(app: App, perform: Perform) -> None:
    old, new = made(app, "old", age=400), made(app, "new", age=1)
    perform("link_work_items", id=new, kind="discovered_from", to_id=old)
    perform("archive_work_items", action="archive", id=old)

    archived = perform("query_work_item", id=new, include=["dependencies"])["dependencies"]
    restored = perform("archive_work_items", action="restore", id=old)

    assert [link["title"] for link in archived] == ["old"]
    assert restored["count"] == 1
    assert titles(perform) == {"old", "new"}


def test_an_archived_item_does_not_hide_that_it_is_one(app: App, perform: Perform) -> None:
    entity_id = made(app, "old", age=400)
    perform("archive_work_items", action="archive", id=entity_id)

    assert perform("query_work_item", id=entity_id)["not_ready_because"][0]["reason"] == "archived"
    with pytest.raises(Refused) as refused:
        perform("update_work_item", id=entity_id, version=3, title="new")
    assert refused.value.details["rule"] == "archived"


def test_restoring_needs_an_id(perform: Perform) -> None:
    with pytest.raises(Invalid):
        perform("archive_work_items", action="restore")


@pytest.mark.processes
def test_many_servers_archive_once_a_day(settings: Settings, app: App, perform: Perform) -> None:
    made(app, "old", age=400)
    servers = [App(settings) for _ in range(4)]
    threads = [Thread(target=archive_once, args=(server, TODAY)) for server in servers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made(app, "found on the next day", age=400)

    assert archive_once(app, TODAY)
    assert titles(perform) == {"found on the next day"}
    assert archive_once(app, "2026-11-23")
    assert titles(perform) == set()
    by = [event.by for event in app.store.read_all() if event.type == "WorkItemArchived"]
    assert by == ["tracking-ledger", "tracking-ledger"]
    for server in servers:
        server.close()


def test_a_server_that_is_not_asked_opens_no_database(settings: Settings) -> None:
    app = App(settings)

    stop = start_background_jobs(app, first=0.0, every=0.01)
    stop()

    assert not app.runtime.opened
