"""A program that uses the operations as a library: lines of {tool, arguments} in, answers out."""

import json
import sys
import traceback

from ledger.errors import LedgerError
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS


def main() -> None:
    app = App(Settings.from_environment())
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answered = OPERATIONS[asked["tool"]].perform(app, asked["arguments"])
        except LedgerError as error:
            answered = error.as_answer()
        except Exception:
            traceback.print_exc()
            answered = {"error": {"code": "internal", "message": "unforeseen"}}
        print(json.dumps(answered), flush=True)
    app.close()


if __name__ == "__main__":
    main()
