"""Exports of Linear, Trello, GitLab and Taskwarrior in the forms that people have."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from projections.transfer.import_sources import SOURCES, detected
from tests.support.each import each
from tests.support.imported_log import ImportedLog
from tests.support.trackers import TRACKERS, Task

NOW = parse("2026-11-22T12:00:00Z")
LINEAR_30 = (
    "ID,Team,Title,Description,Status,Estimate,Priority,Project ID,Project,Creator,Assignee,Labels,Cycle Number,"
    "Cycle Name,Cycle Start,Cycle End,Created,Updated,Started,Triaged,Completed,Canceled,Archived,Due Date,"
    "Parent issue,Initiatives,Project Milestone ID,Project Milestone,SLA Status,Roadmaps"
)
LINEAR_34 = LINEAR_30.removesuffix("Roadmaps") + "UUID,Time in status (minutes),Related to,Blocked by,Duplicate of"
LINEAR_ROW = 'IN-1,Nordic,{},Why,{},3,Urgent,p,Web,cy@x.org,ann@x.org,"Bug, UI",4,C,,,{},2024-05-23T16:06:19Z,,,,,,'
JS_TIME = "Tue May 14 2024 08:53:33 GMT+0000 (Coordinated Universal Time)"
Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(source, content): what its reader gives; the file has to be known by its content."""

    def of(source: str, content: Any, name: str = "file") -> Reading:
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        assert detected(file).name == source
        return SOURCES[source].read(file, str, NOW)

    return of


def kinds(reading: Reading) -> dict[str, str]:
    return {finding.kind: finding.where for finding in reading.warnings}


def links(item: ImportedItem) -> list[tuple[str, str]]:
    return [(link.kind, link.to) for link in item.links]


@pytest.mark.parametrize("created", ["2024-05-14T08:53:33.000Z", JS_TIME])
def test_linears_rows_may_end_early_and_say_times_in_two_ways(read: Read, created: str) -> None:
    item = read("linear", f"\ufeff{LINEAR_30}\r\n{LINEAR_ROW.format('License', 'Done', created)}\r\n").items[0]

    assert (item.external_id, item.category, text(item.created.at)) == ("IN-1", "done", "2024-05-14T08:53:33.000000Z")
    assert (item.created.by, item.fields["assignee"], item.fields["priority"]) == ("cy@x.org", "ann@x.org", 1)
    assert item.fields["tags"] == ("bug", "ui")
    assert item.fields["metadata"].items() >= {"Estimate": "3", "Project": "Web", "Labels": ["Bug", "UI"]}.items()


def test_linears_34_columns_have_links_and_an_apostrophe_before_a_formula(read: Read) -> None:
    row = (
        LINEAR_ROW.format("'=1+1", "Todo", "2024-05-14T08:53:33Z") + '2024-06-01,IN-9,,,,,u-1,5,IN-2,"IN-3, IN-4",IN-5'
    )

    item = read("linear", f"{LINEAR_34}\n{row}").items[0]

    assert (item.fields["title"], item.fields["due"]) == ("=1+1", "2024-06-01")
    assert links(item) == [
        ("parent", "IN-9"),
        ("depends_on", "IN-3"),
        ("depends_on", "IN-4"),
        ("relates_to", "IN-2"),
        ("duplicates", "IN-5"),
    ]


def test_what_linear_archived_unfinished_is_deleted(read: Read) -> None:
    head = "Id,Team,Title,Status,Cycle Number,Created,Completed,Archived"
    days = "2024-05-01T00:00:00Z,{},2024-05-09T00:00:00Z"

    reading = read("linear", f"{head}\nA-1,T,One,Todo,,{days.format('')}\nA-2,T,Two,Done,,{days.format('2024-05-02')}")

    assert [item.removed is not None for item in reading.items] == [True, False]
    assert reading.items[1].fields["metadata"]["Archived"] == "2024-05-09T00:00:00Z"


def card(**fields: Any) -> dict[str, Any]:
    plain = {"id": "5cfa8ffff2c3e987c59d42fb", "shortLink": "A03RikYI", "name": "Card", "desc": "", "idList": "l1"}
    return plain | {"badges": {"comments": 0}, "dateLastActivity": "2019-06-07T16:25:35.048Z"} | fields


def board(*cards: dict[str, Any], **fields: Any) -> dict[str, Any]:
    lists = [{"id": "l1", "name": "To Do"}, {"id": "l2", "name": "Ready to merge"}, {"id": "l3", "name": "Done"}]
    plain = {
        "id": "b",
        "name": "Board",
        "shortLink": "iq20ZNIV",
        "labelNames": {},
        "lists": lists,
        "cards": list(cards),
    }
    return plain | fields


def test_trellos_comments_people_and_checklists_are_taken(read: Read) -> None:
    ann = {"id": "m1", "username": "ann", "fullName": "Ann Lee"}
    about = {"memberCreator": ann, "data": {"card": {"id": card()["id"]}, "text": "hm"}}
    actions = [
        {"id": "a2", "type": "commentCard", "date": "2019-06-09T10:00:00.000Z", **about},
        {"id": "a1", "type": "createCard", "date": "2019-06-07T16:25:35.072Z", **about},
    ]
    items = [{"name": "b", "state": "incomplete", "pos": 2}, {"name": "a", "state": "complete", "pos": 1}]
    checklist = {"id": "c", "idCard": card()["id"], "name": "Todo", "checkItems": items}
    said = card(idMembers=["m1", "m2"], labels=[{"name": "Bug", "color": "red"}], badges={"comments": 3})
    said |= {"due": "2019-07-01T10:00:00.000Z"}
    members = [ann, {"id": "m2", "username": "bo"}]
    whole = board(said, members=members, actions=actions, checklists=[checklist])

    reading = read("trello", whole)

    item = reading.items[0]
    assert (item.created.by, text(item.created.at)) == ("ann", "2019-06-07T16:25:35.000000Z")
    assert (item.fields["assignee"], item.fields["tags"]) == ("ann", ("bug",))
    assert [(one.text, one.made.by, text(one.made.at)[:10]) for one in item.comments or ()] == [
        ("hm", "ann", "2019-06-09")
    ]
    assert item.fields["due"] == "2019-07-01T10:00:00.000000Z"
    metadata = item.fields["metadata"]
    assert (metadata["acceptance"], metadata["acceptance_checked"]) == (["a", "b"], [1])
    assert [member["username"] for member in metadata["members"]] == ["ann", "bo"]
    assert (kinds(reading)["comments_missing"], kinds(reading)["history_not_taken"]) == (
        "A03RikYI",
        "1 actions of Board",
    )


def test_pages_of_gitlab_behind_each_other_are_all_taken(read: Read) -> None:
    def page(number: int) -> str:
        address = f"https://gitlab.com/g/p/-/issues/{number}"
        return json.dumps([{"iid": number, "title": "T", "state": "opened", "web_url": address}])

    assert [item.external_id for item in read("gitlab", page(1) + page(2)).items] == ["g/p#1", "g/p#2"]


def test_comments_that_fell_out_of_trellos_last_actions_are_not_withdrawn() -> None:
    def comment(number: int) -> dict[str, Any]:
        data = {"card": {"id": card()["id"]}, "text": f"c{number}"}
        return {"id": f"a{number}", "type": "commentCard", "date": f"2019-06-0{number}T10:00:00.000Z", "data": data}

    log = ImportedLog("trello")
    before = board(card(badges={"comments": 2}), actions=[comment(8), comment(9)])
    after = board(card(badges={"comments": 2}), actions=[comment(9)])

    def bring(whole: dict[str, Any]) -> Decided:
        def write(folder: Path) -> Path:
            (folder / "board.json").write_text(json.dumps(whole))
            return folder / "board.json"

        return log.bring(write)

    bring(before)

    assert bring(after) == []


@pytest.mark.parametrize(
    ("fields", "status", "category"),
    [
        ({"idList": "l1"}, "To Do", "planned"),
        ({"idList": "l2"}, "Ready to merge", "waiting"),
        ({"idList": "l3"}, "Done", "done"),
        ({"idList": "l3", "closed": True}, "Done", "done"),
        ({"idList": "l1", "closed": True}, "archived", "dropped"),
        ({"idList": "l1", "dueComplete": True}, "complete", "done"),
        ({"idList": "l1", "isTemplate": True}, "template", "waiting"),
    ],
)
def test_a_trello_cards_list_is_its_state(read: Read, fields: dict[str, Any], status: str, category: str) -> None:
    item = read("trello", board(card(**fields))).items[0]

    assert (item.status, item.category) == (status, category)


def issue(number: int = 1, **fields: Any) -> dict[str, Any]:
    plain = {"iid": number, "project_id": 7, "title": "T", "state": "opened", "author": {"username": "ann"}}
    times = {"created_at": "2026-03-01T10:00:00.000+02:00", "updated_at": "2026-03-02T10:00:00Z"}
    return plain | times | {"references": {"full": f"g/p#{number}"}} | fields


@pytest.mark.parametrize("form", ["list", "object", "lines"])
def test_gitlabs_issues_have_several_forms(read: Read, form: str) -> None:
    found = [issue(1), issue(2)]
    whole = {"list": found, "object": {"issues": found}, "lines": "\n".join(map(json.dumps, found))}[form]

    items = read("gitlab", whole).items

    assert [(item.external_id, text(item.created.at)[:13]) for item in items] == [
        ("g/p#1", "2026-03-01T08"),
        ("g/p#2", "2026-03-01T08"),
    ]


def test_trellos_own_fields_have_their_names_and_checklists_their_order(read: Read) -> None:
    chosen = [
        {"idCustomField": "f1", "value": {"number": "3"}},
        {"idCustomField": "f2", "idValue": "o2", "value": None},
        {"idCustomField": "gone", "value": {"text": "x"}},
    ]
    fields = [
        {"id": "f1", "name": "Points", "type": "number"},
        {"id": "f2", "name": "Size", "options": [{"id": "o2", "value": {"text": "Large"}}]},
    ]
    checklists = [
        {"id": name, "idCard": card()["id"], "name": name, "pos": place, "checkItems": [{"name": name, "pos": 1}]}
        for name, place in (("second", 2), ("first", 1))
    ]

    item = read("trello", board(card(customFieldItems=chosen), customFields=fields, checklists=checklists)).items[0]

    metadata = item.fields["metadata"]
    assert metadata["custom_fields"] == [{"name": "Points", "value": "3"}, {"name": "Size", "value": "Large"}]
    assert metadata["customFieldItems"] == chosen
    assert metadata["acceptance"] == ["first", "second"]


@pytest.mark.parametrize(
    ("fields", "status", "category"),
    [
        ({}, "opened", "planned"),
        ({"labels": ["workflow::in dev"]}, "in dev", "active"),
        ({"labels": [{"name": "status::blocked"}]}, "blocked", "waiting"),
        ({"labels": ["team::review"]}, "opened", "planned"),
        ({"status": {"name": "In progress"}}, "In progress", "active"),
        ({"state": "closed"}, "closed", "done"),
        ({"state": "closed", "status": {"name": "Won't do"}}, "Won't do", "dropped"),
        ({"state": "closed", "moved_to_id": 5}, "moved", "dropped"),
    ],
)
def test_a_gitlab_issues_state_is_that_of_its_board(
    read: Read, fields: dict[str, Any], status: str, category: str
) -> None:
    item = read("gitlab", [issue(**fields)]).items[0]

    assert (item.status, item.category) == (status, category)


def test_a_gitlab_issue_closed_as_a_duplicate_is_linked_to_the_original_where_that_is_in_the_file(read: Read) -> None:
    closed = {"state": "closed", "duplicated_to_id": 72}

    reading = read(
        "gitlab", [issue(id=71, **closed), issue(2, id=72), issue(3, id=[], **closed | {"duplicated_to_id": 9})]
    )

    assert [links(item) for item in reading.items] == [[("duplicates", "g/p#2")], [], []]


def test_gitlabs_notes_links_and_plans_are_taken(read: Read) -> None:
    said_at = {"created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-03T10:00:00Z"}
    notes = [
        {"id": 5, "body": "hm", "author": {"username": "bo"}, **said_at},
        {"id": 6, "body": "changed the milestone", "system": True},
    ]
    said = issue(notes=notes, due_date="2026-05-01", time_stats={"time_estimate": 7200}, weight=3)
    said |= {"links": [{"iid": 2, "references": {"full": "g/p#2"}, "link_type": "blocks"}]}

    reading = read("gitlab", [said, issue(2, user_notes_count=4, labels=["priority::high"])])

    first, second = reading.items
    corrected = parse(said_at["updated_at"])
    assert [(one.text, one.made.by, one.corrected) for one in first.comments or ()] == [("hm", "bo", corrected)]
    assert (first.fields["due"], first.fields["estimate"], links(second)) == (
        "2026-05-01",
        120,
        [("depends_on", "g/p#1")],
    )
    assert first.fields["metadata"]["notes"] == notes[1:]
    assert (second.fields["priority"], second.comments, kinds(reading)["comments_missing"]) == (2, None, "g/p#2")


def test_gitlabs_csv_is_the_same_issue_as_its_json(read: Read) -> None:
    head = (
        "Title,Description,Issue ID,URL,State,Author,Author Username,Assignee,Assignee Username,Due Date,"
        "Created At (UTC),Updated At (UTC),Closed At (UTC),Milestone,Labels,Time Estimate"
    )
    row = (
        "T,,1,https://gitlab.com/g/p/-/issues/1,Closed,Ann Lee,ann,,,2026-05-01,2026-03-01 08:00:00,2026-03-02 10:00:00"
        ',2026-03-02 10:00:00,M,"a,b",3600'
    )

    item = read("gitlab", f"{head}\n{row}", "issues.csv").items[0]

    assert (item.external_id, item.category, item.created.by) == ("g/p#1", "done", "ann")
    assert (text(item.created.at)[:13], item.fields["estimate"]) == ("2026-03-01T08", 60)
    assert item.fields["metadata"].items() >= {"Milestone": "M", "Author": "Ann Lee"}.items()


@pytest.mark.parametrize(
    ("state", "labels"),
    [
        ("opened", "workflow::in dev,priority::high"),
        ("opened", "workflow::won't do"),
        ("closed", "status::won't do"),
        ("closed", "workflow::in dev"),
    ],
)
def test_gitlabs_csv_says_of_labels_and_people_what_its_json_says(read: Read, state: str, labels: str) -> None:
    word = {"opened": "Open", "closed": "Closed"}[state]
    people = [{"username": "bob"}, {"username": "cy"}]
    whole = issue(state=state, labels=labels.split(","), assignees=people, closed_at="2026-03-02T10:00:00Z")
    head = "Title,Issue ID,URL,State,Author Username,Assignee,Assignee Username,Created At (UTC),Closed At (UTC),Labels"
    row = (
        f'T,1,https://gitlab.com/g/p/-/issues/1,{word},ann,"Bob Lee, Cy","bob, cy",2026-03-01 08:00:00,2026-03-02 10:00'
    )

    one, other = read("gitlab", [whole]).items[0], read("gitlab", f'{head}\n{row},"{labels}"', "x.csv").items[0]

    names = ("assignee", "priority", "tags")
    assert [one.fields.get(name) for name in names] == [other.fields.get(name) for name in names]
    assert (one.category, one.settled is None) == (other.category, other.settled is None)
    assert one.fields["metadata"].get("source_label") == other.fields["metadata"].get("source_label")
    assert other.fields["metadata"]["Assignee Username"] == "bob, cy"


@pytest.mark.parametrize("depends", [["u-2", "u-3"], "u-2,u-3"])
@pytest.mark.parametrize("lines", [True, False])
def test_taskwarriors_tasks_have_several_forms(read: Read, depends: Any, lines: bool) -> None:
    task = {
        "id": 4, "uuid": "u-1", "description": "Buy milk", "status": "waiting", "entry": "20260101T101010Z",
        "modified": "20260102T101010Z", "wait": "20260201T000000Z", "due": "20260301T000000Z", "depends": depends,
        "annotations": [{"entry": "20260103T101010Z", "description": "=oat"}], "project": "Home", "tags": ["Shop"],
        "urgency": 2.5, "parent": "u-9", "recur": "weekly", "mask": "-",
    }  # fmt: skip
    other = {"uuid": "u-2", "description": "b", "status": "deleted", "entry": "20260101T101010Z"}

    reading = read("taskwarrior", "\n".join(map(json.dumps, [task, other])) if lines else [task, other])

    item = reading.items[0]
    assert (item.status, item.category, text(item.created.at)) == ("waiting", "waiting", "2026-01-01T10:10:10.000000Z")
    assert links(item) == [("relates_to", "u-9"), ("depends_on", "u-2"), ("depends_on", "u-3")]
    assert [(one.text, text(one.made.at)[:10]) for one in item.comments or ()] == [("=oat", "2026-01-03")]
    assert item.fields["tags"] == ("home", "shop")
    assert (item.fields["due"][:10], item.fields["not_before"][:10]) == ("2026-03-01", "2026-02-01")
    metadata = item.fields["metadata"]
    assert metadata.items() >= {"recur": "weekly", "mask": "-", "project": "Home", "tags": ["Shop"]}.items()
    assert (reading.items[1].category, kinds(reading)["no_closing_time"]) == ("dropped", "u-2")


@each(
    ("source", "content", "problem"),
    [
        ("trello", '{"shortLink":"a","labelNames":{}}', "holds no cards"),
        ("trello", '{"shortLink":"a","idList":"l","cards":[{"name":"x"}]}', "holds no Trello card that can be taken"),
        ("gitlab", '[{"title":"a","state":"opened"}]', "holds no GitLab issue"),
        ("taskwarrior", '[{"description":"a"}\n', "line 2 ends in the middle of its JSON"),
        ("linear", "ID,Team,Title\n", "holds no header of a Linear export"),
    ],
)
def test_what_holds_no_record_is_refused_with_its_file(tmp_path: Path, source: str, content: str, problem: str) -> None:
    (tmp_path / "file").write_text(content)

    with pytest.raises(Invalid, match=problem) as caught:
        SOURCES[source].read(tmp_path / "file", str, NOW)

    assert str(tmp_path / "file") in caught.value.message


@each(
    ("tracker", "where"),
    [
        *(("jira", "line 4 (J-1)"), ("linear", "line 4 (L-1)"), ("asana", "line 5 (12001)"), ("plane", "line 4 (P-1)")),
        *(("gitlab", "entry 3 (g/p#1)"), ("trello", "entry 3 (card1)"), ("taskwarrior", "line 3 (u-1)")),
        *(("beads", "line 3 ('b-1')"), ("github", "entry 3 (o/r#1)"), ("taskmaster", "master, task 3 (1)")),
    ],
)
def test_an_id_that_stands_twice_is_named_with_its_place(tmp_path: Path, tracker: str, where: str) -> None:
    plain: dict[str, Any] = {"text": "x", "state": "open", "priority": 1, "parent": None, "needs": (), "tags": ()}
    file = TRACKERS[tracker](tmp_path, [Task(number=n, title=f"t{n}", changed=1, **plain) for n in (1, 2, 1)])

    reading = SOURCES[tracker].read(file, str, NOW)

    assert [(finding.kind, finding.where) for finding in reading.not_taken] == [("repeated_id", where)]
    assert (reading.found, len(reading.items)) == (3, 2)


def test_taskwarriors_older_times_are_seconds_and_a_length_is_an_estimate(read: Read) -> None:
    task = {"uuid": "u-1", "description": "Read", "status": "pending", "entry": "1700000000", "due": 1437579505}

    item = read("taskwarrior", [task | {"estimate": "PT1H30M"}]).items[0]
    unclear = read("taskwarrior", [task | {"estimate": "P2D"}]).items[0]

    assert (text(item.created.at), item.fields["due"]) == ("2023-11-14T22:13:20.000000Z", "2015-07-22T15:38:25.000000Z")
    assert (item.fields["estimate"], unclear.fields["metadata"]["estimate"]) == (90, "P2D")


def test_a_board_of_trellos_first_years_has_cards_without_short_links(read: Read) -> None:
    card = {"id": "50ba3043be2e85e445012858", "name": "Test", "idList": "l", "url": "https://trello.com/card/t/50ba/1"}
    board = {"id": "b", "name": "Old", "labelNames": {}, "lists": [{"id": "l", "name": "Doing"}], "cards": [card]}

    item = read("trello", board).items[0]

    assert (item.external_id, item.category, text(item.created.at)[:10]) == (card["id"], "active", "2012-12-01")
