"""One of the lab's writing processes: records without a pause, and notes down what it was answered, and when.

    python -m tests.lab.writer PROJECT HOME DSN ANSWERS STOP

A line of ANSWERS is `command_id outcome seconds_since_the_epoch seconds_it_took`; the last one is `settled`. It ends
when the file STOP is there and nothing of it waits any more.
"""

import sys
import time
from pathlib import Path

from ledger.errors import LedgerError
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS

SETTLE_SECONDS = 60.0


def main() -> None:
    project, home, dsn, answers, stop = sys.argv[1:]
    app = App(Settings(project=Path(project), home=Path(home), pgdata=Path(home) / "unused", dsn=dsn, by="lab"))
    with Path(answers).open("a", buffering=1) as receipts:
        while not Path(stop).exists():
            receipts.write(write(app))
        settled = app.sync.drain_for(SETTLE_SECONDS)
        receipts.write(f"- {'settled' if settled else 'unsettled'} {time.time():.3f} 0\n")
    app.close()


def write(app: App) -> str:
    command_id = str(app.new_command_id())
    started = time.time()
    while True:
        try:
            answer = OPERATIONS["create_work_item"].perform(
                app, {"item_type": "task", "title": command_id, "command_id": command_id}
            )
        except LedgerError as error:
            if error.code not in ("unavailable", "outcome_unknown"):
                return f"{command_id} {error.code} {time.time():.3f} {time.time() - started:.3f}\n"
            time.sleep(0.05)  # unknown: the same command again
        else:
            return f"{command_id} {answer['outcome']} {time.time():.3f} {time.time() - started:.3f}\n"


if __name__ == "__main__":
    main()
