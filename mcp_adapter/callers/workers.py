"""Threads in which calls are carried out: operations are synchronous, and their edge is not.

A hand-over costs a future and two locks. The worker threads of anyio cost two more turns of the event loop, a
cancel scope and a limiter, which is a sixth of what the loop does for a call.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

import anyio

# of a database in one process, whatever way they come in: fewer than the pool's ten connections, so that none waits for
# one in vain
CALLS_AT_ONCE = 8
RESTS_AFTER = 10.0  # seconds without a call, then a thread ends

Result = TypeVar("Result")


class Call(Protocol):
    """What a worker does. It raises nothing."""

    def carry_out(self) -> None: ...


class Workers:
    """Threads that carry out at most `most` calls at once; the others wait in their order."""

    def __init__(self, most: int = CALLS_AT_ONCE, rests_after: float = RESTS_AFTER) -> None:
        self._most = most
        self._rests_after = rests_after
        self._calls = SimpleQueue[Call]()
        self._each: dict[Hashable, Workers] = {}
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    def of(self, database: Hashable) -> "Workers":
        """The workers for one database, as many again: calls that wait for it hold up no calls to another."""
        with self._lock:
            if database not in self._each:
                self._each[database] = Workers(self._most, self._rests_after)
            return self._each[database]

    async def run(self, work: Callable[[], Result], *, abandon_on_cancel: bool = False) -> Result:
        """What `work` answers or raises. One that is cancelled before it has begun never begins; after that its end is
        waited for, unless it is abandoned."""
        call = _Call(work)
        self.hand_over(call)
        try:
            answer: Result = await call.answer
        except asyncio.CancelledError:
            if not call.begin() and not abandon_on_cancel:
                with anyio.CancelScope(shield=True):
                    await call.end()
            raise
        return answer

    def hand_over(self, call: Call) -> None:
        """Takes a call from any thread; what becomes of it the call itself knows."""
        with self._lock:
            self._calls.put(call)
            self._unfinished += 1
            if self._threads < min(self._unfinished, self._most):
                self._threads += 1
                threading.Thread(target=self._work, name="tracking-ledger-call", daemon=True).start()

    def _work(self) -> None:
        while self._carries_out_one():
            pass

    def _carries_out_one(self) -> bool:
        try:
            call = self._calls.get(timeout=self._rests_after)
        except Empty:
            with self._lock:
                if self._calls.empty():
                    self._threads -= 1
                    return False
            return True
        call.carry_out()
        with self._lock:
            self._unfinished -= 1
        return True


class _Call:
    """One call, and the answer that its caller waits for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._work = work
        self._context = copy_context()
        self._begun = threading.Lock()
        self._ended: asyncio.Event | None = None
        self._is_over = False

    def begin(self) -> bool:
        """Whether it is the one who asks that decides what becomes of it: the first."""
        return self._begun.acquire(blocking=False)

    async def end(self) -> None:
        """Returns when a call that has begun is over."""
        if not self._is_over:
            self._ended = asyncio.Event()
            await self._ended.wait()

    def carry_out(self) -> None:
        if not self.begin():
            return
        try:
            found, error = self._context.run(self._work), None
        except BaseException as raised:  # the caller raises it
            found, error = None, raised
        with suppress(RuntimeError):  # the loop has ended, and no caller waits
            self.answer.get_loop().call_soon_threadsafe(self._settle, found, error)

    def _settle(self, found: Any, error: BaseException | None) -> None:
        self._is_over = True
        if self._ended is not None:
            self._ended.set()
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(found)
        else:
            self.answer.set_exception(error)
