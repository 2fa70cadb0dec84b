"""Laws of the past: what an undo restores, what was so at a position, what lies between two points."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given
from msgspec.structs import replace

from ledger.aggregates.work_item.state import WorkItem
from ledger.catalog import states_of
from ledger.errors import Refused
from ledger.values.revision import apply, between
from projections.local_copy.as_of_tables import tables_as_of
from projections.questions.log.changes import changes_since
from projections.questions.log.event_filter import EventFilter
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import Snapshot, pages
from tests.support.examples import examples
from tests.support.ledgers import Ledger, numbered_command
from tests.support.random_histories import Action, a_ledger, attempt, attempt_all, command, histories, undo_of

often = examples(60, suppress_health_check=[HealthCheck.too_slow])
NEXT, AFTER_NEXT = 1000, 1001  # numbers of commands that no history uses

States = dict[str, Any]


@often
@given(histories)
def test_the_undo_of_the_newest_command_restores_every_field_of_every_thing(history: list[Action]) -> None:
    with a_ledger() as ledger:
        recorded = attempt_all(ledger, history)
        if not recorded:
            return
        before, now = states(ledger, before=recorded[-1]), states(ledger)

        undone = attempt(ledger, NEXT, undo_of(ledger, recorded[-1]))

        if undone is None:
            assert unclaimed(before) == unclaimed(now) or only_claims_or_rules(ledger, recorded[-1])
        else:
            assert unclaimed(states(ledger)) == unclaimed(with_withdrawn(before, now))


@often
@given(histories)
def test_the_undo_of_an_undo_restores_what_it_took_away(history: list[Action]) -> None:
    with a_ledger() as ledger:
        recorded = attempt_all(ledger, history)
        now = states(ledger)
        if not recorded or attempt(ledger, NEXT, undo_of(ledger, recorded[-1], only_untouched=True)) is None:
            return

        again = attempt(ledger, AFTER_NEXT, undo_of(ledger, NEXT))

        assert again is not None
        assert unclaimed(states(ledger)) == unclaimed(now)


@often
@given(histories)
def test_an_undo_of_anything_earlier_changes_no_field_that_its_command_left_alone(history: list[Action]) -> None:
    with a_ledger() as ledger:
        recorded = attempt_all(ledger, history)
        for place, number in enumerate(recorded[:-1]):
            now = unclaimed(states(ledger))

            if attempt(ledger, NEXT + place, undo_of(ledger, number, only_untouched=True)) is None:
                continue

            after = unclaimed(states(ledger))
            for stream, state in after.items():
                changed = {path.partition(".")[0] for path in between(now[stream], state)}
                assert changed <= touched_by(ledger, number, stream)


@often
@given(histories)
def test_the_rows_as_of_any_position_are_the_rows_that_were_there(history: list[Action]) -> None:
    with a_ledger() as ledger:
        seen: dict[int, Any] = {}
        for number, doing in enumerate(history):
            attempt_one(ledger, number, doing)
            with ledger.tables.snapshot() as snapshot:
                seen[snapshot.as_of.position] = rows(snapshot)

        for position, expected in list(seen.items())[:: max(1, len(seen) // 4)]:
            with tables_as_of(ledger.store, position) as tables, tables.snapshot() as snapshot:
                assert (snapshot.as_of.position, rows(snapshot)) == (position, expected)


@often
@given(histories)
def test_what_lies_between_two_points_leads_from_the_one_to_the_other(history: list[Action]) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, history)
        for stream, events in streams(ledger).items():
            versions = states_of(stream, events)
            for first in versions:
                assert apply(first, between(first, versions[-1])) == versions[-1]
                assert apply(versions[-1], between(versions[-1], first)) == first


@often
@given(histories)
def test_who_asks_for_changes_with_each_next_position_sees_every_event_once(history: list[Action]) -> None:
    with a_ledger() as ledger, ledger.tables.snapshot() as _:
        attempt_all(ledger, history)
        seen, position, more = list[int](), 0, True
        while more:
            with ledger.tables.snapshot() as snapshot:
                answer = changes_since(ledger.store, snapshot, position, EventFilter(), 3)
            seen += [item["position"] for item in answer["items"]]
            position, more = answer["next_position"], answer["has_more"]

        assert seen == [event.position for event in ledger.store.read_all()]


def states(ledger: Ledger, before: int | None = None) -> States:
    """What every stream adds up to now, or before a command."""
    stop = None if before is None else ledger.store.find_command(numbered_command(before))
    last = None if stop is None else stop[0].positions[0] - 1
    return {
        stream: states_of(stream, [event for event in events if last is None or event.position <= last])[-1]
        for stream, events in streams(ledger).items()
    }


def streams(ledger: Ledger) -> dict[str, Any]:
    return ledger.store.read_streams(list({event.stream_id for event in ledger.store.read_all()})).events


def unclaimed(found: States) -> States:
    """Claims are not undone."""
    return {
        stream: replace(state, claim=None) if isinstance(state, WorkItem) else state for stream, state in found.items()
    }


def with_withdrawn(before: States, now: States) -> States:
    """What the command created stays, withdrawn."""
    return {
        stream: replace(now[stream], withdrawn=True) if not getattr(state, "exists", True) else state
        for stream, state in before.items()
    }


def only_claims_or_rules(ledger: Ledger, number: int) -> bool:
    """The undo is refused by a rule of the domain, never for a later change: there is none."""
    try:
        ledger.execute(NEXT, undo_of(ledger, number))
    except Refused as refused:
        return refused.details["rule"] != "later_changes"
    return False


def touched_by(ledger: Ledger, number: int, stream: str) -> set[str]:
    """The fields that the command changed; for what it created or brought back, whether that is withdrawn."""
    events = streams(ledger)[stream]
    own = [event.version for event in events if event.command_id == numbered_command(number)]
    if not own:
        return set()
    versions = states_of(stream, events)
    fields = {path.partition(".")[0] for path in between(versions[own[0] - 1], versions[own[-1]])}
    return fields | ({"withdrawn"} if own[0] == 1 else set())


def attempt_one(ledger: Ledger, number: int, doing: Action) -> None:
    recorded = [n for n in range(number) if ledger.store.find_command(numbered_command(n)) is not None]
    attempt(ledger, number, command(ledger, doing, recorded))


def rows(snapshot: Snapshot) -> dict[str, list[Any]]:
    """Every row of every read model."""
    return {
        category: [
            (row["id"], row["version"], row["position"], msgspec.json.decode(row["doc"]))
            for row in pages(snapshot, category, snapshot.generation(projection.name))
        ]
        for category, projection in BY_CATEGORY.items()
    }
