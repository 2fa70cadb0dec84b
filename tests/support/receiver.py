"""A receiver of webhooks on this machine: it keeps what it gets and answers as a test wants it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

LOOPBACK = ("127.0.0.1/32",)


class Received:
    """One request: its headers with lower-case names, its body."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def position(self) -> int:
        position: int = self.json["data"]["position"]
        return position


class Receiver:
    """`answers` are the statuses of the next requests, then 204. A status of 0 hangs until the receiver is closed."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[int] = []
        self.closing = threading.Event()
        self.came = threading.Condition()
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?key=confidential"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def positions(self) -> list[int]:
        return [received.position for received in self.got]

    def take(self, received: Received) -> int:
        with self.came:
            self.got.append(received)
            self.came.notify_all()
            return self.answers.pop(0) if self.answers else 204

    def wait_for(self, count: int, seconds: float = 120) -> None:
        with self.came:
            assert self.came.wait_for(lambda: len(self.got) >= count, seconds), f"only {len(self.got)} came"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.take(Received({name.lower(): value for name, value in self.headers.items()}, body))
            if status == 0:
                receiver.closing.wait(60)
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return

    return Handler
