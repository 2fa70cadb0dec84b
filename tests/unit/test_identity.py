"""Which ledger a folder belongs to."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from ledger import identity
from ledger.errors import Damaged, NotFound, Unavailable
from ledger.settings import Settings
from tests.support.each import each

LEDGER = "c9b51e51-eaf0-422a-88e3-b1d06ef67af5"


def written(folder: Path, text: bytes) -> Path:
    file = folder / ".ledger" / "ledger.json"
    file.parent.mkdir()
    file.write_bytes(text)
    return folder


def test_two_folders_of_one_name_are_two_ledgers(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "app", tmp_path / "b" / "app"
    one.mkdir(parents=True)
    other.mkdir(parents=True)

    assert identity.create(one).name == identity.create(other).name == "app"
    assert identity.create(one).ledger != identity.create(other).ledger


def test_a_folder_keeps_the_ledger_that_was_minted_first(tmp_path: Path) -> None:
    assert identity.create(tmp_path, "first") == identity.create(tmp_path, "second")


def test_a_ledger_is_found_from_any_folder_below(tmp_path: Path) -> None:
    made = identity.create(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert identity.find(below) == made


def test_only_the_owner_may_look_into_the_working_files(tmp_path: Path) -> None:
    settings = Settings(project=tmp_path, pgdata=tmp_path / "unused", home=tmp_path / "home")

    folder = identity.home(identity.create(tmp_path), settings)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.fixture
def user_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *author, *words], check=True, capture_output=True, text=True
    ).stdout


def own_settings(project: Path) -> Settings:
    return Settings(project=project, pgdata=project / "unused")


def test_the_working_files_stay_where_they_are_when_the_project_gets_a_repository(
    tmp_path: Path, user_data: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    made = identity.create(project)
    before = identity.home(made, own_settings(project))

    git(project, "init", "-q")

    assert identity.home(made, own_settings(project)) == before
    assert before.is_relative_to(user_data)


def test_the_working_files_are_found_without_a_git_program(
    tmp_path: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    made = identity.create(tmp_path)
    with_git = identity.home(made, own_settings(tmp_path))

    monkeypatch.setenv("PATH", "")

    assert identity.home(made, own_settings(tmp_path)) == with_git
    assert with_git.is_relative_to(tmp_path / ".git")


def test_the_working_files_lie_where_git_keeps_what_all_worktrees_share(tmp_path: Path, user_data: Path) -> None:
    whole, apart, below = tmp_path / "whole", tmp_path / "apart", tmp_path / "whole" / "a" / "b"
    below.mkdir(parents=True)
    git(tmp_path, "init", "-q", str(whole))
    git(whole, "commit", "-q", "--allow-empty", "-m", "First")
    git(whole, "worktree", "add", "-q", str(tmp_path / "tree"))
    git(tmp_path, "init", "-q", f"--separate-git-dir={tmp_path / 'elsewhere'}", str(apart))
    (below / ".git").mkdir()  # an empty folder, which git passes over too

    for project in (whole, below, apart, tmp_path / "tree"):
        made = identity.create(project)
        shared = Path(git(project, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())

        assert identity.home(made, own_settings(project)) == shared / "tracking-ledger" / str(made.key)


def test_no_working_files_are_laid_into_the_repository_of_another_user(
    tmp_path: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    made = identity.create(tmp_path)
    owner = os.geteuid()

    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert identity.home(made, own_settings(tmp_path)).is_relative_to(user_data)


def test_a_folder_without_a_ledger_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        identity.find(tmp_path)

    assert "tracking-ledger init" in refused.value.next_step


@each(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ledger": 5, "name": "x"}',
        b'{"ledger": "no uuid", "name": "x"}',
        f'{{"ledger": "{LEDGER}"}}'.encode(),
        f'{{"ledger": "{LEDGER}", "name": "a\\u0000b"}}'.encode(),
        f'{{"ledger": "{LEDGER}", "name": "{"x" * 1000}"}}'.encode(),
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_file_that_holds_no_identity_is_named(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(Damaged) as refused:
        identity.find(written(tmp_path, text))

    assert str(tmp_path / ".ledger" / "ledger.json") in refused.value.message
    assert "version control" in refused.value.next_step


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    text = f'{{"ledger": "{LEDGER}", "name": "x"}}'.encode("utf-8-sig")

    assert str(identity.find(written(tmp_path, text)).ledger) == LEDGER


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".ledger").write_text("a file where the folder should be")

    with pytest.raises(Unavailable) as refused:
        identity.create(tmp_path)

    assert str(tmp_path / ".ledger") in refused.value.message
