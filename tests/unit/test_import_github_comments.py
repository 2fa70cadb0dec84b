"""GitHub's comments that stand by themselves: pages of `issues/comments`, an archive, a folder with both."""

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from ledger.importing.readers.sample import sample_of
from ledger.importing.readers.trackers.hosted import github
from ledger.values.moment import parse
from tests.support.imported_log import ImportedLog

HOST = "https://github.com/o/r"
API = "https://api.github.com/repos/o/r"
NOW = parse("2026-11-22T12:00:00Z")

Record = dict[str, Any]
Write = Callable[[Path], Path]


def issue(number: int, **more: Any) -> Record:
    return {
        "number": number,
        "title": f"Issue {number}",
        "body": "Why",
        "state": "open",
        "html_url": f"{HOST}/issues/{number}",
        "repository_url": API,
        "user": {"login": "ann"},
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-05T10:00:00Z",
        "comments": 2,
        **more,
    }


def comment(number: int, on: int, *, kind: str = "issues", **more: Any) -> Record:
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": f"{API}/issues/comments/{number}",
        "html_url": f"{HOST}/{kind}/{on}#issuecomment-{number}",
        "issue_url": f"{API}/issues/{on}",
        "user": {"login": "bob"},
        "created_at": f"2026-03-0{number % 8 + 2}T10:00:00Z",
        "updated_at": f"2026-03-0{number % 8 + 2}T10:00:00Z",
        "author_association": "MEMBER",
        "body": f"said {number}",
        **more,
    }


ISSUES = [issue(1), issue(2, comments=0)]
PAGES = ([comment(11, 1)], [comment(12, 1)])


def file(name: str, whole: Any) -> Write:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_text(json.dumps(whole))
        return path

    return write


def said(log: ImportedLog) -> list[tuple[str, str, str]]:
    return sorted(
        (one.by, one.at, one.text)
        for state in log.current_states().values()
        for one in state["comments"].values()
        if not one.withdrawn
    )


FILES = {"issues": file("issues.json", ISSUES), "one": file("1.json", PAGES[0]), "two": file("2.json", PAGES[1])}
BOTH = [("bob", f"2026-03-0{day}T10:00:00.000000Z", f"said {number}") for number, day in ((11, 5), (12, 6))]


@pytest.mark.parametrize("order", list(permutations(FILES)))
def test_pages_of_comments_are_taken_in_any_order_with_the_issues(order: tuple[str, ...]) -> None:
    log = ImportedLog("github")

    for name in order:
        log.bring(FILES[name])

    titles = sorted(state["title"] for state in log.current_states().values())
    assert (titles, said(log)) == (["Issue 1", "Issue 2"], BOTH)
    assert {state["status"] for state in log.current_states().values()} == {"active"}
    assert {
        len(state["metadata"]["source_comments"]) for state in log.current_states().values() if state["comments"]
    } == {2}
    assert [log.bring(FILES[name]) for name in order] == [[], [], []]


def test_an_archive_that_keeps_comments_apart_is_read_whole() -> None:
    log = ImportedLog("github")

    log.bring(file("archive.json", {"issues": ISSUES, "comments": [*PAGES[0], *PAGES[1]]}))

    assert said(log) == BOTH


def test_the_files_of_a_folder_are_read_together(tmp_path: Path) -> None:
    whole = [
        {"type": "issue", "url": f"{HOST}/issues/1", "title": "One", "body": "", "created_at": "2026-03-01T10:00:00Z"}
    ]
    apart = [
        {
            "type": "issue_comment",
            "url": f"{HOST}/issues/1#issuecomment-11",
            "issue": f"{HOST}/issues/1",
            "user": "https://github.com/bob",
            "body": "said 11",
            "created_at": "2026-03-05T10:00:00Z",
        }
    ]

    def write(folder: Path) -> Path:
        file("issues_000001.json", whole)(folder)
        file("issue_comments_000001.json", apart)(folder)
        file("organizations_000001.json", [{"login": "o"}])(folder)
        return folder

    log = ImportedLog("github")
    log.bring(write)

    assert said(log) == BOTH[:1]
    assert github.recognises(sample_of(write(tmp_path)))


def test_the_same_comment_printed_by_gh_and_answered_by_rest_is_one() -> None:
    log = ImportedLog("github")
    by_gh = {
        "id": "IC_kw11",
        "url": f"{HOST}/issues/1#issuecomment-11",
        "author": {"login": "bob"},
        "body": "said 11",
        "createdAt": "2026-03-05T10:00:00Z",
    }
    log.bring(file("gh.json", [issue(1, comments=[by_gh])]))

    assert [type(fact).__name__ for _, fact, *_ in log.bring(FILES["one"])] == ["WorkItemRevised"]

    assert said(log) == BOTH[:1]


def test_a_corrected_comment_is_corrected_and_none_that_is_not_there_is_withdrawn() -> None:
    log = ImportedLog("github")
    for write in FILES.values():
        log.bring(write)

    log.bring(file("1.json", [comment(11, 1, body="better")]))

    assert [text for _, _, text in said(log)] == ["better", "said 12"]


def edition(day: int, text: str) -> Write:
    return file("1.json", [comment(11, 1, body=text, updated_at=f"2026-03-{day}T10:00:00Z", reactions={"+1": day})])


@pytest.mark.parametrize("with_issues", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_the_editions_of_a_comment_the_newest_counts_in_whatever_order_they_come(
    order: tuple[int, ...], with_issues: bool
) -> None:
    editions = [edition(10, "first"), edition(11, "third"), edition(12, "third")]
    log = ImportedLog("github")
    if with_issues:
        log.bring(FILES["issues"])

    for place in order:
        log.bring(editions[place])

    kept = [state["metadata"]["source_comments"]["11"] for state in log.current_states().values() if state["comments"]]
    assert [text for _, _, text in said(log)] == ["third"]
    assert [one["reactions"] for one in kept] == [{"+1": 12}]
    assert [log.bring(one) for one in editions] == [[], [], []]


def test_an_older_edition_of_a_comment_is_named_and_wins_where_it_may() -> None:
    log = ImportedLog("github")
    log.bring(edition(12, "newer"))

    log.bring(edition(10, "older"))
    named = log.warnings()["older_than_known"]
    log.bring(edition(10, "older"), older_wins=True)

    times = "of 2026-03-10T10:00:00.000000Z, known is 2026-03-12T10:00:00.000000Z"
    assert named == [f"o/r#1, a comment ({times})"]
    assert [text for _, _, text in said(log)] == ["older"]


def test_comments_on_pull_requests_are_named(tmp_path: Path) -> None:
    path = file("1.json", [comment(11, 1), comment(12, 7, kind="pull")])(tmp_path)

    reading = github.read(path, lambda name: name, NOW)

    assert [item.external_id for item in reading.items] == ["o/r#1"]
    assert [(one.kind, one.where) for one in reading.not_taken] == [("pull_request", "comment 12 (o/r#7)")]
    assert github.recognises(sample_of(path))
