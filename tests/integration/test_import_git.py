"""`tracking-ledger import git`, on repositories made for it and on a real one, held against a script of its own."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Invalid
from ledger.settings import Settings
from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.command_line import exit_code
from tests.support.git_repository import Repository, git

REAL = Path(__file__).parents[2] / "../shared/data/git/simple-task-tracker-mcp.fast-import"
KINDS = ("feat", "fix", "docs", "chore", "refactor", "test")


def imported(app: App, folder: Path, **more: Any) -> dict[str, Any]:
    return ImportRequest(source="git", path=folder, **more).run(app)


def large(folder: Path, beginning: str = "Begin") -> Repository:
    """354 commits with twelve pull requests: merges, squashes, both of one, titles; and two deployments beside them."""
    repository = Repository(folder)
    tip = repository.commit(beginning)
    made = 1
    for number in range(1, 13):
        match number % 4:
            case 0:
                side = tip
                for turn in range(20):
                    side = repository.commit(
                        f"{KINDS[turn % 6]}(api): part {turn} of {number}", side, on="side", author="Bob"
                    )
                subject = f"Merge pull request #{number} from bob/{number:03}-part-{number}\n\nPart {number} is here"
                tip, made = repository.commit(subject, tip, side, committer="GitHub"), made + 21
            case 1:
                body = f"\n\n{40 + number}/60 tests passing\nConstitutional compliance: yes\n\nFixes #{100 + number}"
                tip, made = (
                    repository.commit(f"feat: whole {number} (#{number}){body}", tip, committer="GitHub"),
                    made + 1,
                )
            case 2:
                tip, made = repository.commit(f"PR #{number}: titled {number}", tip), made + 1
            case _:
                side = repository.commit(f"fix: {number}", tip, on="side", author="Cid")
                tip = repository.commit(f"Merge pull request #{number} from cid/fix/bug-{number}\n\nBug", tip, side)
                tip, made = repository.commit(f"fix: bug (#{number})", tip), made + 3
    for subject in ("deploy(production): release 1.0.0", "deployment: release 1.1.0"):
        tip, made = repository.commit(subject, tip), made + 1
    tip = repository.commit("vendor(acme): operational\n\nversion 2.1.0\n9/10 tests passing", tip)
    made += 1
    while made < 354:
        tip, made = repository.commit(f"{KINDS[made % 6]}: plain {made}", tip), made + 1
    repository.remove("side")
    return repository.write()


def counted(folder: Path) -> dict[int, str]:
    """Hash by number of every pull request, as a person counts them; a merge before the others."""
    found: dict[int, str] = {}
    for line in git(folder, "log", "--all", "--format=%H %s").splitlines():
        hash, _, subject = line.partition(" ")
        if match := re.match(r"Merge pull request #(\d+) from ", subject):
            found[int(match[1])] = hash
        elif match := re.search(r"\(#(\d+)\)$", subject) or re.match(r"PR #(\d+): ", subject):
            found.setdefault(int(match[1]), hash)
    return found


def deployments(perform: Perform) -> list[dict[str, Any]]:
    return perform("query_deployments", limit=100)["items"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return large(tmp_path / "repository").folder


@pytest.mark.processes
def test_twelve_pull_requests_of_354_commits_are_twelve_deployments(app: App, perform: Perform, folder: Path) -> None:
    report = imported(app, folder)

    recorded = {one["pr_number"]: one["commit_hash"] for one in deployments(perform) if one.get("pr_number")}
    assert (len(recorded), recorded) == (12, counted(folder))
    assert (report["found"], report["by_category"]["deployment"]["created"]) == (354, 14)
    assert report["found"] == report["taken"] + sum(entry["count"] for entry in report["nothing_to_record"])
    assert {entry["kind"] for entry in report["nothing_to_record"]} == {"says_nothing_to_record"}
    assert report["not_taken"] == []


@pytest.mark.processes
def test_what_a_commit_says_is_what_is_recorded(app: App, perform: Perform, folder: Path) -> None:
    imported(app, folder)

    shipped = {one.get("pr_number") or one["pr_title"]: one for one in deployments(perform)}
    assert (shipped[5]["test_summary"], shipped[5]["constitutional_compliance"]) == ({"passed": 45, "total": 60}, True)
    assert (shipped[5]["metadata"]["commit_type"], shipped[5]["metadata"]["committed_by"]) == ("feat", "GitHub")
    assert shipped[4].get("constitutional_compliance") is None
    assert shipped["release 1.0.0"]["environment"] == "production"
    vendor = perform("query_vendor_status", name="ACME")
    assert (vendor["status"], vendor["extractor_version"], vendor["test_results"]["passing"]) == (
        "operational",
        "2.1.0",
        9,
    )
    items = perform("list_work_items", limit=100, detail=True)["items"]
    branch = next(item for item in items if item.get("branch_name") == "008-part-8")
    assert (branch["status"], branch["pr_numbers"], len(branch["commits"])) == ("completed", [8], 21)
    assert shipped[8]["work_item_ids"] == [branch["id"]]
    assert Counter(item["status"] for item in items) == {"completed": 9}  # 3 numbered, 3 fixes, 3 closed issues


@pytest.mark.processes
def test_importing_again_records_nothing(app: App, folder: Path) -> None:
    first = imported(app, folder)

    second = imported(app, folder)

    assert (second["created"], second["changed"], second["events"]) == (0, 0, 0)
    assert second["unchanged"] == first["created"]


@pytest.mark.processes
def test_only_what_is_new_is_recorded_on_the_next_run(app: App, folder: Path) -> None:
    imported(app, folder)
    more = Repository(folder)
    more.commit("feat: later (#13)", on="later")
    more.write()

    report = imported(app, folder)

    assert (report["created"], report["changed"], report["events"]) == (1, 0, 1)


@pytest.mark.processes
def test_a_rewritten_history_brings_new_hashes_and_no_new_entity(
    app: App, perform: Perform, folder: Path, tmp_path: Path
) -> None:
    imported(app, folder)
    again = large(tmp_path / "rewritten", "Begin differently").folder

    report = imported(app, again)

    recorded = {one["pr_number"]: one["commit_hash"] for one in deployments(perform) if one.get("pr_number")}
    assert (report["created"], recorded) == (0, counted(again))


@pytest.mark.processes
def test_what_was_written_here_meanwhile_stays(app: App, perform: Perform, folder: Path, tmp_path: Path) -> None:
    imported(app, folder)
    one = next(shipped for shipped in deployments(perform) if shipped.get("pr_number") == 5)
    perform("amend_deployment", id=one["id"], version=one["version"], changes={"pr_title": "As people say"})

    imported(app, large(tmp_path / "rewritten", "Begin differently").folder)

    assert (
        next(shipped for shipped in deployments(perform) if shipped.get("pr_number") == 5)["pr_title"]
        == "As people say"
    )


@pytest.mark.processes
def test_a_dry_run_tells_the_same_and_records_nothing(app: App, folder: Path) -> None:
    dry = imported(app, folder, dry_run=True)

    wet = imported(app, folder)

    for report in (dry, wet):
        for name in ("dry_run", "elapsed_ms", "position"):
            del report[name]
    assert dry == wet


def test_a_real_repository_gives_the_pull_requests_a_script_counts(app: App, perform: Perform, tmp_path: Path) -> None:
    if not REAL.exists():
        pytest.skip("needs ../shared/data/git/simple-task-tracker-mcp.fast-import beside the checkout")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "fast-import", "--done", "--quiet", stdin=REAL.read_bytes())

    report = imported(app, tmp_path)

    recorded = {one["pr_number"]: one["commit_hash"] for one in deployments(perform)}
    assert (recorded, sorted(recorded)) == (counted(tmp_path), [1, 3, 4, 5, 6, 7, 8, 9, 10])
    assert (report["found"], imported(app, tmp_path)["events"]) == (230, 0)


def test_a_folder_that_is_no_repository_records_nothing(app: App, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read by git"):
        imported(app, tmp_path)

    assert list(app.store.read_all()) == []


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))

    def run(*arguments: str | Path) -> int:
        return exit_code(monkeypatch, *arguments)

    return run


def test_without_a_path_it_is_the_projects_repository(
    call: Any, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = Repository(settings.project)
    base = repository.commit("Begin")
    repository.commit("feat: x (#5)", base)
    repository.write()
    (settings.project / "todo.txt").write_text("(A) 2026-03-01 write it +here\n")

    code = call("import", "git", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (code, report["found"], report["taken"]) == (0, 2, 1)


def test_a_commit_that_could_not_be_taken_ends_with_8(call: Any, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit("vendor(a/b): broken")

    assert call("import", "git", repository.write().folder) == 8


@pytest.mark.processes
def test_a_repository_is_recognised_by_its_content(call: Any, folder: Path) -> None:
    assert call("import", folder) == 0
