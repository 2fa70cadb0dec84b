"""Readiness is what its definition says, on any graph, in every store and wherever it is asked."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import (
    AskQuestion,
    ClaimWorkItem,
    ImportedItem,
    ImportedLink,
    ImportWorkItems,
    Mark,
)
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.postgres.connection.database import Database
from ledger.values.states import CATEGORIES, ORIGINAL
from ledger.world import Asker, ReadyFilter
from projections.questions.work import item_lists, readiness
from projections.tables.contract import Snapshot
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, in_memory, on_postgres

MINE, OTHERS = "my-own-token", "another-token"
ME = "somebody"  # who acts in these tests
STATES = [
    *[("active", None)] * 4,
    ("blocked", None),
    ("completed", None),
    *((f"own {category}", category) for category in CATEGORIES),
    ("in hand", "active"),
]
STARTED = ("2026-11-22", "2026-11-22T00:00:00.000000Z")  # days and moments that are there
TO_COME = ("2999-01-01", "2999-01-01T00:00:00.000000Z")
ASKER = Asker(name=ME, holder=token_digest(MINE))
Open = Callable[[], AbstractContextManager[Ledger]]


class Item(Struct, frozen=True):
    """`parent` and `waits_for` are places in the list of items; `removed` is deleted; original words
    have no `category`."""

    status: str
    category: str | None
    assignee: str | None
    item_type: str
    not_before: str | None
    asked: bool
    removed: bool
    priority: int
    parent: int | None
    waits_for: frozenset[int]


@some.composite
def graphs(draw: some.DrawFn) -> list[Item]:
    """Any items with any parents and blockers, also in cycles: an import records them as found."""
    count = draw(some.integers(1, 8))
    others = some.integers(0, count - 1)
    drawn = [
        Item(
            status=(state := draw(some.sampled_from(STATES)))[0],
            category=state[1],
            item_type=draw(some.sampled_from(["task", "task", "task", "milestone"])),
            not_before=draw(some.sampled_from([None, None, *STARTED, *TO_COME])),
            assignee=draw(some.sampled_from([None, None, ME, "another"])),
            asked=draw(some.integers(0, 5)) == 0,
            removed=draw(some.integers(0, 5)) == 0,
            priority=draw(some.integers(1, 2)),
            parent=draw(some.sampled_from([None, *(other for other in range(count) if other != place)])),
            waits_for=draw(some.frozensets(others, max_size=2)) - {place},
        )
        for place in range(count)
    ]
    return [replace(item, asked=item.asked and is_open(item)) for item in drawn]


def is_ready(items: list[Item], place: int) -> bool:
    """The definition, word by word; it knows nothing of SQL."""
    categories = [category(item) for item in items]
    unfinished = {n for n, item in enumerate(items) if is_open(item)}
    above = [place, *lineage(items, place)]
    itself = items[place]
    return (
        categories[place] in ("planned", "active")
        and itself.item_type != "milestone"
        and itself.not_before not in TO_COME
        and (itself.category != "active" or itself.assignee == ME)
        and not itself.removed
        and not itself.asked
        and not any(rests(items[other]) for other in above if other != place)
        and not any(blockers(items, other) & unfinished for other in above)
        and not any(items[other].parent == place for other in unfinished)
    )


def category(item: Item) -> str:
    return item.category or ORIGINAL[item.status]


def is_open(item: Item) -> bool:
    return category(item) not in ("done", "dropped") and not item.removed


def rests(item: Item) -> bool:
    """Whether what is below it is not begun: it was dropped, waits, or is deferred and not done."""
    waits = category(item) in ("dropped", "waiting") or item.asked
    return waits or (item.not_before in TO_COME and category(item) != "done")


def lineage(items: list[Item], place: int) -> list[int]:
    """What lies above an item; a cycle ends where it began, with the item itself."""
    above: list[int] = []
    at = items[place].parent
    while at is not None and at not in above:
        above.append(at)
        at = items[at].parent
    return above


def blockers(items: list[Item], place: int) -> set[int]:
    """An import takes no dependency between an item and what lies above it: that waits for it in any case."""
    return {
        other
        for other in items[place].waits_for
        if other not in lineage(items, place) and place not in lineage(items, other)
    }


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a new ledger for every example."""
    if request.param == "memory":
        yield _in_memory
        return
    database = Database(request.getfixturevalue("dsn"))

    @contextmanager
    def on_server() -> Iterator[Ledger]:
        yield on_postgres(database, uuid4())

    yield on_server
    database.close()


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs(), some.data())
def test_ready_is_what_the_slow_definition_calls_ready(opened: Open, items: list[Item], data: some.DataObject) -> None:
    with opened() as ledger:
        ledger.execute(1, _recorded(items))
        for place in (place for place, item in enumerate(items) if item.asked):
            ledger.execute(100 + place, AskQuestion(id=numbered(place), whom="lead", text="May it?"))
        free = {place for place in range(len(items)) if is_ready(items, place)}
        mine = data.draw(some.sets(some.sampled_from(sorted(free)))) if free else set()
        others = data.draw(some.sets(some.sampled_from(sorted(free)))) - mine if free else set()
        for place in mine | others:
            ledger.execute(
                10 + place, ClaimWorkItem(id=numbered(place), token=MINE if place in mine else OTHERS), by=ME
            )

        with ledger.tables.snapshot() as snapshot:
            explained, listed, page = _detail(snapshot, len(items)), _listed(snapshot), _page(snapshot)
            asker = Asker(name=ME)
            next_one = next(readiness.ready(snapshot, ReadyFilter(), snapshot.as_of.now, asker), {"id": None})["id"]
            sieved = _sieved(snapshot, asker)
            ids = [numbered(place) for place in range(len(items))]
            together = readiness.obstacles(snapshot, ids, snapshot.as_of.now, ASKER)
            one_by_one = [readiness.obstacles(snapshot, [one], snapshot.as_of.now, ASKER) for one in ids]

    assert together == {one: found for each in one_by_one for one, found in each.items()}
    expected = {numbered(place) for place in free - others}
    by_rank = sorted(free - mine - others, key=lambda place: (items[place].priority, place))
    assert (explained, set(listed), set(page)) == (expected, expected, expected)
    assert next_one == (numbered(by_rank[0]) if by_rank else None)
    assert sieved == [numbered(place) for place in by_rank]


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
def test_the_walk_passes_over_nothing_whose_obstacle_is_finished_or_deleted(opened: Open) -> None:
    plain = Item(
        status="active", category=None, assignee=None, item_type="task", not_before=None, asked=False, removed=False,
        priority=1, parent=None, waits_for=frozenset(),
    )  # fmt: skip
    finished, deleted = replace(plain, status="completed"), replace(plain, removed=True)
    items = [
        finished,
        deleted,
        replace(plain, waits_for=frozenset({0})),
        replace(plain, waits_for=frozenset({1})),
        replace(plain, not_before=STARTED[0]),
        plain,
        replace(deleted, parent=5),
        replace(finished, parent=5),
        replace(plain, waits_for=frozenset({0, 1})),  # it has an open child
        replace(plain, parent=8),
        replace(finished, not_before=TO_COME[0]),
        replace(plain, parent=10),
    ]

    with opened() as ledger:
        ledger.execute(1, _recorded(items))
        with ledger.tables.snapshot() as snapshot:
            sieved = _sieved(snapshot, Asker(name=ME))

    assert sieved == [numbered(place) for place in (2, 3, 4, 5, 9, 11)]
    assert all(is_ready(items, place) for place in (2, 3, 4, 5, 9, 11))


def _sieved(snapshot: Snapshot, asker: Asker) -> list[str]:
    """What is ready, where the walk itself passes over what certainly waits, from its first item on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readiness, "SIEVED", 1)
        return [line["id"] for line in readiness.ready(snapshot, ReadyFilter(), snapshot.as_of.now, asker)]


def _detail(snapshot: Snapshot, count: int) -> set[str]:
    ids = [numbered(place) for place in range(count)]
    return {
        entity_id for entity_id in ids if readiness.explained(snapshot, entity_id, snapshot.as_of.now, ASKER)["ready"]
    }


def _listed(snapshot: Snapshot) -> list[str]:
    wanted = item_lists.WorkItemFilter(ready=True, asker=ASKER)
    found = item_lists.listed(snapshot, wanted, order="updated", limit=100, offset=0, cursor=None)
    assert found["total_count"] == found["returned"]
    return [item["id"] for item in found["items"]]


def _page(snapshot: Snapshot) -> list[str]:
    """All pages of one item each."""
    found: list[str] = []
    cursor = None
    while True:
        page = item_lists.ready(snapshot, ReadyFilter(), asker=ASKER, limit=1, cursor=cursor)
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _recorded(items: list[Item]) -> ImportWorkItems:
    return ImportWorkItems(source="drawn", items=tuple(_imported(items, place) for place in range(len(items))))


def _imported(items: list[Item], place: int) -> ImportedItem:
    item, made = items[place], Mark(by="drawn", at=FIRST_DAY + timedelta(seconds=place))
    ties = [("parent", item.parent)] * (item.parent is not None) + [("depends_on", other) for other in item.waits_for]
    return ImportedItem(
        id=numbered(place),
        external_id=str(place),
        fields={"item_type": item.item_type, "title": f"Item {place}", "priority": item.priority}
        | ({"assignee": item.assignee} if item.assignee else {})
        | ({"not_before": item.not_before} if item.not_before else {}),
        created=made,
        changed=made,
        status=item.status,
        category=item.category,
        settled=made,
        removed=made if item.removed else None,
        links=tuple(
            ImportedLink(kind=kind, to_id=numbered(other), to=str(other), word=kind, made=made)
            for kind, other in ties
            if other is not None
        ),
    )


@contextmanager
def _in_memory() -> Iterator[Ledger]:
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", uuid4()) as ledger:
        yield ledger
