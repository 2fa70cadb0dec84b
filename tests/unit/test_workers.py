"""Calls in threads: how many at once, and what becomes of one that is given up."""

import threading
from collections.abc import Awaitable, Callable

import anyio
import pytest

from mcp_adapter.callers.workers import Workers

SECONDS = 20.0


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.ended = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.go_on.wait(SECONDS)
        self.ended = True
        return "done"

    async def has_begun(self) -> None:
        assert await anyio.to_thread.run_sync(self.begun.wait, SECONDS)


def conversing(what: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        with anyio.fail_after(SECONDS):
            await what()

    anyio.run(in_time)


def test_a_call_answers_or_raises_what_its_work_does() -> None:
    workers = Workers()

    async def calls() -> None:
        assert await workers.run(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)
        assert await workers.run(lambda: "after it") == "after it"

    conversing(calls)


def test_no_more_run_at_once_than_may_and_the_others_follow() -> None:
    workers, works = Workers(2), [Held() for _ in range(3)]
    answers: list[str] = []

    async def one(work: Held) -> None:
        answers.append(await workers.run(work))

    async def calls() -> None:
        async with anyio.create_task_group() as group:
            for work in works:
                group.start_soon(one, work)
            for work in works[:2]:
                await work.has_begun()
            assert not works[2].begun.is_set()
            works[0].go_on.set()
            await works[2].has_begun()
            for work in works:
                work.go_on.set()

    conversing(calls)
    assert answers == ["done"] * 3


@pytest.mark.parametrize("abandons", [False, True])
def test_a_call_that_is_given_up_before_it_has_begun_never_begins(abandons: bool) -> None:
    workers, first, second = Workers(1), Held(), Held()

    async def calls() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(workers.run, first)
            await first.has_begun()
            with anyio.move_on_after(0.01):
                await workers.run(second, abandon_on_cancel=abandons)
            first.go_on.set()
        assert await workers.run(lambda: "the next") == "the next"

    conversing(calls)
    assert not second.begun.is_set()


def test_what_may_be_abandoned_is_not_waited_for() -> None:
    workers, work = Workers(), Held()

    async def calls() -> None:
        with anyio.move_on_after(0.01):
            await workers.run(work, abandon_on_cancel=True)
        assert not work.ended
        work.go_on.set()

    conversing(calls)


def test_what_may_not_be_abandoned_is_over_when_its_caller_goes_on() -> None:
    workers, work = Workers(), Held()

    async def calls() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(workers.run, work)
            await work.has_begun()
            threading.Timer(0.05, work.go_on.set).start()
            group.cancel_scope.cancel()
        assert work.ended

    conversing(calls)


def test_a_thread_without_calls_ends_and_another_begins_for_the_next() -> None:
    workers = Workers(rests_after=0.01)
    threads: list[threading.Thread] = []

    async def calls() -> None:
        for _ in range(2):
            threads.append(await workers.run(threading.current_thread))
            await anyio.to_thread.run_sync(threads[-1].join, SECONDS)

    conversing(calls)
    assert threads[0] is not threads[1]
    assert not any(thread.is_alive() for thread in threads)


def test_calls_of_one_database_keep_none_of_another_waiting() -> None:
    workers, work, answers = Workers(1), Held(), list[str]()

    async def calls() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(workers.of("west").run, work)
            await work.has_begun()
            answers.append(await workers.of("east").run(lambda: "east"))
            work.go_on.set()

    conversing(calls)
    assert answers == ["east"]
    assert workers.of("east") is workers.of("east")
