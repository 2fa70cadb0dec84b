"""Writing while the database is away, from outside: answers, what is seen, and that it comes home by itself."""

import random
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from ledger.errors import CommandIdReused, Invalid, Refused, Unavailable, VersionConflict
from ledger.offline.follower import Follower
from ledger.offline.queue import outbox, outbox_lines
from ledger.settings import Settings
from projections.application.app import App
from projections.fallback import router
from projections.maintenance.after_write import keep_status
from projections.maintenance.status_file import read
from projections.questions.work import work_items
from projections.reports.marked_section import NAME
from tests.support.calls import ask, close_at_once
from tests.support.long_cases import long_cases
from tests.support.mcp_client import served
from tests.support.tcp_gate import Gate
from tests.support.waits import until


@pytest.fixture
def app(settings: Settings, gate: Gate) -> Iterator[App]:
    app = App(replace(settings, dsn=gate.dsn), keep_status=keep_status)
    yield app
    close_at_once(app)


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Iterator[App]:
    """Another machine, whose way to the database is never shut."""
    app = App(replace(settings, home=tmp_path / "elsewhere", by="stranger"), keep_status=keep_status)
    yield app
    close_at_once(app)


def wait_until_settled(app: App) -> None:
    until(lambda: app.local.is_settled)


def clash(app: App, gate: Gate, elsewhere: App) -> dict[str, Any]:
    """An item whose title was changed here while away, and elsewhere meanwhile: a conflict, now that it is back."""
    item = ask(app, "create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    gate.close()
    ask(app, "update_work_item", id=item["id"], version=1, title="Mine")
    ask(elsewhere, "update_work_item", id=item["id"], version=1, title="Theirs")
    gate.open()
    wait_until_settled(app)
    return item


@pytest.mark.processes
def test_a_write_while_away_is_queued_seen_at_once_and_in_the_log_once_when_it_is_back(
    app: App, gate: Gate, elsewhere: App
) -> None:
    first = ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()

    queued = ask(app, "create_work_item", item_type="task", title="Away")
    seen = ask(app, "query_work_item", id=queued["ref"])
    gate.open()
    wait_until_settled(app)

    assert first["outcome"] == "committed"
    assert (queued["outcome"], queued["position"]) == ("queued", None)
    assert queued["place"] is not None
    assert queued["version"].startswith("p-")
    assert "recorded by itself when the database is back" in queued["next_step"]
    assert (seen["title"], seen["pending"], seen["version"]) == ("Away", True, queued["version"])
    assert set(seen["warnings"]) >= {"postgres_unavailable", "queued_offline"}
    there = ask(elsewhere, "query_work_item", id=queued["id"])
    assert (there["title"], there["version"]) == ("Away", 1)
    assert [event.position for event in elsewhere.store.read_all()] == [1, 2]


@pytest.mark.processes
def test_a_bulk_behind_another_reads_no_more_lines_for_many_items_than_for_few(
    app: App, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line has the events of all items of a bulk: read for each of them, a thousand would take ten seconds."""
    lines_read, own, read_line = list[bytes](), threading.get_ident(), outbox.read

    def counted(raw: bytes) -> outbox_lines.Line | None:
        lines_read.extend([raw] if threading.get_ident() == own else [])
        return read_line(raw)

    def read_for(count: int) -> int:
        items = [{"op": "create", "item_type": "task", "title": f"Item {n}"} for n in range(count)]
        made = ask(app, "bulk_work_items", items=items)["results"]
        until(app.sync.follow)
        gate.close()
        waiting = ask(app, "bulk_work_items", items=retitled(made, "Second"))
        lines_read.clear()
        ask(app, "bulk_work_items", items=retitled(waiting["results"], "Third"))
        read = len(lines_read)
        gate.open()
        wait_until_settled(app)
        assert waiting["outcome"] == "queued"
        return read

    monkeypatch.setattr(outbox, "read", counted)

    assert 0 < read_for(20) == read_for(2)


def retitled(items: list[dict[str, Any]], title: str) -> list[dict[str, Any]]:
    return [{"op": "update", "id": item["ref"], "version": item["version"], "title": title} for item in items]


@pytest.mark.processes
def test_the_status_file_holds_what_waits_as_soon_as_it_is_answered(app: App, gate: Gate) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()

    ask(app, "create_work_item", item_type="task", title="Away from home")

    text = (app.identity.project / ".project_status.md").read_text(encoding="utf-8")
    assert "Away from home" in text


@pytest.mark.processes
def test_a_claim_that_is_known_to_be_recorded_is_answered_again_while_away(app: App, gate: Gate) -> None:
    item = ask(app, "create_work_item", item_type="task", title="Before")
    claim = {"action": "claim", "id": item["id"], "command_id": str(uuid4())}
    claimed = ask(app, "claim_work_item", **claim)
    until(app.sync.follow)
    gate.close()

    again = ask(app, "claim_work_item", **claim)

    assert (claimed["outcome"], again["outcome"], again["version"]) == ("committed", "committed", claimed["version"])
    with pytest.raises(Unavailable, match="nothing was claimed"):
        ask(app, "claim_work_item", **claim | {"command_id": str(uuid4())})


@pytest.mark.processes
def test_what_is_asked_after_the_database_came_back_is_answered_live_again(app: App, gate: Gate) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()
    queued = ask(app, "create_work_item", item_type="task", title="Away")
    gate.open()

    for attempt in range(100):
        answer = ask(app, "update_work_item", id=queued["id"], version=queued["version"], notes=f"back {attempt}")
        if answer["outcome"] == "committed":
            break
        queued = answer
        time.sleep(0.05)

    assert (answer["outcome"], answer["position"] is not None) == ("committed", True)
    assert "source" not in answer


@pytest.mark.processes
def test_a_ledger_that_never_met_a_database_works_for_as_long_as_that_lasts(
    settings: Settings, gate: Gate, elsewhere: App
) -> None:
    gate.close()
    app = App(replace(settings, dsn=gate.dsn), keep_status=keep_status)

    item = ask(app, "create_work_item", item_type="task", title="One")
    changed = ask(app, "update_work_item", id=item["id"], version=item["version"], title="Two", notes="n")
    claimed = ask(app, "claim_work_item", action="next")
    undone = ask(app, "undo", id=item["id"], version=changed["version"])
    history = ask(app, "query_history", id=item["id"])
    changes = ask(app, "changes_since", since=0)
    bulk = ask(app, "bulk_work_items", items=[{"op": "create", "item_type": "task", "title": "B", "key": "b"}])
    vendor = ask(app, "create_vendor", name="Acme")
    configured = ask(app, "update_project_configuration", version=0, default_token_budget=5000)

    outcomes = [one["outcome"] for one in (item, changed, claimed, undone, bulk, vendor, configured)]
    assert outcomes == ["queued"] * 7
    assert [line["version"] for line in history["items"]][-2:] == [changed["version"], item["version"]]
    assert {line["position"] for line in history["items"]} == {None}
    assert [line["type"] for line in changes["items"]][:2] == ["WorkItemCreated", "WorkItemRevised"]
    assert {line["position"] for line in changes["items"]} == {None}

    gate.open()
    wait_until_settled(app)
    there = ask(elsewhere, "query_work_item", id=item["id"])
    assert (there["title"], there["notes"], there["claim"]["by"]) == ("One", None, "tester")
    assert {event.command for event in elsewhere.store.read_all()} >= {"CreateVendor", "ChangeWorkItems", "Undo"}
    app.close()


@pytest.mark.processes
def test_an_assistants_server_goes_on_while_the_database_is_away_and_brings_it_home(
    settings: Settings, gate: Gate, elsewhere: App
) -> None:
    with served(settings, extra={"LEDGER_DSN": gate.dsn}) as client:
        item = client.call("create_work_item", item_type="task", title="Before")
        client.call("list_work_items")
        gate.close()
        queued = client.call("create_work_item", item_type="task", title="Away")
        changed = client.call("update_work_item", id=queued["id"], version=queued["version"], notes="more")
        seen = client.call("query_work_item", id=queued["id"])
        listed = client.call("list_work_items")
        gate.open()
        until(lambda: client.call("sync_state")["queued"] == 0)
        back = client.call("query_work_item", id=queued["id"])

    assert (item["outcome"], queued["outcome"], changed["outcome"]) == ("committed", "queued", "queued")
    assert (seen["notes"], seen["version"], seen["source"]) == ("more", changed["version"], "journal")
    assert "Away" in [one["title"] for one in listed["items"]]
    assert (back["version"], back["notes"]) == (2, "more")
    titles = [event.type for event in elsewhere.store.read_all()]
    assert titles == ["WorkItemCreated", "WorkItemCreated", "WorkItemRevised"]


@pytest.mark.processes
def test_a_conflict_is_seen_by_all_machines_and_decided_by_any(app: App, gate: Gate, elsewhere: App) -> None:
    item = clash(app, gate, elsewhere)

    seen = ask(elsewhere, "query_work_item", id=item["id"])
    state = ask(elsewhere, "sync_state")
    [conflict] = state["items"]
    report = ask(elsewhere, "project_status")
    decided = ask(
        elsewhere, "resolve_conflict", id=conflict["ref"], version=1, choice="edited", changes={"title": "Both"}
    )
    after = ask(elsewhere, "query_work_item", id=item["id"])

    assert "conflicts_waiting" in seen["warnings"]
    assert (state["conflicts"], report["sync"]["conflicts"], report["sync"]["clean"]) == (1, 1, False)
    assert conflict["met"][0] | {"ref": ""} == {
        "ref": "",
        "field": "title",
        "base": "Before",
        "mine": "Mine",
        "now": "Theirs",
        "by": "stranger",
    }
    assert decided["outcome"] == "committed"
    assert after["title"] == "Both"
    assert "conflicts_waiting" not in after.get("warnings", ())
    with pytest.raises(VersionConflict):
        ask(app, "resolve_conflict", id=conflict["id"], version=1, choice="mine")


@pytest.mark.processes
def test_an_edit_is_held_to_the_limits_of_every_other_input(app: App, gate: Gate, elsewhere: App) -> None:
    item = clash(app, gate, elsewhere)
    [conflict] = ask(elsewhere, "sync_state")["items"]

    for changes, faulty in (
        ({"title": "x" * 201, "priority": 9}, ["changes.title", "changes.priority"]),
        ({"tags": {"one": 1}}, ["changes.tags"]),
        ({"fields": {"title": " "}}, ["changes.title"]),
    ):
        with pytest.raises(Invalid) as refused:
            ask(elsewhere, "resolve_conflict", id=conflict["id"], version=1, choice="edited", changes=changes)
        assert [fault["field"] for fault in refused.value.details["fields"]] == faulty
    decided = ask(elsewhere, "resolve_conflict", id=conflict["id"], version=1, choice="edited", changes={"tags": "one"})

    assert decided["outcome"] == "committed"
    after = ask(elsewhere, "query_work_item", id=item["id"])
    assert (after["title"], after["tags"]) == ("Mine", ["one"])


@pytest.mark.processes
def test_what_waited_for_a_conflict_follows_its_decision_in_order(app: App, gate: Gate, elsewhere: App) -> None:
    item = ask(app, "create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    gate.close()
    first = ask(app, "update_work_item", id=item["id"], version=1, title="Mine")
    second = ask(app, "update_work_item", id=item["id"], version=first["version"], notes="more")
    ask(app, "update_work_item", id=item["id"], version=second["version"], assignee="ada")
    ask(elsewhere, "update_work_item", id=item["id"], version=1, title="Theirs")
    gate.open()
    wait_until_settled(app)
    conflict = ask(app, "sync_state")["items"][0]

    decided = ask(app, "resolve_conflict", id=conflict["ref"], version=1, choice="mine")
    after = ask(app, "query_work_item", id=item["id"])

    assert len(decided["resolved_too"]) == 2
    assert (after["title"], after["notes"], after["assignee"]) == ("Mine", "more", "ada")
    assert ask(app, "sync_state")["conflicts"] == 0


def test_working_files_that_cannot_be_used_are_an_answer(app: App, gate: Gate) -> None:
    item = ask(app, "create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    (app.home / "outbox.jsonl").mkdir()

    live = ask(app, "query_work_item", id=item["id"])
    gate.close()
    with pytest.raises(Unavailable):
        ask(app, "create_work_item", item_type="task", title="Away")

    assert live["title"] == "Before"


@pytest.mark.processes
def test_what_is_created_while_away_begins_in_the_planned_state_that_there_is_when_it_is_recorded(
    app: App, gate: Gate, elsewhere: App
) -> None:
    ask(app, "update_project_configuration", version=0, states=[{"name": "todo", "category": "planned"}])
    until(app.sync.follow)
    gate.close()
    queued = ask(app, "create_work_item", item_type="task", title="Away")
    seen = ask(app, "query_work_item", id=queued["id"])
    ask(elsewhere, "update_project_configuration", version=1, states=[{"name": "backlog", "category": "planned"}])
    gate.open()
    wait_until_settled(app)

    assert (seen["status"], seen["category"]) == ("todo", "planned")
    found = ask(elsewhere, "query_work_item", id=queued["id"])
    assert (found["status"], found["category"]) == ("backlog", "planned")


@pytest.mark.processes
def test_a_conflict_itself_is_not_undone(app: App, gate: Gate, elsewhere: App) -> None:
    clash(app, gate, elsewhere)

    with pytest.raises(Refused) as refused:
        ask(app, "undo", id=ask(app, "sync_state")["items"][0]["id"], version=1)

    assert refused.value.details["rule"] == "not_undoable"


@long_cases(
    ("name", "arguments"),
    [
        ("create_work_item", {"item_type": "task", "title": "One"}),
        ("bulk_work_items", {"items": [{"op": "create", "item_type": "task", "title": "Of many"}]}),
    ],
)
def test_what_waits_will_be_decided_with_the_rights_of_the_one_who_asked(
    app: App, gate: Gate, name: str, arguments: dict[str, Any]
) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()

    answer = ask(app.for_principal("bot", "write", "its token"), name, **arguments)

    found = app.local.outbox.find(UUID(answer["command_id"]))
    assert found is not None
    line = found[0]
    assert (line.by, line.scope, line.token) == ("bot", "write", "its token")


@pytest.mark.processes
def test_a_claim_while_away_is_refused_unavailable(app: App, gate: Gate) -> None:
    item = ask(app, "create_work_item", item_type="task", title="Before")
    app.local.journal.append(list(app.store.read_all()))
    gate.close()

    with pytest.raises(Exception, match="claim is exclusive") as refused:
        ask(app, "claim_work_item", action="claim", id=item["id"])

    assert getattr(refused.value, "code", None) == "unavailable"


@pytest.mark.processes
def test_the_status_file_shows_a_queued_write_until_it_is_home(app: App, gate: Gate, settings: Settings) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()

    ask(app, "create_work_item", item_type="task", title="Away")
    waiting = shown_when(settings.project / NAME, queued=1)
    gate.open()
    wait_until_settled(app)
    home = shown_when(settings.project / NAME, queued=0)

    assert "Away" in titles(waiting)
    assert titles(home) == {"Before", "Away"}
    assert waiting["sync"] == {"source": "journal", "clean": False, "queued": 1, "conflicts": 0}
    assert home["sync"]["clean"]


def titles(document: dict[str, Any]) -> set[str]:
    return {item["title"] for item in document["active_work_items"]["items"]}


def shown_when(file: Path, *, queued: int) -> dict[str, Any]:
    """What the file shows once it says that so many writes wait."""
    seen: list[dict[str, Any]] = []

    def is_shown() -> bool:
        document = read(file)
        if document is not None and document["sync"]["queued"] == queued:
            seen.append(document)
        return bool(seen)

    until(is_shown)
    return seen[0]


@long_cases("seed", range(4))
def test_connections_cut_at_any_byte_lose_and_double_nothing(app: App, gate: Gate, elsewhere: App, seed: int) -> None:
    moments = random.Random(seed)
    first = ask(app, "create_work_item", item_type="task", title="Before")
    receipts = [first]
    for number in range(5):
        gate.close_after(moments.randrange(1, 1500))
        for part in range(2):
            receipts.append(ask(app, "create_work_item", item_type="task", title=f"{number} {part}"))
        gate.close()
        gate.open()
    wait_until_settled(app)

    log = list(elsewhere.store.read_all())
    by_stream = {event.stream_id: event for event in log}
    assert len(by_stream) == len(log) == len(receipts)
    for answer in receipts:
        recorded = by_stream[f"work_item-{answer['id']}"]
        assert answer["position"] in (None, recorded.position)
    assert {answer["outcome"] for answer in receipts} == {"committed", "queued"}


@pytest.mark.processes
def test_threads_of_one_server_queue_at_once_and_lose_none(app: App, gate: Gate) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()

    def write(number: int) -> str:
        return str(ask(app, "create_work_item", item_type="task", title=f"T {number}")["outcome"])

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(write, range(60)))
    gate.open()
    wait_until_settled(app)

    assert outcomes == {"queued"}
    until(lambda: ask(app, "list_work_items", limit=1)["source"] == "postgres")
    assert ask(app, "list_work_items", limit=1)["total_count"] == 61


@pytest.mark.processes
def test_the_same_command_id_while_away_and_afterwards_is_one_command(app: App, gate: Gate) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()
    given = {"item_type": "task", "title": "Once", "command_id": str(uuid4())}

    first, again = ask(app, "create_work_item", **given), ask(app, "create_work_item", **given)
    with pytest.raises(CommandIdReused):
        ask(app, "create_work_item", **{**given, "title": "Another"})
    gate.open()
    wait_until_settled(app)
    until(lambda: ask(app, "create_work_item", **given)["outcome"] == "committed")
    after = ask(app, "create_work_item", **given)

    assert (first["id"], first["version"], first["place"]) == (again["id"], again["version"], again["place"])
    assert again["repeated"]
    assert (after["id"], after["outcome"], after["repeated"]) == (first["id"], "committed", True)


@pytest.mark.processes
def test_a_disk_that_takes_no_verdict_is_not_taken_for_a_lost_database(app: App, gate: Gate) -> None:
    ask(app, "create_work_item", item_type="task", title="Before")
    gate.close()
    ask(app, "create_work_item", item_type="task", title="Away")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((app.home / "outbox.jsonl").stat().st_size, usual[1]))
    try:
        gate.open()
        until(lambda: app.runtime.contact.ready)
        with pytest.raises(Unavailable) as failed:
            app.sync.drain_for(5.0)
        ready = app.runtime.contact.ready
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    assert "file" in failed.value.details
    assert ready
    assert app.sync.drain_for(5.0)  # the next call begins it again


@pytest.fixture
def drain_waits(app: App, gate: Gate, elsewhere: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The database answers again, others have changed this item, and the ledger's lock holds up what waits here."""
    monkeypatch.setattr(router, "DRAIN_SECONDS", 0.05)
    item = ask(app, "create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    gate.close()
    ask(app, "create_work_item", item_type="task", title="Away")
    changed = ask(elsewhere, "update_work_item", id=item["id"], version=1, title="Theirs")
    with elsewhere.store.exclusively():
        gate.open()
        until(lambda: app.runtime.contact.ready)
        yield changed
    wait_until_settled(app)


@pytest.mark.processes
def test_what_waits_is_laid_again_over_what_others_recorded_meanwhile(app: App, gate: Gate, elsewhere: App) -> None:
    item = ask(app, "create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    gate.close()
    ask(app, "update_work_item", id=item["id"], version=1, notes="Mine")
    ask(elsewhere, "update_work_item", id=item["id"], version=1, title="Theirs")
    with elsewhere.store.exclusively():  # so what waits here goes on waiting
        gate.open()
        until(lambda: app.runtime.contact.ready and app.sync.follow())
        with app.local.cache.tables.snapshot() as snapshot:
            seen = work_items.row(snapshot, item["id"])
    wait_until_settled(app)

    assert (seen.state.title, seen.state.notes) == ("Theirs", "Mine")
    assert str(seen.version).startswith("p-")


@pytest.mark.processes
def test_a_write_that_is_queued_behind_others_takes_in_nothing_before(
    app: App, drain_waits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background may follow at any time, and holds up no answer."""
    following, follow = list[int](), Follower.follow

    def noted(follower: Follower, *given: Any) -> bool:
        following.append(threading.get_ident())
        return follow(follower, *given)

    monkeypatch.setattr(Follower, "follow", noted)

    queued = ask(app, "create_work_item", item_type="task", title="Behind")

    assert queued["outcome"] == "queued"
    assert threading.get_ident() not in following


@pytest.mark.processes
def test_the_answer_of_a_write_that_is_queued_waits_for_no_further_question_to_the_database(
    app: App, drain_waits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may have fallen silent: then each question costs seconds until it is given up."""
    asked, asking, call = list[str](), threading.get_ident(), app.database.call

    def noted(query: str, *given: Any) -> Any:
        if threading.get_ident() == asking:  # and not what drains meanwhile
            asked.append(query)
        return call(query, *given)

    monkeypatch.setattr(app.database, "call", noted)

    queued = ask(app, "create_work_item", item_type="task", title="Behind")

    monkeypatch.undo()
    assert queued["outcome"] == "queued"
    assert asked == []


@pytest.mark.processes
def test_what_is_refused_behind_others_is_decided_anew_on_what_the_database_has(
    app: App, drain_waits: dict[str, Any]
) -> None:
    queued = ask(app, "update_work_item", id=drain_waits["id"], version=2, notes="on theirs")

    assert queued["outcome"] == "queued"
    assert ask(app, "query_work_item", id=drain_waits["id"])["title"] == "Theirs"


@pytest.mark.processes
def test_whether_there_is_nothing_to_do_behind_others_is_asked_of_what_the_database_has(
    app: App, drain_waits: dict[str, Any]
) -> None:
    with pytest.raises(VersionConflict, match="at version 2, not 1"):
        ask(app, "update_work_item", id=drain_waits["id"], version=1, title="Before")


def test_a_change_that_changes_nothing_is_not_queued(app: App, gate: Gate) -> None:
    gate.close()
    item = ask(app, "create_work_item", item_type="task", title="Away")

    again = ask(app, "update_work_item", id=item["id"], version=item["version"], title="Away")

    assert (again["outcome"], again["position"], again["version"]) == ("unchanged", None, item["version"])
    assert "place" not in again
    assert app.local.waiting == 1


def test_what_waits_already_is_answered_with_the_place_at_which_it_waits(app: App, gate: Gate) -> None:
    gate.close()
    deployment = {
        "pr_number": 7,
        "pr_title": "Ship",
        "commit_hash": "a" * 40,
        "deployed_at": "2026-01-01T00:00:00Z",
        "environment": "production",
        "test_summary": {"passed": 1},
        "constitutional_compliance": True,
    }
    first = ask(app, "record_deployment", **deployment)
    ask(app, "create_work_item", item_type="task", title="Behind it")

    again = ask(app, "record_deployment", **deployment)

    assert (again["outcome"], again["place"], again["id"]) == ("queued", first["place"], first["id"])


@pytest.mark.processes
def test_a_completion_while_away_answers_what_became_ready(app: App, gate: Gate) -> None:
    first, second = (ask(app, "create_work_item", item_type="task", title=title) for title in ("First", "Second"))
    ask(app, "link_work_items", id=first["id"], kind="blocks", to_id=second["id"])
    until(app.sync.follow)
    gate.close()
    version = ask(app, "query_work_item", id=first["id"])["version"]

    done = ask(app, "update_work_item", id=first["id"], version=version, status="completed")

    assert (done["outcome"], done["became_ready"]) == ("queued", [{"ref": second["ref"], "title": "Second"}])
