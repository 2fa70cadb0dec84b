"""A process's contact with its database: who waits for it, and who is told at once that it is away."""

import threading
from typing import cast

import pytest

from ledger.errors import Unavailable
from ledger.postgres.connection import contact as contacts
from ledger.postgres.connection import deadline
from ledger.postgres.connection.contact import Contact
from ledger.postgres.connection.database import Database
from tests.support.waits import until

LONG = 60.0  # seconds; no test waits so long
DATABASE = cast(Database, object())  # nothing is asked of it here


class Server:
    """One whose first tries fail, and that answers the next before it is ready."""

    def __init__(self) -> None:
        self.is_there, self.answers, self.is_ready = threading.Event(), threading.Event(), threading.Event()
        self.tries = 0

    def reach(self, known: Database | None) -> Database:
        self.tries += 1
        if not self.is_there.is_set():
            raise Unavailable("it is away", next_step="wait")
        self.answers.set()
        self.is_ready.wait(LONG)
        return DATABASE


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(contacts, "FIRST_PAUSE", 0.01)
    return Server()


def test_who_asks_while_a_server_that_was_away_answers_waits_until_it_is_ready(server: Server) -> None:
    contact, got = Contact(server.reach, server.answers.is_set, LONG), list[Database]()
    with pytest.raises(Unavailable):
        contact.database()

    server.is_there.set()
    server.answers.wait(LONG)
    asking = threading.Thread(target=lambda: got.append(contact.database()))
    asking.start()
    server.is_ready.set()
    asking.join(LONG)

    assert got == [DATABASE]


def test_who_asks_a_server_that_answers_and_does_not_get_ready_is_told_so(server: Server) -> None:
    contact = Contact(server.reach, server.answers.is_set, 0.2)
    with pytest.raises(Unavailable):
        contact.database()

    server.is_there.set()
    server.answers.wait(LONG)

    with pytest.raises(Unavailable, match="it is away"):
        contact.database()
    server.is_ready.set()


def test_a_command_whose_time_is_over_waits_for_no_server_that_answers(server: Server) -> None:
    contact = Contact(server.reach, server.answers.is_set, LONG)
    with pytest.raises(Unavailable):
        contact.database()

    server.is_there.set()
    server.answers.wait(LONG)

    with deadline.at_most(0.0), pytest.raises(Unavailable, match="it is away"):
        contact.database()
    server.is_ready.set()


def test_a_command_that_has_waited_for_a_server_to_start_has_its_time_then(server: Server) -> None:
    server.is_there.set()
    contact, seconds, left = Contact(server.reach, lambda: True, 0.05), 0.1, list[float]()

    def ask() -> None:
        with deadline.at_most(seconds):
            contact.database()
            left.append(deadline.left() or 0.0)

    asking = threading.Thread(target=ask)
    asking.start()
    server.answers.wait(LONG)
    asking.join(2 * seconds)
    server.is_ready.set()
    asking.join(LONG)

    assert left
    assert left[0] > 0


def test_what_answered_an_earlier_try_is_not_waited_for(server: Server) -> None:
    server.answers.set()
    contact = Contact(server.reach, server.answers.is_set, LONG)
    for _ in range(3):
        with pytest.raises(Unavailable):
            contact.database()
    until(lambda: server.tries > 2)
    contact.close()
