"""What a newer program has recorded is carried along and never built upon."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger import catalog, codec
from ledger.envelope import UnknownFact
from ledger.errors import NewerProgramNeeded
from projections.application.app import App

pytestmark = pytest.mark.processes

Perform = Callable[..., dict[str, Any]]


@pytest.fixture
def noted(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An item whose second event is of a type that this program has never heard of."""
    item = perform("create_work_item", item_type="task", title="Known")
    perform("update_work_item", id=item["id"], version=1, notes="from the future")
    monkeypatch.delitem(catalog.FACTS, "WorkItemRevised")
    return item


def test_a_change_of_a_thing_with_an_unknown_event_is_refused(perform: Perform, noted: dict[str, Any]) -> None:
    with pytest.raises(NewerProgramNeeded) as refused:
        perform("update_work_item", id=noted["id"], version=2, title="Overwritten")

    assert refused.value.details["type"] == "WorkItemRevised"


def test_other_things_can_still_be_changed(perform: Perform, noted: dict[str, Any]) -> None:
    other = perform("create_work_item", item_type="task", title="Other")

    changed = perform("update_work_item", id=other["id"], version=1, status="completed")

    assert changed["version"] == 2


def test_a_fact_that_is_not_understood_cannot_be_written() -> None:
    with pytest.raises(NewerProgramNeeded, match="WorkItemSung"):
        codec.encode(UnknownFact(type="WorkItemSung", schema=2))


def test_an_unknown_event_counts_in_the_version_and_changes_nothing_else(app: App, noted: dict[str, Any]) -> None:
    past = app.store.read_streams([f"work_item-{noted['id']}"]).events[f"work_item-{noted['id']}"]

    assert [event.version for event in past] == [1, 2]
    assert catalog.fold_stream(past[0].stream_id, past).notes is None
