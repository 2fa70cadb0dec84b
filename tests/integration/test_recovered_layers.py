"""This machine's own copy is lost and the database away: what is queued lies over what git and the status file know."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.errors import NotFound, Unavailable
from ledger.settings import Settings
from projections.application.app import App
from projections.application.layers import KINDS, SourceKind
from projections.fallback import git_and_markdown
from projections.fallback.git_and_markdown import PUBLISHED, PublishedJournal
from projections.maintenance.after_write import keep_status
from projections.maintenance.status_file import write_status
from projections.reports.marked_section import NAME
from projections.transfer.publication import publish
from tests.support.calls import ask
from tests.support.git_repository import commit_all
from tests.support.waits import until

NOWHERE = "host=127.0.0.1 port=1"


@pytest.fixture
def live(settings: Settings) -> Iterator[App]:
    app = App(settings, keep_status=keep_status)
    yield app
    app.close()


@pytest.fixture
def stranded(settings: Settings, tmp_path: Path) -> Iterator[App]:
    """The same project on a machine without a copy of its own, which does not reach the database."""
    app = App(replace(settings, dsn=NOWHERE, home=tmp_path / "another home"), keep_status=keep_status)
    yield app
    app.close()


def titles(listed: dict[str, Any]) -> set[str]:
    return {item["title"] for item in listed["items"]}


def publish_and_commit(app: App) -> None:
    until(app.sync.follow)
    publish(app)
    commit_all(app.identity.project)


@pytest.mark.processes
def test_a_queued_write_lies_over_the_status_file(live: App, stranded: App) -> None:
    ask(live, "create_work_item", item_type="task", title="Known before")
    write_status(live)

    queued = ask(stranded, "create_work_item", item_type="task", title="Queued")
    listed = ask(stranded, "list_work_items")
    seen = ask(stranded, "query_work_item", id=queued["ref"])

    assert titles(listed) == {"Known before", "Queued"}
    assert (listed["source"], listed["as_of"]["position"]) == ("markdown", 1)
    assert set(listed["warnings"]) >= {"postgres_unavailable", "using_markdown", "queued_offline"}
    assert (seen["title"], seen["version"], seen["pending"]) == ("Queued", queued["version"], True)


def test_where_no_disk_takes_a_temporary_folder_that_is_said_and_no_fault_of_the_program(
    live: App, stranded: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(live, "create_work_item", item_type="task", title="Known before")
    write_status(live)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no such folder"))

    with pytest.raises(Unavailable, match="none can be made") as refused:
        ask(stranded, "list_work_items")

    assert "TMPDIR" in refused.value.next_step


@pytest.mark.processes
def test_a_queued_write_lies_over_the_committed_status_file(live: App, stranded: App) -> None:
    ask(live, "create_work_item", item_type="task", title="Known before")
    write_status(live)
    commit_all(live.identity.project)
    (live.identity.project / NAME).unlink()

    ask(stranded, "create_work_item", item_type="task", title="Queued")
    listed = ask(stranded, "list_work_items")

    assert titles(listed) == {"Known before", "Queued"}
    assert listed["source"] == "git"
    assert set(listed["warnings"]) >= {"postgres_unavailable", "using_git_history", "queued_offline"}


def test_what_only_the_status_file_knows_cannot_be_changed_and_is_not_said_to_be_missing(
    live: App, stranded: App
) -> None:
    known = ask(live, "create_work_item", item_type="task", title="Known before")
    write_status(live)

    with pytest.raises(Unavailable):
        ask(stranded, "update_work_item", id=known["id"], version=1, title="Changed")


@pytest.mark.processes
def test_with_a_published_journal_its_items_can_be_changed_while_away(live: App, stranded: App) -> None:
    known = ask(live, "create_work_item", item_type="task", title="Known before")
    ask(live, "create_vendor", name="Epson")
    publish_and_commit(live)

    changed = ask(stranded, "update_work_item", id=known["id"], version=1, title="Changed")
    seen = ask(stranded, "query_work_item", id=known["id"])
    history = ask(stranded, "query_history", id=known["id"])
    status = (live.identity.project / NAME).read_text(encoding="utf-8")
    vendors = ask(stranded, "query_vendor_status")

    assert changed["outcome"] == "queued"
    assert (seen["title"], seen["version"], seen["source"]) == ("Changed", changed["version"], "git")
    assert seen["as_of"]["position"] == 2
    assert [line["version"] for line in history["items"]] == [changed["version"], 1]
    assert [vendor["name"] for vendor in vendors["items"]] == ["Epson"]
    assert "Changed" in status
    assert "Epson" in status


@pytest.fixture
def archived(live: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What is on a new layer: it has its name in KINDS and is looked for, and no other file knows of it."""
    known = ask(live, "create_work_item", item_type="task", title="Known before")
    ask(live, "create_vendor", name="Epson")
    until(live.sync.follow)
    publish(live)
    live.after_write.finish()
    archive = (live.identity.project / PUBLISHED).rename(live.identity.project / "archive")
    (live.identity.project / NAME).unlink(missing_ok=True)

    def find(app: App) -> PublishedJournal:
        with archive.open("rb") as content:
            return PublishedJournal(app, content)

    name: Any = "archive"
    look = git_and_markdown.Look(name, lambda app: "there is one", find)
    monkeypatch.setattr(git_and_markdown, "LOOKS", (look, *git_and_markdown.LOOKS))
    yield known


@pytest.mark.parametrize("replaces_journal", [True, False])
def test_what_a_new_layer_shows_can_be_changed_if_its_kind_says_so(
    archived: dict[str, Any], stranded: App, monkeypatch: pytest.MonkeyPatch, *, replaces_journal: bool
) -> None:
    kind = SourceKind(phrase="answered from the archive", replaces_journal=replaces_journal)
    monkeypatch.setitem(KINDS, "archive", kind)  # type: ignore[arg-type]  # a new name
    shown = ask(stranded, "query_work_item", id=archived["id"])

    if not replaces_journal:
        with pytest.raises(Unavailable, match="PostgreSQL cannot be reached, and in what is left"):
            ask(stranded, "update_work_item", id=archived["id"], version=1, title="Changed")
        return
    changed = ask(stranded, "update_work_item", id=archived["id"], version=1, title="Changed")
    seen = ask(stranded, "query_work_item", id=archived["id"])
    status = (stranded.identity.project / NAME).read_text(encoding="utf-8")

    assert (shown["title"], shown["source"], changed["outcome"]) == ("Known before", "archive", "queued")
    assert (seen["title"], seen["source"]) == ("Changed", "archive")
    assert "Changed" in status
    assert "Epson" in status


@pytest.mark.processes
def test_what_was_queued_on_a_published_journal_is_recorded_as_proposed_or_meets_what_others_did(
    live: App, stranded: App, settings: Settings
) -> None:
    free, met = (ask(live, "create_work_item", item_type="task", title=title) for title in ("Free", "Met"))
    publish_and_commit(live)
    ask(stranded, "update_work_item", id=free["id"], version=1, title="Mine")
    ask(stranded, "update_work_item", id=met["id"], version=1, title="Mine too")
    ask(live, "update_work_item", id=met["id"], version=1, title="Theirs")
    stranded.close()

    again = App(replace(settings, home=stranded.settings.home), keep_status=keep_status)
    drained = again.sync.drain()
    until(again.sync.follow)

    assert drained is not None and drained.outcomes == {"recorded": 1, "conflict": 1}
    assert ask(again, "query_work_item", id=free["id"])["title"] == "Mine"
    assert ask(again, "query_work_item", id=met["id"])["title"] == "Theirs"
    again.close()


@pytest.mark.processes
def test_a_claim_on_a_published_journal_is_refused_as_the_ledger_has_met_a_database(live: App, stranded: App) -> None:
    known = ask(live, "create_work_item", item_type="task", title="Known before")
    publish_and_commit(live)

    with pytest.raises(Unavailable):
        ask(stranded, "claim_work_item", action="claim", id=known["id"])


@pytest.mark.processes
def test_a_ledger_that_began_on_this_machine_answers_for_itself(stranded: App) -> None:
    commit_all(stranded.identity.project, "feat: add the parser (#12)")
    ask(stranded, "create_work_item", item_type="task", title="One")
    ask(stranded, "create_work_item", item_type="task", title="Two")  # the status file tells of the first by now

    listed = ask(stranded, "list_work_items")

    assert (titles(listed), listed["source"]) == ({"One", "Two"}, "journal")
    with pytest.raises(NotFound):
        ask(stranded, "update_work_item", id="w-zzzzz", version=1, title="Nothing")


@pytest.mark.processes
def test_the_status_file_keeps_what_it_folded_when_it_is_all_that_is_left(live: App, stranded: App) -> None:
    items = [{"op": "create", "item_type": "task", "title": f"Item {n}", "key": f"k{n}"} for n in range(100)]
    ask(live, "bulk_work_items", items=items)
    write_status(live)
    live.close()  # it writes the status file, too, as soon as it has followed
    shutil.rmtree(live.home)

    ask(stranded, "create_work_item", item_type="task", title="Queued")
    write_status(stranded)

    text = (live.identity.project / NAME).read_text(encoding="utf-8")
    assert "101" in text
    assert "Queued" in text


@pytest.mark.processes
def test_a_damaged_journal_says_so_with_every_answer_that_ends_before_the_damage(live: App, settings: Settings) -> None:
    for title in ("Before", "Damaged", "Behind"):
        ask(live, "create_work_item", item_type="task", title=title)
    until(live.sync.follow)
    live.close()
    file = live.home / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b"Damaged", b"Changed"))
    for made_again in live.home.glob("*.sqlite3*"):
        made_again.unlink()

    away = App(replace(settings, dsn=NOWHERE), keep_status=keep_status)
    listed = ask(away, "list_work_items")
    away.close()

    assert titles(listed) == {"Before"}
    assert set(listed["warnings"]) >= {"postgres_unavailable", "using_journal", "journal_damaged"}


@pytest.mark.processes
def test_what_is_held_back_hides_nothing_of_a_database_that_answers(live: App, settings: Settings) -> None:
    ask(live, "create_work_item", item_type="task", title="Recorded")
    live.close()
    away = App(replace(settings, dsn=NOWHERE), keep_status=keep_status)
    made = ask(away, "create_work_item", item_type="task", title="Damaged")
    ask(away, "update_work_item", id=made["id"], version=made["version"], title="Held")
    away.close()
    outbox = live.home / "outbox.jsonl"
    outbox.write_bytes(outbox.read_bytes().replace(b'"title":"Damaged"', b'"title":"Changed"'))
    for file in (*live.home.glob("journal*"), *live.home.glob("cache*")):
        file.unlink()

    again = App(settings, keep_status=keep_status)
    listed = ask(again, "list_work_items")
    again.close()

    assert "Recorded" in titles(listed)
