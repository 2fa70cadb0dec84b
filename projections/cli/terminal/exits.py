"""Exit codes, and how an error is printed for a person and to a machine."""

import errno
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

import click

from ledger.errors import LedgerError, Unavailable
from projections.cli.terminal.streams import OutputLost

DONE = 0
FAULT = 1  # of the program itself
WRONG_USE = 2
REFUSED = 3
VERSION_CONFLICT = 4
UNAVAILABLE = 5
QUEUED = 6
UNKNOWN = 7
DIFFERENCE = 8

ALIKE = 0.8  # of two names, by difflib: --tga and --tag, lst and list, not create and rotate
OF_ERROR = {
    "invalid": WRONG_USE,
    "version_conflict": VERSION_CONFLICT,
    "unavailable": UNAVAILABLE,
    "outcome_unknown": UNKNOWN,
    "damaged": DIFFERENCE,
}
OF_OUTCOME = {"queued": QUEUED, "unknown": UNKNOWN}
INTERRUPTED = 130
OUTPUT_LOST = 74  # EX_IOERR of sysexits.h
OF_DISK = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)  # no fault of the program
OUTPUT_CLOSED = 141  # what a shell shows of a process that SIGPIPE has ended


def leave(code: int) -> NoReturn:
    """Ends the process; without a reader by the signal that ends other tools then, so that a shell sees the same."""
    if code == OUTPUT_CLOSED and hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.raise_signal(signal.SIGPIPE)
    sys.exit(code)


def leave_at_once(ended: SystemExit) -> NoReturn:
    """Ends the process, whose command has closed what it opened: to take its modules apart would cost a tenth more."""
    if not isinstance(ended.code, int):
        raise ended  # a sentence or nothing, which Python turns into a code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # without a reader
            stream.flush()
    os._exit(ended.code)


def print_lost_output(error: OutputLost) -> None:
    from projections.cli.terminal.output import remark  # only here: what draws is needed by no exit code

    remark(f"the answer could not be written: {error.strerror}", style="red")
    remark("next: what the command did is done, see `tracking-ledger log --limit 5`; call it with another output")


def without_disk(error: OSError) -> Unavailable:
    """What a command says that a disk has kept from its work."""
    place = f" at {error.filename}" if error.filename else ""
    return Unavailable(
        f"a file of this machine could not be read or written{place}: {error.strerror}",
        next_step="free space on the disk or correct its permissions, and call it again;"
        " `tracking-ledger doctor` says where the working files are",
    )


def of_error(error: LedgerError) -> int:
    return OF_ERROR.get(error.code, REFUSED)


def of_answer(answered: dict[str, Any]) -> int:
    """A write's outcome as an exit code; 0 for whatever is only read."""
    return OF_OUTCOME.get(str(answered.get("outcome")), DONE)


def print_refusal(error: LedgerError, *, as_json: bool, path: str = "", command: click.Command | None = None) -> None:
    """The one error shape on stdout for a machine; a sentence and what to type next on stderr for a person.

    `path` is what is typed to call the command, as in `token create`.
    """
    from projections.cli.terminal import next_lines  # only here: no answer needs the words of a refusal
    from projections.cli.terminal.output import answer_json, printable, remark

    if as_json:
        answer_json(error.as_answer())
        return
    names = next_lines.option_names(command) if command else {}
    remark(f"{error.code.replace('_', ' ')}: {printable(next_lines.message(error, path, names))}", style="red")
    for line in _details(error):
        remark(f"  {printable(next_lines.as_typed(line, names))}")
    for line in next_lines.next_lines(error, path, names):
        remark(f"next: {printable(line)}")


def _details(error: LedgerError) -> Iterator[str]:
    """What the JSON has beside the sentence: who changed what, which items stand in the way, what is allowed."""
    for event in error.details.get("changed_since") or ():
        yield _change(event)
    for item in error.details.get("items") or ():
        if isinstance(item, dict) and "title" in item:
            words = (item.get("reason"), item.get("ref"), item["title"], item.get("status"))
            yield "  ".join(str(word) for word in words if word)
    for field in error.details.get("fields") or ():
        allowed = [str(word) for word in field.get("allowed") or ()]
        if any(f"'{word}'" not in field["problem"] for word in allowed):
            yield f"{field['field']} can be: {', '.join(allowed)}"


def _change(event: dict[str, Any]) -> str:
    from projections.cli.terminal.wording import IMPLIED, happened  # only here, as above

    values = event.get("values", {})
    fields = ", ".join(
        f"{field.replace('_', ' ')}: {values[field]}" if values.get(field) is not None else field.replace("_", " ")
        for field in event["fields"]
        if field not in IMPLIED
    )
    return f"version {event['version']}: {happened(event['event'])} by {event['by']}{f' ({fields})' if fields else ''}"


class NoSuchCommand(click.UsageError):
    """`meant` are the commands that the word probably stands for."""

    def __init__(self, name: str, meant: list[str], ctx: click.Context) -> None:
        super().__init__(f"there is no command {name[:80]!a}", ctx)
        self.meant = meant


class Incomplete(click.UsageError):
    """`line` is what to type instead, after the name of the program."""

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line


def print_wrong_use(error: click.UsageError, *, as_json: bool) -> None:
    """A command line that cannot be understood, as every other refusal is printed."""
    from projections.cli.terminal.output import answer_json, printable, remark  # only here, as above

    refusal = wrong_use(error)["error"]
    if as_json:
        answer_json({"error": refusal})
        return
    remark(f"invalid: {printable(refusal['message'])}", style="red")
    for line in refusal["details"].get("option", ()):
        remark(f"  {printable(line)}")
    remark(f"next: {printable(refusal['next_step'])}")


def wrong_use(error: click.UsageError) -> dict[str, Any]:
    """A command line that cannot be understood, in the one error shape."""
    path = error.ctx.command_path if error.ctx else "tracking-ledger"
    lines = [f"{path} {command}" for command in getattr(error, "meant", ())]
    if isinstance(error, Incomplete):
        lines = [f"{path.partition(' ')[0]} {error.line}"]
    if isinstance(error, click.NoSuchOption):
        lines = [f"{path} {option}" for option in _longer_options(error)]
    message = (
        re.sub(r"\s*\n\s*", " ", error.message if hasattr(error, "possibilities") else error.format_message())
        .rstrip(".")
        .replace("is not a valid integer range", "is no whole number")
        .replace("requires an argument", "needs a value")
    )
    return {
        "error": {
            "code": "invalid",
            "message": message[:1].lower() + message[1:] if message[1:2].islower() else message,
            "details": {
                "status": 400,
                "usage": error.ctx.get_usage() if error.ctx else "",
                "meant": lines,
                **_of_option(error),
            },
            "next_step": " or ".join(lines or _alike(error, path)) or f"{path} --help",
            "retryable": False,
        }
    }


def _of_option(error: click.UsageError) -> dict[str, list[str]]:
    """{option?}: what the help says of an option that is used wrongly, such as without its value."""
    if not isinstance(error, click.BadOptionUsage) or error.ctx is None:
        return {}
    used = (option for option in error.ctx.command.get_params(error.ctx) if error.option_name in option.opts)
    records = (option.get_help_record(error.ctx) for option in used if isinstance(option, click.Option))
    return {"option": ["  ".join(record) for record in records if record]}


def _longer_options(error: click.NoSuchOption) -> list[str]:
    """The options of the command that begin with what was typed, as `--with-finished` does with `--with`."""
    if error.ctx is None:
        return []
    known = (option for parameter in error.ctx.command.params for option in parameter.opts)
    return [option for option in known if option.startswith(f"{error.option_name}-")]


def _alike(error: click.UsageError, path: str) -> list[str]:
    """The line with the option or command that is spelled nearly like the one that is not there, if there is one."""
    from difflib import get_close_matches  # only here: a slip is rare

    typed = getattr(error, "option_name", None) or getattr(error, "command_name", "")
    return [
        f"{path} {name}" for name in get_close_matches(typed, getattr(error, "possibilities", None) or (), 1, ALIKE)
    ]


def fault(error: Exception, at: list[str]) -> dict[str, Any]:
    """A fault of the program, in the one error shape; without the exception's text, which may hold a secret."""
    place = f" at {at[-1]}" if at else ""
    return {
        "error": {
            "code": "internal",
            "message": f"unexpected {type(error).__name__}{place}",
            "details": {"status": 500, "at": at},
            "next_step": "this is a fault of the program: please report it with these lines",
            "retryable": False,
        }
    }
