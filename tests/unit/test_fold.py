"""The fold of a replay: it takes shortcuts, and ends with the rows that event after event would have made."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Raw, Struct
from msgspec.structs import asdict, replace

from ledger.aggregates.decider import Decider
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemRevised
from ledger.catalog import DECIDERS, FACTS
from ledger.envelope import Fact, RecordedFact, recorded_fact, stream_id
from ledger.errors import Damaged
from ledger.values.revision import Change, apply
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.fold import Fold, Rows, advance
from projections.read_models.projection import Row, Stamps
from tests.support import history
from tests.support.each import each
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import Ledger
from tests.support.random_histories import Action, a_ledger, attempt_all, histories

ITEM = stream_id("work_item", numbered(1))


def step_by_step(ledger: Ledger) -> Rows:
    rows: Rows = {}
    for event in ledger.store.read_all():
        advance(rows, event)
    return rows


def folded(ledger: Ledger, growing: int) -> Rows:
    fold = Fold(growing)
    for event in ledger.store.read_all():
        fold.add([recorded_fact(event)])
    return fold.rows()


def recorded(*facts: Fact, first: int = 1) -> list[RecordedFact]:
    """The events of one item."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        RecordedFact(
            n, ITEM, n, type(fact).__name__, 1, Raw(msgspec.json.encode(fact)), f"person {n}", begun + n * timedelta(1)
        )
        for n, fact in enumerate(facts, first)
    ]


def revised(**changes: Any) -> WorkItemRevised:
    return WorkItemRevised(changes={path.replace("__", "."): Change(new=value) for path, value in changes.items()})


CREATED = WorkItemCreated(item_type="task", title="One")
REVISIONS: dict[str, list[WorkItemRevised]] = {
    "a field again": [revised(title="Two"), revised(notes="n"), revised(title="Three")],
    "a mapping, then a key of it": [revised(metadata={"a": 1}), revised(metadata__a=2), revised(metadata__b=3)],
    "a key, then the mapping": [revised(metadata__a=2), revised(metadata={"b": 1}), revised(metadata__c=3)],
    "a list": [revised(tags=["a"]), revised(tags=["b", "c"])],
    "a field of a newer program": [revised(title="Two"), revised(colour="red"), revised(title="Three")],
    "with what the same command revised": [
        revised(title="Two"),
        WorkItemRevised(changes={"notes": Change(new="n")}, also={"title": Change(new="Three")}),
        revised(notes="m"),
    ],
}


@each("revisions", REVISIONS.values(), ids=list(REVISIONS))
def test_revisions_that_follow_each_other_end_as_one_by_one(revisions: list[WorkItemRevised]) -> None:
    decider: Decider[Any] = DECIDERS["work_item"]
    facts = [CREATED, *revisions]
    one_by_one: Any = decider.initial
    for fact in facts:
        one_by_one = decider.after(one_by_one, fact)

    fold = Fold()
    fold.add(recorded(*facts))

    row = fold.row(ITEM)
    assert row is not None
    assert row.state == one_by_one
    assert (row.version, row.stamps.created_by, row.stamps.updated_by) == (
        len(facts),
        "person 1",
        f"person {len(facts)}",
    )


def test_a_row_that_was_asked_for_stays_as_it_was_when_more_events_come() -> None:
    fold = Fold()
    fold.add(recorded(CREATED, revised(title="Two")))
    before = fold.row(ITEM)

    fold.add(recorded(revised(title="Three"), first=3))

    after = fold.row(ITEM)
    assert before is not None
    assert after is not None
    assert (before.state.title, after.state.title) == ("Two", "Three")


@pytest.mark.parametrize("growing", [0, 1, 100])
def test_a_fold_of_a_bit_of_everything_ends_as_event_after_event(growing: int) -> None:
    with a_ledger() as ledger:
        history.fill(ledger)

        assert folded(ledger, growing) == step_by_step(ledger)


@given(histories, some.integers(0, 3))
@examples(30)
def test_a_fold_of_any_history_ends_as_event_after_event(actions: list[Action], growing: int) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, actions)

        assert folded(ledger, growing) == step_by_step(ledger)


def test_an_event_that_is_missing_is_named_also_where_the_row_is_a_document() -> None:
    fold = Fold(growing=0)
    fold.add(recorded(CREATED))

    with pytest.raises(Damaged, match="is at version 1, the next event is 3"):
        fold.add(recorded(revised(title="Two"), first=3))


@each("name", PROJECTIONS)
def test_a_document_follows_from_the_values_and_not_from_the_objects_that_hold_them(name: str) -> None:
    projection = PROJECTIONS[name]
    stamps = Stamps(created_at="c", created_by="c", updated_at="u", updated_by="u")
    initial: Struct = projection.decider.initial
    read = msgspec.json.decode(msgspec.json.encode(asdict(initial)), type=dict[str, Any])  # equal, other objects
    texts_and_numbers = {field: value for field, value in read.items() if isinstance(value, (str, int, float))}

    made, same = (
        projection.document(Row(id="x", version=1, position=1, stamps=stamps, state=state))
        for state in (initial, replace(initial, **texts_and_numbers))
    )

    assert made == same


def test_what_a_category_says_only_revises_does_nothing_else() -> None:
    said = [(PROJECTIONS[name].decider, PROJECTIONS[name].decider.revised) for name in PROJECTIONS]
    for decider, fact in [(decider, fact) for decider, fact in said if fact]:
        state: Struct = decider.initial
        changes = {field: Change(new="x") for field, value in _texts(state)}

        assert fact is FACTS[fact.__name__]
        assert decider.evolve(state, fact(changes=changes)) == apply(state, changes)


def _texts(state: Struct) -> list[tuple[str, Any]]:
    return [
        (field, getattr(state, field)) for field in ("title", "name", "notes", "description") if hasattr(state, field)
    ]
