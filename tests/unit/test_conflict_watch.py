"""Whether a conflict waits is asked once for each change of other processes, and not after one's own writes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.envelope import Recorded
from projections.application.conflict_watch import ConflictWatch
from projections.tables.contract import Answer, AsOf
from projections.tables.sqlite import SqliteTables

ITEM = {"id": "one"}


class CountingTables(SqliteTables):
    """Tables at `position` with so many open conflicts about everything; they count what they are asked."""

    def __init__(self, conflicts: int = 0) -> None:
        self.position, self.conflicts, self.asked = 7, conflicts, 0

    def ask(self, question: str, **_: Any) -> tuple[AsOf, Answer]:
        self.asked += 1
        return AsOf(position=self.position, time=None, now=datetime.now(UTC)), [{"total": self.conflicts}][
            : 1 if question == "conflicts/count" else self.conflicts
        ]


def recorded(*positions: int, stream: str = "work_item-one") -> Recorded:
    return Recorded(positions=positions, streams={stream: 1}, recorded_at=None)


@pytest.fixture
def watch() -> ConflictWatch:
    """It has found that none waits at position 7."""
    watch = ConflictWatch()
    watch.warnings(CountingTables(), ITEM, 7)
    return watch


@pytest.mark.parametrize("write", [recorded(8), recorded(8, 9)])
def test_after_ones_own_write_nothing_is_asked(watch: ConflictWatch, write: Recorded) -> None:
    tables = CountingTables(conflicts=1)

    watch.note_write(write)

    assert watch.warnings(tables, ITEM, write.positions[-1]) == []
    assert tables.asked == 0


@pytest.mark.parametrize(
    "write",
    [recorded(9), recorded(8, 10), recorded(8, 9, stream="conflict-one"), recorded()],
    ids=["behind another's", "around another's", "of a conflict", "queued"],
)
def test_after_what_may_have_made_a_conflict_it_is_asked_again(watch: ConflictWatch, write: Recorded) -> None:
    tables = CountingTables(conflicts=1)

    watch.note_write(write)

    assert watch.warnings(tables, ITEM, 10) == ["conflicts_waiting"]
