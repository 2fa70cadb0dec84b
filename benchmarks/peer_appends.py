"""Appending, this store beside its peers: like beside like, with a read model in the same commit and the log alone."""

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import psycopg
from own_store import appends as store_appends
from own_store import appends_at_once, copies, create
from peer_stores import emmett, eventsourcing_appends, eventsourcing_batch, inserting, message_db_appends
from turns import Call, Work, Works, in_processes, in_threads

from ledger.postgres.connection.connect import APPLICATION, DATABASE, embedded_server
from projections.application.app import App

WRITERS = 8
EVENTS_AT_ONCE = 2000
THEIR_EVENTS_AT_ONCE = 500  # a pipeline of a message an event: from 2,000 on client and server wait for each other
WITH_ROWS = {True: ", with rows", False: ""}


class Appends:
    """Turns of appending: each method answers the contestants of its kind that are installed."""

    def __init__(self, app: App, conninfo: str, peers: str, given: argparse.Namespace) -> None:
        self.app, self.conninfo, self.peers = app, conninfo, peers
        self.dsn = embedded_server(app.settings).conninfo(APPLICATION, DATABASE)
        self.node, self.seconds = given.node, given.seconds

    def threads(self, count: int, make: Callable[[], tuple[Call, Call]]) -> Work:
        return lambda: in_threads(count, self.seconds, make)

    def floor(self, count: int) -> Work:
        return self.threads(count, lambda: inserting(self.conninfo))

    def program(self, count: int) -> Work:
        """A command, decided, recorded with its rows, and followed by this machine's copy."""
        return self.threads(count, lambda: (lambda: create(self.app), lambda: None))

    def store(self, count: int, *, with_rows: bool) -> Work:
        def run() -> tuple[int, float]:
            call, close = store_appends(self.dsn, str(uuid4()), with_rows=with_rows)
            try:
                return in_threads(count, self.seconds, lambda: (call, lambda: None))
            finally:
                close()

        return run

    def store_processes(self, ledgers: int, *, with_rows: bool) -> Work:
        ids = [str(uuid4()) for _ in range(ledgers)]
        each = [(self.dsn, ids[n % ledgers]) for n in range(WRITERS)]
        return lambda: in_processes(self.seconds, each, partial(store_appends, with_rows=with_rows))

    def peers_in_threads(self, count: int, *, with_rows: bool) -> dict[str, Work]:
        """Each with the row in the way that it has for it; emmett gives no dense order."""
        suffix, made = WITH_ROWS[with_rows], {}
        if importlib.util.find_spec("eventsourcing"):
            make = partial(eventsourcing_appends, self.peers, with_rows=with_rows)
            made[f"eventsourcing{suffix}"] = self.threads(count, make)
        if self.node:
            make = partial(message_db_appends, self.peers, with_rows=with_rows)
            made[f"message-db{suffix}"] = self.threads(count, make)
            what = "append_with_rows" if with_rows else "append"
            made[f"emmett{suffix}"] = emmett(self.node, self.peers, what, count, self.seconds)
        return made

    def peers_in_processes(self, *, with_rows: bool) -> dict[str, Work]:
        if not self.node:
            return {}
        make, each = partial(message_db_appends, with_rows=with_rows), [(self.peers,)] * WRITERS
        return {f"message-db{WITH_ROWS[with_rows]}": lambda: in_processes(self.seconds, each, make)}

    def floor_in_processes(self) -> Work:
        return lambda: in_processes(self.seconds, [(self.conninfo,)] * WRITERS, inserting)

    def beside_a_snapshot(self) -> tuple[int, float]:
        with psycopg.connect(self.conninfo) as foreign:
            foreign.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            foreign.execute("SELECT count(*) FROM tracking_ledger.events").fetchone()
            return self.program(1)()


def appends(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    turns = Appends(app, conninfo, peers, given)

    def at_once(count: int) -> dict[str, Work]:
        return {
            "bare INSERT": turns.floor(count),
            "this, with rows": turns.store(count, with_rows=True),
            "this, with rows, decided and copied": turns.program(count),
            **turns.peers_in_threads(count, with_rows=True),
            "this, the log alone": turns.store(count, with_rows=False),
            **turns.peers_in_threads(count, with_rows=False),
        }

    return {
        "one command, one commit, one writer": at_once(1),
        "eight threads, one ledger": at_once(WRITERS),
        "eight processes, one ledger": {
            "bare INSERT": turns.floor_in_processes(),
            "this, with rows": turns.store_processes(1, with_rows=True),
            **turns.peers_in_processes(with_rows=True),
            "this, the log alone": turns.store_processes(1, with_rows=False),
            **turns.peers_in_processes(with_rows=False),
        },
        "eight processes, eight ledgers": {
            "bare INSERT": turns.floor_in_processes(),
            "this, with rows": turns.store_processes(WRITERS, with_rows=True),
        },
        "append beside an open foreign snapshot": {
            "this, without": turns.program(1),
            "this, beside one": turns.beside_a_snapshot,
        },
    }


def bulk(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    dsn = embedded_server(app.settings).conninfo(APPLICATION, DATABASE)
    many = {"bare COPY, the same rows and indexes": copies(conninfo, dsn, EVENTS_AT_ONCE)}
    for with_rows, ours in ((True, "this, with rows"), (False, "this, the log alone")):
        many[ours] = appends_at_once(dsn, EVENTS_AT_ONCE, with_rows=with_rows)
        if importlib.util.find_spec("eventsourcing"):
            theirs = partial(eventsourcing_batch, peers, THEIR_EVENTS_AT_ONCE, with_rows=with_rows)
            many[f"eventsourcing{WITH_ROWS[with_rows]}, {THEIR_EVENTS_AT_ONCE} at once"] = theirs
    return {"many events in one commit": many}
