"""A process that claims the next ready item when it is asked to: one line of JSON on stdout, the operation's answer.

Arguments: the project's folder, the server's DSN, the folder of working files.
"""

import json
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from ledger.errors import Unavailable
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS


def main() -> None:
    project, dsn, home = sys.argv[1:]
    settings = Settings(project=Path(project), dsn=dsn, home=Path(home), pgdata=Path(home) / "unused", by="claude-code")
    app = App(replace(settings, command_seconds=120.0))  # fifty at once on few cores
    connect(app)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(OPERATIONS["claim_work_item"].perform(app, {"action": "next"})), flush=True)
    app.close()


def connect(app: App) -> None:
    """However long it takes where fifty begin at once: trying goes on in the background."""
    until = time.monotonic() + 120
    while True:
        try:
            app.database  # noqa: B018
            return
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
