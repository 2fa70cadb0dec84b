"""The end of sockets that threads may still use."""

import socket
from contextlib import suppress


def end(*sockets: socket.socket) -> None:
    """Closes each, and wakes who waits for it.

    A thread that waits in `accept` or `recv` does not notice a mere close. The system repeats its call after a signal,
    as when a child process ends, with the same number, which by then may be that of another test's socket.
    """
    for one in sockets:
        with suppress(OSError):  # its other side has gone, or it is closed already
            one.shutdown(socket.SHUT_RDWR)
        one.close()
