"""What the web console costs: its pages, and how soon a change is on every page that is open.

python benchmarks/console.py [--scale 1] [--open 20] [--changes 40] [--assistants 8]

Each open page is a client that holds the event stream of its page and asks for the page again when that says so, as the
page's script does; what it is shown counts from the moment at which the writer, another process's call, was answered.
`--assistants` is how many others create items through MCP meanwhile, as fast as they are answered: all of these items
have to be there in the end. Processor time is that of the served process and of its database. All of it runs on a
ledger and a database of its own.
"""

import argparse
import gzip
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks.scale import fill
from ledger import identity
from ledger.postgres.connection.connect import embedded_server
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.http_client import HttpServer, serving, token

PAGES = ("board", "list", "needs-me", "graph", "log", "deployments", "report", "settings")
OPEN = ("board", "list", "item", "board?lanes=assignee", "list?text=live", "log", "list?tag=live", "needs-me")
ROUNDS = 15
LONGEST = 60.0  # seconds that a page may take to show a change
PAUSE = 0.3  # seconds between a change that all pages show and the next


class Browser:
    """Keeps the cookie of one person."""

    def __init__(self, server: HttpServer, base: str, secret: str) -> None:
        self._server = server
        self.base = base
        form = urlencode({"token": secret}).encode()
        sent = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        answer = server.send("POST", form, None, "/sign-in", **sent)
        self.headers = {"cookie": answer.headers["set-cookie"].partition(";")[0], "accept-encoding": "gzip"}

    def connection(self) -> HTTPConnection:
        return self._server.connection()

    def page(self, connection: HTTPConnection, path: str, **headers: str) -> tuple[str, int, Any]:
        """(text, bytes on the wire, headers)."""
        connection.request("GET", f"{self.base}/{path}", None, self.headers | headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in (200, 204), (answer.status, body[:300])
        packed = answer.getheader("content-encoding") == "gzip"
        return (gzip.decompress(body) if packed else body).decode(), len(body), answer.headers


class OpenPage(threading.Thread):
    """Holds the stream of a page, and notes when it shows each change that was made."""

    def __init__(self, browser: Browser, path: str) -> None:
        super().__init__(daemon=True)
        self._browser = browser
        self.path = path
        self._seen: dict[str, float] = {}
        self._shown = threading.Condition()
        self.wanted = ""
        self.ready = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        try:
            self._follow()
        except (OSError, HTTPException):
            if not self.over.is_set():  # until then the server has to answer
                raise

    def _follow(self) -> None:
        pages, stream = self._browser.connection(), self._browser.connection()
        stream.request("GET", f"{self._browser.base}/events", None, self._browser.headers)
        answer = stream.getresponse()
        while line := answer.readline():
            if line.startswith(b"id: "):
                moved_to = line[4:].decode().strip()
                text, _, _ = self._browser.page(pages, self.path, **{"Ledger-Moved-To": moved_to})
                with self._shown:
                    if self.wanted and self.wanted in text:
                        self._seen.setdefault(self.wanted, time.perf_counter())
                        self._shown.notify_all()
                self.ready.set()

    def saw(self, title: str) -> float:
        """When the page showed this title, which is waited for."""
        with self._shown:
            assert self._shown.wait_for(lambda: title in self._seen, LONGEST), f"{self.path} never showed {title}"
            return self._seen[title]


class Spending:
    """The processor time of the served process and of all processes of its database."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes

    def seconds(self) -> float:
        each = [process.cpu_times() for one in self._processes for process in (one, *one.children())]
        return float(sum(times.user + times.system for times in each))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=int, default=1, help="times 1,200 work items")
    arguments.add_argument("--open", type=int, default=20, help="pages that are open")
    arguments.add_argument("--changes", type=int, default=40)
    arguments.add_argument("--assistants", type=int, default=0, help="that write through MCP while pages are open")
    arguments.add_argument("--loads", type=int, default=0, help="page loads after which the memory is told")
    arguments.add_argument("--pages", default="", help="only these, separated by blanks")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-") as folder, served(Path(folder), given.scale) as made:
        server, settings, item = made
        process = psutil.Process(server.process.pid)
        [database] = (settings.pgdata or Path()).rglob("postmaster.pid")
        spending = Spending(process, psutil.Process(int(database.read_text().split()[0])))
        base = f"/l/{identity.find(settings.project).ledger}"
        browser = Browser(server, base, token(settings, "wanda", "admin")[0])
        print(f"{'page':<24} {'wall p50':>9} {'processor':>10} {'bytes':>8}")
        for path in given.pages.split() or (*PAGES, f"item/{item['ref']}"):
            wall, processor, size = cost(spending, browser, path)
            print(f"{path:<24} {wall:>6.1f} ms {processor:>7.1f} ms {size:>8,}")
        if given.loads:
            loads(process, browser, given.loads)
        if given.open:
            with writing(server, settings, given.assistants):
                live(spending, browser, settings, item, given.open, given.changes)


@contextmanager
def served(folder: Path, scale: int) -> Iterator[tuple[HttpServer, Settings, dict[str, Any]]]:
    project = folder / "project"
    project.mkdir()
    identity.create(project)
    settings = Settings(project=project, home=folder / "home", pgdata=folder / "postgres", by="benchmark")
    try:
        with closing(App(settings)) as app:
            fill(app, scale)
            given = {"item_type": "task", "title": "Live", "priority": 1, "tags": ["live"]}
            item = OPERATIONS["create_work_item"].perform(app, given)
            OPERATIONS["update_work_item"].perform(
                app, {"id": item["id"], "version": 1, "status": "blocked", "reason": "Live"}
            )
            asked = {"id": item["id"], "action": "ask", "whom": "wanda", "text": "Which?"}
            OPERATIONS["question"].perform(app, asked)
        with serving(settings, folder, "--rate", "10000") as server:
            yield server, settings, item
    finally:
        embedded_server(settings).stop()


def cost(spending: Spending, browser: Browser, path: str) -> tuple[float, float, int]:
    """(median milliseconds, processor milliseconds, compressed bytes) of a page."""
    connection, took, size = browser.connection(), [], 0
    browser.page(connection, path)
    before = spending.seconds()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        _, size, _ = browser.page(connection, path)
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000, (spending.seconds() - before) * 1000 / ROUNDS, size


def loads(process: psutil.Process, browser: Browser, count: int) -> None:
    connection = browser.connection()
    sizes = []
    for number in range(count):
        browser.page(connection, OPEN[number % 2])
        if number % (count // 4) == 0:
            sizes.append(process.memory_info().rss / 2**20)
    sizes.append(process.memory_info().rss / 2**20)
    print(f"memory over {count:,} page loads: {', '.join(f'{size:.0f}' for size in sizes)} MiB")


@contextmanager
def writing(server: HttpServer, settings: Settings, count: int) -> Iterator[None]:
    """While this is open so many assistants create items; at the end each of them has to be listed, and once."""
    over = threading.Event()
    made: list[str] = []

    def assistant(secret: str) -> None:
        while not over.is_set():
            item = server.call(secret, "create_work_item", item_type="task", title="Written", tags=["assistants"])
            made.append(item["id"])

    writers = [threading.Thread(target=assistant, args=(token(settings, f"a{n}", "write")[0],)) for n in range(count)]
    begun = time.perf_counter()
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        over.set()
        for writer in writers:
            writer.join()
    took = time.perf_counter() - begun
    if count:
        with closing(App(settings)) as app:
            found = sorted(listed(app, "assistants"))
        assert found == sorted(made), f"{len(made)} were answered, {len(found)} are listed"
        print(f"{count} assistants wrote {len(made):,} items in {took:.0f} s, and all of them are there")


def listed(app: App, tag: str) -> Iterator[str]:
    cursor = None
    while True:
        page = OPERATIONS["list_work_items"].perform(
            app, {"tag": tag, "limit": 100, "fields": ["title"], **({"cursor": cursor} if cursor else {})}
        )
        yield from (item["id"] for item in page["items"])
        if (cursor := page.get("next_cursor")) is None:
            return


def live(
    spending: Spending, browser: Browser, settings: Settings, item: dict[str, Any], count: int, changes: int
) -> None:
    paths = [OPEN[number % len(OPEN)].replace("item", f"item/{item['ref']}") for number in range(count)]
    pages = [OpenPage(browser, path) for path in paths]
    for page in pages:
        page.start()
    for page in pages:
        page.ready.wait(30)
    took: list[float] = []
    by_path: dict[str, list[float]] = {}
    before = spending.seconds()
    with closing(App(settings)) as app:
        for number in range(changes):
            title = f"Live change {number}."
            for page in pages:
                page.wanted = title
            OPERATIONS["update_work_item"].perform(app, {"id": item["id"], "version": number + 3, "title": title})
            done = time.perf_counter()
            for page in pages:
                took.append(page.saw(title) - done)
                by_path.setdefault(page.path, []).append(took[-1])
            time.sleep(PAUSE)
    for page in pages:
        page.over.set()
    spent = (spending.seconds() - before) * 1000 / changes
    for path, each in by_path.items():
        print(f"  {path:<24} p50 {statistics.median(each) * 1000:5.0f} ms")
    at = statistics.quantiles(took, n=100)
    print(
        f"{count} open pages: p50 {at[49] * 1000:.0f} ms, p95 {at[94] * 1000:.0f} ms, {spent:.0f} ms of processor time"
    )


if __name__ == "__main__":
    main()
