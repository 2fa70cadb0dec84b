"""Ten browsers work in the console while eight assistants write, for a minute: nothing is lost and nothing breaks."""

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.browser.test_console import (  # noqa: F401  # fixtures
    Open,
    browser,
    console,
    create,
    elsewhere,
    opened,
    project,
    pytestmark,
    second,
)
from tests.support.http_client import HttpServer, token

BROWSERS, WRITERS = 10, 8
SECONDS = float(os.environ.get("LEDGER_TEST_TOGETHER", "60"))


def write(server: HttpServer, secret: str, name: str, is_over: Callable[[], bool], made: list[str]) -> None:
    while not is_over():
        title = f"{name} wrote {len(made)}"
        made.append(server.call(secret, "create_work_item", item_type="task", title=title)["id"])


def test_ten_browsers_beside_eight_assistants_lose_nothing_and_all_see_the_last_change(
    opened: Open,  # noqa: F811
    console: HttpServer,  # noqa: F811
    project: Settings,  # noqa: F811
    elsewhere: App,  # noqa: F811
) -> None:
    item = create(elsewhere, title="Worked on together")
    pages = [opened(f"item/{item['ref']}") for _ in range(BROWSERS)]
    until = time.monotonic() + SECONDS
    made: list[list[str]] = [[] for _ in range(WRITERS)]
    writers = [
        threading.Thread(
            target=write,
            args=(console, token(project, f"writer-{number}")[0], f"W{number}", lambda: time.monotonic() > until, ids),
        )
        for number, ids in enumerate(made)
    ]
    for writer in writers:
        writer.start()
    said: list[str] = []
    while time.monotonic() < until:
        for number, page in enumerate(pages):
            comment(page, f"Browser {number} says {len(said)}")
            said.append(f"Browser {number} says {len(said)}")
    for writer in writers:
        writer.join()

    OPERATIONS["update_work_item"].perform(elsewhere, {"id": item["id"], "version": item["version"], "title": "Done"})
    for page in pages:
        page.wait_for_selector("h1:has-text('Done')")

    [found] = OPERATIONS["list_work_items"].perform(elsewhere, {"text": "done", "fields": ["comment_count"]})["items"]
    assert found["comment_count"] == len(said)
    ids = [id for each in made for id in each]
    total = OPERATIONS["list_work_items"].perform(elsewhere, {"text": "wrote", "limit": 1})["total_count"]
    assert (len(set(ids)), total) == (len(ids), len(ids))
    assert all(made)
    assert [line for line in answers(console) if line["status"] >= 500] == []


def comment(page: Any, text: str) -> None:
    page.fill("[name=f-text]", text)
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator("article.comment", has_text=text).wait_for()


def answers(server: HttpServer) -> list[dict[str, Any]]:
    """What the server's log says of each request."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["kind"] == "http"]
