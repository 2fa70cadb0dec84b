"""Comments through the operations, on a real PostgreSQL."""

import json
from io import BytesIO
from typing import Any

import pytest

from ledger.errors import Invalid, Refused
from ledger.settings import Settings
from projections.application.app import App
from projections.transfer.exports import read_models, table
from projections.transfer.github_issues import issues
from tests.conftest import Perform
from tests.support.command_line import runner


def create(perform: Perform, title: str = "Read faxes") -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title=title)


def texts(answer: dict[str, Any]) -> list[str]:
    return [comment["text"] for comment in answer["comments"]]


def test_a_comment_is_counted_in_lists_and_whole_in_detail(perform: Perform) -> None:
    item = create(perform)
    receipt = perform("comment", id=item["ref"], text="Which **format**?", by="ann")

    [listed] = perform("list_work_items")["items"]
    [comment] = perform("query_work_item", id=item["id"])["comments"]

    assert (receipt["ref"], receipt["outcome"], receipt["version"]) == (item["ref"], "committed", 2)
    assert listed["comment_count"] == 1
    assert comment.keys() == {"id", "by", "at", "text"}
    assert (comment["id"], comment["by"], comment["text"]) == (receipt["comment_id"], "ann", "Which **format**?")


def test_an_item_without_comments_lists_no_count(perform: Perform) -> None:
    create(perform)

    [listed] = perform("list_work_items")["items"]

    assert "comment_count" not in listed
    assert perform("list_work_items", fields=["comment_count"])["items"][0]["comment_count"] == 0


@pytest.mark.processes
def test_comments_on_every_category_are_read_with_it(perform: Perform) -> None:
    vendor = perform(
        "create_vendor", name="EPSON", status="broken", extractor_version="1.0", manifest_compliant=True,
        test_results={"passing": 1, "total": 2, "skipped": 0},
    )  # fmt: skip
    enhancement = perform("record_enhancement", title="Fax", description="d", priority=1, principles=["II"])
    deployment = perform(
        "record_deployment", deployed_at="2026-11-22T10:00:00Z", commit_hash="a" * 40, pr_number=7, pr_title="Fax",
        test_summary={"passed": 1}, constitutional_compliance=True,
    )  # fmt: skip
    for entity in (vendor, enhancement, deployment):
        perform("comment", id=entity["ref"], text=f"of {entity['ref']}")

    assert texts(perform("query_vendor_status", name="epson")) == [f"of {vendor['ref']}"]
    assert texts(perform("query_deployments", id=deployment["id"])) == [f"of {deployment['ref']}"]
    assert perform("list_enhancements")["items"][0]["comment_count"] == 1


@pytest.mark.processes
def test_a_comment_is_corrected_and_withdrawn_by_its_author_alone(perform: Perform) -> None:
    item = create(perform)
    own = perform("comment", id=item["id"], text="frist", by="ann")["comment_id"]
    with pytest.raises(Refused):
        perform("comment", id=item["id"], action="withdraw", comment_id=own, by="ben")

    perform("comment", id=item["id"], action="correct", comment_id=own, text="first", by="ann")
    corrected = perform("query_work_item", id=item["id"])["comments"]
    perform("comment", id=item["id"], action="withdraw", comment_id=own, by="ann")

    assert (corrected[0]["text"], "corrected_at" in corrected[0]) == ("first", True)
    assert perform("query_work_item", id=item["id"])["comments"] == []
    assert [line["event"] for line in perform("query_history", id=item["id"])["items"][:3]] == [
        "CommentWithdrawn",
        "CommentCorrected",
        "CommentAdded",
    ]


def test_a_repeated_comment_is_recorded_once(perform: Perform) -> None:
    item = create(perform)
    command = "0198c0de-0000-7000-8000-000000000001"
    first = perform("comment", id=item["id"], text="once", command_id=command)

    again = perform("comment", id=item["id"], text="once", command_id=command)

    assert (again["comment_id"], again["repeated"]) == (first["comment_id"], True)
    assert texts(perform("query_work_item", id=item["id"])) == ["once"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"action": "add"}, ["text"]),
        ({"action": "correct", "text": "x"}, ["comment_id"]),
        ({"action": "withdraw"}, ["comment_id"]),
        ({"action": "withdraw", "comment_id": "7k3qdw2m", "text": "x"}, ["text"]),
        ({"text": "x", "comment_id": "7k3qdw2m"}, ["comment_id"]),
        ({"text": " "}, ["text"]),
        ({"text": "x" * 20_001}, ["text"]),
    ],
)
def test_what_is_missing_or_too_much_is_named(perform: Perform, given: dict[str, Any], fields: list[str]) -> None:
    item = create(perform)

    with pytest.raises(Invalid) as refused:
        perform("comment", id=item["id"], **given)

    assert [fault["field"] for fault in refused.value.details["fields"]] == fields


def test_a_writer_who_has_not_read_the_newest_comment_is_not_stale(perform: Perform) -> None:
    item = create(perform)
    perform("comment", id=item["id"], text="by the way")

    assert perform("update_work_item", id=item["id"], version=1, title="Other")["version"] == 3


@pytest.mark.processes
def test_comments_are_found_by_their_words_until_they_are_withdrawn(perform: Perform) -> None:
    item = create(perform)
    own = perform("comment", id=item["id"], text="The zeppelin leaks", by="ann")["comment_id"]

    found = perform("list_work_items", text="zeppelin")["total_count"]
    perform("comment", id=item["id"], action="withdraw", comment_id=own, by="ann")

    assert (found, perform("list_work_items", text="zeppelin")["total_count"]) == (1, 0)


@pytest.mark.processes
def test_only_the_newest_comments_come_with_an_item_unless_all_are_asked_for(perform: Perform) -> None:
    item = create(perform)
    for number in range(12):
        perform("comment", id=item["id"], text=str(number))

    shown = perform("query_work_item", id=item["id"])

    assert (shown["comment_count"], texts(shown)) == (12, [str(number) for number in range(2, 12)])
    assert len(perform("query_work_item", id=item["id"], include=["comments"])["comments"]) == 12


def test_a_comment_is_as_it_was_at_an_earlier_position(perform: Perform) -> None:
    item = create(perform)
    own = perform("comment", id=item["id"], text="frist", by="ann")
    perform("comment", id=item["id"], action="correct", comment_id=own["comment_id"], text="first", by="ann")

    assert texts(perform("query_work_item", id=item["id"], as_of=str(own["position"]))) == ["frist"]
    assert perform("list_work_items", as_of="1")["items"][0].get("comment_count") is None


@pytest.mark.processes
def test_the_undo_of_a_comment_takes_it_back_and_leaves_others(perform: Perform) -> None:
    item = create(perform)
    perform("comment", id=item["id"], text="stays")
    perform("comment", id=item["id"], text="goes")

    undone = perform("undo", id=item["id"], version="3")
    left = texts(perform("query_work_item", id=item["id"]))
    perform("undo", command=undone["command_id"])

    assert left == ["stays"]
    assert texts(perform("query_work_item", id=item["id"])) == ["stays", "goes"]


def test_an_undo_of_the_creation_does_not_hide_the_comment_of_another(perform: Perform) -> None:
    item = create(perform)
    perform("comment", id=item["id"], text="mine")

    with pytest.raises(Refused) as refused:
        perform("undo", id=item["id"], version="1")

    assert refused.value.details["items"][0]["event"] == "CommentAdded"


@pytest.mark.processes
def test_exports_hold_the_comments(perform: Perform, app: App) -> None:
    item = create(perform)
    perform("comment", id=item["id"], text="=1+1", by="ann")

    with app.tables.snapshot() as snapshot:
        models = json.loads(b"".join(read_models(snapshot, app.identity.ledger)))
        cells = b"".join(table(snapshot, "work_item")).decode()
        [issue] = json.loads(b"".join(issues(snapshot)))

    assert texts(models["work_items"][0]) == ["=1+1"]
    assert '""text"":""=1+1""' in cells
    assert [comment["body"].endswith("=1+1") for comment in issue["comments"]] == [True]
    assert issue["comments"][0]["body"].startswith("ann, 2")


@pytest.mark.processes
def test_the_command_comments_and_show_prints_it_harmlessly(settings: Settings, perform: Perform) -> None:
    item = create(perform)
    run = runner(settings)

    said = run("comment", item["ref"], "-", "--by", "ann", input=BytesIO(b"two\n\x1b[31mlines\n"))
    own = perform("query_work_item", id=item["id"])["comments"][0]["id"]
    shown = run("show", item["ref"]).output
    withdrawn = run("comment", item["ref"], "--withdraw", own, "--by", "ann")
    again = run("comment", item["ref"], "--withdraw", own, "--by", "ann")

    assert said.output == f"{item['ref']}  comment {own}\n"
    assert "\ntwo\n\\x1b[31mlines\n" in shown
    assert withdrawn.stdout == f"{item['ref']}  withdrawn comment {own}\n"
    assert again.stdout == f"{item['ref']}  nothing to change: comment {own}\n"
    assert (withdrawn.exit_code, perform("query_work_item", id=item["id"])["comment_count"]) == (0, 0)
    assert run("comment", item["ref"], "--withdraw", own, "--correct", own).exit_code == 2


def test_the_report_counts_the_comments_of_an_item(perform: Perform) -> None:
    item = create(perform)
    perform("comment", id=item["id"], text="one")
    perform("comment", id=item["id"], text="two")

    [shown] = perform("project_status")["active_work_items"]["items"]

    assert shown["comment_count"] == 2
    assert (
        f"`{item['ref']}` Read faxes (task, P3): 2 comments" in perform("project_status", format="markdown")["markdown"]
    )
