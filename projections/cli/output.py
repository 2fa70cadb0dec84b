"""What a person sees: answers on stdout, everything else on stderr.

Texts of a ledger are data. The consoles interpret no markup, and `shown` makes control characters visible, so that no
title can colour, move or clear a terminal. Colour obeys NO_COLOR and is left out where no terminal listens.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

NO_TERMINAL_WIDTH = 1000  # columns; where nobody looks, nothing is folded
STYLES = {
    "active": "green",
    "operational": "green",
    "completed": "dim",
    "blocked": "yellow",
    "broken": "red",
    "wrong": "bold red",
    "fine": "green",
    "warning": "yellow",
}
# C0 and C1 controls, line and paragraph separators, and the marks that turn the direction of writing
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(value: object) -> str:
    """A value as one line that does nothing to a terminal.

    >>> shown("red \\x1b[31m alert")
    'red \\\\x1b[31m alert'
    >>> shown(None), shown(True), shown(["a", 1])
    ('-', 'yes', 'a, 1')
    """
    if value is None or value == [] or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(part) for part in value)
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], str(value))


def moment(value: str | None) -> str:
    """A time of an answer, to the second.

    >>> moment("2026-11-22T15:00:00.123456Z")
    '2026-11-22 15:00:00'
    """
    return shown(value[:19].replace("T", " ") if value else None)


def stdout() -> Console:
    return _console(stderr=False)


def stderr() -> Console:
    return _console(stderr=True)


def say(text: str, *, style: str = "") -> None:
    """A line of an answer."""
    stdout().print(text, style=style, soft_wrap=True)


def remark(text: str, *, style: str = "") -> None:
    """A line that is not part of the answer."""
    stderr().print(text, style=style, soft_wrap=True)


def answer_json(answered: Any) -> None:
    """The answer for a machine: JSON and nothing else."""
    click.echo(json.dumps(answered, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table of values; a cell that is a known word gets its colour."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    _draw(drawn)


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        drawn.add_row(shown(name), _cell(value))
    _draw(drawn)


def heading(text: str) -> None:
    stdout().print()
    stdout().print(shown(text), style="bold")


@contextmanager
def counting(what: str, total: int) -> Iterator[Progress]:
    """A bar on stderr that counts to `total`; call `.advance(0)` for each. Nothing where no terminal listens."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = stderr()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(shown(what), total=total)
        yield progress


@contextmanager
def working(what: str) -> Iterator[None]:
    """A moving bar on stderr with the time it takes, for work whose end nobody knows. Nothing without a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    console = stderr()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(shown(what), total=None)
        yield


def _draw(drawn: Table) -> None:
    """Without a terminal, no line is filled up with spaces."""
    console = stdout()
    if console.is_terminal:
        console.print(drawn)
        return
    with console.capture() as captured:
        console.print(drawn)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), soft_wrap=True)


def _cell(value: object) -> Text:
    text = shown(value)
    return Text(text, style=STYLES.get(text, ""))


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = NO_TERMINAL_WIDTH
    return console
