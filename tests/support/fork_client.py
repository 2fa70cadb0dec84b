"""`tracking-ledger` for a shell: hands words, environment, folder and streams to `fork_server`, and ends as that does.

It is run as a script, in an interpreter that loads little, so that it starts at once.
"""

import marshal
import os
import socket
import sys


def main(address: str, *words: str) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"\0"], [0, 1, 2])
        server.sendall(marshal.dumps((words, dict(os.environ), os.getcwd())))  # noqa: PTH109  # pathlib is slow to load
        server.shutdown(socket.SHUT_WR)
        end_with(int(server.recv(16)))


def end_with(code: int) -> None:
    """A negative one is the signal that ended the process."""
    if code < 0:
        import signal  # only here: most lines do not need it

        signal.signal(-code, signal.SIG_DFL)
        signal.raise_signal(-code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
