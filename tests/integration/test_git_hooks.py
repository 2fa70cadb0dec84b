"""Git hooks: commits linked to the items that branches and messages name; no commit is kept by them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.errors import Invalid, Refused
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.main import cli
from projections.maintenance import git_hooks
from projections.maintenance.git_hooks import HOOKS, KEPT, install, uninstall
from tests.conftest import Perform
from tests.support import fork_server
from tests.support.mcp_client import environment

pytestmark = pytest.mark.processes

NAMES = {f"GIT_{role}_{part}": "ann@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
OWN = "#!/bin/sh\necho own >> own.log\n"


@pytest.fixture
def project(settings: Settings, app: App) -> Path:
    """The project's folder as a repository with the ledger committed."""
    assert app.identity
    git(settings, "init", "-q", "-b", "main", ".")
    git(settings, "add", "-A")
    git(settings, "commit", "-qm", "begin")
    return settings.project


@pytest.fixture
def forked_hooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hooks that are installed run forked processes, which saves most of a second of a core for each."""
    python = tmp_path / "python"
    python.write_text(fork_server.program(skipped=2))  # -c and its program
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def git(settings: Settings, *words: str, folder: Path | None = None, **more: str) -> str:
    answer = subprocess.run(
        ["git", *words],
        cwd=folder or settings.project,
        env=environment(settings) | NAMES | {"GIT_CONFIG_GLOBAL": os.devnull} | more,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return answer.stdout + answer.stderr


def commit(settings: Settings, message: str, *words: str, **more: Any) -> str:
    return git(settings, "commit", "-q", "--allow-empty", "-m", message, *words, **more)


def attached(perform: Perform, ref: str) -> list[tuple[str, str | None]]:
    item = perform("query_work_item", id=ref)
    return [(one["url"].removeprefix("commit:")[:40], one.get("name")) for one in item.get("attachments", [])]


def head(settings: Settings, folder: Path | None = None) -> str:
    return git(settings, "rev-parse", "HEAD", folder=folder).strip()


def task(perform: Perform, title: str) -> str:
    ref: str = perform("create_work_item", item_type="task", title=title)["ref"]
    return ref


@pytest.mark.usefixtures("forked_hooks")
def test_a_commit_is_attached_to_what_its_branch_or_its_message_names(
    settings: Settings, project: Path, perform: Perform
) -> None:
    door, window = task(perform, "Door"), task(perform, "Window")
    install(project)
    git(settings, "checkout", "-qb", f"feat/{door.upper()}-with-w-shaped-lock")

    commit(settings, "feat: a door")
    of_branch, message = head(settings), git(settings, "log", "-1", "--format=%B")
    said = commit(settings, f"feat: a window\n\nCompletes: {window}")

    assert f"Ledger: {door}" in message
    assert attached(perform, door) == [(of_branch, "feat: a door")]
    assert attached(perform, window) == [(head(settings), "feat: a window")]
    assert perform("query_work_item", id=window)["status"] == "completed"
    assert f"{window} is completed" in said


@pytest.mark.usefixtures("forked_hooks")
def test_a_reference_that_a_message_names_wrongly_is_named(settings: Settings, project: Path, perform: Perform) -> None:
    door = task(perform, "Door")
    install(project)
    git(settings, "checkout", "-qb", "w-zzzzy-looks-like-one")

    said = commit(settings, f"feat: a door\n\nLedger: {door}\nCompletes: w-zzzzz")
    of_branch = commit(settings, "feat: a word")

    assert attached(perform, door) == [(git(settings, "rev-parse", "HEAD^").strip(), "feat: a door")]
    assert said.count("there is no work item w-zzzzz in this ledger") == 1
    assert "w-zzzzy" not in of_branch


@pytest.mark.usefixtures("forked_hooks")
def test_an_item_that_needs_a_review_waits_for_it_and_the_hook_says_so(
    settings: Settings, project: Path, perform: Perform
) -> None:
    door = task(perform, "Door")
    perform("update_project_configuration", version=0, settings={"review_types": ["task"], "reviewer": "lead"})
    install(project)

    said = commit(settings, f"feat: a door\n\nCompletes: {door}")

    assert perform("query_work_item", id=door)["status"] == "active"
    assert f"{door} waits for a review by lead" in said
    assert "is completed" not in said


@pytest.mark.usefixtures("forked_hooks")
def test_a_commit_that_was_amended_takes_the_place_of_the_former_one(
    settings: Settings, project: Path, perform: Perform
) -> None:
    door = task(perform, "Door")
    install(project)
    commit(settings, f"feat: a door\n\nLedger: {door}")

    git(settings, "commit", "-q", "--amend", "--allow-empty", "-m", f"feat: a blue door\n\nLedger: {door}")

    assert attached(perform, door) == [(head(settings), "feat: a blue door")]


def test_a_worktree_of_the_repository_is_linked_too(
    settings: Settings, project: Path, perform: Perform, tmp_path: Path
) -> None:
    door, folder = task(perform, "Door"), tmp_path / "beside"
    install(project)
    git(settings, "worktree", "add", "-q", str(folder), "-b", f"{door}-beside")

    commit(settings, "feat: from beside", folder=folder)

    assert attached(perform, door) == [(head(settings, folder), "feat: from beside")]


@pytest.mark.usefixtures("forked_hooks")
def test_no_commit_fails_because_the_ledger_is_away_or_refuses(
    settings: Settings, project: Path, perform: Perform
) -> None:
    door, part = task(perform, "Door"), task(perform, "Part")
    perform("update_work_item", id=part, version=1, parent_id=door)
    install(project)

    refused = commit(settings, f"feat: not done\n\nCompletes: {door}")
    unknown = commit(settings, "feat: nothing\n\nLedger: w-zzzzz")
    away = commit(settings, f"feat: away\n\nLedger: {door}", LEDGER_DSN="host=127.0.0.1 port=1")

    assert "unfinished" in refused
    assert "is completed" not in refused
    assert "attached" not in unknown
    assert "once the ledger can be reached" in away
    assert git(settings, "rev-list", "--count", "HEAD").strip() == "4"


@pytest.mark.usefixtures("forked_hooks")
def test_without_the_program_or_a_ledger_a_commit_is_a_commit(settings: Settings, project: Path) -> None:
    install(project)
    hook = project / ".git" / "hooks" / "post-commit"
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))
    git(settings, "rm", "-rq", "--cached", ".ledger")
    (project / ".ledger" / "ledger.json").rename(project / "elsewhere.json")

    commit(settings, "feat: alone\n\nLedger: w-7k3qd")

    assert git(settings, "log", "-1", "--format=%s").strip() == "feat: alone"


@pytest.mark.usefixtures("forked_hooks")
@pytest.mark.parametrize("path", [None, "tools/hooks"], ids=["of the repository", "of core.hooksPath"])
def test_hooks_that_were_there_go_on_and_come_back_as_they_were(
    settings: Settings, project: Path, path: str | None
) -> None:
    folder = project / (path or ".git/hooks")
    if path:
        git(settings, "config", "core.hooksPath", path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "post-commit").write_text(OWN)
    (folder / "post-commit").chmod(0o755)
    (folder / "post-rewrite").write_text("off")
    (folder / "prepare-commit-msg").symlink_to("post-commit.sample")

    first, again = install(project), install(project)
    commit(settings, "feat: one")
    out = uninstall(project)

    assert git_hooks.folder_of(project).resolve() == folder.resolve()
    assert set(first.values()) == {"installed"}
    assert set(again.values()) == {"renewed"}
    assert (project / "own.log").read_text() == "own\n"
    assert set(out.values()) == {"restored"}
    assert (folder / "post-commit").read_text() == OWN
    assert os.access(folder / "post-commit", os.X_OK)
    assert not os.access(folder / "post-rewrite", os.X_OK)
    assert (folder / "prepare-commit-msg").readlink() == Path("post-commit.sample")
    assert not [file for file in folder.iterdir() if file.name.endswith(KEPT)]


@pytest.mark.usefixtures("forked_hooks")
def test_a_hook_that_keeps_a_commit_still_keeps_it(settings: Settings, project: Path) -> None:
    hook = project / ".git" / "hooks" / "prepare-commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    install(project)

    with pytest.raises(subprocess.CalledProcessError):
        commit(settings, "feat: kept")


def test_a_hook_of_another_program_is_neither_taken_out_nor_lost(project: Path) -> None:
    install(project)
    folder = project / ".git" / "hooks"
    (folder / "post-commit").write_text(OWN)
    (folder / f"post-commit{KEPT}").write_text("older")

    with pytest.raises(Refused, match="is there already"):
        install(project)
    out = uninstall(project)

    assert out == {"prepare-commit-msg": "removed", "post-commit": "not ours", "post-rewrite": "removed"}
    assert (folder / "post-commit").read_text() == OWN


def test_the_commands_say_what_they_did(settings: Settings, project: Path) -> None:
    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, ["hook", *words], env=environment(settings))

    installed, removed = run("install"), run("uninstall")

    assert installed.stdout.count("installed") == removed.stdout.count("removed") == len(HOOKS)


def test_a_folder_without_a_repository_is_named(settings: Settings) -> None:
    with pytest.raises(Invalid, match="cannot be read as a git repository"):
        install(settings.project)
