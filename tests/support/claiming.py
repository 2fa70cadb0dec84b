"""A process that claims the next ready item when it is told to: one line of JSON on stdout, the operation's answer.

Arguments: the project's folder, the server's DSN, the folder of working files.
"""

import json
import sys
from pathlib import Path

from ledger.settings import Settings
from projections.app import App
from projections.operations.catalog import OPERATIONS


def main() -> None:
    project, dsn, home = sys.argv[1:]
    app = App(Settings(project=Path(project), dsn=dsn, home=Path(home), pgdata=Path(home) / "unused", by="claude-code"))
    app.database  # noqa: B018  # connects before the start
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(OPERATIONS["claim_work_item"].perform(app, {"action": "next"})), flush=True)
    app.close()


if __name__ == "__main__":
    main()
