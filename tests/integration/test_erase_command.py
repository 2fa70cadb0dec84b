"""`tracking-ledger erase`: afterwards no copy in reach holds the text, on this machine and on others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import Result
from msgspec.structs import replace

from ledger import identity
from ledger.errors import Refused
from ledger.settings import Settings
from projections.application.app import App
from projections.local_copy import as_of_tables
from projections.local_copy.as_of_tables import tables_as_of
from projections.maintenance.after_write import keep_status, renew_copies
from projections.maintenance.status_file import write_status
from projections.maintenance.verify import verify
from projections.operations.catalog import OPERATIONS
from projections.tables.postgres import PostgresTables
from projections.tables.replay import check
from projections.transfer.publication import publish
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.erasures import tables_holding
from tests.support.waits import until

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"

Erase = Callable[..., Result]


@pytest.fixture
def erase(settings: Settings, owner_dsn: str) -> Erase:
    return lambda *words, **more: run(settings, "erase", *words, LEDGER_ADMIN_DSN=owner_dsn, **more)


@pytest.fixture
def secret() -> str:
    """Two words that stand in no other ledger of the database."""
    return f"Xylophon {uuid4().hex[:12]}"


@pytest.fixture
def item(app: App, perform: Perform, secret: str) -> str:
    """The id of an item that says it everywhere it can be said, and that another has changed since."""
    made = perform(
        "create_work_item",
        item_type="task",
        title=f"{secret} title",
        description=f"{secret} description",
        tags=[secret.lower()],
        metadata={secret: secret},
        assignee=secret,
        by="lena",
    )
    perform("create_work_item", item_type="task", title="Another", parent_id=made["id"])
    perform("comment", id=made["id"], text=f"{secret} said", by="lena")
    perform("attach", id=made["id"], url=f"https://example.org/{secret.replace(' ', '-')}", name=secret, by="lena")
    perform("update_work_item", id=made["id"], version=3, title="A quieter title", by="bob")
    return str(made["id"])


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Iterator[App]:
    """Another machine."""
    app = App(replace(settings, home=tmp_path / "other home"), keep_status=keep_status, renew_copies=renew_copies)
    yield app
    app.close()


@pytest.mark.processes
def test_no_copy_in_reach_holds_the_text_afterwards(
    app: App,
    other: App,
    item: str,
    erase: Erase,
    settings: Settings,
    owner_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
) -> None:
    monkeypatch.setattr(as_of_tables, "WORTH_KEEPING", 1)
    for machine in (app, other):
        until(machine.sync.follow)
        with tables_as_of(machine.store, 2, machine.home / as_of_tables.FOLDER):
            pass
    publish(app)
    write_status(app)
    assert len(holding(app.home, secret)) >= 3
    assert len(holding(other.home, secret)) >= 3
    assert len(holding(settings.project, secret)) == 2

    done = erase(item, "--yes")
    until(other.sync.follow)
    until(app.sync.follow)

    assert done.exit_code == 0, done.output
    assert "4 events have lost their texts" in done.output
    app.close()
    other.close()
    assert holding(app.home, secret) == []
    assert holding(other.home, secret) == []
    assert holding(settings.project, secret) == []
    assert in_tables(owner_dsn, app, secret) == []
    exported = tmp_path / "events.jsonl"
    assert run(settings, "export", "-o", str(exported)).exit_code == 0
    assert holding(exported, secret) == []


@pytest.mark.processes
def test_log_rows_and_copies_agree_afterwards_and_the_ledger_goes_on(
    app: App, perform: Perform, item: str, erase: Erase
) -> None:
    until(app.sync.follow)

    assert erase(item, "--yes").exit_code == 0

    assert verify(app).differences == ()
    assert check(app.store, PostgresTables(app.database, app.identity.key)).equal
    shown = perform("query_work_item", id=item)
    assert (shown["title"], shown["status"], shown["version"]) == ("erased", "active", 4)
    changed = perform("update_work_item", id=item, version=4, title="A new beginning")
    assert changed["version"] == 5
    perform("undo", command=changed["command_id"])
    assert perform("query_work_item", id=item)["title"] == "erased"
    assert verify(app).differences == ()


@pytest.mark.processes
def test_the_log_says_that_it_was_done_and_no_undo_takes_it_back(
    app: App, perform: Perform, item: str, erase: Erase, settings: Settings
) -> None:
    erase(item, "--yes")
    erasure = list(app.store.read_all())[-1]

    shown = run(settings, "log", "--json", "--limit", "1")

    assert "of 4 events" in shown.output
    for undone in ({"command": str(erasure.command_id)}, {"position": erasure.position}):
        with pytest.raises(Refused, match="gone for good"):
            perform("undo", **undone)


@pytest.mark.processes
def test_what_was_exported_afterwards_comes_back_and_is_proved(
    app: App, item: str, erase: Erase, settings: Settings, owner_dsn: str, tmp_path: Path
) -> None:
    erase(item, "--yes")
    exported, folder = tmp_path / "events.jsonl", tmp_path / "elsewhere"
    run(settings, "export", "-o", str(exported))
    folder.mkdir()
    identity.create(folder)
    elsewhere = replace(settings, project=folder, home=tmp_path / "third home")

    taken = run(elsewhere, "import", str(exported), "--json", LEDGER_ADMIN_DSN=owner_dsn)

    assert taken.exit_code == 0, taken.output
    assert json.loads(run(elsewhere, "verify", "--json").stdout)["equal"] is True
    assert run(elsewhere, "replay", "--check").exit_code == 0
    assert json.loads(run(elsewhere, "show", item, "--json").stdout)["title"] == "erased"


@pytest.mark.processes
def test_of_a_person_everything_goes_and_what_others_wrote_stays(
    app: App, perform: Perform, item: str, erase: Erase, owner_dsn: str, secret: str
) -> None:
    done = erase("--person", "lena", "--yes")

    assert done.exit_code == 0, done.output
    assert in_tables(owner_dsn, app, secret) == []
    assert perform("query_work_item", id=item)["title"] == "A quieter title"
    assert verify(app).differences == ()


@pytest.mark.processes
def test_it_shows_what_would_go_and_asks(app: App, perform: Perform, item: str, erase: Erase) -> None:
    before = list(app.store.read_all())

    asked = erase(item, input="n\n")
    shown = erase(item, "--json")

    assert asked.exit_code != 0
    assert "4 events would lose their texts, of 1 x work item" in asked.output
    assert "out of reach" in asked.output
    assert json.loads(shown.stdout) == {"would_erase": {"events": 4, "entities": {"work_item": 1}}}
    assert list(app.store.read_all()) == before


@pytest.mark.processes
def test_files_that_a_person_left_are_named(app: App, item: str, erase: Erase, secret: str) -> None:
    until(app.sync.follow)
    left = app.home / "journal.set-aside-20261129.jsonl"
    left.write_bytes(f'{{"title":"{secret} title"}}\n'.encode())

    draft = app.home / "edits" / "draft.md"
    draft.parent.mkdir()
    draft.write_text(f"# {secret} title, and more\n")
    (app.home / "another.jsonl").write_text(f'{{"title":"{secret} title of another item"}}\n')

    done = erase(item, "--yes", "--json")

    assert json.loads(done.stdout)["left"] == [str(draft), str(left)]
    assert done.exit_code == 8


@pytest.mark.processes
def test_repeated_it_finishes_what_was_interrupted(
    app: App, item: str, erase: Erase, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    until(app.sync.follow)
    with monkeypatch.context() as stopped:
        stopped.setattr("projections.maintenance.erasure._finish", lambda *_: None)
        erase(item, "--yes")
    app.close()

    again = erase(item, "--yes")

    assert again.exit_code == 0, again.output
    assert "no text was left to erase" in again.output
    assert holding(app.home, secret) == []


def test_only_who_owns_the_schema_erases(app: App, item: str, settings: Settings) -> None:
    before = list(app.store.read_all())

    refused = run(settings, "erase", item, "--yes")

    assert refused.exit_code == 3
    assert "LEDGER_ADMIN_DSN" in refused.output
    assert list(app.store.read_all()) == before


@pytest.mark.processes
def test_a_change_that_waited_elsewhere_meanwhile_does_not_bring_the_text_back(
    app: App, other: App, item: str, erase: Erase, settings: Settings, owner_dsn: str, secret: str
) -> None:
    """It was decided on the text, and its version is still the newest: it is decided again."""
    until(other.sync.follow)
    other.close()
    away = App(replace(other.settings, dsn=NOWHERE))
    waiting = OPERATIONS["update_work_item"].perform(
        away, {"id": item, "version": 4, "description": "shorter", "by": "bob"}
    )
    away.close()
    assert waiting["outcome"] == "queued"
    erase(item, "--yes")

    again = App(other.settings)
    until(lambda: again.sync.drain_for(5))
    until(again.sync.follow)
    until(again.sync.follow)
    shown = OPERATIONS["query_work_item"].perform(again, {"id": item})
    again.close()

    assert (shown["description"], shown["version"]) == ("shorter", 5)
    assert in_tables(owner_dsn, app, secret) == []
    assert holding(again.home, secret) == []


def holding(place: Path, secret: str) -> list[str]:
    """The files in a folder that hold the text, in whatever case, also in what is free in them."""
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    forms = [form.encode() for form in (secret.lower(), secret.lower().replace(" ", "-"))]
    return [file.name for file in files if any(form in file.read_bytes().lower() for form in forms)]


def in_tables(owner_dsn: str, app: App, secret: str) -> list[str]:
    """The tables of the schema in which a row of this ledger holds a word of it, and the planner's memory of them."""
    word = secret.split()[1]
    with psycopg.connect(owner_dsn) as owner:
        remembered = owner.execute(
            "SELECT tablename FROM pg_stats WHERE schemaname = 'tracking_ledger'"
            " AND concat(most_common_vals, histogram_bounds, most_common_elems) ILIKE %s",
            [f"%{word}%"],
        ).fetchall()
    return tables_holding(owner_dsn, app.identity.key, word) + [f"statistics of {name}" for (name,) in remembered]
