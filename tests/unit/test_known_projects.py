"""Which projects of a user are known on a machine."""

import shutil
from pathlib import Path

from msgspec.structs import replace

from ledger import identity
from ledger.settings import Settings
from projections.application.app import App
from projections.application.known_projects import reachable, remember


def settings(root: Path) -> Settings:
    return Settings(project=root, home=root / "home", pgdata=root / "unused")


def opened(root: Path, name: str) -> identity.Identity:
    (root / name).mkdir(parents=True)
    made = identity.create(root / name)
    app = App(replace(settings(root), project=root / name))
    assert app.home.is_dir()
    app.close()
    return made


def test_a_project_that_was_opened_is_known_by_name(tmp_path: Path) -> None:
    made = [opened(tmp_path, name) for name in ("web", "App")]

    assert reachable(settings(tmp_path)) == made[::-1]


def test_a_project_that_is_gone_is_not_known_and_one_that_moved_is_again_once_opened(tmp_path: Path) -> None:
    gone, moved = opened(tmp_path, "gone"), opened(tmp_path, "moved")
    shutil.rmtree(gone.project)
    shutil.move(moved.project, tmp_path / "elsewhere")

    before = reachable(settings(tmp_path))
    remember(identity.find(tmp_path / "elsewhere"), settings(tmp_path))

    assert before == []
    assert [project.project for project in reachable(settings(tmp_path))] == [tmp_path / "elsewhere"]


def test_a_folder_that_cannot_be_written_keeps_nothing_from_being_opened(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "projects").write_text("in the way")

    opened(tmp_path, "web")

    assert reachable(settings(tmp_path)) == []
