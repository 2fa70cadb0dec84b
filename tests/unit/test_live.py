"""What `--watch` shows again."""

from typing import Any

import pytest

from projections.cli.terminal import live


def shown_of(positions: list[int], monkeypatch: pytest.MonkeyPatch, reached: int | None = None) -> int:
    """How often a watch shows something whose looks at the ledger find these positions, before it is interrupted.

    What is shown is as of the position that was `reached` meanwhile.
    """
    found = iter(positions)

    def look(*_: Any, **__: Any) -> tuple[str, int]:
        try:
            return "postgres", next(found)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(live.router, "run_on_first_source", look)
    monkeypatch.setattr(live, "PAUSE", 0)
    shown: list[int | None] = []

    def show() -> int | None:
        shown.append(reached)
        return reached

    live.watch(None, show)  # type: ignore[arg-type]  # asked by `look` alone
    return len(shown)


def test_it_is_shown_at_first_and_at_each_newer_position(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_of([0, 0, 1, 1, 3], monkeypatch) == 3


def test_a_copy_that_is_behind_what_was_shown_shows_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_of([0, 1, 0, 1], monkeypatch) == 2


def test_what_was_shown_already_when_the_ledger_moved_is_not_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_of([1, 3, 3], monkeypatch, reached=3) == 1
    assert shown_of([1, 3, 4], monkeypatch, reached=3) == 2
