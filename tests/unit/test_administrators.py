"""What only an administrator may do, whichever way leads there: through a conflict it is no other rule."""

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.across.conflict_resolution import decide
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.conflict.decider import decider
from ledger.aggregates.conflict.events import Base, ConflictFound, ConflictResolved
from ledger.errors import Forbidden
from tests.support.given import CONFIGURATION, ENTITY, Given, given, numbered

conflicts = replace(decider, decide=decide)
STREAM = f"configuration-{CONFIGURATION}"


def changed_configuration() -> Given:
    return given(conflicts).past(
        ConflictFound(
            command="ChangeConfiguration",
            schema=1,
            arguments={"id": CONFIGURATION, "expected": 0, "fields": {"depth_limit": 3}},
            about=(STREAM,),
            bases={STREAM: Base(version=0)},
        )
    )


def recovered_events() -> Given:
    stream = f"work_item-{numbered(7)}"
    data = {"item_type": "task", "title": "Lost"}
    created = {"stream": stream, "type": "WorkItemCreated", "schema": 1, "data": data}
    found = ConflictFound(command="CreateWorkItem", schema=1, arguments={}, about=(stream,), proposed=(created,))
    return given(conflicts).past(found)


def resolve(choice: str) -> ResolveConflict:
    return ResolveConflict(id=ENTITY, expected=1, choice=choice)


@pytest.mark.parametrize("history", [changed_configuration(), recovered_events()])
def test_a_writer_carries_out_no_conflict_that_changes_what_holds_for_all(history: Any) -> None:
    history.when(resolve("mine"), scope="write").then_refused(Forbidden, needed="admin", scope="write")


@pytest.mark.parametrize("history", [changed_configuration(), recovered_events()])
def test_a_writer_may_drop_such_a_conflict(history: Any) -> None:
    history.when(resolve("theirs"), scope="write").then(ConflictResolved(choice="theirs"))
