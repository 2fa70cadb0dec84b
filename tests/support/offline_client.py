"""A client in a process of its own, to be killed at any moment.

Its words: `write COUNT` creates items and prints each receipt; `drain STEP` drains and
is gone, as by kill -9, before its STEP-th touch of the database or of the outbox.
"""

import json
import os
import sys
from typing import Any

from ledger.offline.queue.outbox import Outbox
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.after_write import keep_status
from projections.operations.catalog import OPERATIONS


def write(app: App, count: int) -> None:
    for number in range(count):
        title = f"{os.getpid()} {number}"
        answer = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})
        print(json.dumps({"outcome": answer["outcome"], "id": answer["id"]}), flush=True)


def drain(app: App, step: int) -> None:
    left = step

    def guarded(real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                os._exit(9)
            return real(*arguments, **named)

        return call

    for owner, method in (
        (PostgresStore, "append"),
        (PostgresStore, "append_group"),
        (PostgresStore, "append_in_order"),
        (PostgresStore, "read_streams"),
        (Outbox, "append"),
        (Outbox, "clear"),
    ):
        setattr(owner, method, guarded(getattr(owner, method)))
    while not app.local.is_settled:
        app.sync.drain_for(5)


def main() -> None:
    what, argument = sys.argv[1:]
    opened = App(Settings.from_environment(), keep_status=keep_status)
    {"write": write, "drain": drain}[what](opened, int(argument))
    opened.close()
