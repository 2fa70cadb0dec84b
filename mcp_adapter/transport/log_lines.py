"""What a served process logs: one JSON line each."""

import json
import logging
import os
import sys
from typing import Any

from projections.application.activity import places

log = logging.getLogger("tracking_ledger.http")


class _Lines(logging.Formatter):
    """Every record as one JSON line; of an exception only what it is and where, because its words may be a secret."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name.startswith("tracking_ledger."):
            return message
        line = {"kind": "log", "level": record.levelname.lower(), "logger": record.name, "message": message[:500]}
        if record.exc_info and record.exc_info[1]:
            line |= {"error": type(record.exc_info[1]).__name__, "at": ", ".join(places(record.exc_info[1]))}
        return json.dumps(line)


def log_as_lines() -> None:
    """From here on all of this process's logs go to standard error so."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("tracking_ledger").setLevel(logging.INFO)
    # what no line says is not found out for each
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def say(event: str, **more: Any) -> None:
    """What becomes of the server itself."""
    log.info("%s", json.dumps({"kind": "server", "event": event, "pid": os.getpid(), **more}))
