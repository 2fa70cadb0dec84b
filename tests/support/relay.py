"""A wire between a client and a PostgreSQL server, which is cut when a given word went over it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.sockets import end


@contextmanager
def losing_the_answer_to(word: bytes, dsn: str) -> Iterator[str]:
    """A connection string like `dsn`; what answers a message that holds the word never arrives."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=[listener, word, dsn], daemon=True).start()
    host, port = listener.getsockname()
    try:
        yield make_conninfo(dsn, host=host, port=port, sslmode="disable", gssencmode="disable")
    finally:
        end(listener)


def _serve(listener: socket.socket, word: bytes, dsn: str) -> None:
    while True:
        try:
            client = listener.accept()[0]
        except OSError:  # the test is over
            return
        server, lost = _connect(dsn), threading.Event()
        for source, sink, wanted in ((client, server, word), (server, client, None)):
            threading.Thread(target=_pump, args=[source, sink, wanted, lost], daemon=True).start()


def _connect(dsn: str) -> socket.socket:
    given = conninfo_to_dict(dsn)
    host, port = str(given["host"]), int(str(given.get("port") or 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return server


def _pump(source: socket.socket, sink: socket.socket, word: bytes | None, lost: threading.Event) -> None:
    try:
        while message := source.recv(65536):
            if word is not None and word in message:
                lost.set()
            if word is None and lost.is_set():
                break
            sink.sendall(message)
    except OSError:
        pass  # the other direction has closed it
    finally:
        end(source, sink)
