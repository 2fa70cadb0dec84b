"""What follows a write, where many processes of one machine write at once."""

import itertools
import math
import time

from ledger.machine.jobs import Jobs
from projections.application.debounced import Debounced
from tests.support.waits import until


def test_a_writer_rests_until_no_other_has_just_done_the_work() -> None:
    ages = itertools.chain([0.0, 0.005], itertools.repeat(math.inf))
    asked: list[float] = []
    done: list[int] = []

    def age() -> float:
        asked.append(next(ages))
        return asked[-1]

    afterwards = Debounced(lambda: done.append(len(asked)), age, Jobs(), lambda: None, delay=0.01)
    afterwards.soon()
    while not done:
        time.sleep(0.001)
    afterwards.finish()

    assert done == [3]


def test_at_the_end_of_a_process_what_was_asked_for_is_done_by_the_last_writer_or_another() -> None:
    done: list[str] = []
    afterwards = Debounced(lambda: done.append("followed"), lambda: 0.0, Jobs(), lambda: None, delay=60.0)

    afterwards.soon()
    afterwards.finish()

    assert done == ["followed"]


def test_work_that_failed_once_is_done_after_the_next_write() -> None:
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise RuntimeError("a fault")

    afterwards = Debounced(work, lambda: math.inf, Jobs(), lambda: None, delay=0.01)
    for times in (1, 2):
        afterwards.soon()
        until(lambda times=times: len(done) == times)
