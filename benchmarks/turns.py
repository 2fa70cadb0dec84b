"""Turns: one piece of work, done by one contestant for a while, as (how many, in how many seconds)."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], tuple[int, float]]
Works = dict[str, dict[str, Work]]  # work -> contestant -> its turn
Call = Callable[[], None]
Make = Callable[..., tuple[Call, Call]]  # answers the call, and what ends it


def timed(work: Callable[[], int]) -> Work:
    def run() -> tuple[int, float]:
        before = time.perf_counter()
        return work(), time.perf_counter() - before

    return run


def in_threads(threads: int, seconds: float, make: Callable[[], tuple[Call, Call]]) -> tuple[int, float]:
    """Each thread repeats a call of its own until the time is over."""
    calls = [make() for _ in range(threads)]
    counts, start = [0] * threads, threading.Barrier(threads + 1)
    end = float("inf")

    def repeat(number: int) -> None:
        start.wait()
        while time.perf_counter() < end:
            calls[number][0]()
            counts[number] += 1

    running = [threading.Thread(target=repeat, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    end = time.perf_counter() + seconds
    began = time.perf_counter()
    start.wait()
    for thread in running:
        thread.join()
    taken = time.perf_counter() - began
    for _, close in calls:
        close()
    return sum(counts), taken


def in_processes(
    seconds: float, given: list[tuple[Any, ...]], make: Callable[..., tuple[Call, Call]]
) -> tuple[int, float]:
    """As in_threads, but a process for each of `given`, which `make` is called with."""
    context = multiprocessing.get_context("spawn")
    start, counted = context.Barrier(len(given)), context.Queue()
    running = [context.Process(target=_process, args=(make, each, seconds, start, counted)) for each in given]
    for process in running:
        process.start()
    counts = [counted.get() for _ in running]
    for process in running:
        process.join()
    if None in counts:
        raise RuntimeError("a process could not take its turn: its own error stands above")
    return sum(counts), seconds


def _process(
    make: Callable[..., tuple[Call, Call]], given: tuple[Any, ...], seconds: float, start: Any, counted: Any
) -> None:
    count = None
    try:
        call, close = make(*given)
        call()
        start.wait()
        end, count = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            call()
            count += 1
        close()
    except BaseException:
        start.abort()  # the others would wait for this one
        count = None
        raise
    finally:
        counted.put(count)
