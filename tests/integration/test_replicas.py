"""Questions answered by a real standby: never less than was written or shown here, never older than allowed."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from ledger.errors import LedgerError, NotFound, VersionConflict
from ledger.postgres import replica
from ledger.postgres.connection.hosts import leader_first
from ledger.settings import Settings
from projections.application.app import App
from projections.application.view import LedgerView
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from tests.support import forked, silence
from tests.support.calls import ask
from tests.support.cluster import Node
from tests.support.command_line import run
from tests.support.mcp_client import served
from tests.support.replicas import Pair, followed, machine
from tests.support.waits import until

pytestmark = pytest.mark.processes

Answered = dict[str, Any]
START = "from projections.cli.main import main; main()"
NOWHERE = "host=127.0.0.1 port=1 user=nobody dbname=nothing"
SOON = 60.0  # seconds, for a machine that does other things too: a frozen replica would hold a question for ever


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.end()


@pytest.fixture
def settings(pair: Pair, tmp_path: Path) -> Settings:
    return machine(pair, tmp_path, "here")


@pytest.fixture
def app(settings: Settings) -> Iterator[App]:
    app = App(settings)
    yield app
    app.close()


@pytest.fixture
def elsewhere(pair: Pair, tmp_path: Path) -> Iterator[App]:
    """Another machine on the same ledger, which asks the primary only."""
    app = App(replace(machine(pair, tmp_path, "elsewhere"), read_dsn=None))
    yield app
    app.close()


def test_a_question_is_answered_by_the_replica_which_says_so_with_its_position_and_age(app: App, pair: Pair) -> None:
    made = create(app, "One")
    followed(app, pair)

    read = ask(app, "query_work_item", id=made["id"])

    assert (read["title"], read["source"]) == ("One", "replica")
    assert read["as_of"]["position"] == made["position"]
    assert 0 <= read["as_of"]["age"] <= app.settings.read_seconds
    assert "warnings" not in read


def test_without_the_setting_nothing_is_asked_of_a_replica(elsewhere: App, pair: Pair) -> None:
    made = create(elsewhere, "One")
    followed(elsewhere, pair)

    assert ask(elsewhere, "query_work_item", id=made["id"])["source"] == "postgres"


def test_what_a_client_wrote_it_reads_however_far_the_replica_is_behind(app: App, pair: Pair) -> None:
    made = create(app, "Before")
    followed(app, pair)
    pair.pause()

    ask(app, "update_work_item", id=made["id"], version=1, title="After")
    read = ask(app, "query_work_item", id=made["id"])
    pair.catch_up()

    assert (read["title"], read["source"]) == ("After", "postgres")
    assert ask(app, "query_work_item", id=made["id"])["source"] == "replica"


def test_every_thread_reads_what_it_wrote_while_replay_stands_still(app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    missed: list[str] = []

    def write_and_read(name: str) -> None:
        for number in range(5):
            made = create(app, f"{name} {number}")
            if made["ref"] not in {item["ref"] for item in ask(app, "list_work_items", limit=100)["items"]}:
                missed.append(made["ref"])

    in_threads(write_and_read, ["one", "two", "three", "four"])
    pair.catch_up()

    assert missed == []


def test_one_process_reads_what_another_of_the_same_machine_wrote(settings: Settings, app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()

    made = command(settings, "call", "create_work_item", "item_type=task", "title=Second")
    listed = command(settings, "call", "list_work_items")
    pair.catch_up()

    assert made["id"] in [item["id"] for item in listed["items"]]
    assert listed["source"] == "postgres"
    assert command(settings, "call", "list_work_items")["source"] == "replica"


def test_processes_that_write_at_once_are_all_read_by_the_next_one(settings: Settings, app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()

    def write(title: str) -> None:
        command(settings, "call", "create_work_item", "item_type=task", f"title={title}")

    in_threads(write, ["one", "two", "three"])
    listed = ask(app, "list_work_items")
    pair.catch_up()

    assert {"one", "two", "three"} <= {item["title"] for item in listed["items"]}


def test_no_reader_is_shown_less_than_before(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    made = create(elsewhere, "Second")
    shown = router.run_on_first_source(app, lambda live: live.tables.ask("conflicts/count", status="open")[0].position)[
        1
    ]

    again = ask(app, "list_work_items")
    pair.catch_up()

    assert shown == made["position"]
    assert again["as_of"]["position"] >= shown


def test_a_writer_that_is_refused_reads_what_stood_in_the_way(app: App, elsewhere: App, pair: Pair) -> None:
    made = create(app, "First")
    followed(app, pair)
    pair.pause()
    ask(elsewhere, "update_work_item", id=made["id"], version=1, title="Faster")

    with pytest.raises(VersionConflict):
        ask(app, "update_work_item", id=made["id"], version=1, title="Slower")
    read = ask(app, "query_work_item", id=made["id"])
    pair.catch_up()

    assert (read["version"], read["title"]) == (2, "Faster")


def test_what_is_not_found_on_a_replica_is_looked_for_on_the_primary(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    made = create(elsewhere, "Told to somebody here by word of mouth")

    read = ask(app, "query_work_item", id=made["id"])
    pair.catch_up()

    assert read["source"] == "postgres"
    with pytest.raises(NotFound):
        ask(app, "query_work_item", id="w-zzzzzzzz")


def test_an_answer_may_be_old_and_says_how_old_at_most(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    create(elsewhere, "Second")
    at(app, timedelta(seconds=4))

    listed = ask(app, "list_work_items")
    pair.catch_up()

    assert [item["title"] for item in listed["items"]] == ["First"]
    assert (listed["source"], listed["as_of"]["position"]) == ("replica", 1)
    assert 4 <= listed["as_of"]["age"] <= app.settings.read_seconds


def test_what_may_be_older_than_allowed_is_asked_of_the_primary(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    create(elsewhere, "Second")
    at(app, timedelta(seconds=app.settings.read_seconds + 1))

    listed = ask(app, "list_work_items")
    pair.catch_up()

    assert listed["source"] == "postgres"
    assert [item["title"] for item in listed["items"]] == ["Second", "First"]


def test_a_clock_that_was_set_back_makes_nothing_fresh(app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    at(app, -timedelta(hours=1))

    assert ask(app, "list_work_items")["source"] == "postgres"


def test_an_answer_is_of_one_position_though_others_write_meanwhile(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)

    def look(layered: LedgerView) -> Answered:
        first, _ = layered.tables.ask("conflicts/count", status="open")
        create(elsewhere, "Meanwhile")
        pair.catch_up()
        then, _ = layered.tables.ask("conflicts/count", status="open")
        return {"positions": [first.position, then.position, layered.store.read_streams([]).head]}

    read = router.answer(app, look)

    assert read["source"] == "replica"
    assert len(set(read["positions"])) == 1


@pytest.fixture
def renewed(pair: Pair) -> Iterator[Pair]:
    """For tests that leave the standby in no state to be used again."""
    yield pair
    pair.renew()


def test_a_killed_replica_fails_no_question_and_is_asked_again_when_it_is_back(app: App, renewed: Pair) -> None:
    made = create(app, "One")
    followed(app, renewed)
    assert ask(app, "query_work_item", id=made["id"])["source"] == "replica"

    renewed.standby.destroy()
    read = ask(app, "query_work_item", id=made["id"])
    renewed.standby.start()

    assert (read["title"], read["source"]) == ("One", "postgres")
    until(lambda: fresh(app) and ask(app, "query_work_item", id=made["id"])["source"] == "replica")


def test_a_replica_that_freezes_in_the_middle_fails_no_question(
    app: App, renewed: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(app, "One")
    followed(app, renewed)
    silence.soon_noticed(monkeypatch)
    asked: list[str] = []

    def look(layered: LedgerView) -> Answered:
        asked.append(layered.layer.source)
        if len(asked) == 1:
            renewed.standby.send(signal.SIGSTOP)
        return {"found": len(layered.tables.ask("conflicts/count", status="open")[1])}

    began = time.monotonic()
    read = router.answer(app, look)
    again = router.answer(app, look)
    renewed.standby.send(signal.SIGCONT)

    assert time.monotonic() - began < SOON
    assert asked == ["replica", "postgres", "postgres"]
    assert (read["source"], again["source"]) == ("postgres", "postgres")


def test_a_replica_that_cancels_a_question_for_its_replay_fails_none(app: App, renewed: Pair) -> None:
    create(app, "One")
    with renewed.on_standby() as standby:
        standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        standby.execute("SELECT pg_reload_conf()")
    with renewed.on_primary() as primary:
        primary.execute("CREATE TABLE IF NOT EXISTS public.scratch AS SELECT generate_series(1, 100) AS n")
    followed(app, renewed)
    asked: list[str] = []

    def look(layered: LedgerView) -> Answered:
        asked.append(layered.layer.source)
        layered.tables.ask("conflicts/count", status="open")
        if len(asked) == 1:
            with renewed.on_primary() as primary:
                primary.execute("DELETE FROM public.scratch")
                primary.execute("VACUUM public.scratch")
            renewed.catch_up()
        return {"found": len(layered.tables.ask("conflicts/count", status="open")[1])}

    read = router.answer(app, look)

    assert asked == ["replica", "postgres"]
    assert read["source"] == "postgres"


def test_a_replica_that_was_promoted_and_went_its_own_way_is_not_shown(
    app: App, elsewhere: App, tmp_path: Path, renewed: Pair
) -> None:
    create(app, "Common")
    followed(app, renewed)
    renewed.standby.promote()
    island = App(replace(machine(renewed, tmp_path, "island"), dsn=renewed.read_dsn, read_dsn=None))
    for number in range(3):
        create(island, f"Of the island {number}")
    island.close()
    create(elsewhere, "Of the primary")
    until(app.sync.follow)

    listed = ask(app, "list_work_items")

    assert [item["title"] for item in listed["items"]] == ["Of the primary", "Common"]
    assert listed["source"] == "postgres"
    assert "something else at position 2" in not_asked(app)


def test_a_promoted_replica_of_the_same_history_goes_on_answering(app: App, renewed: Pair) -> None:
    made = create(app, "One")
    followed(app, renewed)

    renewed.standby.promote()

    assert ask(app, "query_work_item", id=made["id"])["source"] == "replica"


def test_a_replica_with_an_older_schema_is_asked_once_it_has_this_programs(app: App, renewed: Pair) -> None:
    make_schema_older(renewed)
    renewed.catch_up()
    renewed.pause()
    renewed.migrate()
    made = create(app, "One")
    until(app.sync.follow)

    assert ask(app, "query_work_item", id=made["id"])["source"] == "postgres"
    assert "schema" in not_asked(app)
    renewed.catch_up()
    until(lambda: fresh(app) and ask(app, "query_work_item", id=made["id"])["source"] == "replica")


def test_of_several_hosts_the_one_that_is_a_standby_answers(app: App, pair: Pair) -> None:
    create(app, "One")
    followed(app, pair)
    ports = f"1,{pair.primary.port},{pair.standby.port}"
    several = make_conninfo(pair.read_dsn, host=",".join(["127.0.0.1"] * 3), port=ports)
    asking = App(replace(app.settings, read_dsn=make_conninfo(several, target_session_attrs="prefer-standby")))

    listed = ask(asking, "list_work_items")
    assert asking.runtime.replica is not None
    state = asking.runtime.replica.state()
    asking.close()

    assert listed["source"] == "replica"
    assert state.follows


def test_two_replicas_never_show_the_writes_of_two_clients_in_two_orders(
    app: App, elsewhere: App, pair: Pair, tmp_path: Path
) -> None:
    """The long fork: one reader has the first of two writes only, and another has the second only."""
    create(app, "Before")
    shown: list[tuple[str, int, set[str]]] = []
    with pair.another_standby() as other:
        readers = [
            App(machine(pair, tmp_path, node.name, read_dsn=pair.read_dsn_of(node))) for node in (pair.standby, other)
        ]
        for reader in readers:
            followed(reader, pair)
        for held_up in (pair.standby, other):
            with replay_held_up(held_up):
                writing = [threading.Thread(target=create_some, args=(writer,)) for writer in (app, elsewhere)]
                for thread in writing:
                    thread.start()
                while any(thread.is_alive() for thread in writing):
                    shown += [listed(reader) for reader in readers]
            shown += [listed(reader) for reader in readers]
        for reader in readers:
            reader.close()

    log = {event.position: event.stream_id[-36:] for event in elsewhere.store.read_all()}
    assert "replica" in {source for source, _, _ in shown}
    for source, position, items in shown:
        assert items == {item for place, item in log.items() if place <= position}, (source, position)


def test_a_standby_that_says_so_itself_is_never_taken_for_the_primary(pair: Pair) -> None:
    wanted = make_conninfo(pair.read_dsn, target_session_attrs="read-write")

    with pytest.raises(psycopg.OperationalError, match="1 of 1 are standbys"):
        leader_first(wanted)


def test_a_replica_of_another_ledgers_database_answers_nothing(app: App, tmp_path: Path, pair: Pair) -> None:
    create(app, "One")
    followed(app, pair)
    stranger = App(replace(app.settings, read_dsn=make_conninfo(pair.standby.conninfo, dbname="template1")))

    listed = ask(stranger, "list_work_items")
    stranger.close()

    assert listed["source"] == "postgres"


def test_words_that_are_no_connection_string_fail_no_question_and_are_not_repeated(app: App, pair: Pair) -> None:
    create(app, "One")
    until(app.sync.follow)
    wrong = App(replace(app.settings, read_dsn="password=hunter2 and more"))

    listed = ask(wrong, "list_work_items")
    output = not_asked(wrong)
    wrong.close()

    assert listed["source"] == "postgres"
    assert "LEDGER_READ_DSN" in output
    assert "hunter2" not in output


def test_with_the_primary_away_the_replica_answers_and_says_so(app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    create(elsewhere, "Second")
    pair.catch_up()
    alone = App(replace(app.settings, dsn=NOWHERE), clock=lambda: datetime.now(UTC) + timedelta(minutes=20))

    listed = ask(alone, "list_work_items")
    alone.close()

    assert [item["title"] for item in listed["items"]] == ["Second", "First"]
    assert (listed["source"], listed["warnings"]) == ("replica", ["postgres_unavailable"])
    assert listed["as_of"]["age"] >= 1200


def test_with_the_primary_away_and_the_replica_behind_the_journal_answers(app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    pair.pause()
    create(app, "Second")
    until(app.sync.follow)
    alone = App(replace(app.settings, dsn=NOWHERE), clock=lambda: datetime.now(UTC) + timedelta(minutes=20))

    listed = ask(alone, "list_work_items")
    alone.close()
    pair.catch_up()

    assert [item["title"] for item in listed["items"]] == ["Second", "First"]
    assert listed["source"] == "journal"


def test_what_waits_on_this_machine_is_seen_though_a_replica_could_answer(app: App, pair: Pair) -> None:
    create(app, "First")
    followed(app, pair)
    app.close()  # which would bring home what waits
    alone = App(replace(app.settings, dsn=NOWHERE))

    queued = create(alone, "Second")
    listed = ask(alone, "list_work_items")
    alone.close()

    assert queued["outcome"] == "queued"
    assert {item["title"] for item in listed["items"]} == {"First", "Second"}
    assert listed["source"] == "journal"


def test_every_question_can_be_asked_of_a_replica(app: App, pair: Pair) -> None:
    item = create(app, "A question of every kind")
    ask(app, "create_vendor", name="Acme")
    ask(
        app,
        "record_deployment",
        deployed_at="2026-11-22T12:00:00Z",
        commit_hash="a" * 40,
        pr_number=1,
        pr_title="One",
        test_summary={"passed": 1},
        constitutional_compliance=True,
    )
    followed(app, pair)
    everything = ["ancestors", "descendants", "dependencies", "deployments", "history"]
    arguments: dict[str, list[Answered]] = {
        "query_work_item": [{"id": item["ref"], "include": everything}, {"id": item["ref"], "as_of": "1"}],
        "list_work_items": [{}, {"text": "question"}, {"ready": True}, {"as_of": "1"}, {"order": "tree"}],
        "query_vendor_status": [{}, {"name": "acme"}, {"broke_since": "1"}],
        "query_history": [{"id": item["ref"]}, {"id": item["ref"], "as_of": "v1"}],
        "changes_since": [{"since": "0"}],
    }
    reading = [operation for operation in OPERATIONS.values() if not operation.writes]

    sources = {
        f"{operation.name} {given}": ask(app, operation.name, **given)["source"]
        for operation in reading
        for given in arguments.get(operation.name, [{}])
    }

    assert {name for name, source in sources.items() if source != "replica"} == set()


def test_a_report_is_the_same_from_every_layer(app: App, pair: Pair) -> None:
    create(app, "One")
    followed(app, pair)

    output = ask(app, "project_status", format="markdown")
    live = App(replace(app.settings, read_dsn=None))
    told_live = ask(live, "project_status", format="markdown")
    live.close()

    assert (output["source"], told_live["source"]) == ("replica", "postgres")
    assert output["markdown"] == told_live["markdown"]


def test_a_person_learns_that_a_replica_answered(
    settings: Settings, app: App, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(app, "One")
    followed(app, pair)
    monkeypatch.setattr(replica, "REACH_SECONDS", SOON)  # a busy machine takes longer to connect, and asks the primary

    ended = run(settings, "log", **for_reading(settings))

    assert "created" in ended.stdout
    assert "answered by a replica, at most" in ended.stderr


def test_doctor_tells_where_the_replica_stands(settings: Settings, app: App, elsewhere: App, pair: Pair) -> None:
    create(app, "One")
    followed(app, pair)
    pair.pause()
    create(elsewhere, "Two")

    behind = command(settings, "doctor")["replica"]
    pair.catch_up()
    level = command(settings, "doctor")

    assert (behind["answers"], behind["follows"], behind["position"], behind["behind"]) == (True, True, 1, 1)
    assert (level["replica"]["position"], level["replica"]["behind"]) == (2, 0)
    assert not [finding for finding in level["findings"] if "replica" in finding["what"]]


def test_doctor_tells_why_no_replica_is_asked(settings: Settings, app: App) -> None:
    create(app, "One")
    away = replace(settings, read_dsn=NOWHERE)

    output = command(away, "doctor")

    assert output["replica"] == {"answers": False}
    assert any("no question is asked of a replica" in finding["what"] for finding in output["findings"])
    assert "no question is asked of a replica" in program(away, "doctor").stdout


def test_a_tool_call_is_answered_by_the_replica_and_reads_what_it_wrote(
    settings: Settings, app: App, pair: Pair
) -> None:
    create(app, "First")
    followed(app, pair)
    with served(settings, extra=for_reading(settings)) as client:
        until(lambda: client.call("list_work_items")["source"] == "replica")  # once it has reached it
        pair.pause()
        made = client.call("create_work_item", item_type="task", title="Second")
        then = client.call("list_work_items")
    pair.catch_up()

    assert made["id"] in [item["id"] for item in then["items"]]


def test_a_migration_in_one_transaction_counts_as_written(app: App) -> None:
    with app.store.exclusively():
        made = create_in(app, "One")

    assert app.local.seen.position == made
    said = app.local.acknowledged.read()
    assert said is not None
    assert said.position == made


def create(app: App, title: str) -> Answered:
    return ask(app, "create_work_item", item_type="task", title=title)


def create_in(app: App, title: str) -> int:
    """Within this thread's transaction."""
    answered = OPERATIONS["create_work_item"].perform(app.live_view(), {"item_type": "task", "title": title})
    position = answered["position"]
    assert app.local.seen.position < position
    return int(position)


def create_some(app: App) -> None:
    for number in range(12):
        create(app, f"{app.settings.by} {number}")


def listed(app: App) -> tuple[str, int, set[str]]:
    """Who answered, for which position, and the items that there are."""
    answer = ask(app, "list_work_items", limit=100)
    return answer["source"], answer["as_of"]["position"], {item["id"] for item in answer["items"]}


@contextmanager
def replay_held_up(standby: Node) -> Iterator[None]:
    with psycopg.connect(standby.conninfo, autocommit=True) as administrator:
        administrator.execute("SELECT pg_wal_replay_pause()")
        yield
        administrator.execute("SELECT pg_wal_replay_resume()")


def program(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_HOME": str(settings.home),
        "LEDGER_PGDATA": str(settings.pgdata),
        "LEDGER_DSN": str(settings.dsn),
        **for_reading(settings),
    }
    return forked.run(*words, env=environment, cwd=settings.project)


def for_reading(settings: Settings) -> dict[str, str]:
    return {"LEDGER_READ_DSN": str(settings.read_dsn), "LEDGER_READ_SECONDS": f"{settings.read_seconds:g}"}


def command(settings: Settings, *words: str) -> Answered:
    """In a process of its own."""
    ended = program(settings, *words, "--json")
    assert ended.returncode == 0, ended.stderr
    answer: Answered = json.loads(ended.stdout)
    return answer


def in_threads(work: Callable[[str], None], names: list[str]) -> None:
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def at(app: App, later: timedelta) -> None:
    """What the time is on this machine from here on."""
    app.runtime.clock = lambda: datetime.now(UTC) + later


def fresh(app: App) -> bool:
    """Follows, as a server does every two seconds."""
    return app.sync.follow()


def not_asked(app: App) -> str:
    """Why the replica of an App is not asked."""
    assert app.runtime.replica is not None
    head = app.local.journal.head
    try:
        with app.runtime.replica.asking(head.position, head.position, head.digest):
            return ""
    except LedgerError as error:
        return error.message


def make_schema_older(pair: Pair) -> None:
    """As an older release would have left it."""
    with pair.on_primary() as primary:
        primary.execute("UPDATE tracking_ledger.migrations SET digest = 'older' WHERE name = 'functions'")
