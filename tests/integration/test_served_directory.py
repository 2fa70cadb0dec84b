"""Two served processes behind a balancer, with ledgers in two databases: any of them answers, and one database that is
killed or frozen is noticed by its own ledgers alone."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.postgres import directory
from ledger.postgres.connection.connect import APPLICATION, DATABASE, connect
from ledger.settings import Settings
from mcp_adapter.callers.workers import CALLS_AT_ONCE
from projections.maintenance.console_links import ConsoleLinks
from tests.conftest import NewDatabase
from tests.support.directories import Services
from tests.support.http_client import HttpServer, request, serving, token
from tests.support.own_server import own_server
from tests.support.waits import until, until_ended

pytestmark = pytest.mark.processes


class Team(Struct, frozen=True):
    """Two processes that serve the same two ledgers, one in each database, and a token for each ledger."""

    processes: tuple[HttpServer, HttpServer]
    west: EmbeddedServer
    secrets: dict[str, str]
    ledgers: dict[str, str]
    home: Path


@pytest.fixture
def west() -> Iterator[EmbeddedServer]:
    """A server of its own, to be killed."""
    with own_server("west") as server:
        yield server


@pytest.fixture
def team(
    tmp_path: Path, new_database: NewDatabase, migrated: str, west: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Team]:
    services, owner = Services(tmp_path, monkeypatch), new_database(migrated)
    services.name("west", west.conninfo(APPLICATION, DATABASE))
    given = Settings(
        project=tmp_path,
        dsn=make_conninfo(owner, user=APPLICATION),
        admin_dsn=owner,
        home=(home := tmp_path / "home"),
        pgdata=tmp_path / "unused",
    )
    directory.add(given, "west", takes_new=True)
    projects = {name: _project(given, name) for name in ("here", "west")}
    secrets = {name: token(settings, "wanda")[0] for name, settings in projects.items()}
    with ExitStack() as running:
        processes = [
            running.enter_context(
                serving(projects["here"], _folder(tmp_path / number), "--also", str(projects["west"].project))
            )
            for number in ("first", "second")
        ]
        known = {name: str(identity.find(settings.project).ledger) for name, settings in projects.items()}
        yield Team((processes[0], processes[1]), west, secrets, known, home / known["here"])


def test_any_process_answers_and_a_killed_database_is_noticed_by_its_own_ledgers_alone(team: Team) -> None:
    first, second = team.processes
    here, west = team.secrets["here"], team.secrets["west"]
    made = {name: write(first, secret, "One") for name, secret in team.secrets.items()}
    assert {answered["outcome"] for answered in made.values()} == {"committed"}

    cookie, base = sign_in(first, here), f"/l/{team.ledgers['here']}"
    with (
        listening(second, here, f"ledger://items/{made['here']['ref']}") as subscription,
        got(second, f"{base}/board", cookie) as page,
        got(second, f"{base}/events?at=1", cookie) as stream,
    ):
        first.call(here, "update_work_item", id=made["here"]["id"], version=1, title="Changed")
        heard = (line_with(subscription, "resources/updated") != "", line_with(stream, "moved"))
    assert (page.status, heard) == (200, (True, "event: moved"))

    link = ConsoleLinks(team.home).make([here], datetime.now(UTC))
    assert second.send("GET", None, None, f"/enter?once={link}").status == 303
    assert first.send("GET", None, None, f"/enter?once={link}").status == 403

    kill(team.west)
    for process in team.processes:
        assert write(process, here, "Two")["outcome"] == "committed"
        assert process.call(here, "list_work_items")["source"] == "postgres"
        assert write(process, west, "Two")["outcome"] == "queued"
        assert process.call(west, "list_work_items")["source"] == "journal"
        assert process.send("GET", None, None, "/ready").status == 200
    with got(first, f"{base}/board", cookie) as page:
        assert page.status == 200

    team.west.ensure()
    until(lambda: second.call(west, "list_work_items")["source"] == "postgres")
    until(lambda: second.call(west, "list_work_items")["total_count"] == 3)


def test_a_frozen_database_is_noticed_by_its_own_ledgers_alone_and_has_all_when_it_goes_on(team: Team) -> None:
    first, _ = team.processes
    here, west = team.secrets["here"], team.secrets["west"]
    for secret in (here, west):
        assert write(first, secret, "Before")["outcome"] == "committed"

    with frozen(team.west), ThreadPoolExecutor(2 * CALLS_AT_ONCE) as clients:
        writes = [clients.submit(write, first, west, f"Meanwhile {number}") for number in range(CALLS_AT_ONCE)]
        reads = [clients.submit(first.call, west, "list_work_items") for _ in range(CALLS_AT_ONCE)]
        assert write(first, here, "Meanwhile")["outcome"] == "committed"
        assert first.call(here, "list_work_items")["source"] == "postgres"
        assert {write.result()["outcome"] for write in writes} == {"queued"}
        assert {read.result()["source"] for read in reads} == {"journal"}

    until(lambda: first.call(west, "list_work_items")["source"] == "postgres")
    until(lambda: first.call(west, "list_work_items")["total_count"] == 1 + CALLS_AT_ONCE)


def write(process: HttpServer, secret: str, title: str) -> dict[str, Any]:
    return process.call(secret, "create_work_item", item_type="task", title=title)


def sign_in(process: HttpServer, secret: str) -> str:
    """The cookie of a browser that has signed in."""
    form = urlencode({"token": secret}).encode()
    there = {"content_type": "application/x-www-form-urlencoded", "sec_fetch_site": "same-origin"}
    return process.send("POST", form, None, "/sign-in", **there).headers["set-cookie"].partition(";")[0]


@contextmanager
def got(process: HttpServer, path: str, cookie: str) -> Iterator[HTTPResponse]:
    with closing(process.connection()) as connection:
        connection.request("GET", path, headers={"cookie": cookie})
        with connection.getresponse() as answer:
            yield answer


@contextmanager
def listening(process: HttpServer, secret: str, uri: str) -> Iterator[HTTPResponse]:
    """The stream of a subscription, once it is acknowledged."""
    body, headers = request(secret, "subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})
    with closing(process.connection()) as connection:
        connection.request("POST", urlsplit(process.url).path, body, headers)
        with connection.getresponse() as answer:
            line_with(answer, "acknowledged")
            yield answer


def line_with(answer: HTTPResponse, word: str) -> str:
    """The next line of a stream that has the word."""
    while line := answer.readline().decode():
        if word in line:
            return line.strip()
    raise AssertionError(f"the stream ended without {word}")


def kill(server: EmbeddedServer) -> None:
    leader = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    processes = [leader, *leader.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGKILL)
    until_ended(*processes)


@contextmanager
def frozen(server: EmbeddedServer) -> Iterator[None]:
    """None of its processes does anything meanwhile."""
    leader = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    leader.suspend()  # first, so that it starts no other
    processes = [*leader.children(recursive=True), leader]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def _project(given: Settings, place: str) -> Settings:
    settings = replace(given, project=_folder(given.project / place))
    made = identity.create(settings.project)
    with closing(connect(given)) as database:
        directory.place(database, made.key, made.name, "west" if place == "west" else directory.DIRECTORY)
    return settings


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
