"""A list by a tag is what its definition says, in every store, whatever has happened to its items and on which days."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.postgres.connection.database import Database
from projections.questions import entities
from projections.questions.work import item_lists
from projections.questions.work.item_lists import WorkItemFilter
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot, pages
from projections.tables.replay import check, replay
from tests.support.examples import examples
from tests.support.ledgers import Ledger, in_memory, on_postgres
from tests.support.random_histories import Action, actions_of, attempt, command

TAG = "a"
HOURS = 7 * 60  # minutes from one command to the next: some are on one day and some on the next
LISTS = [
    WorkItemFilter(tag=TAG),
    WorkItemFilter(tag=TAG, status="active"),
    WorkItemFilter(tag=TAG, category="done"),
    WorkItemFilter(tag=TAG, unfinished=True),
    WorkItemFilter(tag=TAG, include_deleted=True, include_archived=True),
    WorkItemFilter(tag=TAG, include_archived=True),
    WorkItemFilter(tag=TAG, roots_only=True),
]
Open = Callable[[], AbstractContextManager[Ledger]]

happenings = some.lists(actions_of("retitle", "tag", "move", "status", "delete", "archive", "undo"), max_size=20)
BEGINNING: list[Action] = [(kind, how) for place in range(4) for kind, how in (
    ("create_item", (place, None)), ("tag", (place, [TAG])),
)]  # fmt: skip


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
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(happenings)
def test_a_list_by_a_tag_has_what_its_items_say_in_the_order_of_their_changes(
    opened: Open, happened: list[Action]
) -> None:
    with opened() as ledger:
        recorded: list[int] = []
        for number, doing in enumerate(BEGINNING + happened):
            at = number * HOURS
            if (done := attempt(ledger, at, command(ledger, doing, recorded))) is not None and done.positions:
                recorded.append(at)
        kept = _agreeing(ledger)
        is_right = check(ledger.store, ledger.tables).equal

        replay(ledger.store, ledger.tables)

        assert is_right
        assert kept == _agreeing(ledger)


def _agreeing(ledger: Ledger) -> list[list[str]]:
    """Each of LISTS, page by page, which is what the rows themselves say."""
    with ledger.tables.snapshot() as snapshot:
        found = pages(snapshot, CATEGORY, snapshot.generation("work_items"))
        rows = entities.rows(CATEGORY, list(found))
        for wanted in LISTS:
            fitting = sorted((row for row in rows if _fits(row, wanted)), key=_place, reverse=True)
            assert _listed(snapshot, wanted) == [row.id for row in fitting], wanted
        return [_listed(snapshot, wanted) for wanted in LISTS]


def _fits(row: Row, wanted: WorkItemFilter) -> bool:
    item = row.state
    return (
        wanted.tag in item.tags
        and wanted.status in (None, item.status)
        and wanted.category in (None, item.category)
        and not (wanted.unfinished and item.category in ("done", "dropped"))
        and not (wanted.roots_only and item.parent_id)
        and not item.withdrawn
        and (wanted.include_deleted or not item.deleted)
        and (wanted.include_archived or not item.archived)
    )


def _place(row: Row) -> tuple[str, str]:
    return row.stamps.updated_at, row.id


def _listed(snapshot: Snapshot, wanted: WorkItemFilter) -> list[str]:
    """In pages of two, each of which counts the whole."""
    ids: list[str] = []
    cursor, totals = None, set()
    while not ids or cursor is not None:
        page = item_lists.listed(snapshot, wanted, order="updated", limit=2, offset=0, cursor=cursor)
        ids += [item["id"] for item in page["items"]]
        totals.add(page["total_count"])
        cursor = page["next_cursor"]
        if not ids:
            break
    assert totals == {len(ids)}
    return ids


@contextmanager
def _in_memory() -> Iterator[Ledger]:
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", uuid4()) as ledger:
        yield ledger
