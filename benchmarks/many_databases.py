"""What a served process answers for many ledgers in two databases, beside as many in one database and beside one ledger
alone; then a database is frozen for a while, and killed in the end.

python benchmarks/many_databases.py [--ledgers 1000] [--clients 20] [--seconds 10] [--events 20] [--frozen 20]

Each client keeps one connection and asks for another ledger with each call, at random. After the measurement the second
database's server is frozen with its processes: four fifths of the clients go on with the ledgers of the first database,
which shall notice nothing, the others with those of the silent one, which are answered from this machine's copy. When
it goes on, all that was acknowledged has to be in it, once. Then the same with that server killed.
All of it runs on servers and in folders of its own, removed at the end.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict
from served import RATE, answered, packet

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.postgres import directory
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect
from ledger.postgres.connection.pools import Pools
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.access_tokens import Tokens
from projections.operations.catalog import OPERATIONS
from tests.support.http_client import HttpServer, serving

ROUNDS = 2
AWAY = 5  # one client in so many asks for the ledgers of the database that is frozen or killed
LOOK_EVERY = 0.2  # seconds
DRAINED_SECONDS = 60.0  # at most, until the database that was frozen has all that waited for it


class Served(Struct, frozen=True):
    """A ledger as a client knows it: its token, and the database in which it lies."""

    secret: str
    database: str


class Call(Struct, frozen=True):
    """What came of one: whether it wrote, whose ledger it was, its milliseconds, how it was answered."""

    writes: bool
    ledger: Served
    took: float
    outcome: str

    @property
    def database(self) -> str:
        return self.ledger.database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledgers", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--events", type=int, default=20, help="of each ledger")
    parser.add_argument("--frozen", type=float, default=20.0, help="seconds")
    given = parser.parse_args()
    for others in ((), ("west",)):
        with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir="/tmp") as folder, ExitStack() as running:
            measure(given, Path(folder), others, running)


def measure(given: argparse.Namespace, root: Path, others: tuple[str, ...], running: ExitStack) -> None:
    settings, servers = _directory(root, others, running)
    begun = time.perf_counter()
    projects, ledgers = _filled(settings, given.ledgers, given.events)
    _say("filled", databases=1 + len(others), ledgers=Counter(one.database for one in ledgers), since=begun)
    begun = time.perf_counter()
    words = [word for project in projects[1:] for word in ("--also", str(project))]
    server = running.enter_context(
        serving(replace(settings, project=projects[0]), root, "--rate", RATE, "--toolset", "all", *words)
    )
    _say("serving", since=begun)
    calls = _asked(server, ledgers, given, "each opened once", once=True)
    for _ in range(ROUNDS):  # in turn, because other work on the machine makes both of them slow
        calls += _asked(server, ledgers[:1], given, "one ledger")
        calls += _asked(server, ledgers, given, f"{1 + len(others)} databases")
    if not others:
        return
    here = [one for one in ledgers if one.database == directory.DIRECTORY]
    away = [one for one in ledgers if one.database != directory.DIRECTORY]
    calls += _asked(server, here, given, "the first database's ledgers, both there")
    with _frozen(servers["west"]):
        what = "the first database's ledgers, the other frozen"
        calls += _asked(server, here, given, what, away=away, seconds=given.frozen)
    _awake(server, ledgers, calls, given.events)
    _kill(servers["west"])
    _asked(server, here, given, "the first database's ledgers, the other killed", away=away)


def _awake(server: HttpServer, ledgers: list[Served], calls: list[Call], events: int) -> None:
    """Says how long it takes until each database answers with all that was acknowledged; else what is `wrong`: where
    the answer comes from, and how many items are missing (or, below zero, doubled)."""
    begun = time.perf_counter()
    acknowledged = Counter(call.ledger for call in calls if call.writes and call.outcome in ("committed", "queued"))
    wrong = dict.fromkeys(ledgers, ("not asked", 0))
    while wrong and time.perf_counter() - begun < DRAINED_SECONDS:
        for ledger in list(wrong):
            found = server.call(ledger.secret, "list_work_items", limit=1)
            wrong[ledger] = (found["source"], events + acknowledged[ledger] - found["total_count"])
            if wrong[ledger] == ("postgres", 0):
                del wrong[ledger]
    _say("all in the database", since=begun, acknowledged=acknowledged.total(), wrong=list(wrong.values()))


def _asked(
    server: HttpServer,
    ledgers: list[Served],
    given: argparse.Namespace,
    what: str,
    *,
    away: list[Served] | None = None,
    once: bool = False,
    seconds: float | None = None,
) -> list[Call]:
    async def run() -> list[list[Call]]:
        until = time.perf_counter() + (seconds or given.seconds)
        clients = []
        for number in range(given.clients):
            mine = away if away is not None and number % AWAY == 0 else ledgers
            order = iter(mine[number :: given.clients]) if once else _at_random(mine, number, until)
            clients.append(_client(server, order, number))
        return await asyncio.gather(*clients)

    process = psutil.Process(server.process.pid)
    worked, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    with _highest(process) as highest:
        calls = [call for each in asyncio.run(run()) for call in each]
    spent, took = sum(process.cpu_times()[:2]) - worked, time.perf_counter() - begun
    for writes in (False, True):
        for database in sorted({call.database for call in calls}):
            some = sorted(call.took for call in calls if call.writes == writes and call.database == database)
            if some:
                outcomes = Counter(
                    call.outcome for call in calls if call.writes == writes and call.database == database
                )
                _say(
                    what,
                    call="write" if writes else "read",
                    database=database,
                    a_second=round(len(some) / took, 1),
                    median_ms=round(statistics.median(some), 1),
                    p95_ms=round(some[int(len(some) * 0.95)], 1),
                    longest_ms=round(some[-1], 1),
                    answered=outcomes,
                )
    _say(what, processor_ms=round(spent / len(calls) * 1000, 2), **highest, memory=_memory(process))
    return calls


@contextmanager
def _highest(process: psutil.Process) -> Iterator[dict[str, int]]:
    """How many threads and open files it has at most meanwhile."""
    found, over = {"threads": 0, "files": 0}, threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY):
            found.update(threads=max(found["threads"], process.num_threads()))
            found.update(files=max(found["files"], process.num_fds()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def _at_random(ledgers: list[Served], seed: int, until: float) -> Iterator[Served]:
    chosen = random.Random(seed)
    while time.perf_counter() < until:
        yield chosen.choice(ledgers)


async def _client(server: HttpServer, ledgers: Iterator[Served], number: int) -> list[Call]:
    """Asks for a list, then for a new item, in turn."""
    there, calls = urlsplit(server.url), list[Call]()
    reader, writer = await asyncio.open_connection(there.hostname, there.port, limit=2**22)
    for ledger in ledgers:
        writes = len(calls) % 2 == 1
        tool, arguments = "list_work_items", dict[str, Any](limit=10)
        if writes:
            tool, arguments = "create_work_item", {"item_type": "task", "title": f"Item {number}-{len(calls)}"}
        begun = time.perf_counter()
        writer.write(packet(server, ledger.secret, tool, arguments))
        answer = await answered(reader)
        took = (time.perf_counter() - begun) * 1000
        calls.append(Call(writes, ledger, took, _outcome(answer)))
    writer.close()
    return calls


def _outcome(answer: bytes) -> str:
    """`committed` or `queued` of a write, the source of a read, else the status line."""
    if not answer.startswith(b"http/1.1 200"):
        return answer[:20].decode()
    text = answer[answer.index(b"{") : answer.rindex(b"}") + 1]
    found: dict[str, Any] = json.loads(text)["result"]["structuredContent"]
    return str(found.get("outcome") or found.get("source") or found["error"]["code"])


def _filled(settings: Settings, count: int, events: int) -> tuple[list[Path], list[Served]]:
    """The folders of new projects, each with items in its ledger, and the ledgers."""
    pools, projects, ledgers = Pools(), list[Path](), list[Served]()
    items = [{"op": "create", "item_type": "task", "title": f"Item {number}"} for number in range(events)]
    with closing(App(settings, pools=pools)):  # the pools last as long as one who uses them
        for number in range(count):
            project = settings.project / f"project-{number}"
            project.mkdir(parents=True)
            made = identity.create(project)
            with closing(App(replace(settings, project=project), opened=lambda *_: None, pools=pools)) as app:
                OPERATIONS["bulk_work_items"].perform(app, {"items": items})
                app.sync.follow()
                name = directory.service_of(app.settings.dsn) or directory.DIRECTORY
                secret, _ = Tokens(app.home).make(made.ledger, "bench", "write", datetime.now(UTC), None)
            projects.append(project)
            ledgers.append(Served(secret, name))
    return projects, ledgers


def _directory(root: Path, others: tuple[str, ...], running: ExitStack) -> tuple[Settings, dict[str, EmbeddedServer]]:
    """The settings of the directory, which takes ledgers itself, and the servers of the others by name."""
    first = running.enter_context(_server(root / "first"))
    settings = Settings(
        project=root / "projects",
        dsn=first.conninfo(APPLICATION, DATABASE),
        admin_dsn=first.conninfo(OWNER, DATABASE),
        home=root / "home",
        pgdata=root / "unused",
        by="bench",
    )
    services = root / "services.conf"
    os.environ["PGSERVICEFILE"] = str(services)
    servers = {name: running.enter_context(_server(root / name)) for name in others}
    for name, server in servers.items():
        parts = conninfo_to_dict(server.conninfo(APPLICATION, DATABASE))
        with services.open("a", encoding="utf-8") as file:
            file.write(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in parts.items()))
        directory.add(settings, name, takes_new=True)
    return settings, servers


@contextmanager
def _server(root: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(root)
    connect(Settings(project=root, pgdata=root)).close()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _frozen(server: EmbeddedServer) -> Iterator[None]:
    """None of its processes does anything meanwhile."""
    leader = _leader(server)
    leader.suspend()  # first, so that it starts no other
    processes = [*leader.children(recursive=True), leader]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def _kill(server: EmbeddedServer) -> None:
    leader = _leader(server)
    processes = [leader, *leader.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes)


def _leader(server: EmbeddedServer) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def _memory(process: psutil.Process) -> str:
    return f"{process.memory_info().rss / 2**20:.0f} MB"


def _say(what: str, since: float | None = None, **found: Any) -> None:
    took = {} if since is None else {"seconds": round(time.perf_counter() - since, 1)}
    print(json.dumps({"what": what, **found, **took}), flush=True)


if __name__ == "__main__":
    main()
