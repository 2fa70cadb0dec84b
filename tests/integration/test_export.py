"""What the ledger hands out, and the events brought back: the same bytes, or nothing."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from msgspec.structs import replace

from ledger import identity
from ledger.aggregates.vendor.commands import CreateVendor
from ledger.errors import Damaged, Invalid, Refused
from ledger.postgres.restore import restore
from ledger.settings import Settings
from projections.application.app import App
from projections.read_models.catalog import PROJECTIONS
from projections.tables.replay import check
from projections.transfer import exports, github_issues
from projections.transfer.restore import bring_back
from tests.conftest import Perform
from tests.support.calls import close_at_once
from tests.support.long_cases import long_cases
from tests.support.random_histories import Action, a_ledger, attempt_all, histories

Opened = Callable[[Settings], App]
Folder = Callable[[str], App]
Bring = Callable[..., App]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """opened(settings) -> an App, which is closed at the end of the test."""
    with ExitStack() as closing:

        def make(settings: Settings) -> App:
            app = App(settings)
            closing.callback(close_at_once, app)
            return app

        yield make


@pytest.fixture
def folder(settings: Settings, owner_dsn: str, tmp_path: Path, opened: Opened) -> Folder:
    """folder(name) -> an App on another folder's new ledger, on the same server."""

    def make(name: str) -> App:
        project = tmp_path / name
        project.mkdir(exist_ok=True)
        identity.create(project)
        return opened(replace(settings, project=project, admin_dsn=owner_dsn))

    return make


@pytest.fixture
def bring(opened: Opened, tmp_path: Path) -> Bring:
    """bring(app, content) -> the App of the folder after an import of these bytes."""

    def bring(app: App, content: bytes, **more: Any) -> App:
        file = tmp_path / "events.jsonl"
        file.write_bytes(content)
        bring_back(app, file, **{"dry_run": False} | more)
        app.close()
        return opened(app.settings)

    return bring


@pytest.fixture
def filled(app: App, perform: Perform) -> App:
    """A ledger with an entity of every kind and texts that are hard to keep."""
    item = perform("create_work_item", item_type="task", title="=1+1", description='a "b", ü\r\n日', tags=["-x"])
    perform("create_work_item", item_type="task", title="'quoted", parent_id=item["id"], metadata={"n": 1e300})
    perform("create_vendor", name="Acme", metadata={"deep": [{"a": None}]})
    perform("record_enhancement", title="More", description="d", priority=2, principles=["p"])
    perform("update_project_configuration", version=0, default_token_budget=123456)
    perform("attach", id=item["id"], url="https://github.com/o/r/pull/7", name='=a "pull", ü')
    perform("attach", id=item["id"], url="docs/plan.pdf", size=2**53, sha256="A" * 64)
    perform("attach", id=item["id"], url="https://github.com/o/r/pull/7", remove=True)
    perform("update_work_item", id=item["id"], version=1, deleted=True, cascade=True)
    return app


def exported(app: App) -> bytes:
    return b"".join(exports.events(app.store))


@pytest.mark.processes
def test_an_export_brought_into_an_empty_ledger_exports_the_same_bytes(
    filled: App, folder: Folder, bring: Bring
) -> None:
    content = exported(filled)

    other = bring(folder("other"), content)

    assert exported(other) == content
    assert (other.identity.ledger, other.identity.key) != (filled.identity.ledger, filled.identity.ledger)
    other.runtime.catch_up()
    assert check(other.store, other.tables).equal
    with filled.tables.snapshot() as here, other.tables.snapshot() as there:
        assert list(exports.read_models(there, other.store.ledger)) == list(
            exports.read_models(here, filled.store.ledger)
        )


@pytest.mark.processes
def test_what_is_recorded_after_it_goes_on_from_there_and_leaves_the_other_alone(
    filled: App, folder: Folder, bring: Bring
) -> None:
    content = exported(filled)
    other = bring(folder("other"), content)

    other.runtime.catch_up()
    other.live_view().record(_vendor("Beta"))

    assert exported(filled) == content
    lines = exported(other).splitlines()
    assert lines[1:-1] == content.splitlines()[1:]


@examples(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_any_history_comes_back_byte_for_byte(
    folder: Folder, bring: Bring, tmp_path_factory: pytest.TempPathFactory, history: list[Action]
) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, history)
        content = b"".join(exports.events(ledger.store))
    place = tmp_path_factory.mktemp("folder")

    other = bring(folder(str(place)), content)

    assert exported(other) == content
    other.close()


def test_a_folder_of_the_same_ledger_whose_database_lost_it_stays_what_it_is(
    folder: Folder, bring: Bring, opened: Opened
) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, [("create_item", (0, None))])
        content = b"".join(exports.events(ledger.store))
    other = folder("other")
    identity.rewrite(replace(other.identity, ledger=ledger.store.ledger, copy=other.identity.ledger))
    other = opened(other.settings)

    now = bring(other, content)

    assert (exported(now), now.identity) == (content, other.identity)


@pytest.mark.processes
def test_an_import_goes_on_where_the_ledger_ends_and_a_second_one_does_nothing(
    app: App, perform: Perform, folder: Folder, bring: Bring
) -> None:
    perform("create_vendor", name="Acme")
    first = exported(app)
    perform("create_vendor", name="Beta")
    whole = exported(app)

    other = bring(folder("other"), first)
    other = bring(other, whole)
    again = bring(other, whole)

    assert exported(again) == whole
    assert exported(bring(again, first)) == whole


@pytest.mark.processes
def test_a_ledger_that_went_another_way_is_refused(app: App, perform: Perform, folder: Folder, bring: Bring) -> None:
    perform("create_vendor", name="Acme")
    other = bring(folder("other"), exported(app))
    other.runtime.catch_up()
    other.live_view().record(_vendor("Ours"))
    perform("create_vendor", name="Theirs")

    with pytest.raises(Refused, match="differ at or before") as refused:
        bring(other, exported(app))
    assert "in a folder of its own after `tracking-ledger init`, where it becomes a copy" in refused.value.next_step


@pytest.mark.processes
def test_a_ledger_with_a_history_of_its_own_is_refused(filled: App, folder: Folder, bring: Bring) -> None:
    other = folder("other")
    other.live_view().record(_vendor("Ours"))
    before = exported(other)

    with pytest.raises(Refused, match="events of its own"):
        bring(other, exported(filled))

    assert exported(other) == before


@long_cases(
    ("spoil", "problem"),
    [
        (lambda lines: lines[:-1], "ends the file after"),
        (lambda lines: [*lines[:2], lines[2].replace(b"tester", b"nobody"), *lines[3:]], "line 3 is no event"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2 is no event"),
        (lambda lines: [*lines, lines[-1]], "is no event"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], "is no event of this ledger: it is cut off"),
        (lambda lines: [lines[0].replace(b'"version":1', b'"version":2'), *lines[1:]], "version 2"),
        (lambda lines: lines[1:], "line 1 is no event of this ledger"),  # a journal, which is another ledger's
        (lambda lines: [], "is empty"),
        (lambda lines: [b"\x7fELF\0\xff\n"], "line 1 holds binary zeros"),
    ],
)
def test_a_spoiled_export_is_refused_with_its_line_and_changes_nothing(
    filled: App, folder: Folder, bring: Bring, opened: Opened, spoil: Callable[[list[bytes]], list[bytes]], problem: str
) -> None:
    content = b"".join(spoil(exported(filled).splitlines(keepends=True)))
    other = folder("other")
    before = (other.identity, exported(other))

    with pytest.raises(Invalid, match=problem):
        bring(other, content)

    now = opened(other.settings)
    assert (now.identity, exported(now)) == before


@long_cases(
    "written",
    [
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content + b"\r\n \n\n",
        lambda content: content.removesuffix(b"\n"),
        lambda content: content.replace(b"\n", b"\n\n"),
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.decode().replace("\n", "\r\n").encode("utf-16"),
        lambda content: content.decode().encode("utf-32-be"),
    ],
    ids=["crlf", "blank at the end", "no end", "blank between", "mark", "PowerShell", "utf-32"],
)
def test_other_line_ends_and_forms_of_unicode_are_the_same_events(
    filled: App, folder: Folder, bring: Bring, written: Callable[[bytes], bytes]
) -> None:
    content = exported(filled)

    other = bring(folder("other"), written(content))

    assert exported(other) == content


@pytest.mark.processes
def test_a_dry_run_proves_the_file_and_changes_nothing(filled: App, folder: Folder, bring: Bring) -> None:
    other = folder("other")

    now = bring(other, exported(filled), dry_run=True)

    assert (now.identity, list(now.store.read_all())) == (other.identity, [])


@pytest.mark.processes
def test_the_database_proves_each_event_again(filled: App, folder: Folder, owner_dsn: str) -> None:
    lines = exported(filled).splitlines(keepends=True)[1:]
    other = folder("other")
    other.database  # noqa: B018  # opens the ledger there

    with pytest.raises(Damaged, match="position 2"):
        restore(
            other.settings, other.identity.key, filled.identity.ledger, [lines[0], lines[1].replace(b"tester", b"x")]
        )
    with pytest.raises(Damaged, match="position 2"):
        restore(other.settings, other.identity.key, filled.identity.ledger, lines[1:])

    assert list(other.store.read_all()) == []


@pytest.mark.processes
def test_a_role_that_does_not_own_the_schema_may_not_put_events_back(
    filled: App, folder: Folder, bring: Bring, opened: Opened
) -> None:
    other = folder("other")
    other = opened(replace(other.settings, admin_dsn=None))

    with pytest.raises(Refused, match="may not put events back"):
        bring(other, exported(filled))

    assert opened(other.settings).identity == other.identity


def test_all_read_models_are_one_json_document(filled: App) -> None:
    with filled.tables.snapshot() as snapshot:
        whole = json.loads(b"".join(exports.read_models(snapshot, filled.store.ledger)))

    assert whole.keys() == {"format", "version", "ledger", "as_of", *PROJECTIONS}
    assert {name: len(whole[name]) for name in PROJECTIONS} == {
        "work_items": 2,
        "vendors": 1,
        "deployments": 0,
        "enhancements": 1,
        "configurations": 1,
        "conflicts": 0,
    }
    assert {item["title"]: item["deleted"] for item in whole["work_items"]} == {"=1+1": True, "'quoted": True}


def test_a_table_is_safe_to_open_and_loses_nothing(filled: App) -> None:
    with filled.tables.snapshot() as snapshot:
        text = b"".join(exports.table(snapshot, "work_item")).decode()
        entities = {entity["id"]: entity for entity in exports.entities(snapshot, "work_item")}

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
        for name, cell in row.items():
            unsaid = False if name == "withdrawn" else None
            assert _uncelled(cell) == _as_text(entities[row["id"]].get(name, unsaid))


@pytest.mark.parametrize("category", ["vendor", "deployment", "enhancement", "configuration", "conflict"])
def test_every_read_model_has_its_table(filled: App, category: str) -> None:
    with filled.tables.snapshot() as snapshot:
        rows = list(csv.reader(io.StringIO(b"".join(exports.table(snapshot, category)).decode(), newline="")))
        count = len(list(exports.entities(snapshot, category)))

    assert (rows[0][:3], len(rows) - 1) == (["id", "ref", "version"], count)


def test_issues_for_github_leave_out_what_is_deleted(app: App, perform: Perform) -> None:
    kept = perform("create_work_item", item_type="task", title="Kept", tags=["a"], assignee="@ann")
    gone = perform("create_work_item", item_type="task", title="Gone")
    perform("update_work_item", id=gone["id"], version=1, deleted=True)
    perform("update_work_item", id=kept["id"], version=1, status="completed")

    with app.tables.snapshot() as snapshot:
        listed = json.loads(b"".join(github_issues.issues(snapshot)))

    assert [entry["issue"]["title"] for entry in listed] == ["Kept"]
    assert listed[0]["issue"] | {"body": ""} == {
        "title": "Kept",
        "body": "",
        "created_at": listed[0]["issue"]["created_at"],
        "updated_at": listed[0]["issue"]["updated_at"],
        "closed": True,
        "labels": ["a", "priority 3", "task"],
        "assignee": "ann",
    }


def _vendor(name: str) -> CreateVendor:
    return CreateVendor(id="00000000-0000-4000-8000-000000000001", name=name)


def _uncelled(cell: str) -> str | None:
    return None if cell == "" else cell.removeprefix("'")


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
