"""What every log promises, on every log there is. See ledger.store.EventStore."""

import threading
from datetime import timedelta
from random import Random

import msgspec
import pytest

from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.events import VendorCreated, VendorStatusChanged
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemMoved
from ledger.codec import digest, encode, origin_digest
from ledger.envelope import Proposal, ProposedEvent, Recorded, stream_id
from ledger.errors import CommandIdReused, LeaseMoved, LedgerError, LostRace, NotUnique, VersionConflict
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, now, numbered_command, proposal

ITEM, OTHER = numbered(1), numbered(2)
STREAM, OTHER_STREAM = stream_id("work_item", ITEM), stream_id("work_item", OTHER)
CREATE = CreateWorkItem(id=ITEM, item_type="task", title="One")
CREATED = WorkItemCreated(item_type="task", title="Ünö 🙂")


def creation(ledger: Ledger, number: int) -> Proposal:
    """A new item, recorded by the command with this number."""
    stream = stream_id("work_item", numbered(number))
    command = CreateWorkItem(id=numbered(number), item_type="task", title="One")
    return proposal(ledger.store, command, (stream, 1, CREATED), number=number)


def naming(ledger: Ledger, number: int, name: str) -> Proposal:
    """A new vendor of this name, recorded by the command with this number."""
    command = CreateVendor(id=numbered(number), name=name)
    return proposal(
        ledger.store, command, (stream_id("vendor", numbered(number)), 1, VendorCreated(name=name)), number=number
    )


def test_what_is_recorded_is_read_back_as_it_was_proposed(ledger: Ledger) -> None:
    ledger.store.append(proposal(ledger.store, CREATE, (STREAM, 1, CREATED), number=7, by="somebody"))

    [event] = ledger.store.read_all()

    assert (event.stream_id, event.version, event.position, event.n) == (STREAM, 1, 1, 0)
    assert (event.command_id, event.command, event.by) == (numbered_command(7), "CreateWorkItem", "somebody")
    assert (event.type, event.schema, event.topics, event.data) == ("WorkItemCreated", 1, (), encode(CREATED))
    assert event.occurred_at == FIRST_DAY + timedelta(minutes=7)


@pytest.mark.parametrize("odd", ["a\"b\\c,{d}\n\t'e' ", "NULL", "{}"])
def test_a_text_may_hold_what_arrays_are_written_with(ledger: Ledger, odd: str) -> None:
    """Alone, beside another event and in a group."""
    fact = WorkItemCreated(item_type="task", title=odd)
    streams = [stream_id("work_item", numbered(number)) for number in range(4)]

    def of(number: int, *created: str) -> Proposal:
        return proposal(ledger.store, CREATE, *((stream, 1, fact) for stream in created), number=number, by=odd)

    ledger.store.append(of(1, streams[0]))
    ledger.store.append(of(2, *streams[1:3]))
    ledger.store.append_group([of(3, streams[3])])

    recorded = [(event.stream_id, event.by, event.data) for event in ledger.store.read_all()]
    assert recorded == [(stream, odd, encode(fact)) for stream in streams]
    assert_chained(ledger)


def test_positions_count_from_one_without_a_gap(ledger: Ledger) -> None:
    answers = [ledger.store.append(creation(ledger, number)).positions for number in range(5)]

    assert answers == [(1,), (2,), (3,), (4,), (5,)]
    assert [event.position for event in ledger.store.read_all()] == [1, 2, 3, 4, 5]


def test_a_refused_command_leaves_no_gap(ledger: Ledger) -> None:
    late = proposal(ledger.store, CREATE, (STREAM, 1, CREATED), number=2)
    ledger.store.append(creation(ledger, 1))
    with pytest.raises(VersionConflict):
        ledger.store.append(late)

    assert ledger.store.append(creation(ledger, 3)).positions == (2,)


def test_the_events_of_one_command_stand_together(ledger: Ledger) -> None:
    both = proposal(
        ledger.store, CREATE, (STREAM, 1, CREATED), (OTHER_STREAM, 1, CREATED), (STREAM, 2, WorkItemMoved())
    )

    recorded = ledger.store.append(both)

    assert recorded.positions == (1, 2, 3)
    assert recorded.streams == {STREAM: 2, OTHER_STREAM: 1}
    assert [(event.n, event.stream_id, event.version) for event in ledger.store.read_all()] == [
        (0, STREAM, 1),
        (1, OTHER_STREAM, 1),
        (2, STREAM, 2),
    ]


def test_a_writer_at_a_stale_version_is_refused_with_both_versions_and_nothing_is_recorded(ledger: Ledger) -> None:
    late = proposal(ledger.store, CREATE, (OTHER_STREAM, 1, CREATED), (STREAM, 1, CREATED), number=2)
    ledger.store.append(creation(ledger, 1))

    with pytest.raises(VersionConflict) as refused:
        ledger.store.append(late)

    assert {name: refused.value.details[name] for name in ("stream_id", "expected", "actual")} == {
        "stream_id": STREAM,
        "expected": 0,
        "actual": 1,
    }
    assert ledger.store.read_streams([OTHER_STREAM]).events == {}
    assert ledger.tables.ask("work_items/lineage", ids=[OTHER], max_depth=5)[1] == []


def test_an_event_after_as_of_that_touches_a_condition_refuses_the_command(ledger: Ledger) -> None:
    ledger.store.append(creation(ledger, 1))
    ledger.store.append(proposal(ledger.store, CREATE, (STREAM, 2, WorkItemMoved(new_parent_id=OTHER)), number=2))

    late = proposal(
        ledger.store, CREATE, (OTHER_STREAM, 1, CREATED), number=3, as_of=1, conditions=("links", "hierarchy")
    )

    with pytest.raises(LostRace) as refused:
        ledger.store.append(late)
    assert (refused.value.details["position"], refused.value.details["topics"]) == (2, ["hierarchy"])


@pytest.mark.parametrize(("as_of", "conditions"), [(2, ("hierarchy",)), (1, ("links", "existence")), (0, ())])
def test_an_event_that_was_seen_or_touches_something_else_is_in_no_writers_way(
    ledger: Ledger, as_of: int, conditions: tuple[str, ...]
) -> None:
    ledger.store.append(creation(ledger, 1))
    ledger.store.append(proposal(ledger.store, CREATE, (STREAM, 2, WorkItemMoved(new_parent_id=OTHER)), number=2))
    command = proposal(ledger.store, CREATE, (OTHER_STREAM, 1, CREATED), number=3, as_of=as_of, conditions=conditions)

    assert ledger.store.append(command).positions == (3,)


@pytest.mark.parametrize(("bound", "by"), [("not_before", timedelta(hours=1)), ("not_after", timedelta(hours=-1))])
def test_ledger_time_out_of_bounds_refuses_the_command(ledger: Ledger, bound: str, by: timedelta) -> None:
    command = proposal(ledger.store, CREATE, (STREAM, 1, CREATED), **{bound: now() + by})  # type: ignore[arg-type]  # one of two

    with pytest.raises(LeaseMoved):
        ledger.store.append(command)
    assert list(ledger.store.read_all()) == []


def test_ledger_time_within_bounds_is_no_obstacle(ledger: Ledger) -> None:
    hour = timedelta(hours=1)

    ledger.store.append(
        proposal(ledger.store, CREATE, (STREAM, 1, CREATED), not_before=now() - hour, not_after=now() + hour)
    )

    assert len(list(ledger.store.read_all())) == 1


def test_a_repeated_command_answers_where_it_stands_and_records_nothing(ledger: Ledger) -> None:
    both = proposal(ledger.store, CREATE, (STREAM, 1, CREATED), (OTHER_STREAM, 1, CREATED))
    first = ledger.store.append(both)
    ledger.store.append(creation(ledger, 5))

    again = ledger.store.append(both)

    assert (again.positions, again.streams, again.recorded_at) == (first.positions, first.streams, first.recorded_at)
    assert (first.repeated, again.repeated) == (False, True)
    assert len(list(ledger.store.read_all())) == 3


def test_a_command_id_is_not_taken_for_another_command(ledger: Ledger) -> None:
    ledger.store.append(creation(ledger, 1))
    other = CreateWorkItem(id=OTHER, item_type="task", title="Two")

    with pytest.raises(CommandIdReused) as refused:
        ledger.store.append(proposal(ledger.store, other, (OTHER_STREAM, 1, CREATED), number=1))

    assert refused.value.details == {"command_id": str(numbered_command(1)), "first_position": 1}


def test_a_taken_unique_value_is_refused_with_its_holder_and_nothing_is_recorded(ledger: Ledger) -> None:
    ledger.store.append(naming(ledger, 1, "Straße"))

    with pytest.raises(NotUnique) as refused:
        ledger.store.append(naming(ledger, 2, "STRASSE"))

    assert refused.value.details == {"relation": "vendor_name", "target": "strasse", "id": numbered(1)}
    assert len(list(ledger.store.read_all())) == 1
    assert ledger.store.append(naming(ledger, 3, "Other")).positions == (2,)


def test_one_command_cannot_give_a_unique_value_to_two_entities(ledger: Ledger) -> None:
    vendors = [stream_id("vendor", entity_id) for entity_id in (ITEM, OTHER)]
    both = [(stream, 1, VendorCreated(name="Acme")) for stream in vendors]

    with pytest.raises(NotUnique) as refused:
        ledger.store.append(proposal(ledger.store, CreateVendor(id=ITEM, name="Acme"), *both))

    assert refused.value.details["target"] == "acme"
    assert list(ledger.store.read_all()) == []


def test_a_value_that_many_share_is_not_taken_for_the_unique_one(ledger: Ledger) -> None:
    shared = {"tags": ("bug",), "external_source": "beads"}
    for number, external_id in ((1, "b-1"), (2, "b-2")):
        fact = WorkItemCreated(item_type="task", title="One", external_id=external_id, **shared)  # type: ignore[arg-type]
        stream = stream_id("work_item", numbered(number))
        ledger.store.append(proposal(ledger.store, CREATE, (stream, 1, fact), number=number))
    third = WorkItemCreated(item_type="task", title="One", external_id="b-2", **shared)  # type: ignore[arg-type]

    with pytest.raises(NotUnique) as refused:
        ledger.store.append(proposal(ledger.store, CREATE, (stream_id("work_item", numbered(3)), 1, third), number=3))

    assert refused.value.details == {"relation": "external_id", "target": "beads:b-2", "id": numbered(2)}


def test_rows_are_there_as_soon_as_the_command_is_recorded(ledger: Ledger) -> None:
    ledger.store.append(naming(ledger, 1, "Acme"))
    stream = stream_id("vendor", numbered(1))
    change = UpdateVendor(id=numbered(1), expected=1)
    changed = proposal(ledger.store, change, (stream, 2, VendorStatusChanged(new="operational")), number=2)

    ledger.store.append(changed)

    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("vendors")
        [row] = snapshot.ask("entities/by_id", category="vendor", generation=generation, id=numbered(1))
    assert (snapshot.as_of.position, row["version"], row["position"]) == (2, 2, 2)


def test_reading_begins_after_a_position(ledger: Ledger) -> None:
    for number in range(4):
        ledger.store.append(creation(ledger, number))

    assert [event.position for event in ledger.store.read_all(after=2)] == [3, 4]
    assert list(ledger.store.read_all(after=4)) == []


def test_reading_ends_at_a_position_or_at_the_head_if_that_is_nearer(ledger: Ledger) -> None:
    for number in range(3):
        ledger.store.append(creation(ledger, number))

    read = [[event.position for event in ledger.store.read_all(0, up_to)] for up_to in (0, 2, 9)]

    assert read == [[], [1, 2], [1, 2, 3]]


def test_the_log_is_a_chain_of_digests_from_its_origin(ledger: Ledger) -> None:
    both = proposal(ledger.store, CREATE, (STREAM, 1, CREATED), (OTHER_STREAM, 1, WorkItemMoved(new_parent_id=ITEM)))
    ledger.store.append(both)
    ledger.store.append(naming(ledger, 3, "Acme"))

    assert_chained(ledger)


def assert_chained(ledger: Ledger) -> None:
    previous = origin_digest(ledger.store.ledger)
    for event in ledger.store.read_all():
        previous = digest(previous, event)
        assert event.digest == previous


def test_a_stream_is_read_whole_and_in_order_and_one_without_events_is_absent(ledger: Ledger) -> None:
    ledger.store.append(creation(ledger, 1))
    ledger.store.append(creation(ledger, 2))
    ledger.store.append(proposal(ledger.store, CREATE, (STREAM, 2, WorkItemMoved(new_parent_id=OTHER)), number=3))

    past = ledger.store.read_streams([STREAM, stream_id("work_item", numbered(99))])

    assert {stream: [event.version for event in events] for stream, events in past.events.items()} == {STREAM: [1, 2]}
    assert past.head == 3


def test_an_empty_log_has_its_head_at_zero(ledger: Ledger) -> None:
    past = ledger.store.read_streams([])

    assert (past.head, past.events, ledger.store.position_at(now())) == (0, {}, 0)


def test_where_a_command_stands_is_known_by_its_id(ledger: Ledger) -> None:
    command = creation(ledger, 1)
    first = ledger.store.append(command)

    found = ledger.store.find_command(numbered_command(1))

    assert found is not None
    assert (found[0].positions, found[0].streams, found[1]) == (first.positions, first.streams, command.command_digest)
    assert ledger.store.find_command(numbered_command(2)) is None


def test_a_moment_is_the_last_position_recorded_until_then(ledger: Ledger) -> None:
    for number in range(3):
        ledger.store.append(creation(ledger, number))
    times = [event.recorded_at for event in ledger.store.read_all()]

    assert times == sorted(times)
    assert ledger.store.position_at(times[1]) == max(n for n in (1, 2, 3) if times[n - 1] <= times[1])
    assert ledger.store.position_at(times[0] - timedelta(microseconds=1)) == 0


def test_no_other_writer_appends_while_a_writer_is_alone(ledger: Ledger) -> None:
    theirs = creation(ledger, 9)
    intruder = threading.Thread(target=ledger.store.append, args=[theirs])

    with ledger.store.exclusively():
        intruder.start()
        mine = [ledger.store.append(creation(ledger, number)).positions for number in (1, 2)]
    intruder.join()

    assert mine == [(1,), (2,)]
    assert ledger.store.append(theirs).positions == (3,)


def test_reading_the_log_does_not_let_others_in_before_a_lone_writer_is_done(ledger: Ledger) -> None:
    intruder = threading.Thread(target=ledger.store.append, args=[creation(ledger, 9)])

    with ledger.store.exclusively():
        intruder.start()
        with ledger.store.exclusively():
            assert list(ledger.store.read_all()) == []
        mine = ledger.store.append(creation(ledger, 1)).positions
    intruder.join()

    assert mine == (1,)


def test_a_group_records_each_proposal_and_refuses_one_without_harm_to_the_others(ledger: Ledger) -> None:
    group = [naming(ledger, 1, "Acme"), naming(ledger, 2, "ACME"), naming(ledger, 3, "Other")]

    first, refused, last = ledger.store.append_group(group)

    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    assert (first.positions, last.positions) == ((1,), (2,))
    assert isinstance(refused, NotUnique)
    assert refused.details == {"relation": "vendor_name", "target": "acme", "id": numbered(1)}
    assert [event.position for event in ledger.store.read_all()] == [1, 2]


def test_in_a_group_later_proposals_see_what_earlier_ones_did(ledger: Ledger) -> None:
    moved = WorkItemMoved(new_parent_id=OTHER)
    group = [
        creation(ledger, 1),
        msgspec.structs.replace(
            proposal(ledger.store, CREATE, (OTHER_STREAM, 1, CREATED), number=2),
            events=(ProposedEvent(stream_id=STREAM, version=2, fact=moved, by="tester", occurred_at=FIRST_DAY),),
            expected={STREAM: 1},
            rows=(),
        ),
        proposal(ledger.store, CREATE, (OTHER_STREAM, 1, CREATED), number=3, conditions=("hierarchy",)),
        creation(ledger, 1),
    ]

    created, changed, overtaken, again = ledger.store.append_group(group)

    assert isinstance(created, Recorded)
    assert isinstance(changed, Recorded)
    assert (created.positions, changed.positions, changed.streams) == ((1,), (2,), {STREAM: 2})
    assert isinstance(overtaken, LostRace)
    assert isinstance(again, Recorded)
    assert (again.positions, again.repeated) == ((1,), True)


def test_in_order_what_stands_before_the_one_that_is_refused_is_recorded_and_nothing_behind_it(ledger: Ledger) -> None:
    given = [naming(ledger, 1, "Acme"), naming(ledger, 2, "ACME"), naming(ledger, 3, "Other")]

    [first] = ledger.store.append_in_order(given, 1.0)
    again = ledger.store.append_in_order(given[:1], 1.0)

    assert (first.positions, first.repeated) == ((1,), False)
    assert [(one.positions, one.repeated) for one in again] == [((1,), True)]
    assert ledger.store.append_in_order(given[1:], 1.0) == []
    assert [event.position for event in ledger.store.read_all()] == [1]


def test_an_empty_group_records_nothing(ledger: Ledger) -> None:
    assert ledger.store.append_group([]) == []


def test_threads_that_append_at_the_same_time_each_get_their_own_verdict(ledger: Ledger) -> None:
    """Half of them ask for one and the same name: one of those gets it, with any others in its transaction."""
    given = [naming(ledger, n, "Acme" if n % 2 else f"Vendor {n}") for n in range(1, 41)]
    verdicts: dict[int, Recorded | LedgerError] = {}

    def run(number: int, proposed: Proposal) -> None:
        try:
            verdicts[number] = ledger.store.append(proposed)
        except LedgerError as error:
            verdicts[number] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(given, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    recorded = {number: verdict for number, verdict in verdicts.items() if isinstance(verdict, Recorded)}
    assert {number for number in recorded if number % 2 == 0} == set(range(2, 41, 2))
    assert len(recorded) == 21
    assert sum(isinstance(verdict, NotUnique) for verdict in verdicts.values()) == 19
    events = list(ledger.store.read_all())
    assert [event.position for event in events] == list(range(1, 22))
    assert {event.position: event.command_id for event in events} == {
        verdict.positions[0]: numbered_command(number) for number, verdict in recorded.items()
    }


def test_facts_are_what_events_say_without_what_no_read_model_looks_at(ledger: Ledger) -> None:
    ledger.store.append(creation(ledger, 1))
    ledger.store.append(naming(ledger, 2, 'Acme "Ü"\n\\ 🙂'))

    facts = list(ledger.store.read_facts(after=1))

    [event] = ledger.store.read_all(after=1)
    names = ("position", "stream_id", "version", "type", "schema", "by", "occurred_at")
    assert [[getattr(fact, name) for name in names] for fact in facts] == [[getattr(event, name) for name in names]]
    assert [bytes(fact.data) for fact in facts] == [event.data]


def test_payloads_of_every_length_are_read_back_in_their_places(ledger: Ledger) -> None:
    """PostgreSQL stores what is long elsewhere or compressed."""
    letters = Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789 äß🙂", k=300_000)
    texts = [""] + [
        text for length in (1_700, 2_100, 9_000, 300_000) for text in ("a" * length, "".join(letters[:length]), "")
    ]
    facts = [WorkItemCreated(item_type="task", title="One", metadata={"text": text}) for text in texts]
    events = [(stream_id("work_item", numbered(number)), 1, fact) for number, fact in enumerate(facts)]
    ledger.store.append(proposal(ledger.store, CREATE, *events))

    read = [event.data for event in ledger.store.read_all()]

    assert read == [encode(fact) for fact in facts]
    assert [bytes(fact.data) for fact in ledger.store.read_facts(after=3, up_to=11)] == read[3:11]
    assert_chained(ledger)


@pytest.mark.processes
def test_a_log_of_very_large_events_is_read_whole_and_in_order(ledger: Ledger) -> None:
    for number in range(4):
        fact = WorkItemCreated(item_type="task", title="Large", metadata={"text": f"{number}" * 2_500_000})
        stream = stream_id("work_item", numbered(number))
        ledger.store.append(proposal(ledger.store, CREATE, (stream, 1, fact), number=number))

    events = list(ledger.store.read_all())

    assert [(event.position, len(event.data) > 2_500_000) for event in events] == [(n, True) for n in range(1, 5)]
    assert [fact.position for fact in ledger.store.read_facts()] == [1, 2, 3, 4]
