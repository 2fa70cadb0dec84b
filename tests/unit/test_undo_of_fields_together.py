"""An undo leaves no item in a state that no command could have given it: fields that say one thing go back together."""

import pytest

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.errors import Refused
from tests.support.given import CONFIGURATION
from tests.support.random_histories import a_ledger, item, undo_of

ITEM, MILESTONE = item(0), item(1)
CREATED = CreateWorkItem(id=ITEM, item_type="task", title="One", due="2026-12-20")
BELOW = CreateWorkItem(id=item(2), item_type="task", title="Below", parent_id=ITEM)


def status(expected: int, word: str, reason: str | None = None) -> UpdateWorkItem:
    return UpdateWorkItem(id=ITEM, expected=expected, status=word, reason=reason)


def fields(expected: int, **values: object) -> UpdateWorkItem:
    return UpdateWorkItem(id=ITEM, expected=expected, fields=values)


def test_a_state_that_was_changed_since_keeps_its_category() -> None:
    with a_ledger() as ledger:
        own = {"states": [{"name": "shipped", "category": "done"}]}
        ledger.execute(0, ChangeConfiguration(id=CONFIGURATION, expected=0, fields=own))
        for number, command in enumerate([CREATED, status(1, "shipped"), status(2, "completed")], 1):
            ledger.execute(number, command)

        with pytest.raises(Refused) as refused:
            ledger.execute(9, undo_of(ledger, 2, only_untouched=True))

    assert refused.value.details["rule"] == "later_changes"


def test_a_reason_that_was_changed_since_keeps_its_state() -> None:
    with a_ledger() as ledger:
        for number, command in enumerate([CREATED, status(1, "blocked", "rain"), status(2, "blocked", "snow")]):
            ledger.execute(number, command)

        with pytest.raises(Refused) as refused:
            ledger.execute(9, undo_of(ledger, 1, only_untouched=True))

    assert refused.value.details["rule"] == "later_changes"


def test_an_item_is_not_given_back_a_beginning_behind_its_end() -> None:
    with a_ledger() as ledger:
        early, never = fields(1, not_before="2026-12-10"), fields(2, not_before=None)
        for number, command in enumerate([CREATED, early, never, fields(3, due="2026-12-05")]):
            ledger.execute(number, command)

        with pytest.raises(Refused, match="begin on 2026-12-10, after it is due on 2026-12-05") as refused:
            ledger.execute(9, undo_of(ledger, 2))

    assert refused.value.details["rule"] == "dates"


def test_an_item_is_not_given_back_a_milestone_that_is_deleted() -> None:
    with a_ledger() as ledger:
        milestone = CreateWorkItem(id=MILESTONE, item_type="milestone", title="Two")
        gone = UpdateWorkItem(id=MILESTONE, expected=1, deleted=True)
        belongs, alone = fields(1, milestone_id=MILESTONE), fields(2, milestone_id=None)
        for number, command in enumerate([CREATED, milestone, belongs, alone, gone]):
            ledger.execute(number, command)

        with pytest.raises(Refused, match="is deleted") as refused:
            ledger.execute(9, undo_of(ledger, 3))

    assert refused.value.details["rule"] == "deleted"


def test_a_completion_is_not_given_back_over_work_that_came_since() -> None:
    with a_ledger() as ledger:
        for number, command in enumerate([CREATED, status(1, "completed"), status(2, "active"), BELOW]):
            ledger.execute(number, command)

        with pytest.raises(Refused) as refused:
            ledger.execute(9, undo_of(ledger, 2))

    assert refused.value.details["rule"] == "unfinished"


def test_a_completion_that_was_forced_over_unfinished_work_is_given_back_over_it() -> None:
    forced = UpdateWorkItem(id=ITEM, expected=1, status="completed", force=True, reason="agreed with ann")
    with a_ledger() as ledger:
        for number, command in enumerate([CREATED, BELOW, forced, status(2, "active")]):
            ledger.execute(number, command)

        assert len(ledger.execute(9, undo_of(ledger, 3)).positions) == 1
