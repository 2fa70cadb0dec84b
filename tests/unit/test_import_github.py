"""GitHub's issues as files, read."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.work_item.events import WorkItemLinked, WorkItemRevised, WorkItemUnlinked
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import sample_of
from ledger.importing.readers.trackers.hosted import github
from ledger.values.moment import parse, text
from tests.support.each import each
from tests.support.imported_log import ImportedLog

NOW = parse("2026-11-22T12:00:00Z")
REAL = Path(__file__).parents[3] / "shared" / "data" / "trackers" / "github-archive.json"
URL = "https://github.com/o/r/issues/{}"


def written(folder: Path, whole: Any) -> Path:
    file = folder / "issues.json"
    file.write_text(whole if isinstance(whole, str) else json.dumps(whole))
    return file


def read(folder: Path, whole: Any) -> Reading:
    return github.read(written(folder, whole), lambda name: f"id of {name}", NOW)


def by_gh(number: int = 1, **fields: Any) -> dict[str, Any]:
    """As `gh issue list --json` prints it."""
    return {
        "number": number,
        "title": f"T{number}",
        "state": "OPEN",
        "stateReason": "",
        "author": {"login": "ann", "is_bot": False},
        "assignees": [],
        "labels": [],
        "url": URL.format(number),
        "createdAt": "2026-03-01T10:00:00Z",
        "updatedAt": "2026-03-02T10:00:00Z",
    } | fields


def by_rest(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"T{number}",
        "state": "open",
        "state_reason": None,
        "user": {"login": "ann"},
        "assignees": [],
        "labels": [],
        "html_url": URL.format(number),
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-02T10:00:00Z",
    } | fields


@each("make", [by_gh, by_rest])
@each(
    "shape",
    [
        *("list", "alone", "search", "archive", "graphql", "edges", "one", "found", "project", "board"),
        *("lines", "pages", "slurped"),
    ],
)
def test_every_shape_gives_the_same_issue(tmp_path: Path, make: Any, shape: str) -> None:
    issue = make(body="Why\r\n", labels=[{"name": "Bug"}], assignees=[{"login": "bob"}, {"login": "cy"}])
    whole: Any = {
        "list": [issue],
        "alone": issue,
        "search": {"total_count": 1, "items": [issue]},
        "archive": {"repo": "o/r", "issues": [issue]},
        "graphql": {"data": {"repository": {"issues": {"nodes": [issue]}}}},
        "edges": {"data": {"repository": {"issues": {"edges": [{"node": issue}]}}}},
        "one": {"data": {"repository": {"issue": issue}}},
        "found": {"data": {"search": {"edges": [{"node": issue}]}}},
        "project": {"data": {"node": {"items": {"nodes": [{"content": issue}]}}}},
        "board": {"items": [{"id": "PVTI", "title": "T1", "content": issue}], "totalCount": 1},
        "lines": f"{json.dumps(issue)}\n",
        "pages": f"[]{json.dumps([issue])}\n[]",
        "slurped": [[issue], []],
    }[shape]

    reading = read(tmp_path, whole)

    item = reading.items[0]
    assert (item.external_id, item.fields["title"], item.fields["description"]) == ("o/r#1", "T1", "Why\r\n")
    assert (item.fields["assignee"], item.fields["tags"]) == ("bob", ("bug",))
    assert (item.created.by, text(item.created.at)[:10], item.category) == ("ann", "2026-03-01", "planned")
    assert (reading.found, reading.not_taken) == (1, [])
    assert github.recognises(sample_of(written(tmp_path, whole)))


@each(
    ("fields", "status", "category"),
    [
        ({"state": "OPEN"}, "open", "planned"),
        ({"state": "OPEN", "stateReason": "REOPENED"}, "open", "planned"),
        ({"state": "CLOSED", "stateReason": "COMPLETED"}, "closed", "done"),
        ({"state": "CLOSED", "stateReason": "NOT_PLANNED"}, "not planned", "dropped"),
        ({"state": "CLOSED", "stateReason": "DUPLICATE"}, "duplicate", "dropped"),
        ({"state": "CLOSED", "stateReason": ""}, "closed", "done"),
    ],
)
def test_a_state_is_kept_with_its_reason(tmp_path: Path, fields: dict[str, Any], status: str, category: str) -> None:
    item = read(tmp_path, [by_gh(closedAt="2026-03-03T10:00:00Z", **fields)]).items[0]

    assert (item.status, item.category, item.fields["metadata"]["source_status"]) == (status, category, fields["state"])
    assert (item.settled is not None) == (category != "planned")


@each(
    "said",
    [
        {"duplicateOf": {"number": 2, "url": URL.format(2)}},
        {"duplicateOf": {"number": 2}},
        {"comments": [{"id": "c1", "body": "Duplicate of #2", "author": {"login": "ann"}}]},
        {"comments": [{"id": "c1", "body": f"duplicate of {URL.format(2)}"}]},
        {"comments": {"nodes": [{"id": "c0", "body": "Duplicate of #9"}, {"id": "c1", "body": "Duplicate of o/r#2"}]}},
    ],
)
def test_what_is_closed_as_a_duplicate_is_linked_to_what_it_repeats(tmp_path: Path, said: dict[str, Any]) -> None:
    closed = {"state": "CLOSED", "stateReason": "DUPLICATE", "closedAt": "2026-03-03T10:00:00Z"}
    reading = read(tmp_path, [by_gh(**closed, **said), by_gh(2), by_gh(3, **said)])

    assert [[(link.kind, link.to) for link in item.links] for item in reading.items] == [
        [("duplicates", "o/r#2")],
        [],
        [],
    ]


def test_a_file_that_tells_no_comments_leaves_the_link_to_the_original(tmp_path: Path) -> None:
    closed = {"state": "closed", "state_reason": "duplicate", "closed_at": "2026-03-03T10:00:00Z"}
    log = ImportedLog("github")
    records = by_rest(**closed, comments=[{"id": 1, "body": "Duplicate of #2"}])

    assert [
        fact.to_id
        for _, fact, *_ in log.bring(lambda folder: written(folder, [records, by_rest(2)]))
        if isinstance(fact, WorkItemLinked)
    ]
    again = log.bring(lambda folder: written(folder, [by_rest(**closed, comments=1), by_rest(2)]))
    assert not [fact for _, fact, *_ in again if isinstance(fact, WorkItemUnlinked)]


def test_a_document_without_issues_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no list of issues"):
        read(tmp_path, {"total": 1, "message": "Not Found"})


def test_an_issue_without_a_state_has_none_among_its_words(tmp_path: Path) -> None:
    assert "source_status" not in read(tmp_path, [by_gh(state=None)]).items[0].fields["metadata"]


def test_issues_on_lines_and_in_pages_are_all_taken(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(by_gh(number)) for number in (1, 2))
    pages = json.dumps([by_rest(1)]) + json.dumps([by_rest(2)])

    assert [[item.external_id for item in read(tmp_path, whole).items] for whole in (lines, pages)] == [
        ["o/r#1", "o/r#2"]
    ] * 2


def test_a_page_of_a_longer_list_is_reported_unless_the_last_one_is_there(tmp_path: Path) -> None:
    def page(number: int, *, more: bool) -> str:
        issues = {"pageInfo": {"hasNextPage": more}, "nodes": [by_gh(number)]}
        return json.dumps({"data": {"repository": {"issues": issues}}})

    first, last = page(1, more=True), page(2, more=False)
    searched = json.dumps({"total_count": 2, "items": [by_rest()]})

    records = [
        [finding.kind for finding in read(tmp_path, whole).warnings] for whole in (first, first + last, searched, last)
    ]

    assert records == [["list_goes_on"], [], ["list_goes_on"], []]


@each(
    ("fields", "category"),
    [
        ({"closed": True}, "done"),
        ({"closed": False}, "planned"),
        ({"closedAt": "2026-03-03T10:00:00Z"}, "done"),
        ({"closedAt": None}, "planned"),
        ({"closed": True, "stateReason": "NOT_PLANNED"}, "dropped"),
    ],
)
def test_an_issue_without_a_state_is_closed_where_it_says_so(
    tmp_path: Path, fields: dict[str, Any], category: str
) -> None:
    assert read(tmp_path, [by_gh(state=None, **fields)]).items[0].category == category


@each(
    ("fields", "category"),
    [
        ({"state": None, "status": "In Progress"}, "active"),
        ({"state": None, "status": "Done"}, "done"),
        ({"state": "OPEN", "projectItems": [{"status": {"name": "In Review"}, "title": "Board"}]}, "review"),
        ({"state": "OPEN", "status": "Done"}, "planned"),
        ({"state": "CLOSED", "status": "In Progress"}, "done"),
        ({"state": "OPEN", "status": "Sprint 7"}, "planned"),
    ],
)
def test_the_column_of_a_project_says_more_of_an_open_issue(
    tmp_path: Path, fields: dict[str, Any], category: str
) -> None:
    assert read(tmp_path, [by_gh(**fields)]).items[0].category == category


def test_an_issue_of_an_export_of_a_whole_repository_has_no_number_and_says_all_by_addresses(tmp_path: Path) -> None:
    issue = {
        "type": "issue",
        "url": URL.format(7),
        "title": "T",
        "user": "https://github.com/ann",
        "assignee": "https://github.com/bob",
        "labels": ["https://github.com/o/r/labels/good%20first"],
        "created_at": "2026-03-01T10:00:00Z",
        "closed_at": "2026-03-03T10:00:00Z",
    }

    item = read(tmp_path, [issue]).items[0]

    assert (item.external_id, item.category, item.created.by) == ("o/r#7", "done", "ann")
    assert (item.fields["assignee"], item.fields["tags"]) == ("bob", ("good first",))
    assert github.recognises(sample_of(written(tmp_path, [issue])))


def test_comments_keep_their_authors_and_times(tmp_path: Path) -> None:
    comments = [
        {"id": "IC_1", "author": {"login": "bob"}, "body": "hm", "createdAt": "2026-03-02T10:00:00Z"},
        {"author": "cy", "authorAssociation": "OWNER", "body": "so", "createdAt": "2026-03-02T11:00:00Z"},
    ]

    item = read(tmp_path, [by_gh(comments=comments)]).items[0]

    assert item.comments is not None
    assert [(one.made.by, one.text, text(one.made.at)[11:16]) for one in item.comments] == [
        ("bob", "hm", "10:00"),
        ("cy", "so", "11:00"),
    ]
    assert item.fields["metadata"]["comments"] == [
        {"author": "cy", "author_association": "OWNER", "created_at": "2026-03-02T11:00:00Z"}
    ]


def test_comments_that_are_only_counted_are_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, [by_rest(comments=3), by_rest(2, comments=0)])

    assert [finding.where for finding in reading.warnings if finding.kind == "comments_missing"] == ["o/r#1"]
    assert [item.comments for item in reading.items] == [None, None]


@pytest.mark.parametrize(
    "comments",
    [
        {"totalCount": 2, "nodes": [{"body": "a", "createdAt": "2026-03-02T10:00:00Z"}]},
        {"pageInfo": {"hasNextPage": True}, "nodes": [{"body": "a", "createdAt": "2026-03-02T10:00:00Z"}]},
    ],
)
def test_a_page_of_comments_is_reported_and_withdraws_none_of_the_others(comments: dict[str, Any]) -> None:
    entries = [{"id": f"C{number}", "body": f"c{number}", "createdAt": "2026-03-02T10:00:00Z"} for number in range(3)]
    log = ImportedLog("github")
    log.bring(lambda folder: written(folder, [by_gh(comments=entries)]))

    page = comments | {"nodes": entries[1:2]}
    decided = log.bring(lambda folder: written(folder, [by_gh(comments=page, updatedAt="2026-03-04T10:00:00Z")]))

    assert [type(fact).__name__ for _, fact, *_ in decided] == ["WorkItemRevised"]
    assert [comment.withdrawn for state in log.current_states().values() for comment in state["comments"].values()] == [
        False
    ] * 3


def test_what_a_file_does_not_speak_of_stays_as_it_was() -> None:
    log = ImportedLog("github")
    full = by_gh(
        body="Why",
        labels=[{"name": "bug"}],
        assignees=[{"login": "bob"}],
        state="CLOSED",
        closedAt="2026-03-02T10:00:00Z",
        parent={"number": 2},
        blockedBy=[{"number": 3}],
        milestone={"title": "M"},
    )
    few = {name: full[name] for name in ("number", "title", "url", "createdAt")}
    few |= {"updatedAt": "2026-03-04T10:00:00Z", "title": "Another"}
    log.bring(lambda folder: written(folder, [full, by_gh(2), by_gh(3)]))
    before = log.current_states()

    decided = log.bring(lambda folder: written(folder, [few, by_gh(2), by_gh(3)]))

    [(_, fact, *_)] = decided
    assert isinstance(fact, WorkItemRevised)
    assert [name for name in fact.changes if not name.startswith("metadata.")] == ["title"]
    [changed] = [name for name, state in log.current_states().items() if state != before[name]]
    assert (before[changed]["status"], log.current_states()[changed]["status"]) == ("completed", "completed")


def test_what_a_file_says_is_empty_is_taken_away() -> None:
    log = ImportedLog("github")
    log.bring(lambda folder: written(folder, [by_gh(body="Why", labels=[{"name": "bug"}])]))

    log.bring(lambda folder: written(folder, [by_gh(body="", updatedAt="2026-03-04T10:00:00Z")]))

    [state] = log.current_states().values()
    assert (state["description"], state["tags"]) == (None, ())


def test_comments_that_a_backup_puts_beside_their_count_are_taken(tmp_path: Path) -> None:
    data = [{"id": 5, "user": {"login": "bob"}, "body": "hm", "created_at": "2026-03-02T10:00:00Z"}]

    reading = read(tmp_path, [by_rest(comments=1, comment_data=data)])

    [comment] = reading.items[0].comments or ()
    assert (comment.text, comment.made.by, reading.warnings) == ("hm", "bob", [])


def test_a_blocker_in_another_repository_is_that_one(tmp_path: Path) -> None:
    other = {"number": 2, "repository": {"nameWithOwner": "o/other"}}

    item = read(tmp_path, [by_gh(3, blockedBy=[other, {"number": 2}])]).items[0]

    assert [link.to for link in item.links] == ["o/other#2", "o/r#2"]


def test_pull_requests_are_named_and_not_taken(tmp_path: Path) -> None:
    pulls = [by_rest(2, pull_request={"url": "x"}), by_gh(3, isPullRequest=True)]

    reading = read(tmp_path, [by_rest(1), *pulls])

    assert [item.external_id for item in reading.items] == ["o/r#1"]
    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [
        ("pull_request", "entry 2 (o/r#2)"),
        ("pull_request", "entry 3 (o/r#3)"),
    ]


def test_sub_issues_and_blockers_are_links(tmp_path: Path) -> None:
    issue = by_gh(3, parent={"number": 1}, blockedBy={"nodes": [{"number": 2, "url": URL.format(2)}]})

    item = read(tmp_path, [issue]).items[0]

    assert [(link.kind, link.to) for link in item.links] == [("parent", "o/r#1"), ("depends_on", "o/r#2")]


def tree(log: ImportedLog) -> dict[str, tuple[str | None, set[str]]]:
    """Of each item, by title, what it lies below and what it blocks."""
    states = log.current_states()
    title = {name.removeprefix("work_item-"): state["title"] for name, state in states.items()}
    return {
        state["title"]: (
            title.get(state["parent_id"] or ""),
            {title[to] for kind, to, _ in state["links"] if kind == "blocks"},
        )
        for state in states.values()
    }


def brought(log: ImportedLog, *issues: dict[str, Any]) -> list[str]:
    return [type(fact).__name__ for _, fact, *_ in log.bring(lambda folder: written(folder, [*issues]))]


LISTING = {"subIssues": {"nodes": [{"number": 2}], "totalCount": 1}, "blocking": [{"number": 3, "url": URL.format(3)}]}
WHOLE_TREE = {"T1": (None, {"T3"}), "T2": ("T1", set[str]()), "T3": (None, set[str]())}


@each("first", [[], [by_gh(2), by_gh(3)], [by_gh(1), by_gh(2), by_gh(3)]])
def test_what_only_the_other_end_says_makes_parents_and_needs(first: list[dict[str, Any]]) -> None:
    log = ImportedLog("github")
    if first:
        brought(log, *first)

    brought(log, by_gh(1, **LISTING), by_gh(2), by_gh(3))

    assert tree(log) == WHOLE_TREE
    assert brought(log, by_gh(1, **LISTING), by_gh(2), by_gh(3)) == []


def test_the_other_end_alone_says_it_of_issues_that_the_ledger_has() -> None:
    log = ImportedLog("github")
    brought(log, by_gh(2), by_gh(3))

    decided = brought(log, by_gh(1, **LISTING))

    assert (tree(log), decided.count("WorkItemMoved"), decided.count("WorkItemLinked")) == (WHOLE_TREE, 1, 1)
    assert brought(log, by_gh(1, **LISTING)) == []
    assert (brought(log, by_gh(2), by_gh(3)), tree(log)) == ([], WHOLE_TREE)


def test_lists_of_each_other_and_of_themselves_make_no_tree_that_is_its_own() -> None:
    log = ImportedLog("github")
    both = [by_gh(1, subIssues=[{"number": 2}, {"number": 1}]), by_gh(2, subIssues=[{"number": 1}])]

    log.bring(lambda folder: written(folder, both))

    assert tree(log) == {"T1": (None, set()), "T2": ("T1", set())}
    assert log.warnings()["parent_disagrees"] == ["o/r#2 -> o/r#1 (sub_issues)"]


def test_an_issue_says_itself_what_it_lies_below_whatever_others_list() -> None:
    log = ImportedLog("github")

    brought(log, by_gh(1, subIssues=[{"number": 3}]), by_gh(2), by_gh(3, parent={"number": 2}))

    assert (tree(log)["T3"][0], log.warnings()["parent_disagrees"]) == ("T2", ["o/r#1 -> o/r#3 (sub_issues)"])


def test_rest_says_the_parent_by_its_address_and_none_by_leaving_it_out() -> None:
    summary = {"sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0}}
    below = by_rest(3, parent_issue_url="https://api.github.com/repos/o/r/issues/1", **summary)
    log = ImportedLog("github")

    def above() -> list[str | None]:
        return [state["parent_id"] for state in log.current_states().values() if state["title"] == "T3"]

    log.bring(lambda folder: written(folder, [by_rest(1, **summary), below]))
    first = above()
    log.bring(lambda folder: written(folder, [by_rest(3)]))
    unsaid = above()
    log.bring(lambda folder: written(folder, [by_rest(3, **summary)]))

    assert first[0] is not None
    assert (unsaid, above()) == (first, [None])


def test_what_no_field_takes_is_kept(tmp_path: Path) -> None:
    issue = by_gh(milestone={"title": "M"}, labels=[{"name": "Bug", "color": "f00"}], reactions={"+1": 3}, locked=True)

    metadata = read(tmp_path, [issue]).items[0].fields["metadata"]

    kept = {"milestone": {"title": "M"}, "reactions": {"+1": 3}, "locked": True, "labels": issue["labels"]}
    assert metadata.items() >= kept.items()


@each("whole", [[{"number": "1"}], [7], [{"a": 1}]])
def test_a_file_without_an_issue_is_refused(tmp_path: Path, whole: Any) -> None:
    with pytest.raises(Invalid, match="no GitHub issue"):
        read(tmp_path, whole)


def test_importing_again_changes_nothing_and_an_older_file_undoes_nothing() -> None:
    log = ImportedLog("github")
    new = [by_gh(state="CLOSED", closedAt="2026-03-05T10:00:00Z", updatedAt="2026-03-05T10:00:00Z")]
    log.bring(lambda folder: written(folder, new))

    assert log.bring(lambda folder: written(folder, new)) == []
    assert log.bring(lambda folder: written(folder, [by_gh()])) == []
    assert [state["status"] for state in log.current_states().values()] == ["completed"]


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not beside the checkout")
def test_a_real_archive_is_taken_as_an_independent_count_has_it() -> None:
    whole = json.loads(REAL.read_text())

    reading = github.read(REAL, str, NOW)

    assert (reading.found, len(reading.items)) == (len(whole["issues"]) + len(whole["pulls"]), 10)
    assert Counter(finding.kind for finding in reading.not_taken) == {"pull_request": len(whole["pulls"])}
    for issue, item in zip(whole["issues"], reading.items, strict=True):
        assert (item.fields["title"], item.fields.get("description", "")) == (issue["title"], issue["body"])
        assert item.finished == (issue["state"] == "CLOSED")
        assert [one.text for one in item.comments or ()] == [one["body"] for one in issue["comments"]]
