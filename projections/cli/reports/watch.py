"""`watch`: each new event as it is recorded, as a line on the terminal or on the standard input of a command."""

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from ledger.errors import Damaged, Invalid, LedgerError, OutcomeUnknown, Unavailable
from ledger.problems import check, problem
from projections.application.app import App
from projections.cli.terminal import exits
from projections.cli.terminal.interruption import Interruption
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.live import PAUSE
from projections.cli.terminal.output import moment, printable, remark, say
from projections.cli.terminal.parameters.event_filters import event_filters
from projections.cli.terminal.parameters.points import POINT
from projections.cli.terminal.wording import happened
from projections.questions.answers import Line
from projections.questions.log.as_of import position_of
from projections.questions.log.event_filter import EventFilter
from projections.questions.log.filtered_events import follow, problems_of_kinds
from projections.questions.lookup import find
from projections.reports.atomic_file import replacing

STOP, GO_ON = "stop", "go-on"


@click.command(cls=CliCommand)
@click.option("--since", type=POINT, help="Begin after this position or time, like 120 or 2h (default: now).")
@event_filters
@click.option(
    "--exec", "program", metavar="CMD", help="Run this for each event, which it gets as JSON on standard input."
)
@click.option(
    "--on-failure",
    type=click.Choice([STOP, GO_ON]),
    default=STOP,
    show_default=True,
    help="What to do when CMD fails.",
)
@click.option(
    "--position",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the last position in this file and go on from there; --since is used while there is no such file.",
)
@click.option("--once", is_flag=True, help="End after the events that are recorded already.")
@pass_invocation
def watch(
    invocation: Invocation,
    /,
    since: str | None,
    kinds: tuple[str, ...],
    items: tuple[str, ...],
    people: tuple[str, ...],
    program: str | None,
    on_failure: str,
    file: Path | None,
    once: bool,
) -> int:
    """Each new event as it is recorded, until Ctrl-C; with --json, one object per line, like those of `log --json`.

    CMD is split into words as by a shell, and run without a shell: no text of an event is part of a command line.
    Events come in order, each after its commit is in the database and CMD has ended for the event before. With
    `stop`, the first failure ends `watch` with exit code 8, and the message names the position from which to
    continue; with `go-on`, a failure is reported and skipped.
    """
    check(problems_of_kinds(kinds))
    if on_failure == GO_ON and program is None:
        raise click.UsageError("--on-failure goes with --exec")
    app, arguments = invocation.app, _words(program)
    entities = tuple(find(app.runtime.live().tables, item)[1] for item in items)
    wanted = EventFilter(kinds=kinds, entities=entities, people=people)
    run = _Run(invocation, wanted, arguments, stops=on_failure == STOP, reached=_start(app, since, file), file=file)
    with Interruption() as interruption:
        return _follow(run, interruption, once=once)
    return exits.DONE


class _Run:
    """What one run does with each event, and how far it has come: kept in the file, if it has one."""

    def __init__(
        self,
        invocation: Invocation,
        wanted: EventFilter,
        arguments: list[str],
        *,
        stops: bool,
        reached: int,
        file: Path | None,
    ) -> None:
        self._invocation = invocation
        self._wanted = wanted
        self._arguments = arguments
        self._stops = stops
        self._file = file
        self.reached = reached
        _keep(file, reached)  # so that what is recorded between this run and the next is not left out

    def take(self) -> bool:
        """Takes what is new, in order; False at an event that failed, if this run stops there."""
        for position, line in _new(self._invocation.app, self._wanted, self.reached):
            if line is not None and not _taken(self._invocation, self._arguments, line) and self._stops:
                return False
            self.reached = position
            _keep(self._file, position)
        return True


def _follow(run: _Run, interruption: Interruption, *, once: bool) -> int:
    """Hands on events until one fails, or with `once` those recorded by now. Waits for a database that is away."""
    away = False
    while True:
        try:
            if not run.take():
                remark(f"to continue from there: tracking-ledger watch --since {run.reached} ...")
                return exits.DIFFERENCE
            away = False
        except (Unavailable, OutcomeUnknown) as error:
            if once:
                raise
            away = away or _say_waiting(error)
        if once:
            return exits.DONE
        interruption.check()
        time.sleep(PAUSE)


def _new(app: App, wanted: EventFilter, after: int) -> Iterator[tuple[int, Line | None]]:
    """What was recorded after a position."""
    live = app.runtime.live()
    with live.tables.snapshot() as snapshot:
        head = snapshot.as_of.position
    yield from follow(live.store, live.tables, wanted, after, head)


def _say_waiting(error: LedgerError) -> bool:
    """A database that is away is waited for, and the person knows."""
    remark(f"waiting for the ledger: {printable(error.message)}", style="yellow")
    return True


def _start(app: App, since: str | None, file: Path | None) -> int:
    """The position to begin after: the file's, else the one that was named, else the newest."""
    log = app.runtime.live().store
    kept = _kept(file) if file is not None and file.exists() else None
    if kept is not None:
        return position_of(log, kept, "position")
    return position_of(log, since, "since") if since is not None else log.read_streams([]).head


def _kept(file: Path) -> int:
    content = file.read_bytes().strip()
    if not content.isdigit():
        raise Damaged(
            f"{file} does not hold a position",
            next_step="name another file, or move it away and name --since",
            file=str(file),
        )
    return int(content)


def _keep(file: Path | None, position: int) -> None:
    """Raises Invalid where the file cannot be written: to wait for it would give the command one event for ever."""
    if file is None:
        return
    try:
        with replacing(file) as stream:
            stream.write(b"%d\n" % position)
    except Unavailable as error:
        raise Invalid(error.message, next_step=error.next_step, file=str(file)) from error


def _words(program: str | None) -> list[str]:
    """The words of the command; none where lines are printed."""
    if program is None:
        return []
    try:
        words = shlex.split(program)
    except ValueError as error:
        check([problem("exec", f"cannot be split into words: {str(error).lower()}", program)])
        raise
    if not words:
        check([problem("exec", "must name a command", program)])
    return words


def _taken(invocation: Invocation, arguments: list[str], line: Line) -> bool:
    """Whether an event was printed, or its command ended with 0; a failure is reported."""
    if not arguments:
        _print(invocation, line)
        return True
    try:
        code = subprocess.run(arguments, input=msgspec.json.encode(line) + b"\n", check=False).returncode
    except OSError as error:
        raise Invalid(
            f"{arguments[0]} cannot be run: {error.strerror or error}",
            next_step="name a program that is on the PATH, or by its path",
            fields=[problem("exec", "cannot be run", arguments[0])],
        ) from error
    if code:
        end = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
        remark(f"position {line['position']} ({line['type']}): {printable(arguments[0])} {end}", style="yellow")
    return code == 0


def _print(invocation: Invocation, line: Line) -> None:
    if invocation.as_json:
        say(msgspec.json.encode(line).decode())
        return
    title = [line["title"]] if line["title"] and line["title"] != line["summary"] else []
    words = (
        line["position"],
        moment(line["recorded_at"]),
        line["by"],
        happened(line["type"]),
        line["ref"] or line["id"],
    )
    say("  ".join(map(printable, [*words, *title, line["summary"]])))
