"""Ctrl-C as the end of a command that goes round and round."""

import signal
from contextlib import AbstractContextManager
from types import FrameType, TracebackType


class Interruption(AbstractContextManager["Interruption", bool]):
    """Ends its block when it comes. The block calls `check` once a round, before it waits.

    Python prints an exception that is raised while an object is finalized, as a file lock is, and goes on. An
    interruption that was lost there is raised again by `check`.
    """

    def __init__(self) -> None:
        self._came = False
        self._is_usual = False  # whether it raises KeyboardInterrupt; in a shell's background it is ignored

    def __enter__(self) -> "Interruption":
        self._is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._is_usual:
            signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._is_usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return isinstance(error, KeyboardInterrupt)

    def check(self) -> None:
        if self._came:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        signal.default_int_handler(number, frame)
