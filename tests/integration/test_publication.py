"""The published journal in a repository: git keeps its bytes, whatever its settings do with line ends."""

import json
import resource
import subprocess
from pathlib import Path
from shutil import copytree

import pytest
from msgspec.structs import replace

from ledger.errors import Unavailable
from projections.application.app import App
from projections.application.clones import BRING_BACK
from projections.transfer.publication import publish
from tests.conftest import NewDatabase, Perform
from tests.support.command_line import run
from tests.support.waits import until


@pytest.fixture
def published(app: App, perform: Perform) -> App:
    """The App of a project whose journal is published."""
    perform("create_vendor", name="Acme")
    until(app.sync.follow)
    publish(app)
    return app


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *named, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.processes
def test_a_clone_that_turns_line_ends_has_the_same_journal(published: App, tmp_path: Path) -> None:
    project = published.identity.project
    journal = (project / ".ledger" / "journal.jsonl").read_bytes()
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "chore: keep the ledger")

    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", str(project), "clone")

    assert (tmp_path / "clone" / ".ledger" / "journal.jsonl").read_bytes() == journal
    assert git(tmp_path / "clone", "check-attr", "merge", ".ledger/journal.jsonl").endswith("merge: unset\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"journal.jsonl -text -merge\n"),
        (b"*.json text", b"*.json text\njournal.jsonl -text -merge\n"),
        (b"journal.jsonl text\r\n", b"journal.jsonl text\r\n"),
        (b"journal.jsonl -text -merge\n", b"journal.jsonl -text -merge\n"),
    ],
)
def test_what_a_project_tells_git_itself_stays(published: App, before: bytes, after: bytes) -> None:
    attributes = published.identity.project / ".ledger" / ".gitattributes"
    attributes.write_bytes(before)

    publish(published)

    assert attributes.read_bytes() == after


@pytest.mark.processes
def test_a_clone_gets_its_ledger_back_from_the_journal_in_it(
    published: App, new_database: NewDatabase, migrated: str, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    copytree(published.identity.project / ".ledger", clone / ".ledger")
    there = replace(published.settings, project=clone, home=tmp_path / "there", dsn=new_database(migrated))

    empty, checked = run(there, "list"), run(there, "doctor")
    primed = run(there, "prime")
    brought = run(there, "import", str(clone / ".ledger" / "journal.jsonl"))
    vendors, again, informed = run(there, "vendors"), run(there, "doctor"), run(there, "prime")

    assert [BRING_BACK in said for said in (empty.output, checked.output, again.output)] == [True, True, False]
    assert ["Record nothing yet" in said.output for said in (primed, informed)] == [True, False]
    assert (brought.exit_code, "Acme" in vendors.output) == (0, True)


def test_no_second_history_begins_in_a_clone_whose_journal_came_with_it(
    published: App, new_database: NewDatabase, migrated: str, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    copytree(published.identity.project / ".ledger", clone / ".ledger")
    there = replace(published.settings, project=clone, home=tmp_path / "there", dsn=new_database(migrated))

    refused = run(there, "add", "Too early")
    brought = run(there, "import", "events", str(clone / ".ledger" / "journal.jsonl"))
    added = run(there, "add", "In time")

    assert (refused.exit_code, brought.exit_code, added.exit_code) == (3, 0, 0)
    assert BRING_BACK in refused.stderr
    assert "begins there now" not in refused.stderr + added.stderr


def test_what_waits_in_a_clone_begins_no_second_history_either(
    published: App, new_database: NewDatabase, migrated: str, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    copytree(published.identity.project / ".ledger", clone / ".ledger")
    there = replace(published.settings, project=clone, home=tmp_path / "there", dsn=new_database(migrated))

    queued = run(replace(there, dsn="host=127.0.0.1 port=1 dbname=nowhere"), "add", "Made while away")
    refused = run(there, "sync")
    brought = run(there, "import", "events", str(clone / ".ledger" / "journal.jsonl"))
    sent = run(there, "sync")
    listed = run(there, "list")

    assert (queued.exit_code, refused.exit_code, brought.exit_code, sent.exit_code) == (6, 3, 0, 0)
    assert BRING_BACK in refused.stderr
    assert "Made while away" in listed.stdout


def test_a_clone_whose_ledger_is_in_another_database_hears_that_it_begins(
    published: App, new_database: NewDatabase, migrated: str, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    copytree(published.identity.project / ".ledger", clone / ".ledger")
    (clone / ".ledger" / "journal.jsonl").unlink()
    there = replace(published.settings, project=clone, home=tmp_path / "there", dsn=new_database(migrated))

    primed, added, more = run(there, "prime"), run(there, "add", "First"), run(there, "add", "Second")

    assert "If others record this project already" in primed.stdout
    assert ["name it in LEDGER_DSN" in said.stderr for said in (primed, added, more)] == [True, False, False]
    assert (added.exit_code, more.exit_code) == (0, 0)


@pytest.mark.processes
def test_a_copy_that_lacks_what_the_disk_did_not_take_is_no_success(published: App, perform: Perform) -> None:
    for number in range(20):  # so that no other file of this machine is as long as its journal
        perform("create_work_item", item_type="task", title=f"Long {number}", description="a long text " * 1500)
    until(published.sync.follow)
    publish(published)
    copy = published.identity.project / ".ledger" / "journal.jsonl"
    before = copy.read_bytes()
    other = replace(published.settings, home=published.settings.home / "other")
    run(other, "add", "Recorded from another machine")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), usual[1]))
    try:
        said, answered = run(published.settings, "publish"), run(published.settings, "publish", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    again = run(published.settings, "publish")

    assert (said.exit_code, answered.exit_code, again.exit_code) == (5, 5, 0)
    assert str(published.local.journal.file) in said.stderr
    assert "next: check its disk" in said.stderr
    assert json.loads(answered.stdout)["error"]["code"] == "unavailable"
    assert "Recorded from another machine" in copy.read_text()


def test_a_project_on_a_full_disk_keeps_its_copy_and_is_told_to_free_space(published: App, perform: Perform) -> None:
    copy = published.identity.project / ".ledger" / "journal.jsonl"
    before = copy.read_bytes()
    perform("create_vendor", name="Newer", metadata={"text": "long " * 200})
    until(published.sync.follow)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), usual[1]))
    try:
        with pytest.raises(Unavailable) as refused:
            publish(published)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    assert str(copy) in refused.value.message
    assert "free space on its disk" in refused.value.next_step
    assert copy.read_bytes() == before
    assert sorted(file.name for file in copy.parent.iterdir()) == [".gitattributes", "journal.jsonl", "ledger.json"]
