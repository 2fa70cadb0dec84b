"""What a person sees: answers on stdout, everything else on stderr.

Texts of a ledger are data: `shown` makes control characters visible, so that no title can colour, move or clear a
terminal. Colour obeys NO_COLOR and is left out where the output is no terminal.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.cells import cell_len, chop_cells, set_cell_size

from ledger.values.controls import visible_in_line

GAP = "  "  # between two columns
NARROWEST = 8  # columns of a terminal that a cell is never pressed below
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


def printable(value: object) -> str:
    """A value as one line that does nothing to a terminal.

    >>> printable("red \\x1b[31m alert")
    'red \\\\x1b[31m alert'
    >>> printable(None), printable(True), printable(["a", 1])
    ('-', 'yes', 'a, 1')
    """
    if value is None or value == [] or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(printable(part) for part in value)
    return visible_in_line(str(value))


def moment(value: str | None) -> str:
    """A time of an answer, to the second.

    >>> moment("2026-11-22T15:00:00.123456Z")
    '2026-11-22 15:00:00'
    """
    return printable(value[:19].replace("T", " ") if value else None)


def planned(value: str | None) -> str:
    """A planned day as it is; a planned time to the minute, in UTC.

    >>> planned("2026-12-15"), planned("2026-12-15T09:00:00.000000Z")
    ('2026-12-15', '2026-12-15 09:00')
    """
    return printable(value[:16].replace("T", " ") if value else None)


def size(count: int) -> str:
    """A number of bytes.

    >>> size(900), size(9_664_191), size(3 << 40)
    ('900 bytes', '9.2 MiB', '3.0 TiB')
    """
    value, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value >= 1024:
            value, unit = value / 1024, larger
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """A length of time in its largest unit.

    >>> duration(0.2), duration(90), duration(7300), duration(-5), duration(400_000)
    ('0 s', '90 s', '2 h', '0 s', '4 days')
    """
    whole = max(0, int(seconds))
    units = ((2 * 86_400, 86_400, "days"), (2 * 3600, 3600, "h"), (2 * 60, 60, "min"))
    unit = next(((length, name) for least, length, name in units if whole >= least), (1, "s"))
    return f"{whole // unit[0]} {unit[1]}"


def on_terminal() -> bool:
    """Whether a person reads what is answered, and not a file or a program."""
    return sys.stdout.isatty()


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size().columns


def write(text: str | bytes, *, ends_line: bool = True) -> None:
    """An answer, or a part of one, as it is."""
    click.echo(text, nl=ends_line, color=_colour(sys.stdout))


def say(text: str, *, style: str = "") -> None:
    """A line of an answer."""
    write(_styled(text, style))


def remark(text: str, *, style: str = "") -> None:
    """A line that is not part of the answer."""
    click.echo(_styled(text, style), err=True, color=_colour(sys.stderr))


def remark_ready(answered: dict[str, Any]) -> None:
    """What became ready by what was done, and the enhancements that it finished the work of, if it did."""
    ready = [f"{item['ref']}  {printable(item['title'])}" for item in answered.get("became_ready", ())]
    if ready:
        remark(f"now ready: {', '.join(ready)}")
    for done in answered.get("carried_out", ()):
        sentence = f"{printable(done['title'])} is finished, which is {done['status'] or 'unknown'}"
        remark(f"all work of {done['ref']} {sentence}: tracking-ledger show {done['ref']}")


def answer_json(answered: Any) -> None:
    """The answer for a machine: JSON and nothing else."""
    write(json.dumps(answered, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, cut: Sequence[str] = ()) -> None:
    """A table of values, without the columns that are empty in every row; no rows print nothing.

    It is fitted to a terminal: columns of `cut` are shortened to one line, others are folded. A cell that is a known
    word gets its colour.
    """
    listed = [list(row) for row in rows]
    kept = [place for place in range(len(headings)) if any(row[place] not in _EMPTY for row in listed)]
    cells = [[printable(row[place]) for place in kept] for row in listed]
    if kept:
        names = [headings[place] for place in kept]
        _draw([names, *cells], [name in cut for name in names], "bold")


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    cells = [[printable(name), printable(value)] for name, value in pairs]
    if cells:
        _draw(cells, [False, False], "")


def heading(text: str) -> None:
    say("")
    say(printable(text), style="bold")


def draw_markdown(text: str) -> None:
    """A Markdown text as a terminal shows it. It does nothing to the terminal either."""
    from rich.console import Console  # only here: what draws costs a start a tenth
    from rich.markdown import Markdown

    harmless = "\n".join(visible_in_line(line) for line in text.splitlines())
    Console(markup=False, highlight=False, emoji=False).print(Markdown(harmless, hyperlinks=False))


@contextmanager
def counting(what: str, total: int) -> Iterator[Any]:
    """A bar on stderr that counts to `total`; call `.advance(0)` for each. Nothing where no terminal listens."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # only here: most commands draw no bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with _progress(*columns) as progress:
        progress.add_task(printable(what), total=total)
        yield progress


@contextmanager
def working(what: str) -> Iterator[None]:
    """A moving bar on stderr with the time it takes, for work whose end is unknown. Nothing without a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # only here, as above

    with _progress(TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()) as progress:
        progress.add_task(printable(what), total=None)
        yield


_EMPTY: tuple[object, ...] = (None, "", [], ())


def _progress(*columns: Any) -> Any:
    from rich.console import Console  # only here, as above
    from rich.progress import Progress

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _draw(rows: list[list[str]], cut: list[bool], first_style: str) -> None:
    """Every row on as many lines as its longest cell needs; no line is filled up with spaces at its end."""
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(cut))]
    if on_terminal():
        widths = _fitted(widths, width() - len(GAP) * (len(widths) - 1))
    for number, row in enumerate(rows):
        lines = [_lines(cell, wide, short) for cell, wide, short in zip(row, widths, cut, strict=True)]
        for depth in range(max(map(len, lines))):
            parts = [cell[depth] if depth < len(cell) else "" for cell in lines]
            placed = [set_cell_size(part, wide) for part, wide in zip(parts, widths, strict=True)]
            placed[-1] = placed[-1].rstrip()
            styles = [first_style if number == 0 else STYLES.get(cell, "") for cell in row]
            say(GAP.join(map(_styled, placed, styles)).rstrip())


def _fitted(widths: list[int], room: int) -> list[int]:
    """The widths, the widest reduced first, until they have room or none can be pressed further."""
    widths = [min(wide, max(room, NARROWEST)) for wide in widths]
    while sum(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _lines(cell: str, wide: int, short: bool) -> list[str]:
    if cell_len(cell) <= wide:
        return [cell]
    if short:
        return [set_cell_size(cell, max(wide - 3, 0)).rstrip() + "..."]
    lines = [""]
    for word in cell.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= wide:
            lines[-1] = joined
        else:
            lines += chop_cells(word, wide)
    return lines if lines[0] else lines[1:]


def _styled(text: str, style: str) -> str:
    if not style or os.environ.get("NO_COLOR"):
        return text
    words = style.split()
    colour = next((word for word in words if word not in ("bold", "dim")), None)
    return click.style(text, fg=colour, bold="bold" in words or None, dim="dim" in words or None)


def _colour(stream: Any) -> bool:
    return bool(stream.isatty() or os.environ.get("FORCE_COLOR")) and os.environ.get("TERM") != "dumb"
