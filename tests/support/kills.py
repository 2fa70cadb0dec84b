"""Ends what runs before one of its touches of the database or of the outbox, as a kill would."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

OF_STORE = ("append", "append_group", "append_in_order", "read_streams")

Touched = Iterable[tuple[Any, str]]  # what is touched, and by which method


class Killed(BaseException):
    """Nothing is tidied up after it."""


@contextmanager
def killed_before(step: int, touched: Touched) -> Iterator[None]:
    """What runs in it ends before its `step`-th touch, if it comes to that."""
    touched = list(touched)
    end_before(step, touched, _killed)
    try:
        with suppress(Killed):
            yield
    finally:
        for owner, method in touched:
            delattr(owner, method)


def end_before(step: int, touched: Touched, end: Callable[[], None]) -> None:
    """Calls `end` instead of the `step`-th touch, and of each after it."""
    left = step

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            return end() if left <= 0 else real(*arguments, **named)

        return call

    for owner, method in touched:
        setattr(owner, method, guarded(getattr(owner, method)))


def _killed() -> None:
    raise Killed
