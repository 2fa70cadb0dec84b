"""A test's socket ends together with the threads that wait for it."""

import socket
import threading
from contextlib import suppress

from tests.support.sockets import end

SECONDS = 20.0


def test_who_waits_for_a_client_ends_with_the_listener() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def wait() -> None:
        with suppress(OSError):
            listener.accept()[0].close()
            listener.accept()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    socket.create_connection(listener.getsockname()).close()  # it is there now, and waits for the next one

    end(listener)

    waiting.join(SECONDS)
    assert not waiting.is_alive()
