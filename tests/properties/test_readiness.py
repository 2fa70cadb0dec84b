"""Readiness is what its definition says, on any graph, in every store and wherever it is asked."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.decider import Undo
from ledger.aggregates.work_item.commands import (
    AskQuestion,
    Attribution,
    ClaimWorkItem,
    CreateWorkItem,
    ImportedItem,
    ImportedLink,
    ImportWorkItems,
    LinkWorkItems,
    UpdateWorkItem,
)
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.envelope import Command, stream_id
from ledger.postgres.connection.database import Database
from ledger.values.states import CATEGORIES, ORIGINAL
from ledger.world import Asker, ReadyFilter
from projections.questions import entities
from projections.questions.work import item_lists, readiness
from projections.tables.contract import Snapshot, pages
from projections.tables.postgres import PostgresTables
from projections.tables.replay import replay
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, in_memory, numbered_command, on_postgres
from tests.support.random_histories import Action, attempt_all, histories

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
HELD = "SELECT id, held FROM work_items WHERE generation = %s AND held > 0"
ORDERS: tuple[item_lists.Order, ...] = ("updated", "created", "priority", "due")
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
            walked = _walked(snapshot, asker)
            ids = [numbered(place) for place in range(len(items))]
            together = readiness.obstacles(snapshot, ids, snapshot.as_of.now, ASKER)
            one_by_one = [readiness.obstacles(snapshot, [one], snapshot.as_of.now, ASKER) for one in ids]

    assert together == {one: found for each in one_by_one for one, found in each.items()}
    expected = {numbered(place) for place in free - others}
    by_rank = sorted(free - mine - others, key=lambda place: (items[place].priority, place))
    assert (explained, set(listed), set(page)) == (expected, expected, expected)
    assert walked == [numbered(place) for place in by_rank]


@pytest.mark.parametrize("opened", ["postgres"], indirect=True)
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories)
def test_each_row_says_what_holds_its_item_up_whatever_has_happened(
    opened: Open, dsn: str, history: list[Action]
) -> None:
    with opened() as ledger:
        attempt_all(ledger, history)
        assert _marks(ledger, dsn) == _holding(ledger)

        replay(ledger.store, ledger.tables)

        assert _marks(ledger, dsn) == _holding(ledger)


@pytest.mark.parametrize("opened", ["postgres"], indirect=True)
def test_a_row_follows_every_link_and_every_child_that_comes_and_goes(opened: Open, dsn: str) -> None:
    held, parent, other = numbered(0), numbered(1), numbered(2)
    create = {"item_type": "task", "title": "One"}
    link = LinkWorkItems(id=other, to_id=held, kind="blocks")
    steps: list[tuple[Command, dict[str, int]]] = [
        (CreateWorkItem(id=held, **create), {}),
        (CreateWorkItem(id=parent, **create), {}),
        (CreateWorkItem(id=other, **create, parent_id=parent), {parent: 2}),
        (link, {held: 1, parent: 2}),
        (UpdateWorkItem(id=other, expected=2, parent_id=None), {held: 1}),
        (UpdateWorkItem(id=other, expected=3, parent_id=parent), {held: 1, parent: 2}),
        (UpdateWorkItem(id=other, expected=4, status="completed"), {}),
        (UpdateWorkItem(id=other, expected=5, status="active", reason="not yet"), {held: 1, parent: 2}),
        (replace(link, remove=True), {parent: 2}),
        (link, {held: 1, parent: 2}),
        (UpdateWorkItem(id=other, expected=8, deleted=True), {}),
        (UpdateWorkItem(id=other, expected=9, deleted=False), {held: 1, parent: 2}),
        (Undo(undone=str(numbered_command(11)), streams=(stream_id(CATEGORY, other),)), {}),
    ]

    with opened() as ledger:
        for number, (command, expected) in enumerate(steps):
            ledger.execute(number, command)
            assert (_marks(ledger, dsn), _holding(ledger)) == (expected, expected), number


@pytest.mark.parametrize("opened", ["postgres"], indirect=True)
@examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_each_row_of_an_import_says_what_holds_its_item_up(opened: Open, dsn: str, items: list[Item]) -> None:
    with opened() as ledger:
        ledger.execute(1, _recorded(items))
        recorded = _marks(ledger, dsn)

        replay(ledger.store, ledger.tables)

        assert recorded == _holding(ledger)
        assert recorded == _marks(ledger, dsn)


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
            walked = _walked(snapshot, Asker(name=ME))

    assert walked == [numbered(place) for place in (2, 3, 4, 5, 9, 11)]
    assert all(is_ready(items, place) for place in (2, 3, 4, 5, 9, 11))


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
@examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_what_is_blocked_is_found_from_what_rests_as_by_a_walk(opened: Open, items: list[Item]) -> None:
    with opened() as ledger:
        ledger.execute(1, _recorded(items))
        for place in (place for place, item in enumerate(items) if item.asked):
            ledger.execute(100 + place, AskQuestion(id=numbered(place), whom="lead", text="May it?"))
        with ledger.tables.snapshot() as snapshot, pytest.MonkeyPatch.context() as patch:
            walked = {order: _blocked(snapshot, order) for order in ORDERS}
            patch.setattr(readiness, "PORTION", 1)
            patch.setattr(readiness, "LOOKED_AT", 1)
            patch.setattr(readiness, "RARE", 0)
            from_one_on = {order: _blocked(snapshot, order) for order in ORDERS}

    assert from_one_on == walked


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
def test_what_only_the_last_of_many_blocks_is_found_to_be_blocked(opened: Open, dsn: str) -> None:
    """Its mark is missing: no more than the first 20 are looked at."""
    many = sorted(range(1, 26), key=numbered)
    plain = {"item_type": "task", "title": "One"}

    with opened() as ledger, pytest.MonkeyPatch.context() as patch:
        for number in (0, *many):
            ledger.execute(number, CreateWorkItem(id=numbered(number), **plain))
        for number in many:
            ledger.execute(100 + number, LinkWorkItems(id=numbered(number), to_id=numbered(0), kind="blocks"))
        for number in many[:-1]:
            ledger.execute(200 + number, UpdateWorkItem(id=numbered(number), expected=2, status="completed"))
        is_marked = isinstance(ledger.tables, PostgresTables) and _marks(ledger, dsn)
        patch.setattr(readiness, "PORTION", 1)
        patch.setattr(readiness, "LOOKED_AT", 1)
        patch.setattr(readiness, "RARE", 0)
        with ledger.tables.snapshot() as snapshot:
            blocked = {order: _blocked(snapshot, order) for order in ORDERS}

    assert not is_marked
    assert blocked == {order: [numbered(0)] for order in ORDERS}


def _blocked(snapshot: Snapshot, order: item_lists.Order) -> list[str]:
    """In pages of two."""
    ids: list[str] = []
    cursor = None
    while True:
        wanted = item_lists.WorkItemFilter(blocked=True)
        page = item_lists.listed(snapshot, wanted, order=order, limit=2, offset=0, cursor=cursor)
        ids += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            assert page["total_count"] == len(ids)
            return ids


def _marks(ledger: Ledger, dsn: str) -> dict[str, int]:
    """What the rows say of each item that something holds up."""
    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT FROM tracking_ledger.enter_ledger(%s)", [ledger.store.ledger])
        return dict(connection.execute(HELD, [generation]).fetchall())


def _holding(ledger: Ledger) -> dict[str, int]:
    """The same, word by word from what each item's events add up to."""
    with ledger.tables.snapshot() as snapshot:
        found = pages(snapshot, CATEGORY, snapshot.generation("work_items"))
        rows = {row.id: row.state for row in entities.rows(CATEGORY, list(found))}
    held: dict[str, int] = {}
    for item in rows.values():
        if item.category not in ("done", "dropped") and not item.deleted and not item.withdrawn:
            blocked = [link.to_id for link in item.links if link.kind == "blocks"]
            for target, bit in [(item.parent_id, 2), *((target, 1) for target in blocked)]:
                held[target] = held.get(target, 0) | bit
    return {entity_id: held[entity_id] for entity_id in held.keys() & rows.keys()}


def _walked(snapshot: Snapshot, asker: Asker) -> list[str]:
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
    item, made = items[place], Attribution(by="drawn", at=FIRST_DAY + timedelta(seconds=place))
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
