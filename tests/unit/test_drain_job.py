"""The one drain of a ledger that is under way in a process, and what gives way to it."""

import threading

from ledger.machine.jobs import Jobs
from ledger.offline.delivery.drain import Drained
from projections.application.drain_job import REST, DrainJob, ShouldContinue

LONG = 60.0  # seconds; no test waits so long


def test_what_can_wait_lets_a_drain_go_first() -> None:
    draining, go_on, order = DrainJob(Jobs(), lambda: None), threading.Event(), list[str]()

    def drain(should_continue: ShouldContinue) -> Drained:
        go_on.wait(LONG)
        order.append("drained")
        return Drained()

    draining.begin(drain)
    waiting = threading.Thread(target=lambda: (draining.wait_for_its_end(LONG), order.append("followed")))
    waiting.start()
    go_on.set()
    waiting.join(LONG)

    assert order == ["drained", "followed"]


class Clock:
    """Each look at it takes half a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


def test_what_can_wait_rests_after_a_long_drain_for_those_that_others_are_still_at() -> None:
    clock, ended = Clock(), list[float]()
    draining = DrainJob(Jobs(), lambda: None, clock)

    def drain(should_continue: ShouldContinue) -> Drained:
        clock.now += 8.0
        ended.append(clock.now)
        return Drained()

    draining.wait(drain, LONG)
    draining.wait_for_its_end(LONG)

    assert clock.now >= ended[0] + 8.0 * REST


def test_it_waits_for_no_drain_that_takes_too_long_nor_at_the_end_of_the_process() -> None:
    draining, go_on = DrainJob(Jobs(), lambda: None), threading.Event()

    def drain(should_continue: ShouldContinue) -> Drained:
        while should_continue() and not go_on.is_set():
            go_on.wait(0.01)
        return Drained()

    draining.wait_for_its_end(LONG)  # of none
    draining.begin(drain)
    draining.wait_for_its_end(0.0)
    ending = threading.Thread(target=lambda: draining.wait_for_its_end(LONG))
    ending.start()
    draining.end()
    ending.join(LONG)

    assert not ending.is_alive()
    assert not go_on.is_set()
