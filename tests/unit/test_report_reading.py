"""The report, read back: the same facts that it shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ledger.errors import Damaged
from ledger.values.dates import DAY
from ledger.values.states import FINISHED
from projections.reports import report
from projections.reports.parse import parse
from tests.support.documents import HOSTILE, document, documents, item
from tests.support.each import each
from tests.support.examples import examples
from tests.support.random_histories import Action, a_ledger, attempt_all, histories

COUNTS = ("by_type", "by_status", "by_category", "by_priority")
FIELDS = {
    "vendors": ("name", "status", "extractor_version", "test_results", "manifest_compliant"),
    "items": (
        "title", "item_type", "status", "category", "priority", "depth", "assignee", "branch_name", "block_reason",
        "claim", "comment_count", "attachment_count",
    ),
    "ready": ("title", "item_type", "priority"),
    "due": ("title", "item_type", "priority", "due", "assignee"),
    "deployments": (
        "deployed_at", "commit_hash", "pr_number", "pr_title", "test_summary", "constitutional_compliance",
        "environment",
    ),
    "enhancements": ("title", "status", "priority", "target_quarter"),
}  # fmt: skip
WHOLE = """# Status of x

As of position 7, 2026-11-22 15:00:00 UTC.

## Vendors

No vendors yet.

## Active work

No work items yet.

## Ready to begin

Nothing is ready.

## Recent deployments

No deployments yet.

## Future enhancements

None planned.

## Sync

Answered from journal. Writes that wait for the database: 3. Conflicts that wait for a decision: 1.
"""
IDENTITY = ("id", "ref", "version")


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """What the report promises to show of a document with short lists."""
    health, work = document["vendor_health"], document["active_work_items"]
    vendors = sorted(health["vendors"], key=lambda one: (not report.is_queued(one), one["status"] == "operational"))
    items = [one for one in work["items"] if one["category"] not in FINISHED or _above(work["items"], one)]
    return {
        "project": document["project"],
        "position": document["as_of"]["position"],
        "time": _second(document["as_of"]["time"]),
        "counts": {name: health[name] for name in ("total_vendors", "operational_count", "broken_count")},
        "percentage": health["operational_percentage"],
        "vendors": [_fields(vendor, "vendors") | {"formats": vendor["format_support"]} for vendor in vendors],
        "work": {
            name: work[name]
            for name in ("total_count", "archived_count", "by_type", "by_status", "by_category", "by_priority")
        },
        "items": [
            _fields(one, "items")
            | {"parent": one["parent_id"] if one["depth"] else None}
            | {"blockers": [(blocker["id"], blocker["ref"]) for blocker in one["blocked_by"]]}
            for one in items
        ],
        "overdue": [_fields(one, "due") for one in document["overdue"]["items"]],
        "overdue total": document["overdue"]["total_count"],
        "due": [_fields(one, "due") for one in document["due_this_week"]["items"]],
        "ready": [_fields(one, "ready") for one in document["ready"]["items"]],
        "ready total": document["ready"]["total_count"],
        "deployments": [
            _fields(one, "deployments")
            | {"vendors": [vendor["name"] or vendor["id"] for vendor in one["vendors"]]}
            | {"work": [(touched["id"], touched["ref"]) for touched in one["work_items"]]}
            for one in document["recent_deployments"]
        ],
        "enhancements": [_fields(one, "enhancements") for one in document["pending_enhancements"]],
        "enhancements total": document["pending_enhancements_count"],
        "sync": document["sync"],
    }


def _fields(entity: dict[str, Any], kind: str) -> dict[str, Any]:
    shown = {name: entity[name] for name in (*IDENTITY, *FIELDS[kind])}
    claim = shown.get("claim") and entity["claim"] | {"until": _second(entity["claim"]["until"])}
    return (
        shown
        | ({"claim": claim} if "claim" in shown else {})
        | ({"deployed_at": _second(shown["deployed_at"])} if "deployed_at" in shown else {})
        | ({"due": _second(shown["due"])} if len(shown.get("due", "")) > DAY else {})
    )


def _second(moment: str | None) -> str | None:
    return moment and f"{moment[:19]}.000000Z"


def _above(items: list[dict[str, Any]], item: dict[str, Any]) -> bool:
    """Whether an unfinished item is part of it."""
    parts = [one for one in items if one["depth"] and one["parent_id"] == item["id"] and one is not item]
    return any(one["status"] != "completed" or _above(items, one) for one in parts)


@given(documents())
@examples(60)
def test_what_a_report_shows_is_read_back_from_it(document: dict[str, Any]) -> None:
    text = report.with_ids(document)

    assert facts(parse(text)) == facts(document)
    assert report.with_ids(parse(text)) == text


@given(histories)
@examples(25)
def test_the_report_of_any_ledger_is_read_back_from_it(history: list[Action]) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, history)
        with ledger.tables.snapshot() as snapshot:
            document = report.document(snapshot, "any")

    assert facts(parse(report.with_ids(document))) == facts(document)


@each("text", HOSTILE)
def test_a_text_that_looks_like_a_part_of_the_report_is_read_as_a_text(text: str) -> None:
    hostile = item("w-00000", text, status="blocked", block_reason=text, assignee=text, branch_name=text)

    read = parse(report.markdown(document([hostile])))["active_work_items"]["items"]

    assert [(one["title"], one["block_reason"], one["assignee"], one["branch_name"]) for one in read] == [(text,) * 4]


def test_without_the_list_of_ids_none_is_invented() -> None:
    (read,) = parse(report.markdown(document([item("w-00000")])))["active_work_items"]["items"]

    assert (read["ref"], read["id"], read["version"]) == ("w-00000", None, None)


def test_a_folded_list_says_how_many_it_left_out() -> None:
    read = parse(report.markdown(document([item(f"w-{n:05}") for n in range(100)])))["active_work_items"]

    assert (read["total_count"], read["returned"], read["has_more"]) == (100, report.TREE_LINES, True)


@each(
    "text",
    [
        *(
            WHOLE.replace(part, wrong)
            for part in WHOLE.split("\n\n")[2:]
            for wrong in ("", "... and 5 more.", "9" * 5000)
        ),
        WHOLE.replace("15:00:00", "25:00:00"),
        "",
        "# Project status\n\nBy hand.\n",
        "# Status of x\n\nAs of position 7.\n\n## Vendors\n\nNo vendors yet.\n",
    ],
)
def test_a_text_that_no_report_is_is_refused(text: str) -> None:
    with pytest.raises(Damaged):
        parse(text)


def test_what_an_earlier_program_counted_is_read() -> None:
    now = document([item("w-00000")])

    text = report.markdown(now).replace(
        "1 item: 1 active", "1 items, 0 of them archived. The others by status: 1 active"
    )

    assert facts(parse(text)) == facts(parse(report.markdown(now)))
    assert "0 of them archived" in text


def test_a_line_that_a_person_edited_is_named() -> None:
    text = report.markdown(document([item("w-00000", "A title")])).replace("(task", "(chore")

    with pytest.raises(Damaged, match=r"line 13 .*A title"):
        parse(text)


@given(documents(), some.data())
@examples(100)
def test_whatever_is_cut_out_of_a_report_or_put_into_it_is_read_or_refused(
    document: dict[str, Any], data: some.DataObject
) -> None:
    text = report.with_ids(document)
    first, last = sorted(data.draw(some.tuples(*[some.integers(0, len(text))] * 2)))
    damaged = (
        text[:first] + data.draw(some.sampled_from(["", "\n", "## Sync\n", "- ", "... and 5 more.", "|"])) + text[last:]
    )

    try:
        parse(damaged)
    except Damaged as refused:
        assert refused.next_step
