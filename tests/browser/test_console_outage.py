"""The console's forms while the database is killed: what was typed is queued, and is there once when it is back."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.connect import APPLICATION, DATABASE, connect
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.browser.conftest import Open, create
from tests.support.http_client import serving
from tests.support.waits import until

pytestmark = pytest.mark.processes


@pytest.fixture
def database(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """One of the test's own, which only the test starts again."""
    server = EmbeddedServer(tmp_path / "postgres")
    connect(Settings(project=tmp_path, pgdata=server.root)).close()
    yield server
    server.stop()


@pytest.fixture
def project(tmp_path: Path, database: EmbeddedServer) -> Settings:
    root = tmp_path / "project"
    root.mkdir()
    identity.create(root)
    dsn = database.conninfo(APPLICATION, DATABASE)
    return Settings(project=root, dsn=dsn, home=tmp_path / "home", pgdata=tmp_path / "unused", by="tester")


def kill(server: EmbeddedServer) -> None:
    process = int((server.data / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGKILL)


def test_forms_sent_while_the_database_is_killed_are_queued_and_recorded_once(
    browser: Any, database: EmbeddedServer, project: Settings, tmp_path: Path
) -> None:
    with closing(App(project)) as app:
        item = create(app, title="Open while it happens")
    with serving(project, tmp_path, "--rate", "1000") as server:
        opened = Open(browser, server, project)
        page, form = opened(f"item/{item['ref']}"), opened("act/create_work_item")
        page.locator("[name=f-text]").press_sequentially("Typed before, ")
        form.fill("[name=f-title]", "Made while it was away")

        kill(database)
        page.locator("[name=f-text]").press_sequentially("and after.")
        page.get_by_role("button", name="Comment", exact=True).click()
        page.wait_for_selector("text=Queued: the database cannot be reached.")
        form.locator("main button.main").click()
        form.wait_for_selector("text=Queued: the database cannot be reached.")
        queued = page.locator("article.comment").all_inner_texts(), form.locator("h1").inner_text()
        database.ensure()
        until(lambda: page.goto(f"{opened.base}/log") and page.get_by_text("queued", exact=True).count() == 0)
        page.goto(f"{opened.base}/item/{item['ref']}")

        assert ("Typed before, and after." in queued[0][0], queued[1]) == (True, "Made while it was away")
        assert page.locator("article.comment", has_text="Typed before, and after.").count() == 1
        assert opened.complaints == []
        for context in opened.contexts:
            context.close()
    with closing(App(project)) as app:
        found = OPERATIONS["list_work_items"].perform(app, {"text": "made while", "limit": 10})
        remarks = OPERATIONS["query_work_item"].perform(app, {"id": item["id"], "include": ["comments"]})["comments"]
    assert (found["total_count"], [remark["text"] for remark in remarks]) == (1, ["Typed before, and after."])
