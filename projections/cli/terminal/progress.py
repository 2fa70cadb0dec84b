"""How far a long piece of work is: a bar on a terminal, a plain line now and then where no terminal listens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from projections.cli.terminal.output import remark

EVERY = 2.0  # seconds between two plain lines

OnProgress = Callable[[str, int, int], None]  # (what is counted, how many are done, how many there are)


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Call the answer as the work goes on; each word that is counted has a bar, or lines, of its own."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        with _bars(console) as report_progress:
            yield report_progress
    else:
        yield _Lines()


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")


@contextmanager
def _bars(console: Console) -> Iterator[OnProgress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as shown:
        bars = {}

        def report_progress(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = shown.add_task(what, total=total)
            shown.update(bars[what], completed=done, total=total)

        yield report_progress


class _Lines:
    """The same as lines, of which the first comes when the work takes long."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[float, int]] = {}  # when each was first counted, and how many were done then
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        began, before = self._begun.setdefault(what, (now, done))
        if now - self._last < EVERY:
            return
        self._last = now
        rate = (done - before) / (now - began) if now > began else 0
        left = f", {(total - done) / rate:,.0f} s left" if rate and done < total else ""
        remark(f"{what}: {done:,} of {total:,}, {rate:,.0f}/s{left}")
