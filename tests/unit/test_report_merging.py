"""What is queued here, laid over a report that knows more than this machine."""

from typing import Any

from hypothesis import given

from projections.reports import report
from projections.reports.merge import laid_over
from projections.reports.parse import parse
from tests.support.documents import WAITING, document, documents, item
from tests.support.examples import examples

PENDING = "p-06h09h7k61ymb5pfyf7nz8vd5w-0"
FILE = "00000000-0000-4000-8000-00000000000"


def at(position: int, items: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    return document(items, as_of={"position": position, "time": "2026-11-22T15:00:00.000000Z"}, **parts)


def queued(n: int, title: str, **fields: Any) -> dict[str, Any]:
    given = {"id": f"{FILE}{n}", "created_at": "2026-11-23T00:00:00.000000Z", "version": PENDING, **fields}
    return item(f"w-0000{n}", title) | given


def known(n: int, title: str, **fields: Any) -> dict[str, Any]:
    return item(f"w-0000{n}", title) | {"id": f"{FILE}{n}", "version": 3, **fields}


def read_back(shown: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    return parse(report.with_ids(laid_over(parse(report.with_ids(shown)), written)))


def test_what_the_file_knows_stays_and_what_is_queued_is_added() -> None:
    read = read_back(at(40, [known(1, "Known")]), at(0, [queued(2, "Queued")], sync=WAITING))

    work = read["active_work_items"]
    assert [(one["title"], one.get("pending", False)) for one in work["items"]] == [("Known", False), ("Queued", True)]
    assert (work["total_count"], work["by_status"], read["as_of"]["position"]) == (2, {"active": 2}, 40)
    assert read["sync"] == WAITING


def test_a_queued_change_takes_the_place_of_what_it_changes() -> None:
    child = known(2, "Child", parent_id=f"{FILE}1", depth=1)

    read = read_back(
        at(40, [known(1, "Top"), child]), at(7, [queued(2, "Child, done", status="completed", parent_id=f"{FILE}1")])
    )

    items = read["active_work_items"]["items"]
    assert [(one["title"], one["depth"], one["status"]) for one in items] == [
        ("Top", 0, "active"),
        ("Child, done", 1, "completed"),
    ]
    assert read["active_work_items"]["by_status"] == {"active": 1, "completed": 1}


def test_a_queued_child_stands_below_its_parent() -> None:
    read = read_back(at(40, [known(1, "Top"), known(3, "Other")]), at(0, [queued(2, "Child", parent_id=f"{FILE}1")]))

    assert [(one["title"], one["depth"]) for one in read["active_work_items"]["items"]] == [
        ("Top", 0),
        ("Child", 1),
        ("Other", 0),
    ]


@given(documents(), documents())
@examples(60)
def test_whatever_is_laid_over_whatever_can_be_read_back(shown: dict[str, Any], written: dict[str, Any]) -> None:
    read = read_back(shown, written)

    ids = {one["id"] for one in read["active_work_items"]["items"]}
    assert {one["id"] for one in written["active_work_items"]["items"] if report.is_queued(one)} <= ids
    assert read["as_of"]["position"] == shown["as_of"]["position"]
    assert read["sync"] == written["sync"]
