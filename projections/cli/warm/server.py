"""The warm process: it listens, and forks for each command. It opens nothing else and has one thread."""

import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from projections.cli.warm import place, request

IDLE_SECONDS = 600.0  # without a command, then it ends
LOOK_SECONDS = 10.0  # between two looks at whether its code and its socket are what they were
ANSWER_SECONDS = 10.0  # that a command may take to say what it is
MOST = 50  # commands at a time; more start by themselves
MOST_KEYS = 4  # processes in one folder: where each command has a namespace of its own, none would be used again


class Running(NamedTuple):
    """A forked process and the command that waits for it."""

    process: int
    connection: socket.socket


def serve(folder: str, name: str, load: Callable[[], None]) -> bool:
    """True in a forked process that has taken over a command; False when it is time to end.

    It ends at once if one listens already, and if its own key has another name than it was started for.
    """
    directory, key = place.opened(folder), place.key()
    listener = _listening(directory, name, load) if place.name(key) == name else None
    if listener is None:
        return False
    own = os.stat(name, dir_fd=directory).st_ino
    forked = _forked(listener, lambda: _is_there(directory, name, own), lambda: place.is_current(key))
    if forked is not None:
        os.close(directory)
        return request.taken_over(forked, key, ANSWER_SECONDS)
    if _is_there(directory, name, own):
        os.unlink(name, dir_fd=directory)
    return False


def _listening(directory: int, name: str, load: Callable[[], None]) -> socket.socket | None:
    """The socket under its name, once all is loaded; None if another process listens there, or is about to."""
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place.connected(directory, name, ANSWER_SECONDS).close()
        return None
    except BlockingIOError:
        return None
    except OSError:  # none of this key
        if _others(directory) >= MOST_KEYS:
            return None
    load()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place.address(directory, f"{name}.new"))
    listener.listen(64)
    os.rename(f"{name}.new", name, src_dir_fd=directory, dst_dir_fd=directory)
    fcntl.flock(directory, fcntl.LOCK_UN)
    return listener


def _others(directory: int) -> int:
    """How many listen there, with the sockets of killed ones removed."""
    others = 0
    for name in os.listdir(directory):
        if name == place.LOG:
            continue
        try:
            place.connected(directory, name, ANSWER_SECONDS).close()
        except ConnectionRefusedError:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            continue  # it has ended just now
        except OSError:
            others += 1  # it has no time just now
        else:
            others += 1
    return others


def _is_there(directory: int, name: str, own: int) -> bool:
    try:
        return os.stat(name, dir_fd=directory).st_ino == own
    except OSError:
        return False


def _forked(
    listener: socket.socket, is_there: Callable[[], bool], is_current: Callable[[], bool]
) -> socket.socket | None:
    """The connection, in a process forked for it; None in this one, when it is not wanted and the others have ended."""
    forks = _Forks()
    forks.poll.register(listener, select.POLLIN)
    serving, used = listener.fileno(), time.monotonic()
    while serving or forks.running:
        events = [descriptor for descriptor, _ in forks.poll.poll(LOOK_SECONDS * 1000)]
        for descriptor in events:
            forks.look_at(descriptor)
        is_idle = not events and (time.monotonic() > used + IDLE_SECONDS or not is_current())
        if serving and (is_idle or not is_there()):
            forks.poll.unregister(listener)
            listener.close()
            serving = 0
        if serving and serving in events:  # the last: what it opens may get the number of what was closed
            used = time.monotonic()
            if forked := forks.accept(listener):
                return forked
    return None


class _Forks:
    """The processes that run commands, and the connections on which those wait for them."""

    def __init__(self) -> None:
        self.poll = select.poll()
        self.running: dict[int, Running] = {}  # by the descriptor that is readable when the process has ended
        self._ended: dict[int, int] = {}  # that descriptor, by the one of the connection

    def accept(self, listener: socket.socket) -> socket.socket | None:
        """The connection, in the process that is forked for it; None in this one."""
        connection, _ = listener.accept()
        try:
            place.peer(connection)
            process = os.fork() if len(self.running) < MOST else None
        except OSError:  # another user's, or the system has no room for a process: the command starts by itself
            process = None
        if process is None:
            connection.close()
        elif process == 0:
            self._leave(listener)
            return connection
        else:
            self._watch(process, connection)
        return None

    def look_at(self, descriptor: int) -> None:
        """A process has ended, and its command learns of it; or a command was killed, and its process is too."""
        if descriptor in self.running:
            self._report(descriptor, *self.running.pop(descriptor))
        elif descriptor in self._ended:
            self.poll.unregister(descriptor)
            os.kill(self.running[self._ended.pop(descriptor)].process, signal.SIGKILL)

    def _watch(self, process: int, connection: socket.socket) -> None:
        ended = os.pidfd_open(process)
        self.running[ended] = Running(process, connection)
        self._ended[connection.fileno()] = ended
        self.poll.register(ended, select.POLLIN)
        self.poll.register(connection, 0)  # only that it is closed: what comes on it is for the process

    def _report(self, ended: int, process: int, connection: socket.socket) -> None:
        self.poll.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(process, 0)
        if self._ended.pop(connection.fileno(), None) is not None:
            self.poll.unregister(connection)
            with suppress(OSError):  # the command was killed just now
                connection.sendall(status.to_bytes(request.STATUS, "big"))
        connection.close()

    def _leave(self, listener: socket.socket) -> None:
        """What is open belongs to other commands."""
        listener.close()
        for ended, (_, connection) in self.running.items():
            os.close(ended)
            connection.close()
