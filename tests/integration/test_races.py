"""What a decision looked at, and another writer changed before it was recorded."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ledger.aggregates.decider import Decided
from ledger.aggregates.enhancement.commands import UpdateEnhancement
from ledger.aggregates.work_item.commands import (
    AskQuestion,
    ClaimNextWorkItem,
    ClaimWorkItem,
    LinkWorkItems,
    UpdateWorkItem,
)
from ledger.catalog import decider_of
from ledger.envelope import Command, Submission
from ledger.errors import Refused
from ledger.world import World
from projections.application.app import App
from tests.conftest import Perform

PLANNED = {"description": "d", "priority": 3, "principles": []}


def overtaken(app: App, command: Command, rival: Command) -> None:
    """Decides a command, lets a rival be recorded before it is, and then records it."""
    rivals = [rival]

    def decide(given: Command, world: World) -> Decided:
        decided = decider_of(given).decide(given, world)
        if rivals:
            app.live_view().record(rivals.pop())
        return decided

    submission = Submission(command=command, command_id=uuid4(), by="tester", occurred_at=datetime.now(UTC))
    app.handler.execute(submission, decide)


def test_two_enhancements_do_not_come_to_depend_on_each_other(app: App, perform: Perform) -> None:
    one = perform("record_enhancement", title="One", **PLANNED)["id"]
    other = perform("record_enhancement", title="Other", **PLANNED)["id"]
    rival = UpdateEnhancement(id=other, expected=1, fields={"depends_on": (one,)})

    with pytest.raises(Refused) as refused:
        overtaken(app, UpdateEnhancement(id=one, expected=1, fields={"depends_on": (other,)}), rival)

    assert refused.value.details["rule"] == "dependency_cycle"


def test_a_link_stored_from_one_side_is_not_stored_from_the_other_too(app: App, perform: Perform) -> None:
    one = perform("create_work_item", item_type="task", title="One")["id"]
    other = perform("create_work_item", item_type="task", title="Other")["id"]
    rival = LinkWorkItems(id=other, kind="relates_to", to_id=one)

    overtaken(app, LinkWorkItems(id=one, kind="relates_to", to_id=other), rival)

    dependencies = perform("query_work_item", id=one, include=["dependencies"])["dependencies"]
    assert [link["id"] for link in dependencies] == [other]


@pytest.mark.parametrize("suspended", ["deferred", "blocked", "asked"])
@pytest.mark.parametrize("given", ["that one", "the next"])
def test_what_is_below_an_item_is_not_claimed_when_that_was_suspended_meanwhile(
    app: App, perform: Perform, suspended: str, given: str
) -> None:
    epic = perform("create_work_item", item_type="task", title="Epic")["id"]
    child = perform("create_work_item", item_type="task", title="Child", parent_id=epic)["id"]
    rival = {
        "deferred": UpdateWorkItem(id=epic, expected=1, fields={"not_before": "2999-01-01"}),
        "blocked": UpdateWorkItem(id=epic, expected=1, status="blocked", reason="no licence"),
        "asked": AskQuestion(id=epic, whom="lead", text="May it?"),
    }[suspended]

    if given == "the next":
        overtaken(app, ClaimNextWorkItem(token="mine"), rival)
    else:
        with pytest.raises(Refused, match="is not ready"):
            overtaken(app, ClaimWorkItem(id=child, token="mine"), rival)

    assert perform("query_work_item", id=child)["claim"] is None
