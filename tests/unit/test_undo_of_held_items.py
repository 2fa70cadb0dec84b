"""An undo takes from another holder nothing that every other change would leave to them."""

from datetime import timedelta

import pytest

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ArchiveWorkItems, ClaimWorkItem, CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.envelope import Submission, stream_id
from ledger.errors import Refused
from ledger.values.revision import Change
from tests.support.ledgers import FIRST_DAY, Ledger, numbered_command
from tests.support.random_histories import a_ledger, item, undo_of

HELD, FREE = item(0), item(1)
THEIRS, MINE = "their token", "my token"
EARLIER = {
    "created": [CreateWorkItem(id=HELD, item_type="task", title="One")],
    "renamed": [UpdateWorkItem(id=HELD, expected=1, fields={"title": "Two"})],
    "restored": [UpdateWorkItem(id=HELD, expected=1, deleted=True), UpdateWorkItem(id=HELD, expected=2, deleted=False)],
    "reopened": [
        UpdateWorkItem(id=HELD, expected=1, status="completed"),
        UpdateWorkItem(id=HELD, expected=2, status="active"),
    ],
}


def undo(ledger: Ledger, number: int, token: str, *, only_untouched: bool = False) -> int:
    """How many events the undo of a command records."""
    submission = Submission(
        command=undo_of(ledger, number, only_untouched=only_untouched),
        command_id=numbered_command(90),
        by="tester",
        occurred_at=FIRST_DAY + timedelta(minutes=90),
        token=token,
    )
    return len(ledger.handler.execute(submission).positions)


def claimed_after(ledger: Ledger, earlier: str) -> int:
    """The number of the command that comes before another takes the item."""
    commands = EARLIER[earlier] if earlier == "created" else [*EARLIER["created"], *EARLIER[earlier]]
    for number, command in enumerate(commands):
        ledger.execute(number, command)
    ledger.execute(50, ClaimWorkItem(id=HELD, token=THEIRS), by="ann")
    return len(commands) - 1


@pytest.mark.parametrize("earlier", EARLIER)
def test_what_another_holds_is_not_taken_away_by_an_undo(earlier: str) -> None:
    with a_ledger() as ledger:
        number = claimed_after(ledger, earlier)

        with pytest.raises(Refused) as refused:
            undo(ledger, number, MINE)

    assert (refused.value.details["rule"], refused.value.details["by"]) == ("claimed", "ann")
    assert "update_work_item" in refused.value.next_step
    assert "force=true and a reason" in refused.value.next_step


@pytest.mark.parametrize("earlier", ["renamed", "restored", "reopened"])
def test_its_holder_undoes_what_was_done_to_it(earlier: str) -> None:
    with a_ledger() as ledger:
        number = claimed_after(ledger, earlier)

        assert undo(ledger, number, THEIRS) == 1


def test_what_another_holds_is_still_put_back_in_what_anybody_may_edit() -> None:
    with a_ledger() as ledger:
        ledger.execute(0, *EARLIER["created"])
        ledger.execute(1, UpdateWorkItem(id=HELD, expected=1, fields={"notes": "n"}))
        ledger.execute(50, ClaimWorkItem(id=HELD, token=THEIRS), by="ann")

        assert undo(ledger, 1, MINE) == 1


def test_the_rest_of_a_command_is_taken_back_around_what_another_holds() -> None:
    def both(*_: object) -> Decided:
        renamed = WorkItemRevised(changes={"title": Change("One", "Two")})
        return [(stream_id("work_item", one), renamed) for one in (HELD, FREE)]

    with a_ledger() as ledger:
        for number, entity_id in enumerate((HELD, FREE)):
            ledger.execute(number, CreateWorkItem(id=entity_id, item_type="task", title="One"))
        renaming = Submission(
            command=ArchiveWorkItems(), command_id=numbered_command(2), by="tester", occurred_at=FIRST_DAY
        )
        ledger.handler.execute(renaming, both)
        ledger.execute(50, ClaimWorkItem(id=HELD, token=THEIRS), by="ann")

        with pytest.raises(Refused):
            undo(ledger, 2, MINE)
        assert undo(ledger, 2, MINE, only_untouched=True) == 1
