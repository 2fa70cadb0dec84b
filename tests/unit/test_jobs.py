"""What a process does in the background: when each job is due, and what keeps which others waiting."""

import threading
import time
from itertools import count

import pytest

from ledger.machine import jobs as jobs_module
from ledger.machine.jobs import Jobs
from tests.support.waits import until

LONG = 60.0  # seconds; no test waits so long


def test_jobs_that_wait_for_one_lane_keep_no_other_waiting() -> None:
    jobs, goes_on, done = Jobs(most=2), threading.Event(), list[str]()
    for _ in range(8):
        jobs.add(lambda: "silent", lambda: goes_on.wait(LONG) and None).within(0.0)

    jobs.add(lambda: "well", lambda: done.append("done")).within(0.0)

    until(lambda: done)
    assert not goes_on.is_set()
    goes_on.set()


def test_however_many_jobs_there_are_a_lane_has_a_few_threads() -> None:
    jobs, lock = Jobs(most=2), threading.Lock()
    runs, at_once, most = list[int](), 0, 0

    def work(number: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            at_once -= 1
            runs.append(number)

    for number in range(200):
        jobs.add(lambda: "one", lambda number=number: work(number)).within(0.0)  # type: ignore[misc]

    until(lambda: len(runs) == 200)
    assert most == 2
    assert sorted(runs) == list(range(200))


def test_a_job_is_due_again_when_it_says_and_sooner_when_it_is_asked_for() -> None:
    jobs, runs = Jobs(), count()
    ran = list[int]()

    def work() -> float:
        ran.append(next(runs))
        return 0.0 if len(ran) < 3 else LONG

    job = jobs.add(lambda: "one", work)
    job.within(0.0)
    until(lambda: len(ran) == 3)
    job.within(LONG)
    job.within(0.0)

    until(lambda: len(ran) == 4)


def test_one_that_is_asked_for_while_it_runs_runs_again() -> None:
    jobs, begun, goes_on = Jobs(), list[int](), threading.Event()

    def work() -> None:
        begun.append(1)
        goes_on.wait(LONG)

    job = jobs.add(lambda: "one", work)
    job.within(0.0)
    until(lambda: begun)
    job.within(0.0)
    goes_on.set()

    until(lambda: len(begun) == 2)


def test_a_fault_in_one_job_ends_neither_it_nor_the_others() -> None:
    jobs, runs, others = Jobs(most=1), list[int](), list[int]()

    def faulty() -> None:
        runs.append(1)
        raise RuntimeError("a fault")

    job = jobs.add(lambda: "one", faulty, every=0.01)
    job.within(0.0)
    jobs.add(lambda: "one", lambda: others.append(1)).within(0.02)

    until(lambda: others and len(runs) > 1)
    job.end()


def test_an_ended_job_does_not_begin_and_the_run_under_way_is_waited_for() -> None:
    jobs, goes_on, ran = Jobs(), threading.Event(), list[str]()

    def work() -> float:
        ran.append("begun")
        goes_on.wait(LONG)
        ran.append("over")
        return 0.0

    job = jobs.add(lambda: "one", work)
    job.within(0.0)
    until(lambda: ran)
    assert not job.end()
    goes_on.set()

    assert job.end(LONG)
    job.within(0.0)
    assert ran == ["begun", "over"]


def test_a_lane_without_jobs_has_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "RESTS_AFTER", 0.05)
    jobs, ran = Jobs(), list[int]()

    jobs.add(lambda: "one", lambda: ran.append(1)).within(0.0)
    until(lambda: ran)

    until(lambda: not jobs.threads)
