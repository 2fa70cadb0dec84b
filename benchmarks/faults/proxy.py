"""A wire between clients and servers that can be cut, delayed, refused, or left without a word."""

import contextlib
import socket
import threading
import time
from pathlib import Path

CHUNK = 65536


Address = Path | tuple[str, int]  # the socket file of a server, or its host and port


class Proxy:
    """Listens on a port of this machine for each PostgreSQL server that it leads to."""

    def __init__(self, *servers: Address) -> None:
        self._guard = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._refuses = False
        self._passes = threading.Event()
        self._passes.set()
        self._delay = 0.0
        self._left: int | None = None
        self._listeners = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in servers]
        self.ports: list[int] = [listener.getsockname()[1] for listener in self._listeners]
        for pair in zip(self._listeners, servers, strict=True):
            threading.Thread(target=self._accept, args=pair, daemon=True).start()

    def heal(self) -> None:
        self._refuses, self._delay, self._left = False, 0.0, None
        self._passes.set()

    def cut(self) -> None:
        """Every connection ends now."""
        with self._guard:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _end(one)

    def cut_after(self, count: int) -> None:
        """Every connection ends when the server has said so many bytes more."""
        self._left = count

    def refuse(self) -> None:
        """New connections end at once, and those that are there."""
        self._refuses = True
        self.cut()

    def black_hole(self) -> None:
        """Nothing comes through, and no side learns of it."""
        self._passes.clear()

    def delay(self, seconds: float) -> None:
        """Every piece comes later, both ways."""
        self._delay = seconds

    def close(self) -> None:
        self.heal()
        for listener in self._listeners:
            _end(listener)
        self.cut()

    def _accept(self, listener: socket.socket, address: Address) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET)
            try:
                if self._refuses:
                    raise OSError("refused")
                server.connect(str(address) if isinstance(address, Path) else address)
            except OSError:
                _end(client)
                _end(server)
                continue
            with self._guard:
                self._sockets |= {client, server}
            for source, sink, said in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=[source, sink, said], daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, by_server: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(CHUNK):
                self._passes.wait()
                if self._delay:
                    time.sleep(self._delay)
                if by_server and self._left is not None:
                    part = part[: self._left]
                    self._left -= len(part)
                sink.sendall(part)
                if self._left == 0:
                    self._left = None
                    self.cut()
        _end(source)
        _end(sink)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
