"""Replays beside other programs: killed, two at once, of another version, and from this machine's copy of the log."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg import sql

from ledger import catalog as facts
from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.codec import digest, origin_digest
from ledger.envelope import RecordedEvent
from ledger.errors import Damaged, Refused
from ledger.offline.journal import Journal
from ledger.postgres.connection.database import Database
from projections.read_models.catalog import PROJECTIONS
from projections.tables import replay as replaying
from projections.tables.replay import catch_up, check, replay, write
from tests.support import forked, history, programs
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

FIRSTS = (1000, 2000)  # one a program: the number of its first vendor


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    """A ledger in which a bit of everything happened."""
    database = Database(dsn)
    yield history.filled(database)
    database.close()


@pytest.fixture
def journal(ledger: Ledger, tmp_path: Path) -> Iterator[Journal]:
    """This machine's copy of the log, of all but its last three events."""
    journal = Journal(tmp_path / "journal.jsonl", ledger.store.ledger, tmp_path / "cache.sqlite3")
    journal.append(list(ledger.store.read_all())[:-3])
    yield journal
    journal.close()


def generations(ledger: Ledger, owner_dsn: str) -> int:
    """How many generations of rows and words there are, whether they serve or not."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger.store.ledger)])
        found = set()
        for table in (*PROJECTIONS, "entries", "work_item_terms"):
            question = sql.SQL("SELECT DISTINCT generation FROM {} WHERE ledger_id = %s")
            name = sql.Identifier("tracking_ledger", table)
            found |= set(connection.execute(question.format(name), [ledger.store.ledger]).fetchall())
    return len(found)


@pytest.mark.processes
@pytest.mark.parametrize("stage", ["events", "rows"])
def test_a_replay_that_is_killed_leaves_the_old_rows_serving_and_no_others(
    ledger: Ledger, dsn: str, owner_dsn: str, stage: str
) -> None:
    before = generations(ledger, owner_dsn)
    context = forked.CONTEXT
    reached = context.Event()
    program = context.Process(target=programs.rebuild_until_killed, args=(dsn, ledger.store.ledger, stage, reached))
    program.start()
    assert reached.wait(60)

    program.kill()
    program.join()

    assert check(ledger.store, ledger.tables).equal
    assert generations(ledger, owner_dsn) == before


@pytest.mark.processes
def test_what_a_killed_replay_had_still_to_remove_is_removed_by_the_next(ledger: Ledger, owner_dsn: str) -> None:
    before = generations(ledger, owner_dsn)
    with ledger.store.exclusively(), ledger.tables.rebuilding(["vendors"]) as new:
        new.serve()  # and the program is gone before it could remove what served
    assert generations(ledger, owner_dsn) == before

    replay(ledger.store, ledger.tables)

    assert generations(ledger, owner_dsn) == before
    assert check(ledger.store, ledger.tables).equal


@pytest.mark.processes
def test_of_two_replays_at_once_the_second_says_so(ledger: Ledger) -> None:
    with ledger.tables.rebuild_lock(), pytest.raises(Refused) as refused:
        replay(ledger.store, ledger.tables)

    assert refused.value.details["rule"] == "replay_under_way"
    replay(ledger.store, ledger.tables)


@pytest.mark.processes
def test_two_versions_of_the_program_run_at_once_and_neither_view_misses_a_row(ledger: Ledger, dsn: str) -> None:
    context = forked.CONTEXT
    start, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=program, args=(dsn, ledger.store.ledger, first, start, answers))
        for program, first in zip((programs.newer_version, programs.this_version), FIRSTS, strict=True)
    ]
    for process in processes:
        process.start()

    seen = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    made = {f"vendor {first + n}" for first in FIRSTS for n in range(programs.MANY)}
    assert [equal for _, equal in seen] == [True, True]
    assert [made <= set(names) for names, _ in seen] == [True, True]


@pytest.mark.processes
def test_a_replay_from_the_journal_is_completed_from_the_log(ledger: Ledger, journal: Journal) -> None:
    head = ledger.store.read_streams([]).head

    report = replay(ledger.store, ledger.tables, source=journal)

    assert (journal.head.position, report.as_of) == (head - 3, head)
    assert check(ledger.store, ledger.tables, source=journal).equal


@pytest.mark.processes
def test_a_journal_of_another_history_builds_nothing(ledger: Ledger, dsn: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", ledger.store.ledger, tmp_path / "cache.sqlite3")
    database = Database(dsn)
    twin = on_postgres(database, uuid4())
    twin.execute(1, CreateVendor(id=numbered(1), name="Of another ledger"))
    journal.append(_chained(ledger, list(twin.store.read_all())))
    database.close()

    with pytest.raises(Damaged, match="another history"):
        replay(ledger.store, ledger.tables, source=journal)
    assert check(ledger.store, ledger.tables).equal
    journal.close()


@pytest.mark.processes
def test_rows_that_did_not_change_since_are_compared_with_an_earlier_position(ledger: Ledger) -> None:
    until = ledger.store.read_streams([]).head
    ledger.execute(500, UpdateWorkItem(id=history.TASK, expected=2, fields={"title": "Changed since"}))

    report = check(ledger.store, ledger.tables, until=until)

    assert (report.as_of, report.equal) == (until, True)
    assert (
        report.projections["work_items"].rows == check(ledger.store, ledger.tables).projections["work_items"].rows - 1
    )


def test_the_rows_of_an_earlier_position_are_written_to_a_file(ledger: Ledger, tmp_path: Path) -> None:
    until = ledger.store.read_streams([]).head
    ledger.execute(500, UpdateWorkItem(id=history.TASK, expected=2, fields={"title": "Changed since"}))

    write(ledger.store, [], tmp_path / "rows.jsonl", until=until)

    rows = [msgspec.json.decode(line) for line in (tmp_path / "rows.jsonl").read_bytes().splitlines()]
    [task] = [row for row in rows if row["id"] == history.TASK]
    assert (task["projection"], task["version"]) == ("work_items", 2)
    assert task["row"]["title"] != "Changed since"
    assert max(row["position"] for row in rows) == until


@pytest.mark.processes
def test_events_that_only_a_newer_program_understands_are_carried_and_reported(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.execute(500, UpdateWorkItem(id=history.TASK, expected=2, fields={"title": "By a newer program"}))
    monkeypatch.delitem(facts.FACTS, "WorkItemRevised")

    report = replay(ledger.store, ledger.tables)

    assert [(kind.type, kind.schema) for kind in report.unknown] == [("WorkItemRevised", 1)]
    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        [row] = snapshot.ask("entities/by_id", category="work_item", generation=generation, id=history.TASK)
    assert row["version"] == 3


def _chained(ledger: Ledger, events: list[RecordedEvent]) -> list[RecordedEvent]:
    """The events as the first of a ledger's log."""
    previous, chained = origin_digest(ledger.store.ledger), []
    for event in events:
        previous = digest(previous, event)
        chained.append(msgspec.structs.replace(event, digest=previous))
    return chained


@pytest.mark.processes
def test_a_writer_that_holds_the_log_does_not_wait_for_a_replay_that_waits_for_the_log(
    ledger: Ledger, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "RETRIES", 2)
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger.store.ledger)])
        connection.execute("UPDATE tracking_ledger.projections SET behind_after = 0 WHERE projection = 'vendors'")

    with ledger.tables.rebuild_lock(), ledger.store.exclusively():
        catch_up(ledger.store, ledger.tables)

    assert ledger.tables.behind() == {}
    assert check(ledger.store, ledger.tables).equal
