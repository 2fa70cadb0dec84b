"""The one thread of a process that drains, and what gives way to it."""

import threading

from ledger.offline.delivery.drain import Drained
from projections.application.drain_thread import DrainThread, ShouldContinue

LONG = 60.0  # seconds; no test waits so long


def test_what_can_wait_lets_a_drain_go_first() -> None:
    thread, go_on, order = DrainThread(), threading.Event(), list[str]()

    def drain(should_continue: ShouldContinue) -> Drained:
        go_on.wait(LONG)
        order.append("drained")
        return Drained()

    thread.begin(drain)
    waiting = threading.Thread(target=lambda: (thread.wait_for_its_end(LONG), order.append("followed")))
    waiting.start()
    go_on.set()
    waiting.join(LONG)

    assert order == ["drained", "followed"]


def test_it_waits_for_no_drain_that_takes_too_long_nor_at_the_end_of_the_process() -> None:
    thread, go_on = DrainThread(), threading.Event()

    def drain(should_continue: ShouldContinue) -> Drained:
        while should_continue() and not go_on.is_set():
            go_on.wait(0.01)
        return Drained()

    thread.wait_for_its_end(LONG)  # of none
    thread.begin(drain)
    thread.wait_for_its_end(0.0)
    ending = threading.Thread(target=lambda: thread.wait_for_its_end(LONG))
    ending.start()
    thread.end()
    ending.join(LONG)

    assert not ending.is_alive()
    assert not go_on.is_set()
