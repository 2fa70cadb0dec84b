"""A git history becomes deployments, work items and vendors; every commit is in one of them or named."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.commands import ImportedDeployment
from ledger.importing.readers.git import history
from ledger.importing.readers.git import items as git_items
from ledger.importing.readers.git.log import LONGEST_MESSAGE
from ledger.importing.readers.git_output import git_output
from ledger.importing.readers.reading import Reading
from tests.support.each import each
from tests.support.git_repository import DAY, START, Repository, git

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def read(repository: Repository) -> Reading:
    return history.read(repository.folder, lambda id: id, NOW)


def items(reading: Reading) -> dict[str, ImportedItem]:
    return {item.external_id: item for item in reading.items}


def deployments(reading: Reading) -> dict[str, ImportedDeployment]:
    return {deployment.external_id: deployment for deployment in reading.deployments}


def kinds(reading: Reading) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in (*reading.warnings, *reading.not_taken):
        found.setdefault(finding.kind, []).append(finding.where)
    return found


def merged(repository: Repository, number: int, branch: str, base: int, body: str = "Title") -> int:
    """Two commits on a branch, and the merge of its pull request."""
    first = repository.commit(f"{branch} 1", base, on="side", author="Bob")
    second = repository.commit(f"{branch} 2", first, on="side", author="Cid")
    merge = f"Merge pull request #{number} from bob/{branch}\n\n{body}"
    tip = repository.commit(merge, base, second, author="Ann", committer="GitHub")
    repository.remove("side")
    return tip


def test_a_merged_pull_request_is_a_deployment_and_completes_its_branch(repository: Repository) -> None:
    merged(repository, 7, "feature/search", repository.commit("Begin"), "feat: search\n\n45/45 tests passing")

    reading = read(repository.write())

    hashes = repository.hashes()
    merge = hashes["Merge pull request #7 from bob/feature/search"]
    assert deployments(reading)["pr:7"].fields == {
        "deployed_at": "2026-02-06T02:40:00.000000Z",
        "commit_hash": merge,
        "pr_number": 7,
        "pr_title": "feat: search",
        "test_summary": {"passed": 45, "total": 45},
        "metadata": {
            "announced_as": "merge",
            "commit_type": "feat",
            "branch": "feature/search",
            "branch_owner": "bob",
            "committed_by": "GitHub",
        },
    }
    item = items(reading)["branch:feature/search"]
    assert item.fields == {
        "item_type": "task",
        "title": "search",
        "branch_name": "feature/search",
        "commits": (hashes["feature/search 1"], hashes["feature/search 2"], merge),
        "pr_numbers": (7,),
        "metadata": {"branch_kind": "feature"},
    }
    assert (item.status, item.created.by, item.settled and item.settled.by) == ("completed", "Bob", "Ann")
    assert deployments(reading)["pr:7"].work_items == ("branch:feature/search",)
    assert (reading.found, reading.taken) == (4, 3)
    assert kinds(reading) == {"says_nothing_to_record": [hashes["Begin"]]}


def test_a_squash_keeps_both_times_when_it_was_committed_later(repository: Repository) -> None:
    repository.commit("fix: pool (#3)", at=START, committed=START + 60, author="Bob", committer="GitHub")

    shipped = deployments(read(repository.write()))["pr:3"]

    assert shipped.fields["deployed_at"] == "2026-02-02T02:41:00.000000Z"
    assert shipped.fields["metadata"]["authored_at"] == "2026-02-02T02:40:00.000000Z"
    assert (shipped.created.by, shipped.fields["metadata"]["committed_by"]) == ("Bob", "GitHub")


def test_a_pull_request_that_came_in_beside_the_first_parent_is_found(repository: Repository) -> None:
    base = repository.commit("Begin")
    local = repository.commit("Local work", base)
    squashed = repository.commit("Remote work (#3)", base, on="side")
    repository.commit("Merge branch 'main' of https://example.org/x", local, squashed)
    repository.remove("side")

    assert list(deployments(read(repository.write()))) == ["pr:3"]


def test_the_same_pull_request_as_merge_and_as_squash_counts_once(repository: Repository) -> None:
    tip = merged(repository, 7, "fix/pool", repository.commit("Begin"))
    repository.commit("fix: pool (#7)", tip, on="release")

    reading = read(repository.write())

    hashes = repository.hashes()
    shipped = deployments(reading)["pr:7"]
    assert (len(reading.deployments), shipped.fields["commit_hash"]) == (
        1,
        hashes["Merge pull request #7 from bob/fix/pool"],
    )
    assert shipped.fields["metadata"]["other_commits"] == [hashes["fix: pool (#7)"]]
    assert kinds(reading)["announced_more_than_once"] == ["pr:7 (2 commits)"]


def test_what_has_landed_counts_before_a_copy_that_has_not(repository: Repository) -> None:
    base = repository.commit("Begin")
    copy = merged(repository, 7, "fix/pool", base)
    repository.branch("old", copy)
    repository.commit("fix: pool (#7)", base)

    shipped = deployments(read(repository.write()))["pr:7"]

    assert shipped.fields["commit_hash"] == repository.hashes()["fix: pool (#7)"]


def test_merges_of_two_branches_under_one_number_are_two_pull_requests(repository: Repository) -> None:
    tip = merged(repository, 1, "feature/ours", repository.commit("Begin"))
    theirs = merged(repository, 1, "feature/theirs", repository.commit("Upstream begins", on="upstream"))
    repository.commit("Merge the upstream", tip, theirs)

    assert sorted(deployments(read(repository.write()))) == ["pr:1", "pr:1:bob/feature/theirs"]


def test_a_deployment_to_an_environment_is_one_beside_its_pull_request(repository: Repository) -> None:
    tip = repository.commit("feat: x (#4)")
    repository.commit("deploy(staging): x (#4)", tip)

    shipped = deployments(read(repository.write()))

    assert sorted(shipped) == ["pr:4", "pr:4@staging"]
    assert shipped["pr:4@staging"].fields["environment"] == "staging"


def test_a_deployment_without_a_pull_request_is_known_by_author_time_and_title(repository: Repository) -> None:
    first = repository.commit("deploy: release", at=START)
    second = repository.commit("deploy: release", first, at=START)
    repository.commit("deploy: release", second, at=START + 1)
    before = set(deployments(read(repository.write())))
    moved = Repository(repository.folder.with_name("moved"))
    base = moved.commit("Another beginning", at=START - DAY)
    for at in (START, START, START + 1):
        base = moved.commit("deploy: release", base, at=at, committed=at + DAY)

    after = set(deployments(read(moved.write())))

    assert (len(before), after) == (3, before)


def test_a_branch_that_has_not_landed_is_active_with_its_own_commits_only(repository: Repository) -> None:
    base = repository.commit("Begin")
    side = repository.commit("Half of it", base, on="012-invoices")
    repository.commit("On main", base)
    repository.branch("012-invoices", side)

    item = items(read(repository.write()))["branch:012-invoices"]

    assert (item.status, item.fields["title"]) == ("active", "invoices")
    assert item.fields["commits"] == (repository.hashes()["Half of it"],)
    assert item.fields["metadata"] == {"branch_kind": "numbered", "number": "012"}


def test_a_branch_that_was_only_just_begun_says_no_status(repository: Repository) -> None:
    repository.branch("feature/new", repository.commit("Begin"))
    git(repository.write().folder, "symbolic-ref", "HEAD", "refs/heads/feature/new")

    reading = read(repository)

    item = items(reading)["branch:feature/new"]
    assert (item.status, "commits" in item.fields) == (None, False)
    assert kinds(reading)["branch_just_begun"] == ["feature/new"]


def test_a_merge_under_its_own_words_completes_the_branch_that_stands_at_what_it_merged(repository: Repository) -> None:
    base = repository.commit("Begin")
    side = repository.commit("Second", repository.commit("First", base, on="side"), on="side")
    repository.commit("On main", repository.commit("feat: merge Feature 003 - Thing", base, side, author="Eve"))
    repository.branch("003-thing", side)
    repository.remove("side")

    reading = read(repository.write())

    item, hashes = items(reading)["branch:003-thing"], repository.hashes()
    own = ("First", "Second", "feat: merge Feature 003 - Thing")
    assert (item.status, item.fields["commits"]) == ("completed", tuple(hashes[subject] for subject in own))
    assert (item.created.by, item.settled and item.settled.by) == ("Ann", "Eve")
    assert kinds(reading) == {"says_nothing_to_record": [hashes["On main"], hashes["Begin"]]}


def test_a_merge_under_its_own_words_that_has_not_landed_completes_nothing(repository: Repository) -> None:
    base = repository.commit("Begin")
    side = repository.commit("First", base, on="003-thing")
    repository.commit("Take the thing in", repository.commit("Develop", base, on="develop"), side, on="develop")

    item = items(read(repository.write()))["branch:003-thing"]

    assert (item.status, len(item.fields["commits"])) == ("active", 2)


def test_what_an_unnamed_merge_brought_is_not_a_branch_that_only_lies_in_it(repository: Repository) -> None:
    base = repository.commit("Begin")
    inside = repository.commit("Inside", base, on="side")
    repository.commit("Release it", base, repository.commit("Head", inside, on="side"))
    repository.branch("003-thing", inside)
    repository.remove("side")

    reading = read(repository.write())

    assert (items(reading)["branch:003-thing"].status, "commits" in items(reading)["branch:003-thing"].fields) == (
        "completed",
        False,
    )
    assert kinds(reading)["branch_in_the_default_one"] == ["003-thing"]


@pytest.mark.parametrize("further", [True, False])
def test_a_branch_that_was_fast_forwarded_is_completed_and_what_were_its_own_commits_is_not_known(
    repository: Repository, further: bool
) -> None:
    tip = repository.commit("Its work", repository.commit("Begin"))
    repository.branch("006-forward", tip)
    if further:
        repository.commit("On main", tip)

    reading = read(repository.write())

    item = items(reading)["branch:006-forward"]
    assert (item.status, item.settled, "commits" in item.fields) == ("completed", item.changed, False)
    assert kinds(reading)["branch_in_the_default_one"] == ["006-forward"]


def test_the_default_branch_merged_into_a_branch_brings_no_other_branch(repository: Repository) -> None:
    tip = repository.commit("Work", repository.commit("Begin"))
    repository.branch("006-forward", tip)
    side = repository.commit("Half", repository.commit("Begin half", tip, on="007-half"), on="007-half")
    main = repository.commit("On main", tip)
    repository.commit("Bring it up to date", side, main, on="007-half")
    repository.branch("main", main)

    shipped = items(read(repository.write()))

    assert (shipped["branch:006-forward"].status, "commits" in shipped["branch:006-forward"].fields) == (
        "completed",
        False,
    )
    assert (shipped["branch:007-half"].status, len(shipped["branch:007-half"].fields["commits"])) == ("active", 3)


def test_whether_a_branch_was_squashed_is_unknown_and_reported(repository: Repository) -> None:
    base = repository.commit("Begin")
    repository.commit("Its work", base, on="012-invoices")
    squash = repository.commit("feat: invoices (#12)", base)
    repository.commit("Newer work", squash, on="013-newer")
    repository.branch("main", squash)

    reading = read(repository.write())

    assert {name: item.status for name, item in items(reading).items()} == {
        "branch:012-invoices": None,
        "branch:013-newer": "active",
    }
    assert kinds(reading)["may_be_squashed"] == ["012-invoices"]


def test_a_branch_that_goes_on_after_its_merge_is_active_again(repository: Repository) -> None:
    tip = merged(repository, 7, "feature/search", repository.commit("Begin"))
    repository.commit("More search", tip, on="feature/search")
    repository.branch("main", tip)

    assert items(read(repository.write()))["branch:feature/search"].status == "active"


def test_commits_belong_to_the_branch_that_brought_them_first(repository: Repository) -> None:
    base = repository.commit("Begin")
    develop = repository.commit("On develop", base, on="develop")
    search = repository.commit("Search", develop, on="feature/search")
    develop = repository.commit("Merge branch 'feature/search' into develop", develop, search, on="develop")
    later = repository.commit("Later work", develop, on="feature/later")
    later = repository.commit("Merge branch 'develop' into feature/later", later, develop, on="feature/later")
    develop = repository.commit("Merge branch 'feature/later' into develop", develop, later, on="develop")
    repository.commit("Merge pull request #2 from ann/develop\n\nRelease", base, develop)
    for name in ("develop", "feature/search", "feature/later"):
        repository.remove(name)

    shipped = items(read(repository.write()))

    subjects = {hash: subject for subject, hash in repository.hashes().items()}
    assert {name: [subjects[hash] for hash in item.fields["commits"]] for name, item in shipped.items()} == {
        "branch:feature/search": ["Search", "Merge branch 'feature/search' into develop"],
        "branch:feature/later": [
            "Later work",
            "Merge branch 'develop' into feature/later",
            "Merge branch 'feature/later' into develop",
        ],
    }
    assert {item.status for item in shipped.values()} == {"completed"}


def test_an_issue_is_completed_when_what_closes_it_has_landed(repository: Repository) -> None:
    base = repository.commit("Begin on it\n\nSee #20")
    repository.commit("fix: one\n\nFixes #20, closes task #21", base)
    repository.commit("fix: other\n\nFixes #22", base, on="fix/other")

    shipped = items(read(repository.write()))

    assert {name: item.status for name, item in shipped.items() if name.startswith("issue:")} == {
        "issue:20": "completed",
        "issue:21": "completed",
        "issue:22": None,
    }
    assert len(shipped["issue:20"].fields["commits"]) == 2


def test_the_number_of_a_pull_request_is_an_issue_only_where_the_text_says_so(repository: Repository) -> None:
    base = repository.commit("feat: x (#5)\n\nSee #6")
    repository.commit("feat: y (#6)\n\nSee #5, and task #5", base)

    assert list(items(read(repository.write()))) == ["issue:5"]


def test_a_vendor_has_the_last_word_on_each_field(repository: Repository) -> None:
    base = repository.commit("vendor(Acme): broken, version 1.0.0, 3/9 tests passing")
    repository.commit("vendor(acme): operational, version 1.1.0", base)

    [vendor] = read(repository.write()).vendors

    assert vendor.fields == {
        "status": "operational",
        "extractor_version": "1.1.0",
        "test_results": TestResults(passing=3, total=9),
    }
    assert (vendor.name, vendor.created.at < vendor.changed.at) == ("Acme", True)


def test_a_vendor_that_cannot_be_named_so_is_not_taken_and_named(repository: Repository) -> None:
    repository.commit("vendor(<script>): broken")

    reading = read(repository.write())

    [hash] = repository.hashes().values()
    assert kinds(reading) == {"vendor_name_not_possible": [f"{hash} '<script>'"]}


def test_a_revert_stands_with_what_it_reverts_and_is_no_deployment(repository: Repository) -> None:
    base = repository.commit("feat: x (#5)")
    reverted = repository.write().hashes()["feat: x (#5)"]
    repository.commit(f'Revert "feat: x (#5)"\n\nThis reverts commit {reverted}.', base)

    reading = read(repository.write())

    revert = repository.hashes()['Revert "feat: x (#5)"']
    assert deployments(reading)["pr:5"].fields["metadata"]["reverted_by"] == [revert]
    assert (len(reading.deployments), reading.taken) == (1, 2)


def test_an_item_takes_only_so_many_commits_and_the_others_are_named(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_items, "MOST_COMMITS", 2)
    merged(repository, 7, "feature/search", repository.commit("Begin"))

    reading = read(repository.write())

    first = repository.hashes()["feature/search 1"]
    assert kinds(reading)["more_commits_than_an_item_takes"] == [f"{first} (branch:feature/search)"]
    assert first not in kinds(reading)["says_nothing_to_record"]


def test_odd_bytes_long_messages_and_odd_times_are_taken_as_found(repository: Repository) -> None:
    base = repository.commit(b"deploy: \xff\xfe release", at=START)
    base = repository.commit("deploy: " + "x" * (LONGEST_MESSAGE + 10), base, at=START)
    repository.commit("deploy: soon", base, at=4_000_000_000)

    reading = read(repository.write())

    assert len(reading.deployments) == 3
    assert {kind: len(where) for kind, where in kinds(reading).items()} == {
        "not_utf8": 1,
        "message_cut": 1,
        "time_in_the_future": 1,
    }


def test_the_edge_of_a_shallow_clone_is_reported(repository: Repository, tmp_path: Path) -> None:
    base = repository.commit("Begin")
    repository.commit("feat: x (#5)", base)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository.write().folder}", "shallow")

    reading = history.read(tmp_path / "shallow", lambda id: id, NOW)

    assert (list(deployments(reading)), list(kinds(reading))) == (["pr:5"], ["history_ends_here"])


def test_a_repository_without_commits_says_so(repository: Repository) -> None:
    with pytest.raises(Invalid, match="is a repository without commits"):
        read(repository.write())


def test_stash_notes_and_what_was_rewritten_are_no_history(repository: Repository) -> None:
    tip = repository.commit("Begin")
    repository.commit("deploy: old", tip, on="old")
    git(repository.write().folder, "update-ref", "refs/original/refs/heads/main", "old")
    git(repository.folder, "update-ref", "refs/stash", "old")
    git(repository.folder, "branch", "-D", "old")

    assert read(repository).found == 1


@each("name", ["absent", "file", "empty"])
def test_what_is_no_repository_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()

    with pytest.raises(Invalid, match=f"{name} cannot be read by git") as refused:
        history.read(tmp_path / name, lambda id: id, NOW)

    assert refused.value.next_step.startswith("name the folder of a repository")


def test_a_damaged_repository_is_refused_and_gives_nothing(repository: Repository) -> None:
    base = repository.commit("Begin")
    repository.commit("deploy: x", base)
    folder = repository.write().folder
    for object in (folder / ".git/objects").glob("??/*"):
        object.chmod(0o600)
        object.write_bytes(b"not an object")

    with pytest.raises(Invalid, match="cannot be read by git"):
        read(repository)


def test_a_repository_runs_no_programs_of_its_own(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("feat: x (#5)")
    folder, ran = repository.write().folder, tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\n")
    trap.chmod(0o755)
    signed = git(folder, "cat-file", "commit", "main").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n\n", 1
    )
    forged = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.encode()).strip()
    git(folder, "update-ref", "refs/heads/main", forged)
    programs = ("core.pager", "core.fsmonitor", "gpg.program", "core.sshCommand", "diff.external", "pager.log")
    for name in (*programs, "core.alternateRefsCommand", "diff.x.textconv", "remote.origin.uploadpack"):
        git(folder, "config", name, str(trap))
    others = {"log.showSignature": "true", "remote.origin.url": f"ext::{trap}", "remote.origin.promisor": "true"}
    for name, value in (others | {"protocol.ext.allow": "always"}).items():
        git(folder, "config", name, value)
    git(folder, "log")
    fired = ran.exists()
    ran.unlink()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))

    shipped = deployments(read(repository))

    assert (fired, list(shipped), ran.exists()) == (True, ["pr:5"], False)


def test_a_history_is_read_where_no_disk_takes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", none)

    with git_output(tmp_path, ("version",)) as output:
        assert output.read().startswith(b"git version")
    with pytest.raises(Invalid, match="it says no reason"), git_output(tmp_path, ("no-such-command",)):
        pass
