"""The law of a bulk: it does what its changes would do as commands of their own, one after another."""

from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from ledger.aggregates.work_item.commands import ChangeWorkItems, CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.catalog import fact_of
from ledger.envelope import stream_id
from ledger.errors import LedgerError
from tests.support.examples import examples
from tests.support.ledgers import Ledger
from tests.support.random_histories import THINGS, Action, a_ledger, actions_of, attempt, command, histories, item

OF_ITEMS = ("create_item", "retitle", "annotate", "move", "status", "delete", "link")
BULK = 1000  # the number of a command that no history uses

of_items = some.lists(actions_of(*OF_ITEMS), min_size=2, max_size=15)


@examples(150, suppress_health_check=[HealthCheck.too_slow])
@given(histories, of_items)
def test_a_bulk_records_what_its_changes_record_one_by_one(history: list[Action], changes: list[Action]) -> None:
    with a_ledger() as apart, a_ledger() as together:
        for number, doing in enumerate(history):
            for ledger in (apart, together):
                attempt(ledger, number, command(ledger, doing, []) if doing[0] != "undo" else None)

        wanted = []
        for number, doing in enumerate(changes):
            change = command(apart, doing, [])
            if not isinstance(change, CreateWorkItem) or not there(apart, change.id):  # ids are minted, never repeated
                wanted.append(change)
                attempt(apart, 100 + number, change)
        attempt(together, BULK, bulk(wanted))

        for number in range(THINGS):
            assert facts(together, number) == facts(apart, number)


@examples(60, suppress_health_check=[HealthCheck.too_slow])
@given(histories, of_items)
def test_a_bulk_of_all_or_nothing_is_one_or_the_other(history: list[Action], changes: list[Action]) -> None:
    with a_ledger() as ledger:
        for number, doing in enumerate(history):
            attempt(ledger, number, command(ledger, doing, []) if doing[0] != "undo" else None)
        before = [facts(ledger, number) for number in range(THINGS)]
        wanted = [command(ledger, doing, []) for doing in changes if doing[0] != "create_item"]

        try:
            ledger.execute(BULK, bulk(wanted, left_out=False))
        except LedgerError as refused:
            verdicts = refused.details["items"]
            assert 0 < len(verdicts) <= len(wanted)
            assert [facts(ledger, number) for number in range(THINGS)] == before


def bulk(wanted: list[Any], *, left_out: bool = True) -> ChangeWorkItems:
    changes = tuple(change for change in wanted if isinstance(change, (CreateWorkItem, UpdateWorkItem, LinkWorkItems)))
    return ChangeWorkItems(changes=changes, refused_are_left_out=left_out)


def there(ledger: Ledger, entity_id: str) -> bool:
    stream = stream_id("work_item", entity_id)
    return stream in ledger.store.read_streams([stream]).events


def facts(ledger: Ledger, number: int) -> list[Any]:
    stream = stream_id("work_item", item(number))
    return [fact_of(event) for event in ledger.store.read_streams([stream]).events.get(stream, [])]
