"""Real processes that queue and drain, and die while they do: nothing that was answered is lost or doubled."""

import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.settings import Settings
from projections.application.app import App
from projections.tables.replay import check
from tests.support import forked, offline_client
from tests.support.forked import Forked

pytestmark = pytest.mark.processes

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"

Client = Callable[..., Forked]


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    """client("write", 100) -> a process beside an unreachable database; with `dsn`, beside the real one."""
    running: list[Forked] = []

    def start(what: str, argument: int, dsn: str = NOWHERE) -> Forked:
        environment = {
            **os.environ,
            "LEDGER_PROJECT": str(settings.project),
            "LEDGER_HOME": str(settings.home),
            "LEDGER_PGDATA": str(settings.pgdata),
            "LEDGER_DSN": dsn,
        }
        process = Forked(what, str(argument), cwd=settings.project, env=environment, program=offline_client.main)
        running.append(process)
        return process

    yield start
    for process in running:
        process.close()


def answers(process: Forked) -> list[dict[str, Any]]:
    """The receipts it printed whole, until it ended."""
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]


def check_home(app: App, receipts: list[dict[str, Any]]) -> None:
    """All that was answered is in the log exactly once, and the read models are what the log adds up to."""
    while not app.local.is_settled:
        app.sync.drain_for(30)
    log = list(app.store.read_all())
    recorded = [event.stream_id for event in log]
    assert {line["outcome"] for line in receipts} <= {"queued"}
    assert len(recorded) == len(set(recorded))
    assert {f"work_item-{line['id']}" for line in receipts} <= set(recorded)
    assert check(app.store, app.tables).equal


def test_eight_processes_that_queue_at_once_lose_none(client: Client, app: App) -> None:
    writing = [client("write", 10) for _ in range(8)]

    receipts = [line for process in writing for line in answers(process)]

    assert len(receipts) == 80
    assert app.local.outbox.waiting == 80
    check_home(app, receipts)
    assert len(list(app.store.read_all())) == 80


@pytest.mark.parametrize("seed", range(3))
def test_clients_killed_in_the_middle_of_a_write_lose_nothing_they_answered(
    client: Client, app: App, seed: int
) -> None:
    moments, receipts = random.Random(seed), list[dict[str, Any]]()
    for _ in range(3):
        process = client("write", 10_000)
        assert process.stdout is not None
        receipts.append(json.loads(process.stdout.readline()))
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        receipts += answers(process)

    check_home(app, receipts)


def test_a_drain_killed_before_each_of_its_steps_records_everything_once(client: Client, app: App, dsn: str) -> None:
    receipts = answers(client("write", 6))

    ended = (client("drain", step, dsn).wait() for step in range(1, 60))
    deaths = sum(1 for _ in itertools.takewhile(bool, ended))

    assert 3 < deaths < 59, "before each of its steps, to the last one"
    check_home(app, receipts)
    assert len(list(app.store.read_all())) == 6


def test_sync_tells_what_came_home_since_it_was_asked_by_any_process(
    client: Client, settings: Settings, dsn: str
) -> None:
    receipts = answers(client("write", 30))
    environment = {"LEDGER_PROJECT": str(settings.project), "LEDGER_HOME": str(settings.home), "LEDGER_DSN": dsn}

    sync = forked.run("sync", env=os.environ | environment, cwd=settings.project)

    assert len(receipts) == 30
    assert sync.stdout.strip() == "30 settled: 30 recorded; 0 wait"
