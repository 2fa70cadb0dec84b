"""An undo that restores several links at once: each may close the cycle of another."""

import pytest

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ArchiveWorkItems, CreateWorkItem, LinkWorkItems
from ledger.aggregates.work_item.events import WorkItemLinked, WorkItemUnlinked
from ledger.envelope import Submission, stream_id
from ledger.errors import Refused
from tests.support.ledgers import FIRST_DAY, Ledger, numbered_command
from tests.support.random_histories import a_ledger, item, undo_of

A, B, C, D = map(item, range(4))


def several(ledger: Ledger, number: int, decided: Decided) -> None:
    """Records what no single command of today does: changes to several items at once."""
    submission = Submission(
        command=ArchiveWorkItems(), command_id=numbered_command(number), by="tester", occurred_at=FIRST_DAY
    )
    ledger.handler.execute(submission, lambda *_: decided)


def link(owner: str, to: str) -> tuple[str, WorkItemLinked]:
    return stream_id("work_item", owner), WorkItemLinked(kind="blocks", to_id=to)


def unlink(owner: str, to: str) -> tuple[str, WorkItemUnlinked]:
    return stream_id("work_item", owner), WorkItemUnlinked(kind="blocks", to_id=to)


def remove_two_links(ledger: Ledger) -> None:
    """Four items; A blocked B and C blocked D, until command 11 removed both links."""
    for number, entity_id in enumerate((A, B, C, D)):
        ledger.execute(number, CreateWorkItem(id=entity_id, item_type="task", title=f"Item {number}"))
    several(ledger, 10, [link(A, B), link(C, D)])
    several(ledger, 11, [unlink(A, B), unlink(C, D)])


def test_two_restored_links_that_close_a_cycle_only_together_are_refused() -> None:
    with a_ledger() as ledger:
        remove_two_links(ledger)
        ledger.execute(12, LinkWorkItems(id=B, kind="blocks", to_id=C))
        ledger.execute(13, LinkWorkItems(id=D, kind="blocks", to_id=A))

        with pytest.raises(Refused) as refused:
            ledger.execute(14, undo_of(ledger, 11))

    assert refused.value.details["rule"] == "dependency_cycle"
    assert {one["id"] for one in refused.value.details["items"]} == {A, B, C, D}


def test_two_restored_links_that_close_no_cycle_come_back_together() -> None:
    with a_ledger() as ledger:
        remove_two_links(ledger)
        ledger.execute(12, LinkWorkItems(id=B, kind="blocks", to_id=C))

        done = ledger.execute(14, undo_of(ledger, 11))

    assert len(done.positions) == 2
