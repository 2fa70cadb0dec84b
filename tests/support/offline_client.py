"""A client in a process of its own, to be killed at any moment.

Its words: `write COUNT` creates items and prints each receipt; `drain STEP` drains and
is gone, as by kill -9, before its STEP-th touch of the database or of the outbox.
"""

import json
import os
import sys

from ledger.offline.queue.outbox import Outbox
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.after_write import keep_status
from projections.operations.catalog import OPERATIONS
from tests.support.kills import OF_STORE, end_before


def write(app: App, count: int) -> None:
    for number in range(count):
        title = f"{os.getpid()} {number}"
        answer = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})
        print(json.dumps({"outcome": answer["outcome"], "id": answer["id"]}), flush=True)


def drain(app: App, step: int) -> None:
    outbox = [(Outbox, name) for name in ("append", "clear")]
    end_before(step, [*((PostgresStore, name) for name in OF_STORE), *outbox], lambda: os._exit(9))
    while not app.local.is_settled:
        app.sync.drain_for(5)


def main() -> None:
    what, argument = sys.argv[1:]
    opened = App(Settings.from_environment(), keep_status=keep_status)
    {"write": write, "drain": drain}[what](opened, int(argument))
    opened.close()
