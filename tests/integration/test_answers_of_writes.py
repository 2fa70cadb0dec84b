"""An answer about a write is true, whatever breaks while it is made: see projections.fallback.known_writes."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from filelock import FileLock
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ClaimWorkItem
from ledger.envelope import Submission
from ledger.errors import (
    CommandIdReused,
    Invalid,
    LedgerError,
    NotFound,
    NotUnique,
    OutcomeUnknown,
    Unavailable,
    VersionConflict,
)
from ledger.offline.journal import FOLLOW_LOCK
from ledger.offline.local import LocalStore
from ledger.offline.queue.queued_line import bare
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application import sync
from projections.application.app import App
from projections.application.own_token import own_token
from projections.application.view import LedgerView
from projections.operations.catalog import OPERATIONS
from tests.support.calls import ask, close_at_once
from tests.support.long_cases import long_cases
from tests.support.lost_history import lose
from tests.support.tcp_gate import Gate
from tests.support.waits import until

Answer = dict[str, Any]
APPEND = b"append_event"  # or append_events


@pytest.fixture
def app(settings: Settings, gate: Gate) -> Iterator[App]:
    """A machine whose journal does not follow, as in the first moment of an outage."""
    app = App(replace(settings, dsn=gate.dsn))
    app.home.mkdir(parents=True, exist_ok=True)
    with FileLock(app.home / FOLLOW_LOCK):
        yield app
    close_at_once(app)


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Iterator[App]:
    app = App(replace(settings, home=tmp_path / "elsewhere", by="stranger"))
    yield app
    close_at_once(app)


def create(app: App, title: str = "Made", **more: Any) -> Answer:
    return ask(app, "create_work_item", item_type="task", title=title, **more)


@pytest.mark.processes
def test_what_was_sent_is_unknown_also_where_the_disk_takes_nothing_until_it_is_known(app: App, gate: Gate) -> None:
    create(app, "Before")
    (app.home / "outbox.jsonl").mkdir()
    given = str(uuid4())
    gate.close_at(APPEND)

    with pytest.raises(OutcomeUnknown) as first:
        create(app, command_id=given)
    with pytest.raises(OutcomeUnknown) as again:
        create(app, command_id=given)
    gate.open()
    wait_for(app)
    known = create(app, command_id=given)

    assert [said.value.details["command_id"] for said in (first, again)] == [given] * 2
    assert (known["outcome"], known["position"], known["repeated"]) == ("committed", 2, True)


@pytest.mark.processes
def test_unknown_names_the_command_id_that_was_not_given(app: App, gate: Gate) -> None:
    create(app, "Before")
    (app.home / "outbox.jsonl").mkdir()
    gate.close_at(APPEND)

    with pytest.raises(OutcomeUnknown) as refused:
        create(app)
    gate.open()
    wait_for(app)

    assert create(app, command_id=refused.value.details["command_id"])["repeated"] is True


@pytest.mark.processes
def test_a_repetition_is_answered_from_the_receipt_when_the_journal_does_not_have_it(app: App, gate: Gate) -> None:
    item, given = create(app), str(uuid4())
    change = {"id": item["ref"], "version": 1, "title": "Changed", "command_id": given}
    first = ask(app, "update_work_item", **change)
    gate.close()

    again = ask(app, "update_work_item", **change)

    assert again["outcome"] == "committed"
    assert {name: again[name] for name in first} == first
    with pytest.raises(CommandIdReused):
        ask(app, "update_work_item", **change | {"title": "Another"})


@pytest.mark.processes
def test_a_receipt_that_came_after_the_copy_was_made_ready_is_the_answer_too(
    app: App, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalStore, "take_in_acknowledged", lambda _: None)  # it was a moment too early
    given = str(uuid4())
    first = create(app, command_id=given)
    gate.close()

    again = create(app, command_id=given)

    assert (again["outcome"], again["position"], again["repeated"]) == ("committed", first["position"], True)


@pytest.mark.processes
def test_a_repetition_by_another_process_of_the_machine_is_answered_from_the_receipt(
    app: App, gate: Gate, settings: Settings
) -> None:
    item, given = create(app), str(uuid4())
    first = ask(app, "update_work_item", id=item["ref"], version=1, title="Changed", command_id=given)
    gate.close()
    later = App(replace(settings, dsn=gate.dsn))

    again = ask(later, "update_work_item", id=item["ref"], version=1, title="Changed", command_id=given)
    seen = ask(later, "query_work_item", id=item["ref"])

    assert (again["outcome"], again["position"], again["repeated"]) == ("committed", first["position"], True)
    assert (seen["title"], seen["version"]) == ("Changed", 2)
    later.close()


@pytest.mark.processes
def test_a_repetition_about_an_entity_that_this_machine_has_not_is_answered_from_the_receipt(
    app: App, gate: Gate, elsewhere: App
) -> None:
    item, given = create(elsewhere), str(uuid4())
    change = {"id": item["ref"], "version": 1, "title": "Changed", "command_id": given}
    first = ask(app, "update_work_item", **change)
    gate.close()

    again = ask(app, "update_work_item", **change)

    assert (again["outcome"], again["position"], again["id"]) == ("committed", first["position"], item["id"])
    assert again["version"] == 2


@pytest.mark.processes
def test_what_was_recorded_a_moment_ago_is_seen_and_built_upon_when_the_database_goes(app: App, gate: Gate) -> None:
    item = create(app)
    child = create(app, "Child", parent_id=item["ref"])
    gate.close()

    seen = ask(app, "query_work_item", id=item["ref"], include=["descendants"])
    listed = ask(app, "list_work_items")["items"]
    changed = ask(app, "update_work_item", id=item["ref"], version=1, title="Changed")
    further = ask(app, "update_work_item", id=item["ref"], version=changed["version"], notes="more")
    below = create(app, "Another child", parent_id=child["ref"])

    assert (seen["version"], seen.get("pending", False)) == (1, False)
    assert [one["id"] for one in seen["descendants"]] == [child["id"]]
    assert {one["id"] for one in listed} == {item["id"], child["id"]}
    assert [one["outcome"] for one in (changed, further, below)] == ["queued"] * 3
    assert ask(app, "query_work_item", id=item["id"])["title"] == "Changed"
    gate.open()
    wait_for(app)
    assert [(event.position, event.version) for event in app.store.read_all()] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 3),
        (5, 1),
    ]


@pytest.mark.processes
def test_what_was_recorded_a_moment_ago_and_changed_by_another_is_rebased(app: App, gate: Gate, elsewhere: App) -> None:
    item = create(app)
    gate.close()
    ask(app, "update_work_item", id=item["ref"], version=1, title="Mine")
    ask(elsewhere, "update_work_item", id=item["id"], version=1, notes="Theirs")
    gate.open()
    wait_for(app)

    now = ask(elsewhere, "query_work_item", id=item["id"])

    assert (now["title"], now["notes"], now["version"]) == ("Mine", "Theirs", 3)
    assert ask(elsewhere, "sync_state")["conflicts"] == 0


@pytest.mark.processes
def test_an_own_change_is_seen_also_where_the_change_of_another_before_it_is_not_here(
    settings: Settings, gate: Gate, elsewhere: App
) -> None:
    app = App(replace(settings, dsn=gate.dsn))
    item = create(app)
    until(app.sync.follow)
    with FileLock(app.home / FOLLOW_LOCK):
        ask(elsewhere, "update_work_item", id=item["id"], version=1, notes="Not followed")
        ask(app, "update_work_item", id=item["id"], version=2, title="Mine")
        gate.close()
        seen = ask(app, "query_work_item", id=item["id"])
        listed = ask(app, "list_work_items")["items"]
        changed = ask(app, "update_work_item", id=item["id"], version=3, assignee="ada")
    gate.open()
    wait_for(app)
    now = ask(elsewhere, "query_work_item", id=item["id"])

    assert (seen["title"], seen["version"], [one["title"] for one in listed]) == ("Mine", 3, ["Mine"])
    assert changed["outcome"] == "queued"
    assert (now["title"], now["notes"], now["assignee"], now["version"]) == ("Mine", "Not followed", "ada", 4)
    assert ask(elsewhere, "sync_state")["conflicts"] == 0
    app.close()


@pytest.mark.processes
def test_once_the_journal_has_it_nothing_is_kept_of_what_was_sent(settings: Settings, gate: Gate) -> None:
    app = App(replace(settings, dsn=gate.dsn))
    item = create(app)
    gate.close()
    ask(app, "update_work_item", id=item["ref"], version=1, title="Away")
    gate.open()
    wait_for(app)

    until(app.sync.follow)

    assert app.local.sent.acknowledged(0) == []
    assert [file.stat().st_size for file in (app.home / "sent").iterdir()] == [0]
    assert list(app.local.outbox.waiting_after(0)) == []
    seen = [row["title"] for row in ask(app, "list_work_items")["items"]]
    gate.close()
    assert [row["title"] for row in ask(app, "list_work_items")["items"]] == seen == ["Away"]
    app.close()
    assert list((app.home / "sent").iterdir()) == []


@pytest.mark.processes
def test_a_change_whose_answer_is_lost_waits_as_it_was_sent_and_is_recorded_once(
    app: App, gate: Gate, elsewhere: App
) -> None:
    item = create(elsewhere)
    ask(app, "query_work_item", id=item["ref"])
    gate.close_at(APPEND)

    sent = ask(app, "update_work_item", id=item["ref"], version=1, title="Changed")
    gate.open()
    wait_for(app)

    assert sent["outcome"] == "queued"
    assert [event.type for event in elsewhere.store.read_all()] == ["WorkItemCreated", "WorkItemRevised"]
    assert ask(elsewhere, "sync_state")["conflicts"] == 0


@pytest.mark.processes
def test_a_claim_whose_answer_is_lost_is_unknown_until_it_is_known(app: App, gate: Gate, elsewhere: App) -> None:
    item, given = create(elsewhere), str(uuid4())
    claim = {"action": "claim", "id": item["ref"], "command_id": given}
    ask(app, "query_work_item", id=item["ref"])
    gate.close_at(APPEND)

    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            ask(app, "claim_work_item", **claim)
    gate.open()
    wait_for(app)
    again = ask(app, "claim_work_item", **claim)

    assert (again["outcome"], again["position"], "until" in again) == ("committed", 2, True)


@pytest.mark.processes
def test_a_claim_that_was_withdrawn_says_so_when_it_is_repeated(app: App, gate: Gate) -> None:
    item, given = create(app), uuid4()
    claim = {"action": "claim", "id": item["id"], "command_id": str(given)}
    gate.close()
    command = ClaimWorkItem(id=item["id"], token=own_token(lambda: app.home, "tester"))
    app.local.sent.send(bare(Submission(command=command, command_id=given, by="tester", occurred_at=app.clock())))

    with pytest.raises(OutcomeUnknown):
        ask(app, "claim_work_item", **claim)
    with pytest.raises(OutcomeUnknown):
        ask(app, "claim_work_item", **claim)
    gate.open()
    wait_for(app)
    again = ask(app, "claim_work_item", **claim)

    assert (again["outcome"], "until" in again) == ("withdrawn", False)
    assert ask(app, "query_work_item", id=item["id"])["claim"] is None


def test_what_became_of_a_claim_is_said_at_once_where_the_database_is_there(
    app: App, elsewhere: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was lost on its way, the disk had no room for its withdrawal, and meanwhile another has the item."""
    item = create(elsewhere)
    claim = {"action": "claim", "id": item["id"], "command_id": str(uuid4())}
    with monkeypatch.context() as broken:
        broken.setattr(PostgresStore, "append", lost)
        (app.home / "outbox.jsonl").mkdir()
        with pytest.raises(OutcomeUnknown):
            ask(app, "claim_work_item", **claim)
    (app.home / "outbox.jsonl").rmdir()
    wait_until_ready(app)
    ask(elsewhere, "claim_work_item", action="claim", id=item["id"])

    known = ask(app, "claim_work_item", **claim)

    assert (known["outcome"], "until" in known) == ("withdrawn", False)


@long_cases(
    ("name", "arguments", "refusal"),
    [
        ("create_vendor", {"name": "acme"}, NotUnique),
        ("update_vendor_status", {"id": "Acme", "version": 7, "extractor_version": "2"}, VersionConflict),
        ("update_work_item", {"id": str(UUID(int=7)), "version": 1, "title": "Nowhere"}, NotFound),
        ("update_project_configuration", {"version": 0, "default_token_budget": -1}, Invalid),
    ],
)
def test_what_is_refused_is_not_unknown_when_the_connection_dies_under_its_reading(
    settings: Settings, gate: Gate, name: str, arguments: Answer, refusal: type[LedgerError]
) -> None:
    app = App(replace(settings, dsn=gate.dsn))
    ask(app, "create_vendor", name="Acme")
    until(app.sync.follow)
    gate.close_after(1)

    with pytest.raises(refusal):
        ask(app, name, **arguments)
    app.close()


@pytest.mark.processes
def test_what_was_never_sent_is_not_unknown_where_the_disk_fails_at_what_was_written_before(
    app: App, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(app, "Acknowledged, and not followed yet")
    gate.close()
    monkeypatch.setattr(os, "ftruncate", failing)

    with pytest.raises(Unavailable):
        create(app, "Never sent")
    with pytest.raises((Invalid, Unavailable)):
        ask(app, "create_work_item", item_type="session", title="Invalid", metadata={"token_budget": -1})


def lost(*_: object) -> None:
    raise OutcomeUnknown("the answer was lost")


def failing(*_: object) -> None:
    raise OSError(errno.EIO, "the disk fails")


@pytest.mark.processes
def test_what_this_machine_was_shown_is_not_called_missing_or_older_when_the_database_goes(
    app: App, gate: Gate, elsewhere: App
) -> None:
    own = create(app)
    theirs = create(elsewhere)
    ask(elsewhere, "update_work_item", id=own["id"], version=1, title="Theirs")
    shown = ask(app, "query_work_item", id=own["ref"])
    gate.close()

    for name, arguments in (
        ("query_work_item", {"id": theirs["ref"]}),
        ("update_work_item", {"id": theirs["id"], "version": 1, "title": "Changed"}),
        ("update_work_item", {"id": own["id"], "version": shown["version"], "notes": "more"}),
    ):
        with pytest.raises(Unavailable, match="was shown position 3"):
            ask(app, name, **arguments)
    assert create(app, "Another")["outcome"] == "queued"


def test_a_copy_whose_disk_does_not_take_what_was_written_a_moment_ago_answers_nothing_older(
    app: App, gate: Gate
) -> None:
    item = create(app)
    (app.home / "outbox.jsonl").mkdir()
    gate.close()

    for name, arguments in (("query_work_item", {"id": item["id"]}), ("list_work_items", {})):
        with pytest.raises(Unavailable):
            ask(app, name, **arguments)


@pytest.mark.processes
def test_what_a_whole_copy_does_not_hold_is_missing(app: App, gate: Gate) -> None:
    create(app)
    gate.close()

    with pytest.raises(NotFound):
        ask(app, "query_work_item", id=str(UUID(int=7)))


@pytest.mark.processes
def test_a_server_that_lacks_what_was_written_here_answers_no_question(
    app: App, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CLOSING_SECONDS", 0.1)  # for a lock that this test never lets go
    item = create(app)
    lose(owner_dsn, app.identity.ledger, after=0)

    seen = ask(app, "query_work_item", id=item["id"])

    assert (seen["title"], seen["source"]) == ("Made", "journal")


@pytest.mark.processes
def test_a_fault_after_the_commit_answers_that_it_is_committed(app: App) -> None:
    def fails_afterwards(view: LedgerView, request: Any) -> Answer:
        OPERATIONS["create_work_item"].run(view, request)
        raise ZeroDivisionError

    failing = replace(OPERATIONS["create_work_item"], run=fails_afterwards)
    answer = failing.perform(app, {"item_type": "task", "title": "Recorded"})

    assert (answer["outcome"], answer["position"], answer["version"]) == ("committed", 1, 1)
    assert "repeated" not in answer
    assert ask(app, "query_work_item", id=answer["ref"])["title"] == "Recorded"


def test_a_fault_while_a_repetition_is_answered_says_that_it_is_one(app: App) -> None:
    given = str(uuid4())
    first = create(app, "Recorded", command_id=given)

    def fails_before(view: LedgerView, request: Any) -> Answer:
        raise ZeroDivisionError

    failing = replace(OPERATIONS["create_work_item"], run=fails_before)
    again = failing.perform(app, {"item_type": "task", "title": "Recorded", "command_id": given})

    assert (again["outcome"], again["position"], again.get("repeated")) == ("committed", first["position"], True)


def test_what_waits_is_queued_also_where_the_outbox_can_be_read_no_more(app: App, gate: Gate) -> None:
    def fails_afterwards(view: LedgerView, request: Any) -> Answer:
        OPERATIONS["create_work_item"].run(view, request)
        (app.home / "outbox.jsonl").rename(app.home / "elsewhere")
        (app.home / "outbox.jsonl").mkdir()
        raise Unavailable("the disk is full")

    gate.close()
    failing, given = replace(OPERATIONS["create_work_item"], run=fails_afterwards), str(uuid4())
    answer = failing.perform(app, {"item_type": "task", "title": "Waits", "command_id": given})

    assert (answer["outcome"], answer["place"], "repeated" in answer) == ("queued", 1, False)
    again = create(app, "Waits", command_id=given)
    assert (again["outcome"], again["place"], again.get("repeated")) == ("queued", 1, True)


def test_a_queued_change_whose_answer_fails_is_no_repetition(app: App, gate: Gate) -> None:
    def fails_afterwards(view: LedgerView, request: Any) -> Answer:
        OPERATIONS["create_work_item"].run(view, request)
        raise ZeroDivisionError

    gate.close()
    failing, given = replace(OPERATIONS["create_work_item"], run=fails_afterwards), str(uuid4())
    answer = failing.perform(app, {"item_type": "task", "title": "Waits", "command_id": given})

    assert (answer["outcome"], "repeated" in answer) == ("queued", False)
    assert create(app, "Waits", command_id=given)["repeated"] is True


def test_a_repetition_that_only_this_process_remembers_says_that_it_is_one(settings: Settings, gate: Gate) -> None:
    app = App(replace(settings, dsn=gate.dsn))
    given = str(uuid4())
    first = create(app, command_id=given)
    until(lambda: app.sync.follow() and app.local.sent.find(UUID(given)) is None)
    gate.close()

    def unreadable(view: LedgerView, request: Any) -> Answer:
        raise Unavailable("the journal cannot be read")

    failing = replace(OPERATIONS["create_work_item"], run=unreadable)
    again = failing.perform(app, {"item_type": "task", "title": "Made", "command_id": given})

    assert (again["outcome"], again["position"], again.get("repeated")) == ("committed", first["position"], True)
    close_at_once(app)


def test_a_fault_before_anything_was_sent_is_one(app: App) -> None:
    def fails(view: LedgerView, request: Any) -> Answer:
        raise ZeroDivisionError

    failing = replace(OPERATIONS["create_work_item"], run=fails)
    with pytest.raises(ZeroDivisionError):
        failing.perform(app, {"item_type": "task", "title": "Nowhere"})


@pytest.mark.processes
def test_a_connection_that_the_server_has_closed_meanwhile_costs_nothing(app: App, gate: Gate) -> None:
    create(app, "Before")
    gate.close()
    gate.open()

    assert create(app)["outcome"] == "committed"


def wait_for(app: App) -> None:
    """Until nothing of this machine waits."""
    wait_until_ready(app)
    until(lambda: settled(app))


def settled(app: App) -> bool:
    try:
        return app.local.is_settled
    except Unavailable:  # the outbox cannot be used
        return True


def wait_until_ready(app: App) -> None:
    until(lambda: app.runtime.contact.ready)
