"""Answers what runs `tracking-ledger`, a shell or git, with forked processes, as `fork_client` asks for them."""

import functools
import marshal
import os
import socket
import socketserver
import sys
import tempfile
import threading
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

from tests.support import fork_client
from tests.support.forked import Forked

LOCK = threading.Lock()  # multiprocessing's list of processes, which every start goes through, is for one thread


class Answer(socketserver.BaseRequestHandler):
    """One line: its process has the line's own streams, and the line waits for its exit code."""

    request: socket.socket

    def handle(self) -> None:
        _, streams, _, _ = socket.recv_fds(self.request, 1, 3)
        with self.request.makefile("rb") as asked:
            words, environment, folder = marshal.load(asked)
        stdin, stdout, stderr = streams
        try:
            with LOCK:
                process = Forked(*words, env=environment, cwd=Path(folder), stdin=stdin, stdout=stdout, stderr=stderr)
        finally:
            for stream in streams:
                os.close(stream)
        connection.wait([process.sentinel])
        with LOCK, suppress(BrokenPipeError):  # whose line was killed with its terminal
            self.request.sendall(str(process.wait()).encode())


class Server(socketserver.ThreadingUnixStreamServer):
    """Listens for the lines, in a folder of its own: the path of a socket has 107 bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork-server-")
        self.address = f"{self._folder.name}/socket"
        super().__init__(self.address, Answer)


@functools.cache
def address() -> str:
    """Where `fork_client` finds the server, which this process has from the first call to its end."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.address


def program(skipped: int = 0) -> str:
    """The text of a shell program that is answered, but for its first words."""
    return f"#!/bin/sh\nshift {skipped}\nexec '{sys.executable}' -I -S '{fork_client.__file__}' '{address()}' \"$@\"\n"
