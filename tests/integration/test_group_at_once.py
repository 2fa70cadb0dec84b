"""Commands of one event each that do not look at each other are recorded at once, the others one after the other."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.vendor.events import VendorCreated, VendorRevised
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemMoved, WorkItemRevised
from ledger.codec import digest, origin_digest
from ledger.envelope import Fact, Proposal, Recorded, stream_id
from ledger.errors import Diverged, LeaseMoved, LedgerError, LedgerFull, LostRace, NotUnique, VersionConflict
from ledger.postgres.connection.connect import open_ledger, register
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from ledger.values.revision import Change
from projections.read_models.catalog import SHAPES
from projections.tables.replay import check
from tests.support.each import each
from tests.support.erasures import erase
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, now, numbered_command, on_postgres, proposal

ITEM, VENDOR = numbered(1), numbered(2)
ITEMS, VENDORS = stream_id("work_item", ITEM), stream_id("vendor", VENDOR)  # the streams of these two
NOWHERE = {stream_id("vendor", numbered(99)): 0}
ALIKE = [f"7d44484{digit}-0000-4000-8000-000000000000" for digit in "05a"]


class Group(Struct, frozen=True):
    """The verdicts on one group, and whether it was recorded at once: only then do its events have one time."""

    verdicts: list[Recorded | LedgerError]
    at_once: bool

    @property
    def short(self) -> list[object]:
        """The position of what was recorded, the kind of error of what was not."""
        return [one.positions[0] if isinstance(one, Recorded) else type(one) for one in self.verdicts]

    @property
    def recorded(self) -> list[Recorded]:
        return [one for one in self.verdicts if isinstance(one, Recorded)]


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """An item and a vendor called Acme are recorded in it."""
    return started(database)


def started(database: Database) -> Ledger:
    ledger = on_postgres(database, uuid4())
    ledger.store.append(creation(ledger, 1))
    ledger.store.append(naming(ledger, 2, "Acme"))
    return ledger


def creation(ledger: Ledger, number: int, item: str = "", title: str = "One", **more: Any) -> Proposal:
    fact = WorkItemCreated(item_type="task", title=title, tags=("a",))
    return replace(one(ledger, number, stream_id("work_item", item or numbered(number)), 1, fact), **more)


def revising(ledger: Ledger, number: int, **more: Any) -> Proposal:
    """The second event of the item, which touches no topic."""
    fact = WorkItemRevised(changes={"title": Change(old="One", new="Two"), "tags": Change(old=["a"], new=["b"])})
    return replace(one(ledger, number, ITEMS, 2, fact), **more)


def moving(ledger: Ledger, number: int) -> Proposal:
    """The second event of the item, which touches a topic."""
    return one(ledger, number, ITEMS, 2, WorkItemMoved(new_parent_id=None))


def naming(ledger: Ledger, number: int, name: str) -> Proposal:
    return one(ledger, number, stream_id("vendor", numbered(number)), 1, VendorCreated(name=name))


def renaming(ledger: Ledger, number: int) -> Proposal:
    """The vendor gives up its name."""
    return one(ledger, number, VENDORS, 2, VendorRevised(changes={"name": Change(old="Acme", new="Other")}))


def one(ledger: Ledger, number: int, stream: str, version: int, fact: Fact) -> Proposal:
    command = CreateVendor(id=VENDOR, name="of no matter here")
    return proposal(ledger.store, command, (stream, version, fact), number=number)


def grouped(ledger: Ledger, proposals: Iterable[Proposal]) -> Group:
    """What becomes of them. Whichever way they went, the log is a chain, and the rows are those of its events."""
    verdicts = ledger.store.append_group(list(proposals))
    previous = origin_digest(ledger.store.ledger)
    for event in ledger.store.read_all():
        assert event.digest == digest(previous, event)
        previous = event.digest
    assert check(ledger.store, ledger.tables).equal
    times = [one.recorded_at for one in verdicts if isinstance(one, Recorded) and not one.repeated]
    return Group(verdicts, len(times) > 1 and len(set(times)) == 1)


def test_commands_that_do_not_look_at_each_other_are_recorded_at_once(ledger: Ledger) -> None:
    """New items and a changed one, rows of two read models and none, with what was looked at and may not be touched."""
    group = grouped(
        ledger,
        [
            creation(ledger, 3, expected=NOWHERE),
            naming(ledger, 4, "Beta"),
            creation(ledger, 5, conditions=("hierarchy",), as_of=2, not_after=now() + timedelta(days=1)),
            revising(ledger, 6, not_before=FIRST_DAY),
            creation(ledger, 7, title='"{odd},\\ 🙂\n"', expected=NOWHERE),
        ],
    )

    assert (group.short, group.at_once) == ([3, 4, 5, 6, 7], True)
    streams = [recorded.streams for recorded in group.recorded]
    assert streams[2:4] == [{stream_id("work_item", numbered(5)): 1}, {ITEMS: 2}]


def test_a_ledger_without_read_models_is_written_to_at_once(ledger: Ledger, database: Database) -> None:
    key = uuid4()
    open_ledger(database, key, "the log alone", {})
    store = PostgresStore(database, key, {})
    store.append(creation(ledger, 3, rows=()))

    group = Group(store.append_group([creation(ledger, number, rows=()) for number in (4, 5)]), at_once=True)

    assert [(recorded.positions, recorded.adjacent_ids) for recorded in group.recorded] == [((2,), ()), ((3,), ())]
    assert len({event.recorded_at for event in store.read_all(after=1)}) == 1


def test_ids_that_begin_alike_are_answered_with_those_beside_them(ledger: Ledger) -> None:
    low, middle, high = ALIKE
    ledger.store.append(creation(ledger, 3, low))

    group = grouped(ledger, [creation(ledger, 4, high), creation(ledger, 5, middle), creation(ledger, 6)])

    of_high, of_middle, of_another = (recorded.adjacent_ids for recorded in group.recorded)
    assert group.at_once
    assert (of_middle, of_another) == ((low, high), ())
    assert of_high
    assert middle in of_high


def looking_at_what_is_written(ledger: Ledger) -> list[Proposal]:
    return [revising(ledger, 3), creation(ledger, 4, expected={ITEMS: 1})]


def looking_at_what_is_touched(ledger: Ledger) -> list[Proposal]:
    return [moving(ledger, 3), creation(ledger, 4, conditions=("hierarchy",), as_of=2)]


def repeated_within(ledger: Ledger) -> list[Proposal]:
    return [creation(ledger, 3), creation(ledger, 3)]


def recorded_already(ledger: Ledger) -> list[Proposal]:
    made = creation(ledger, 3)
    ledger.store.append(made)
    return [creation(ledger, 4), made]


def stale(ledger: Ledger) -> list[Proposal]:
    return [creation(ledger, 3), creation(ledger, 4, expected={ITEMS: 7})]


def overtaken(ledger: Ledger) -> list[Proposal]:
    ledger.store.append(moving(ledger, 9))
    return [creation(ledger, 3), creation(ledger, 4, conditions=("hierarchy",), as_of=2)]


def out_of_time(ledger: Ledger) -> list[Proposal]:
    return [creation(ledger, 3), creation(ledger, 4, not_after=FIRST_DAY), revising(ledger, 5, not_before=FIRST_DAY)]


def wanting_one_name(ledger: Ledger) -> list[Proposal]:
    return [naming(ledger, 3, "Beta"), naming(ledger, 4, "BETA"), creation(ledger, 5)]


def giving_up_a_name_too_late(ledger: Ledger) -> list[Proposal]:
    return [naming(ledger, 3, "Acme"), renaming(ledger, 4), creation(ledger, 5)]


@each(
    ("group", "short"),
    [
        (looking_at_what_is_written, [3, VersionConflict]),
        (looking_at_what_is_touched, [3, LostRace]),
        (repeated_within, [3, 3]),
        (recorded_already, [4, 3]),
        (stale, [3, VersionConflict]),
        (overtaken, [4, LostRace]),
        (out_of_time, [3, LeaseMoved, 4]),
        (wanting_one_name, [3, NotUnique, 4]),
        (giving_up_a_name_too_late, [NotUnique, 3, 4]),
    ],
)
def test_what_one_of_a_group_meets_does_no_harm_to_the_others(
    database: Database, group: Callable[[Ledger], list[Proposal]], short: list[object]
) -> None:
    ledger = started(database)

    assert grouped(ledger, group(ledger)).short == short


def test_two_that_go_on_with_the_same_stream_do_so_in_order(ledger: Ledger) -> None:
    first = revising(ledger, 3, rows=())
    [event] = first.events
    second = revising(ledger, 4, events=(replace(event, version=3),), expected={ITEMS: 2}, rows=())

    verdicts = ledger.store.append_group([first, second])

    assert Group(verdicts, at_once=False).short == [3, 4]


def test_a_ledger_with_room_for_some_of_a_group_takes_these(ledger: Ledger, owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT tracking_ledger.set_quota(%s, %s)", [ledger.store.ledger, 3])

    assert grouped(ledger, [creation(ledger, 3), creation(ledger, 4)]).short == [3, LedgerFull]


def test_of_a_group_that_an_erasure_overtook_those_decided_after_it_are_recorded(
    ledger: Ledger, owner_dsn: str
) -> None:
    erase(ledger, owner_dsn, ITEMS)
    ledger.execute(4, CreateWorkItem(id=numbered(4), item_type="task", title="which brings the read models up to date"))

    before = grouped(ledger, [creation(ledger, 5, as_of=3), creation(ledger, 6, as_of=2)])
    after = grouped(ledger, [creation(ledger, 7, as_of=3), creation(ledger, 8, as_of=-1)])

    assert (before.short, before.at_once) == ([5, LostRace], False)
    assert (after.short, after.at_once) == ([6, 7], True)


def test_a_log_that_does_not_hold_what_was_shown_takes_no_group(ledger: Ledger, database: Database) -> None:
    group = [creation(ledger, 3), creation(ledger, 4)]
    other = PostgresStore(database, ledger.store.ledger, SHAPES)
    other.remember_position(2, numbered_command(3))

    assert Group(other.append_group(group), at_once=False).short == [Diverged, Diverged]
    assert len(list(ledger.store.read_all())) == 2


def test_beside_another_program_each_is_recorded_and_its_rows_are_the_same(ledger: Ledger, database: Database) -> None:
    group = [creation(ledger, 3), creation(ledger, 4)]
    register(database, ledger.store.ledger, SHAPES | {"vendors": 99})

    assert grouped(ledger, group).short == [3, 4]
