"""Work items through the operations, on a real PostgreSQL."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.errors import Invalid, NotFound, Refused, VersionConflict
from ledger.settings import Settings
from ledger.values.reference import SHORTEST
from projections.application.app import App
from projections.application.commands import submit
from projections.operations.catalog import OPERATIONS
from projections.questions.work import item_lists
from tests.conftest import Perform


def test_a_receipt_names_what_the_next_write_needs(perform: Perform) -> None:
    answer = perform("create_work_item", item_type="task", title="Write it down")

    assert answer.keys() == {"outcome", "id", "ref", "version", "position", "command_id"}
    assert (answer["outcome"], answer["version"], answer["position"]) == ("committed", 1, 1)


def test_repeating_a_command_id_answers_again_and_records_nothing(perform: Perform) -> None:
    command = "0198c0de-0000-7000-8000-000000000001"
    first = perform("create_work_item", item_type="task", title="Once", command_id=command)

    again = perform("create_work_item", item_type="task", title="Once", command_id=command)

    assert again == first | {"repeated": True}
    assert perform("list_work_items")["total_count"] == 1


def test_a_list_of_very_many_items_says_that_there_are_more(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_lists, "EXACT", 2)
    for n in range(2):
        perform("create_work_item", item_type="task", title=f"Task {n}")
    exact = perform("list_work_items", limit=1)
    perform("create_work_item", item_type="task", title="One more")
    first = perform("list_work_items", limit=1)
    last = perform("list_work_items", limit=2, cursor=first["next_cursor"])

    assert (exact["total_count"], exact["has_more"]) == (2, True)
    assert "total_is_at_least" not in exact
    for page in (first, last):
        assert (page["total_count"], page["total_is_at_least"]) == (None, 2)
    assert (last["returned"], last["has_more"]) == (2, False)


def test_a_stale_writer_gets_both_versions_and_nothing_is_recorded(perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="First")
    perform("update_work_item", id=item["id"], version=1, title="Second")

    with pytest.raises(VersionConflict) as refused:
        perform("update_work_item", id=item["id"], version=1, title="Third")

    assert (refused.value.details["expected"], refused.value.details["actual"]) == (1, 2)
    assert perform("query_work_item", id=item["id"])["title"] == "Second"


def test_a_reference_that_two_items_share_names_neither_and_a_longer_one_is_told_for_each(
    app: App, perform: Perform
) -> None:
    ids = [f"7a5bc8d1-0{digit}00-4000-8000-000000000000" for digit in "07"]
    for number, entity_id in enumerate(ids):
        made = CreateWorkItem(id=entity_id, item_type="task", title=f"Alike {number}")
        submit(app.live_view(), made, category="work_item")
    refs = [perform("query_work_item", id=entity_id)["ref"] for entity_id in ids]

    with pytest.raises(Invalid, match="could be") as refused:
        perform("query_work_item", id=refs[0][:-1])

    assert len(refs[0]) > len("w-") + SHORTEST
    assert refused.value.details["fields"][0]["allowed"] == refs
    assert [perform("query_work_item", id=ref)["id"] for ref in refs] == ids


def test_all_faults_of_an_input_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("create_work_item", item_type="tsk", titel="x", priority=9)

    assert {fault["field"] for fault in refused.value.details["fields"]} == {"item_type", "title", "priority", "titel"}


def test_an_unknown_reference_is_not_found(perform: Perform) -> None:
    with pytest.raises(NotFound):
        perform("query_work_item", id="w-00000")


def test_completing_over_unfinished_children_is_refused_with_their_list(perform: Perform) -> None:
    parent = perform("create_work_item", item_type="task", title="Parent")
    child = perform("create_work_item", item_type="task", title="Child", parent_id=parent["ref"])

    with pytest.raises(Refused) as refused:
        perform("update_work_item", id=parent["id"], version=1, status="completed")

    assert refused.value.details["children"] == [child["id"]]


@pytest.mark.processes
def test_every_page_of_every_order_together_is_the_whole_list(perform: Perform) -> None:
    priorities = (1, 2, 3, 4, 5, 1, 2)
    made = {perform("create_work_item", item_type="task", title="Item", priority=each)["id"] for each in priorities}

    for order in ("updated", "created", "priority", "tree"):
        seen, cursor = [], None
        while True:
            page = perform("list_work_items", order=order, limit=3, cursor=cursor)
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        assert (sorted(seen), page["total_count"]) == (sorted(made), 7)


@pytest.mark.processes
def test_an_item_moves_out_of_a_parent_that_its_new_parent_waits_for(perform: Perform) -> None:
    before = perform("create_work_item", item_type="task", title="Before")
    after = perform("create_work_item", item_type="task", title="After")
    perform("link_work_items", id=before["id"], kind="blocks", to_id=after["id"])
    child = perform("create_work_item", item_type="task", title="Child", parent_id=before["id"])

    moved = perform("update_work_item", id=child["id"], version=1, parent_id=after["id"], detail=True)

    assert moved["parent_id"] == after["id"]


def test_a_command_that_would_create_an_entity_under_a_taken_id_is_refused(app: App, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="First")

    with pytest.raises(Refused) as refused:
        again = CreateWorkItem(id=item["id"], item_type="task", title="Second")
        submit(app.live_view(), again, category="work_item")

    assert refused.value.details["rule"] == "id_taken"
    assert perform("query_work_item", id=item["id"])["title"] == "First"


def test_a_project_s_description_may_stand_where_the_original_contract_had_it(perform: Perform) -> None:
    metadata = {"description": "what it is for", "owner": "ada"}

    made = perform("create_work_item", item_type="project", title="P", metadata=metadata, detail=True)

    assert (made["description"], made["metadata"]) == ("what it is for", {"owner": "ada"})


def test_a_question_with_a_text_that_cannot_be_stored_is_refused_by_its_field(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("list_work_items", tag="a\x00b")

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["tag"]


def test_an_update_that_changes_nothing_says_so(perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="Same")

    answer = perform("update_work_item", id=item["id"], version=1, title="Same")

    del item["command_id"]  # there is nothing to undo
    assert answer == item | {"outcome": "unchanged", "position": None, "unchanged": True}


@pytest.mark.processes
def test_an_update_that_changes_nothing_has_no_position_of_another_command(perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="Same", tags=["a"])
    changed = perform("update_work_item", id=item["id"], version=1, title="Changed")

    unchanged = [
        perform("update_work_item", id=item["id"], version=2, title="Changed"),
        perform("bulk_work_items", items=[{"op": "update", "id": item["id"], "version": 2, "title": "Changed"}]),
        perform("claim_work_item", action="release", id=item["id"]),
    ]

    assert [(answer["outcome"], answer["position"]) for answer in unchanged] == [("unchanged", None)] * 3
    assert unchanged[0]["version"] == changed["version"]


@pytest.mark.parametrize(
    ("operation", "other"),
    [
        ("list_work_items", {"tag": "x"}),
        ("list_work_items", {"text": "item"}),
        ("list_work_items", {"unfinished": True}),
        ("ready_work", {}),
    ],
)
def test_a_cursor_of_another_list_is_refused(perform: Perform, operation: str, other: dict[str, Any]) -> None:
    for number in range(3):
        perform("create_work_item", item_type="task", title=f"Item {number}", tags=["x"])
    cursor = perform("list_work_items", limit=1)["next_cursor"]

    with pytest.raises(Invalid, match="is not the next_cursor of this list"):
        perform(operation, cursor=cursor, **other)

    assert perform("list_work_items", limit=2, fields=["title"], offset=0, cursor=cursor)["returned"] == 2


def test_a_cursor_of_another_ledger_is_refused(perform: Perform, settings: Settings, tmp_path: Path) -> None:
    for number in range(2):
        perform("create_work_item", item_type="task", title=f"Item {number}")
    cursor = perform("list_work_items", limit=1)["next_cursor"]
    (tmp_path / "other").mkdir()
    identity.create(tmp_path / "other")
    other = App(replace(settings, project=tmp_path / "other"))

    with closing(other), pytest.raises(Invalid, match="is not the next_cursor of this list"):
        OPERATIONS["list_work_items"].perform(other, {"cursor": cursor})
