"""Threads of one process that append at the same time share one transaction, and each learns what became of its own."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from uuid import uuid4

import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.envelope import Proposal, Recorded, stream_id
from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.postgres import shared_commit
from ledger.postgres.connection import deadline
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.deadline import no_time_left
from ledger.postgres.shared_commit import MOST, SharedCommit
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres, proposal
from tests.support.relay import losing_the_answer_to
from tests.support.waits import until

Verdicts = dict[int, Recorded | LedgerError]


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    database = Database(dsn)
    yield on_postgres(database, uuid4())
    database.close()


def creation(ledger: Ledger, number: int) -> Proposal:
    command = CreateWorkItem(id=numbered(number), item_type="task", title=f"Item {number}")
    fact = WorkItemCreated(item_type="task", title=f"Item {number}")
    return proposal(ledger.store, command, (stream_id("work_item", command.id), 1, fact), number=number)


def all_at_once(ledger: Ledger, shared: SharedCommit, proposals: Sequence[Proposal]) -> Verdicts:
    """Appends each in a thread of its own; the ledger is locked until all but the first wait for the first to end."""
    verdicts: Verdicts = {}

    def append(number: int, given: Proposal) -> None:
        try:
            verdicts[number] = shared.append(given)
        except LedgerError as error:
            verdicts[number] = error

    threads = [threading.Thread(target=append, args=each) for each in enumerate(proposals)]
    with ledger.store.exclusively():
        for thread in threads:
            thread.start()
        while shared.waiting < len(threads) - 1:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    return verdicts


@pytest.mark.processes
def test_commands_that_wait_together_are_recorded_in_one_transaction_of_at_most_fifty(ledger: Ledger) -> None:
    sizes: list[int] = []

    def append_group(proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        sizes.append(len(proposals))
        return ledger.store.append_group(proposals)

    shared = SharedCommit(ledger.store.append, append_group)

    verdicts = all_at_once(ledger, shared, [creation(ledger, number) for number in range(2 * MOST + 10)])

    assert sizes == [MOST, MOST, 9]
    positions = [verdict.positions[0] for verdict in verdicts.values() if isinstance(verdict, Recorded)]
    assert sorted(positions) == list(range(1, 2 * MOST + 11))


def test_half_as_many_as_are_about_are_waited_for_when_they_come_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_commit, "COMPANY_SECONDS", 60.0)
    sizes: list[int] = []

    def append_group(proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        sizes.append(len(proposals))
        return ledger.store.append_group(proposals)

    shared = SharedCommit(ledger.store.append, append_group)
    threads = [threading.Thread(target=shared.append, args=[creation(ledger, number)]) for number in range(5)]
    with ledger.store.exclusively():
        for thread in threads[:4]:
            thread.start()
        until(lambda: shared.waiting == 3)
    until(lambda: sizes == [2])

    threads[4].start()
    for thread in threads:
        thread.join()

    assert sizes == [2, 2]


@pytest.mark.processes
def test_the_other_half_is_sent_while_one_half_is_recorded(ledger: Ledger) -> None:
    sizes: list[int] = []
    may_end = threading.Event()

    def append_group(proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        sizes.append(len(proposals))
        may_end.wait()
        return ledger.store.append_group(proposals)

    shared = SharedCommit(ledger.store.append, append_group)
    threads = [threading.Thread(target=shared.append, args=[creation(ledger, number)]) for number in range(6)]
    with ledger.store.exclusively():
        for thread in threads[:5]:
            thread.start()
        until(lambda: shared.waiting == 4)
    until(lambda: sizes == [3])

    threads[5].start()
    until(lambda: sizes == [3, 2])
    may_end.set()
    for thread in threads:
        thread.join()

    assert len(list(ledger.store.read_all())) == 6


@pytest.mark.processes
def test_when_the_answer_to_a_group_is_lost_each_learns_that_nothing_is_known(ledger: Ledger, dsn: str) -> None:
    given = [creation(ledger, number) for number in range(5)]
    with losing_the_answer_to(b"append_group", dsn) as cut:
        own = Database(cut)
        through = on_postgres(own, ledger.store.ledger)
        shared = SharedCommit(through.store.append, through.store.append_group)

        verdicts = all_at_once(ledger, shared, given)
        own.close()

    lost = {number: verdict for number, verdict in verdicts.items() if isinstance(verdict, OutcomeUnknown)}
    assert len(lost) == 3  # half of the five that are about
    assert len(list(ledger.store.read_all())) == 5
    assert all(ledger.store.append(given[number]).repeated for number in lost)


@pytest.mark.processes
def test_no_writer_waits_for_a_leader_longer_than_its_own_time(ledger: Ledger) -> None:
    shared, late = SharedCommit(ledger.store.append, ledger.store.append_group), creation(ledger, 2)
    leader = threading.Thread(target=shared.append, args=[creation(ledger, 1)])

    with ledger.store.exclusively():
        leader.start()
        while not shared.is_led:
            time.sleep(0.001)
        with deadline.at_most(0.1), pytest.raises(Unavailable):
            shared.append(late)
    leader.join()

    assert [event.position for event in ledger.store.read_all()] == [1]
    assert shared.append(late).positions == (2,)


def test_the_time_of_the_leader_is_not_that_of_the_others(ledger: Ledger) -> None:
    def append_group(proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        commands[2].enter_context(deadline.at_most(0.0))  # it leads those who waited, and its time ends over it
        raise no_time_left()

    commands = {number: ExitStack() for number in (1, 2, 3)}
    shared, verdicts = SharedCommit(ledger.store.append, append_group), dict[int, Recorded | LedgerError]()

    def append(number: int) -> None:
        with deadline.at_most(60.0), commands[number]:
            try:
                verdicts[number] = shared.append(creation(ledger, number))
            except LedgerError as error:
                verdicts[number] = error

    threads = [threading.Thread(target=append, args=[number]) for number in commands]
    with ledger.store.exclusively():
        for n, thread in enumerate(threads):
            thread.start()
            while not shared.is_led or shared.waiting < n:
                time.sleep(0.001)
    for thread in threads:
        thread.join()

    assert isinstance(verdicts[2], Unavailable)
    assert isinstance(verdicts[1], Recorded)
    assert isinstance(verdicts[3], Recorded)
