"""Rebuilding the read models of a real PostgreSQL while it is in use."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace as altered
from psycopg import sql

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.embedded.server import EmbeddedServer
from ledger.errors import Invalid, Unavailable
from ledger.handler import Handler
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.cli.main import cli
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models import catalog
from projections.read_models.fold import propose
from projections.tables import contract, postgres
from projections.tables.postgres import PostgresTables
from projections.tables.replay import check, replay
from tests.conftest import Perform
from tests.support import history
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

Plant = Callable[..., None]
DELETED = 1  # of the items in the history, which the report does not count
REGISTER = "SELECT tracking_ledger.register_projections(%s, %s)"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger in which a bit of everything happened."""
    return history.filled(database)


@pytest.fixture(scope="module")
def mended(dsn: str) -> Iterator[Ledger]:
    """Such a ledger for tests that put right again what they change."""
    database = Database(dsn)
    yield history.filled(database)
    database.close()


@pytest.fixture
def plant(server: EmbeddedServer) -> Plant:
    """Changes rows behind the ledger's back, as only the server's administrator can."""

    def plant(ledger: UUID, statement: str) -> None:
        with psycopg.connect(server.conninfo("postgres", "tracking_ledger")) as connection:
            connection.execute("SET search_path = tracking_ledger")
            connection.execute(statement, [ledger])

    return plant


def titles(ledger: Ledger) -> list[str]:
    with ledger.tables.snapshot() as snapshot:
        found = snapshot.ask(
            "entities/all", category="work_item", generation=snapshot.generation("work_items"), after="", limit=1000
        )
    return [row["id"] for row in found]


@pytest.fixture
def older(ledger: Ledger, database: Database, plant: Plant) -> Ledger:
    """The same ledger through an older program, which writes another shape of work items and is up to date with it."""
    database.call(REGISTER, [ledger.store.ledger, '{"work_items": 0}'])
    plant(ledger.store.ledger, "UPDATE projections SET behind_after = NULL WHERE shape = 0 AND ledger_id = %s")
    store = PostgresStore(database, ledger.store.ledger, {**catalog.SHAPES, "work_items": 0})
    return altered(ledger, store=store, handler=Handler(store, TableNeighbourhood(ledger.tables), propose))


@pytest.mark.processes
def test_a_replay_rebuilds_what_is_there(ledger: Ledger) -> None:
    before = titles(ledger)

    report = replay(ledger.store, ledger.tables)

    assert {name: found.rows for name, found in report.projections.items()} == {
        "work_items": 12,
        "vendors": 3,
        "deployments": 4,
        "enhancements": 3,
        "configurations": 1,
        "conflicts": 2,
    }
    assert titles(ledger) == before
    assert check(ledger.store, ledger.tables).equal


WRONG_TITLE = "UPDATE work_items SET doc = jsonb_set(doc, '{title}', '\"wrong\"') WHERE ledger_id = %s"
EXTRA_FIELD = "UPDATE work_items SET doc = doc || '{\"extra\": 1}' WHERE ledger_id = %s"
EXTRA_ROW = (
    "INSERT INTO vendors (ledger_id, generation, id, version, position, doc)"
    " SELECT ledger_id, generation, 'x', 1, 1, doc FROM vendors WHERE ledger_id = %s"
    " ORDER BY generation DESC LIMIT 1"
)
EXTRA_ENTRY = (
    "INSERT INTO entries SELECT ledger_id, generation, 'format', 'wax', 'y' FROM vendors WHERE ledger_id = %s"
    " ORDER BY generation DESC LIMIT 1"
)


@pytest.mark.parametrize(
    ("statement", "projection", "field"),
    [
        (WRONG_TITLE, "work_items", "title"),
        (EXTRA_FIELD, "work_items", "extra"),
        (EXTRA_ROW, "vendors", "id"),
        (EXTRA_ENTRY, "vendors", "entries"),
        ("UPDATE vendors SET version = version + 1 WHERE ledger_id = %s", "vendors", "version"),
        ("UPDATE deployments SET position = position + 1 WHERE ledger_id = %s", "deployments", "position"),
        ("DELETE FROM enhancements WHERE ledger_id = %s", "enhancements", "id"),
        ("UPDATE work_items SET hidden = 1 WHERE ledger_id = %s", "work_items", "column hidden"),
        ("UPDATE work_items SET claimed_by = 'x' WHERE ledger_id = %s", "work_items", "column claimed_by"),
        ("UPDATE work_items SET held = 3 - held WHERE ledger_id = %s", "work_items", "column held"),
        ("UPDATE work_items SET held = 0 WHERE held & 1 = 1 AND ledger_id = %s", "work_items", "column held"),
        ("UPDATE vendors SET status = NULL WHERE ledger_id = %s", "vendors", "column status"),
        ("UPDATE deployments SET withdrawn = 1 WHERE ledger_id = %s", "deployments", "column withdrawn"),
        ("UPDATE enhancements SET rank = 'x' WHERE ledger_id = %s", "enhancements", "column rank"),
        ("UPDATE conflicts SET created_at = 'x' WHERE ledger_id = %s", "conflicts", "column created_at"),
        ("UPDATE work_items SET status = 'wrong' WHERE ledger_id = %s", "work_items", "column status"),
        ("UPDATE deployments SET deployed_at = '' WHERE ledger_id = %s", "deployments", "column deployed_at"),
        ("UPDATE work_item_terms SET terms = '' WHERE ledger_id = %s", "work_items", "terms"),
        ("DELETE FROM work_item_terms WHERE ledger_id = %s", "work_items", "terms"),
        ("DELETE FROM entries WHERE relation = 'tag' AND ledger_id = %s", "work_items", "entries"),
        ("UPDATE entries SET day = '2000-01-01' WHERE relation = 'tag' AND ledger_id = %s", "work_items", "entries"),
        ("UPDATE entries SET hidden = 4 WHERE relation = 'tag' AND ledger_id = %s", "work_items", "entries"),
    ],
)
def test_a_planted_wrong_row_is_found_and_a_replay_puts_it_right(
    mended: Ledger, plant: Plant, statement: str, projection: str, field: str
) -> None:
    plant(mended.store.ledger, statement)

    found = check(mended.store, mended.tables)
    replay(mended.store, mended.tables)

    assert [name for name, rebuilt in found.projections.items() if not rebuilt.equal] == [projection]
    assert found.projections[projection].differences[0].field == field
    assert check(mended.store, mended.tables).equal


def test_what_a_command_stores_is_what_a_replay_makes_also_of_values_as_they_were_at_first(
    app: Any, database: Database, perform: Perform
) -> None:
    perform("update_project_configuration", version=0, states=[{"name": "to_do", "category": "planned"}])
    item = perform("create_work_item", item_type="task", title="Planned")
    perform("update_work_item", id=item["id"], version=1, status="active")
    for version, other in [(1, True), (2, False)]:
        budget, kind = (100_000, "research") if other else (200_000, "feature")
        perform("update_project_configuration", version=version, default_token_budget=budget, active_context_type=kind)

    program = on_postgres(database, app.identity.ledger)

    found = check(program.store, program.tables)

    assert [one for rebuilt in found.projections.values() for one in rebuilt.differences] == []


@pytest.mark.processes
def test_a_check_changes_nothing(ledger: Ledger, plant: Plant) -> None:
    plant(ledger.store.ledger, "UPDATE vendors SET version = 9 WHERE ledger_id = %s")

    first = check(ledger.store, ledger.tables)

    assert check(ledger.store, ledger.tables) == first
    assert first.projections["vendors"].different == 3


@pytest.mark.processes
def test_a_read_model_is_rebuilt_alone(ledger: Ledger, plant: Plant) -> None:
    plant(ledger.store.ledger, "UPDATE vendors SET version = 9 WHERE ledger_id = %s")
    plant(ledger.store.ledger, "UPDATE deployments SET version = 9 WHERE ledger_id = %s")

    replay(ledger.store, ledger.tables, ["vendors"])

    report = check(ledger.store, ledger.tables)
    assert (report.projections["vendors"].equal, report.projections["deployments"].equal) == (True, False)


@pytest.mark.processes
def test_an_unknown_read_model_is_named_with_those_there_are(ledger: Ledger) -> None:
    with pytest.raises(Invalid, match="no read model is called nonsense"):
        replay(ledger.store, ledger.tables, ["nonsense"])


@pytest.mark.processes
def test_what_a_replay_replaces_is_gone(ledger: Ledger, owner_dsn: str) -> None:
    replay(ledger.store, ledger.tables)

    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger.store.ledger)])
        for table in ("work_items", "entries", "vendors"):
            counted = connection.execute(
                sql.SQL("SELECT count(DISTINCT generation) FROM {} WHERE ledger_id = %s").format(
                    sql.Identifier("tracking_ledger", table)
                ),
                [ledger.store.ledger],
            ).fetchone()
            assert counted is not None
            assert counted[0] <= {"entries": 5}.get(table, 1)


def test_a_replay_that_is_given_up_leaves_nothing_behind(ledger: Ledger, owner_dsn: str) -> None:
    before = titles(ledger)

    with pytest.raises(KeyboardInterrupt), ledger.tables.rebuilding(["vendors"]) as new:
        new.put("vendors", [])
        raise KeyboardInterrupt

    assert titles(ledger) == before
    assert check(ledger.store, ledger.tables).equal


@pytest.mark.processes
def test_readers_and_writers_never_notice_replays(ledger: Ledger, dsn: str) -> None:
    """A writer creates an item, then changes it, and so on: so what a view holds at a position is known to the row.

    Two readers that never stop ask for a list, an item, a tag, a subtree and the report's counts.
    """
    head, items = ledger.store.read_streams([]).head, len(titles(ledger))
    done = threading.Event()
    seen: set[int] = set()
    failed: list[Exception] = []

    def in_thread(action: Callable[[Ledger, int], None]) -> threading.Thread:
        def run() -> None:
            database = Database(dsn)
            try:
                own, number = on_postgres(database, ledger.store.ledger), 0
                while not done.is_set():
                    action(own, number)
                    number += 1
            except Exception as error:
                failed.append(error)
            finally:
                database.close()

        return threading.Thread(target=run)

    def read(own: Ledger, number: int) -> None:
        with own.tables.snapshot() as snapshot:
            made, changed = (snapshot.as_of.position - head + 1) // 2, (snapshot.as_of.position - head) // 2
            for view, there, expected in _views(snapshot, made, changed):
                assert there == expected + (items if view in ("list", "counts") else 0), (view, snapshot.as_of)
        below = own.tables.ask("work_items/subtree", ids=[history.PROJECT], max_depth=64)[1]
        assert len(below) == 8
        seen.add(snapshot.generation("work_items"))

    def write(own: Ledger, number: int) -> None:
        item = numbered(1000 + number)
        own.execute(1000 + 2 * number, CreateWorkItem(id=item, item_type="task", title="Meanwhile", tags=("new",)))
        own.execute(1001 + 2 * number, UpdateWorkItem(id=item, expected=1, fields={"tags": ["changed"]}))

    threads = [in_thread(read), in_thread(read), in_thread(write)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        replay(ledger.store, ledger.tables)
    done.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(seen) > 3  # generations that a reader met
    assert check(ledger.store, ledger.tables).equal


def _views(snapshot: contract.Snapshot, made: int, changed: int) -> Iterator[tuple[str, int, int]]:
    """Views of a snapshot: (name, what it holds, what the writer's commands so far add up to)."""
    generation = snapshot.generation("work_items")
    listed = snapshot.ask("entities/all", category="work_item", generation=generation, after="", limit=10_000)
    yield "list", len(listed), made
    counts = snapshot.ask("status/counts")
    yield "counts", sum(row["items"] for row in counts) + DELETED, made
    for tag, holders in (("changed", changed), ("new", made - changed)):
        found = snapshot.ask("entries/holders", generation=generation, relation="tag", target=tag)
        yield tag, len(found), holders
    if made:
        newest = numbered(999 + made)
        [row] = snapshot.ask("entities/by_id", category="work_item", generation=generation, id=newest)
        yield "item", row["version"], 2 if made == changed else 1


@pytest.mark.processes
def test_the_rows_that_an_older_program_left_behind_are_brought_up_by_the_next_question(
    ledger: Ledger, older: Ledger
) -> None:
    older.execute(
        500, UpdateWorkItem(id=history.TASK, expected=2, fields={"title": "By the older one", "tags": ["new"]})
    )
    older.execute(501, CreateWorkItem(id=numbered(501), item_type="task", title="Another"))

    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        tagged = snapshot.ask("entries/holders", generation=generation, relation="tag", target="new")
        untagged = snapshot.ask("entries/holders", generation=generation, relation="tag", target="b")

    assert [row["id"] for row in tagged] == [history.TASK]
    assert [row["id"] for row in untagged] == [history.PROJECT]
    assert numbered(501) in titles(ledger)
    assert check(ledger.store, ledger.tables).equal


@pytest.mark.processes
def test_the_rows_that_an_older_program_left_behind_are_brought_up_by_the_next_command(
    ledger: Ledger, older: Ledger
) -> None:
    older.execute(500, CreateWorkItem(id=numbered(500), item_type="task", title="By the older one"))

    ledger.execute(501, CreateVendor(id=numbered(501), name="By the newer one"))

    assert check(ledger.store, ledger.tables).equal
    assert numbered(500) in titles(ledger)


@pytest.mark.processes
def test_without_catching_up_a_read_model_that_is_behind_is_not_shown(
    ledger: Ledger, older: Ledger, database: Database
) -> None:
    older.execute(500, CreateWorkItem(id=numbered(500), item_type="task", title="By the older one"))
    tables = PostgresTables(database, ledger.store.ledger)

    with pytest.raises(Unavailable), tables.snapshot():
        pass

    assert check(ledger.store, tables).projections["work_items"].equal is None
    assert tables.behind() == {"work_items": len(list(ledger.store.read_all())) - 1}


@pytest.mark.processes
def test_a_newer_program_with_a_new_shape_builds_its_rows_itself(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {**catalog.SHAPES, "vendors": 99}
    for module in (catalog, contract, postgres):
        monkeypatch.setattr(module, "SHAPES", newer)
    database.call(REGISTER, [ledger.store.ledger, '{"vendors": 99}'])
    program = on_postgres(database, ledger.store.ledger)

    with program.tables.snapshot() as snapshot:
        found = snapshot.ask(
            "entities/all", category="vendor", generation=snapshot.generation("vendors"), after="", limit=9
        )

    assert {row["id"] for row in found} == {history.ACME, history.ZEBRA, history.UMLAUT}
    assert check(program.store, program.tables).equal


@pytest.mark.processes
def test_the_command_line_answers_a_difference_with_exit_code_8(
    settings: Settings, perform: Perform, plant: Plant, app: Any
) -> None:
    perform("create_work_item", item_type="task", title="Right")
    line = ["--project", str(settings.project), "--dsn", str(settings.dsn)]
    right = CliRunner().invoke(cli, [*line, "replay", "--check"])
    plant(
        app.identity.ledger, "UPDATE work_items SET doc = jsonb_set(doc, '{title}', '\"wrong\"') WHERE ledger_id = %s"
    )

    wrong = CliRunner().invoke(cli, [*line, "replay", "--check"])
    rebuilt = CliRunner().invoke(cli, [*line, "replay"])
    again = CliRunner().invoke(cli, [*line, "replay", "--check"])

    assert [result.exit_code for result in (right, wrong, rebuilt, again)] == [0, 8, 0, 0]
    assert "title: stored wrong, by the log Right" in wrong.stdout


@pytest.mark.processes
def test_the_command_line_never_lets_an_earlier_state_serve_and_writes_it_to_a_file(
    settings: Settings, perform: Perform, tmp_path: Path
) -> None:
    perform("create_work_item", item_type="task", title="First")
    perform("create_work_item", item_type="task", title="Second")
    line = ["--project", str(settings.project), "--dsn", str(settings.dsn), "replay", "--until", "1"]
    file = tmp_path / "rows.jsonl"

    alone = CliRunner().invoke(cli, line)
    compared = CliRunner().invoke(cli, [*line, "--check"])
    written = CliRunner().invoke(cli, [*line, "--output", str(file)])
    again = CliRunner().invoke(cli, [*line, "--output", str(file)])
    nowhere = CliRunner().invoke(cli, [*line, "--output", str(tmp_path / "nowhere" / "rows.jsonl")])

    assert [result.exit_code for result in (alone, compared, written, again, nowhere)] == [2, 0, 0, 2, 2]
    assert "rows of an earlier position are never served" in alone.stderr
    assert file.read_text().count("\n") == 1


@pytest.mark.processes
def test_the_command_line_replays_from_the_journal_and_completes_it(settings: Settings, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="First")
    line = ["--project", str(settings.project), "--dsn", str(settings.dsn), "replay", "--from", "journal"]

    result = CliRunner().invoke(cli, line)

    assert result.exit_code == 0, result.output
    assert "rebuilt as of position 1" in result.stderr
