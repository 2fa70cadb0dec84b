"""The activity log: one JSON line per tool call and command in `activity.jsonl`, beside this machine's working files.

A line says what was called, by whom, what became of it, where it was recorded and how long it took. It never holds the
texts of items, error messages or arguments, because those may be secret. A log that cannot be written never
fails a call.
"""

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from ledger.errors import LedgerError
from ledger.values.moment import text

FILE = "activity.jsonl"
LARGEST = 5_000_000  # bytes, then the file becomes activity.jsonl.1
KEPT = 3  # rotated files
PACKAGES = ("ledger", "projections", "mcp_adapter")

_logger = logging.getLogger("tracking_ledger.activity")  # an edge that wants the lines on stderr listens here too


class ActivityLine(Struct, kw_only=True, omit_defaults=True):
    """One call, while it runs and after it. `outcome` is a write's outcome, `answered`, or `error` with its code."""

    time: str
    kind: str
    name: str
    by: str | None = None
    outcome: str = "answered"
    error: str | None = None
    positions: list[int] = []
    milliseconds: float = 0.0
    pid: int = 0
    at: list[str] = []

    def answer(self, answered: Mapping[str, Any]) -> None:
        """Keeps of an answer what belongs into the log."""
        outcome, position = answered.get("outcome"), answered.get("position")
        if isinstance(outcome, str):
            self.outcome = outcome
        if isinstance(position, int):
            self.positions = [position]


class Summary(Struct, frozen=True, kw_only=True):
    """What a tool or command did so far; times in milliseconds."""

    kind: str
    name: str
    count: int
    errors: int
    p50: float
    p95: float
    p99: float


@contextlib.contextmanager
def activity_line(home: Callable[[], Path], kind: str, name: str, by: str | None = None) -> Iterator[ActivityLine]:
    """Times what is done inside, and leaves its line in the folder that `home` answers."""
    by = by and by.encode(errors="backslashreplace").decode()  # a lone surrogate has no UTF-8
    line = ActivityLine(time=text(datetime.now(UTC)), kind=kind, name=name, by=by, pid=os.getpid())
    begun = time.perf_counter()
    try:
        yield line
    except BaseException as error:
        line.outcome, line.error = "error", error.code if isinstance(error, LedgerError) else type(error).__name__
        line.at = [] if isinstance(error, LedgerError) else places(error)
        raise
    finally:
        line.milliseconds = round((time.perf_counter() - begun) * 1000, 3)
        with contextlib.suppress(OSError, LedgerError):  # no folder, no ledger, no room: the call counts, not its line
            write(f"{home()}/{FILE}", line)  # of each call: to make a Path of it takes as long as to write


def write(file: str | Path, line: ActivityLine) -> None:
    """Appends the line in one write, so that those of several processes never mix."""
    encoded = msgspec.json.encode(line)
    if _logger.isEnabledFor(logging.INFO):
        _logger.info("%s", encoded.decode())
    descriptor = _opened(file)
    if os.fstat(descriptor).st_size > LARGEST:
        os.close(descriptor)
        with contextlib.suppress(Timeout):  # another process rotates just now
            _rotate(Path(file))
        descriptor = _opened(file)
    try:
        os.write(descriptor, encoded + b"\n")
    finally:
        os.close(descriptor)


def _opened(file: str | Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def lines(home: Path) -> Iterator[ActivityLine]:
    """Every line that is still kept, the oldest first; a torn one is passed over."""
    decode = msgspec.json.Decoder(ActivityLine).decode
    for file in [home / f"{FILE}.{n}" for n in range(KEPT, 0, -1)] + [home / FILE]:
        with contextlib.suppress(OSError):
            for raw in file.read_bytes().splitlines():
                with contextlib.suppress(msgspec.MsgspecError):
                    yield decode(raw)


def summaries(found: Iterable[ActivityLine]) -> list[Summary]:
    """Count, errors and percentiles of each tool and command, by name."""
    grouped: dict[tuple[str, str], list[ActivityLine]] = {}
    for line in found:
        grouped.setdefault((line.kind, line.name), []).append(line)
    return [_summary(kind, name, group) for (kind, name), group in sorted(grouped.items())]


def places(error: BaseException) -> list[str]:
    """Where in our own code an unexpected error came from, outermost first; files and lines only."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [(Path(frame.filename), frame.lineno) for frame in frames]
    return [f"{_within(file)}:{number}" for file, number in ours if _within(file)][-8:]


def _within(file: Path) -> str:
    """The path from our package's folder on; empty for a file of another package."""
    for place in range(len(file.parts) - 2, 0, -1):
        if file.parts[place] in PACKAGES:
            return "/".join(file.parts[place:])
    return ""


def _summary(kind: str, name: str, group: list[ActivityLine]) -> Summary:
    times = sorted(line.milliseconds for line in group)
    return Summary(
        kind=kind,
        name=name,
        count=len(group),
        errors=sum(line.error is not None for line in group),
        p50=_percentile(times, 50),
        p95=_percentile(times, 95),
        p99=_percentile(times, 99),
    )


def _percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that at least `percent` of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _rotate(file: Path) -> None:
    with FileLock(f"{file}.lock", timeout=0.1):
        if _size(file) <= LARGEST:  # another process was faster
            return
        for n in range(KEPT, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                file.with_name(f"{FILE}.{n - 1}").replace(file.with_name(f"{FILE}.{n}"))
        file.replace(file.with_name(f"{FILE}.1"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
