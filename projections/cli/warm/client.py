"""A command's own process: it hands the command to the warm process, and ends as the forked one did.

Whatever stands in the way before the command has begun makes it start here, as it would without. It begins with one
word from here, `GO`, after the other process has said that it is ready, so it runs once in one of the two places.
"""

import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from projections.cli.warm import place, request

SECONDS = 3.0  # that a warm process may take until it is ready; an idle one takes a few thousandths
UNKNOWN = 7  # the exit code, as everywhere
COMMANDS = {  # that end by themselves, and need no terminal of their own
    *("add", "list", "due", "ready", "show", "edit", "start", "next", "done", "stop", "block", "unblock"),
    *("ask", "wait", "answer", "needs-me", "comment", "effort", "attach", "move", "link", "delete", "search", "undo"),
    *("status", "log", "history", "changes", "diff", "vendors", "deployments", "prime", "operations", "call", "report"),
    *("claim", "renew", "release", "archive", "restore", "conflicts", "bulk"),
}
COMPLETING = ("_TL_COMPLETE", "_TRACKING_LEDGER_COMPLETE")  # set where a shell asks what the Tab key completes
WITH_VALUE = ("--project", "--by", "--dsn")  # of the options before a command's name
WarmAddress = tuple[str, bytes]  # the folder in which a warm process would listen, and the key that it must have
IGNORED = {signal.SIGPIPE, signal.SIGXFSZ}  # by every Python


def wanted(words: Sequence[str], environment: Mapping[str, str]) -> WarmAddress | None:
    """Where to ask for a warm process; None if this command starts by itself in any case."""
    usual = (
        sys.platform == "linux"
        and environment.get("LEDGER_WARM", "").strip().lower() in ("", "on")
        and not environment.get("LEDGER_DSN", "").strip()
        and len(sys.orig_argv) == len(sys.argv) + 1  # Python was given no options
        and (_can_be_forked(words) if words else any(environment.get(name) for name in COMPLETING))
    )
    try:
        return (place.folder(environment), place.key()) if usual and _is_in_order() else None
    except OSError:
        return None


def hand_over(to: WarmAddress) -> None:
    """Ends this process if a warm one ran the command; returns if it has to run here."""
    try:
        connection, process = _prepared(to)
    except OSError:
        return
    before = [signal.signal(number, _passing_on(process, number)) for number in (signal.SIGINT, signal.SIGTSTP)]
    try:
        connection.sendall(request.GO)
    except OSError:  # it has not begun, for it was not asked to
        for number, handler in zip((signal.SIGINT, signal.SIGTSTP), before, strict=True):
            signal.signal(number, handler)
        return
    _end_as(_status(connection), process)


def _can_be_forked(words: Sequence[str]) -> bool:
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in WITH_VALUE else 1]
    if not rest or rest[0] not in COMMANDS or "--watch" in rest:
        return False
    return rest[0] != "edit" or any(word.startswith("-") and word not in ("-", "--", "--json") for word in rest)


def _is_in_order() -> bool:
    """Nothing is ignored or blocked, as `nohup` does it, and a terminal that is read from is ours to read."""
    ignored = {number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return ignored <= IGNORED and not blocked and (not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp())


def _prepared(to: WarmAddress) -> tuple[socket.socket, int]:
    """A process that waits for the word to begin, as a connection and a descriptor. Raises OSError if there is none."""
    folder, key = to
    directory, name = place.opened(folder), place.name(key)
    try:
        connection = place.connected(directory, name, SECONDS)
        try:
            process = request.greeted(connection)
            request.send(connection, key)
            if connection.recv(len(request.READY)) != request.READY:
                raise ConnectionResetError("it has another key")
            connection.settimeout(None)
            return connection, process
        except TimeoutError:  # a frozen one would delay each command; without its socket it ends
            os.unlink(name, dir_fd=directory)
            connection.close()
            raise
        except OSError:
            connection.close()
            raise
    finally:
        os.close(directory)


def _passing_on(process: int, number: signal.Signals) -> "signal._HANDLER":
    def pass_on(*_: int | FrameType | None) -> None:
        if number == signal.SIGINT:
            _send(process, signal.SIGINT)
            return
        _send(process, signal.SIGSTOP)  # it is in no shell's group of jobs, where SIGTSTP would do nothing
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)  # here it goes on, in the foreground or in the background
        _send(process, signal.SIGCONT)

    return pass_on


def _send(process: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return  # it has ended, and its status is on the way


def _status(connection: socket.socket) -> int | None:
    """What `waitpid` said of the process; None if the one that waits for it has gone."""
    try:
        status = connection.recv(request.STATUS)
    except OSError:
        return None
    return int.from_bytes(status, "big") if len(status) == request.STATUS else None


def _end_as(status: int | None, process: int) -> None:
    if status is None:
        select.select([process], [], [])
        print(
            "unknown: the process that ran the command was lost, and with it how the command ended\n"
            "next: see `tracking-ledger log --limit 5`; what is not there can be called again",
            file=sys.stderr,
            flush=True,
        )
        os._exit(UNKNOWN)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
