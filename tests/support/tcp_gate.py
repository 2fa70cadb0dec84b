"""A gate before a PostgreSQL server: closed, no client gets through and those who were are cut off.

It counts bytes, so that a connection can also be cut in the middle of one message.
"""

import selectors
import socket
import threading
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.sockets import end

CHUNK = 65536


class Gate:
    """Opens on a port of this machine; `dsn` leads through it."""

    def __init__(self, dsn: str) -> None:
        self._behind = conninfo_to_dict(dsn)
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listening: socket.socket | None = None
        self._budget: int | None = None
        self._word: bytes | None = None
        self._instead: tuple[bytes, bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.dsn = make_conninfo(**{**self._behind, "host": "127.0.0.1", "port": self.port})  # type: ignore[arg-type]
        self.open()

    @property
    def is_closed(self) -> bool:
        return self._listening is None

    def open(self) -> None:
        """Lets connections through again."""
        if self._listening is None:
            listening = socket.socket()
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", self.port))
            listening.listen(64)
            self._listening, self._budget = listening, None
            threading.Thread(target=self._accept, args=[listening], daemon=True).start()

    def close(self) -> None:
        """Refuses connections, and cuts those that are there."""
        with self._lock:
            listening, self._listening = self._listening, None
            pairs, self._pairs = self._pairs, []
        if listening is not None:
            end(listening)
        for pair in pairs:
            end(*pair)

    def close_after(self, count: int) -> None:
        """Closes when so many more bytes have come from the server."""
        self._budget = count

    def close_at(self, word: bytes) -> None:
        """Closes when the server has been sent this word: what it answers is never heard."""
        self._word = word

    def say(self, instead: bytes, of: bytes) -> None:
        """Clients hear other bytes from now on where the server says `of`, as behind a pooler that says what was."""
        self._instead = of, instead

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                server = self._connected()
            except OSError:
                client.close()
                continue
            with self._lock:
                if self._listening is not listening:
                    end(client, server)
                    return
                self._pairs.append((client, server))
            threading.Thread(target=self._carry, args=[client, server], daemon=True).start()

    def _connected(self) -> socket.socket:
        host, port = str(self._behind["host"]), int(str(self._behind.get("port") or 5432))
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, port))

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as waiting, suppress(OSError, ValueError):
            waiting.register(client, selectors.EVENT_READ, server)
            waiting.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in waiting.select():
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    part = source.recv(CHUNK)
                    if not part:
                        raise OSError("closed")
                    if source is server and self._instead is not None:
                        part = part.replace(*self._instead)
                    if source is server and not self._may_pass(len(part)):
                        raise OSError("cut")
                    key.data.sendall(part)
                    if source is client and self._word is not None and self._word in part:
                        self._word = None
                        self.close()
        end(client, server)

    def _may_pass(self, count: int) -> bool:
        if self._budget is None:
            return True
        self._budget -= count
        if self._budget <= 0:
            self.close()
            return False
        return True
