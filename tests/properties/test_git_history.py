"""Laws of reading a git history, on repositories whose content is known, held against a script of its own."""

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.importing.readers.git import history
from ledger.importing.readers.reading import Reading
from tests.support.examples import examples
from tests.support.git_repository import Repository, git

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BRANCHES = ("feature/a", "fix/b", "012-c", "feat/d", "bugfix/e", "docs/f")

steps = st.one_of(
    st.tuples(st.just("plain"), st.sampled_from(["docs: text", "Begin (#x)", "fix #soon", "Merge lists", "PR 5: x"])),
    st.tuples(st.just("merge"), st.integers(1, 6), st.sampled_from(BRANCHES), st.integers(0, 3)),
    st.tuples(st.just("squash"), st.integers(1, 6)),
    st.tuples(st.just("titled"), st.integers(1, 6)),
    st.tuples(st.just("deploy"), st.sampled_from(["deploy: x", "deployment(api): y", "Deploy(api)!: z"])),
    st.tuples(st.just("branch"), st.sampled_from(BRANCHES)),
    st.tuples(st.just("pull"), st.sampled_from(["main", "develop"])),
)


def built(folder: Path, plan: list[tuple[Any, ...]], beginning: str = "Begin") -> Repository:
    """Another beginning gives every commit another hash."""
    repository = Repository(folder)
    tip = repository.commit(beginning)
    for place, step in enumerate(plan):
        match step:
            case ("plain", subject):
                tip = repository.commit(subject, tip)
            case ("merge", number, branch, commits):
                side = tip
                for turn in range(commits):
                    side = repository.commit(f"chore: step {turn} of {place}", side, on="side")
                tip = repository.commit(f"Merge pull request #{number} from ann/{branch}\n\nTitle {place}", tip, side)
            case ("squash", number):
                tip = repository.commit(f"feat: squashed {place} (#{number})", tip)
            case ("titled", number):
                tip = repository.commit(f"PR #{number}: titled {place}", tip)
            case ("deploy", subject):
                tip = repository.commit(f"{subject} {place}", tip)
            case ("branch", branch):
                repository.commit("wip", tip, on=branch)
            case ("pull", branch):
                side = repository.commit("elsewhere", tip, on="side")
                tip = repository.commit(f"Merge branch '{branch}' of https://example.org/x", tip, side)
    repository.branch("main", tip)
    repository.remove("side")
    return repository.write()


def read(folder: Path) -> Reading:
    return history.read(folder, lambda id: id, NOW)


def expected(folder: Path) -> dict[str, Any]:
    """What a person would count with `git log` and a few lines."""
    numbers, deploys = set(), 0
    for subject in git(folder, "log", "--all", "--format=%s").splitlines():
        merge = re.match(r"Merge pull request #(\d+) from (\S+)", subject)
        other = re.search(r"\(#(\d+)\)$", subject) or re.match(r"PR #(\d+): ", subject)
        if merge:
            numbers.add(merge[1])
        elif other:
            numbers.add(other[1])
        deploys += bool(re.match(r"(?i)(deploy|deployment)(\(\w+\))?!?: ", subject))
    refs = git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    named = re.findall(r"^Merge pull request #\d+ from ann/(\S+)", git(folder, "log", "--all", "--format=%s"), re.M)
    work = {name for name in refs + named if re.match(r"(feature|feat|fix|bugfix)/|\d+-", name)}
    return {
        "numbers": numbers,
        "deploys": deploys,
        "branches": work,
        "commits": git(folder, "rev-list", "--all").split(),
    }


@given(st.lists(steps, max_size=12))
@examples(25)
def test_numbers_branches_and_commits_are_those_an_independent_script_counts(plan: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        built(Path(folder), plan)

        reading = read(Path(folder))

        wanted = expected(Path(folder))
        pulls = {str(shipped.fields["pr_number"]) for shipped in reading.deployments if "pr_number" in shipped.fields}
        plain = [shipped for shipped in reading.deployments if "pr_number" not in shipped.fields]
        branches = {item.external_id.removeprefix("branch:") for item in reading.items}
        assert (pulls, len(plain), branches) == (wanted["numbers"], wanted["deploys"], wanted["branches"])
        assert reading.found == len(wanted["commits"])
        assert len({shipped.external_id for shipped in reading.deployments}) == len(reading.deployments)


@given(st.lists(steps, max_size=12))
@examples(25)
def test_every_commit_is_in_an_entity_or_named(plan: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        built(Path(folder), plan)

        reading = read(Path(folder))

        recorded = {hash for item in reading.items for hash in item.fields.get("commits", ())}
        for shipped in reading.deployments:
            recorded |= {shipped.fields["commit_hash"], *shipped.fields["metadata"].get("other_commits", [])}
        named = [finding.where.partition(" ")[0] for finding in reading.not_taken]
        commits = git(Path(folder), "rev-list", "--all").split()
        assert sorted({*recorded, *named}) == sorted(commits)
        assert (len(named), reading.taken) == (len(set(named)), len(recorded))
        assert recorded.isdisjoint(named)


@given(st.lists(steps, max_size=8))
@examples(10)
def test_a_rewritten_history_tells_the_same_entities(plan: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        built(Path(first), plan)
        built(Path(second), plan, "Begin again")

        before, after = read(Path(first)), read(Path(second))

        assert {shipped.external_id for shipped in after.deployments} == {
            shipped.external_id for shipped in before.deployments
        }
        assert {item.external_id for item in after.items} == {item.external_id for item in before.items}


@given(st.binary(max_size=300))
@examples(25)
def test_no_message_breaks_the_reading(message: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder))
        repository.commit(message.replace(b"\0", b""))
        repository.write()

        assert read(Path(folder)).found == 1
