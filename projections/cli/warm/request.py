"""A command on its way to the warm process: all that its own process was given, and another takes over."""

import fcntl
import io
import os
import signal
import socket
import sys
import time

MOST_DESCRIPTORS = 200  # of one message; the kernel takes 253
INTERRUPTION = {signal.SIGINT}
HELLO, READY, GO = b"hello", b"ready", b"go"
STATUS = 4  # bytes of what `waitpid` says of the process in the end


class Request:
    """`descriptors` are the received ones: the working folder, then those that get the numbers in `numbers`."""

    def __init__(self, text: bytes, descriptors: list[int]) -> None:
        self.key, mask, numbers, count, *rest = text.split(b"\0")
        words, variables = rest[: int(count)], rest[int(count) :]
        self.mask = int(mask, 8)
        self.numbers = [int(number) for number in numbers.split(b",")]
        self.words = [os.fsdecode(word) for word in words]
        self.variables = {name: value for name, _, value in (pair.partition(b"=") for pair in variables)}
        self.descriptors = descriptors


def send(connection: socket.socket, key: bytes) -> None:
    """Sends this process's command. Raises OSError where it has more open than can be sent."""
    mask = os.umask(0o077)
    os.umask(mask)
    numbers = _inherited()
    words = [os.fsencode(word) for word in sys.argv]
    head = (key, b"%o" % mask, b",".join(b"%d" % number for number in numbers), b"%d" % len(words))
    body = b"\0".join((*head, *words, *(b"%b=%b" % pair for pair in os.environb.items())))
    text = len(body).to_bytes(8, "big") + body
    folder = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        sent = socket.send_fds(connection, [text], [folder, *numbers])
    finally:
        os.close(folder)
    connection.sendall(text[sent:])


def taken_over(connection: socket.socket, key: bytes, seconds: float) -> bool:
    """Whether this process has become the one of the command that is sent here, which has now begun."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTION)  # until it is the command's own
    connection.settimeout(seconds)
    try:
        _greet(connection)
        asked = _received(connection)
        if asked.key != key:
            return False
        connection.sendall(READY)
        begun = connection.recv(len(GO)) == GO
    except (OSError, ValueError):  # the command has gone, or starts by itself
        return False
    connection.close()
    if begun:
        _become(asked)
    return begun


def greeted(connection: socket.socket) -> int:
    """The process at the other end, as a descriptor. A frozen one says nothing, and would keep open what it is sent."""
    hello, descriptors, _, _ = socket.recv_fds(connection, len(HELLO), 1)
    if hello != HELLO or not descriptors:
        raise ConnectionResetError("it takes no command")
    return descriptors[0]


def _greet(connection: socket.socket) -> None:
    process = os.pidfd_open(os.getpid())
    socket.send_fds(connection, [HELLO], [process])
    os.close(process)


def _received(connection: socket.socket) -> Request:
    """Raises OSError or ValueError if it is not a whole request."""
    text, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, MOST_DESCRIPTORS + 1)
    while len(text) < 8 or len(text) < 8 + int.from_bytes(text[:8], "big"):
        more = connection.recv(1 << 20)
        if not more:
            raise ConnectionResetError("the command has gone")
        text += more
    return Request(text[8:], descriptors)


def _become(asked: Request) -> None:
    folder, *streams = asked.descriptors
    os.fchdir(folder)
    above = max(asked.numbers) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in streams]
    for descriptor in asked.descriptors:
        os.close(descriptor)
    for descriptor, number in zip(moved, asked.numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.umask(asked.mask)
    os.environ.clear()
    os.environb.update(asked.variables)
    sys.argv = asked.words
    sys.stdin, sys.stdout, sys.stderr = (_stream(number) for number in range(3))
    os.setpgid(0, 0)  # a session would let it take a terminal that is not its own
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.tzset()  # the file of the zone may have changed
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTION)


def _stream(number: int) -> io.TextIOWrapper:
    """A standard stream as Python makes it when it starts."""
    before = (sys.stdin, sys.stdout, sys.stderr)[number]
    stream = open(  # noqa: SIM115  # for as long as the process lives
        number, "w" if number else "r", encoding=before.encoding, errors=before.errors, newline="\n", closefd=False
    )
    stream.reconfigure(line_buffering=number == 2 or stream.line_buffering)
    return stream


def _inherited() -> list[int]:
    """What this process was given open: the three streams, and more where a shell passed it on."""
    found = [int(name) for name in os.listdir("/proc/self/fd")]
    numbers = [number for number in sorted(found) if _is_inherited(number)]
    if numbers[:3] != [0, 1, 2] or len(numbers) > MOST_DESCRIPTORS:
        raise OSError(f"{len(numbers)} open descriptors cannot be handed over")
    return numbers


def _is_inherited(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # the list's own, closed by now
        return False
