"""Enhancements through the operations, on a real PostgreSQL."""

from typing import Any

import pytest

from ledger.errors import Invalid, NotFound, Refused, VersionConflict
from tests.conftest import Perform


def enhancement(title: str = "Faster", **more: Any) -> dict[str, Any]:
    return {"title": title, "description": "Make it so", "priority": 2, "principles": ["Principle I"]} | more


def test_an_enhancement_reads_back_whole(perform: Perform) -> None:
    first = perform("record_enhancement", **enhancement("First"))
    made = perform(
        "record_enhancement",
        **enhancement("Second", target_quarter="2026-Q3", depends_on=[first["ref"]], metadata={"a": 1}),
    )

    found = next(item for item in perform("list_enhancements")["items"] if item["id"] == made["id"])

    assert (found["ref"], found["version"], found["title"], found["status"]) == (made["ref"], 1, "Second", "planned")
    assert (found["description"], found["priority"], found["target_quarter"]) == ("Make it so", 2, "2026-Q3")
    assert (found["principles"], found["metadata"], found["created_by"]) == (["Principle I"], {"a": 1}, "tester")
    assert found["depends_on"] == [first["id"]]
    assert found["dependencies"] == [{"id": first["id"], "ref": first["ref"], "title": "First", "status": "planned"}]


def test_an_update_is_merged_and_null_clears_the_quarter(perform: Perform) -> None:
    made = perform("record_enhancement", **enhancement(target_quarter="2026-Q3", metadata={"a": 1, "b": 2}))

    updated = perform(
        "update_enhancement",
        id=made["ref"],
        version=1,
        changes={"priority": 1, "target_quarter": None, "metadata": {"b": None}, "status": "approved"},
        detail=True,
    )

    assert (updated["priority"], updated["target_quarter"], updated["metadata"]) == (1, None, {"a": 1})
    assert (updated["title"], updated["status"], updated["outcome"]) == ("Faster", "approved", "committed")


def test_a_step_that_is_skipped_is_refused(perform: Perform) -> None:
    made = perform("record_enhancement", **enhancement())

    with pytest.raises(Refused) as refused:
        perform("update_enhancement", id=made["id"], version=1, changes={"status": "completed"})

    assert refused.value.details["rule"] == "status_transition"


def test_a_stale_writer_is_refused(perform: Perform) -> None:
    made = perform("record_enhancement", **enhancement())
    perform("update_enhancement", id=made["id"], version=1, changes={"title": "Faster still"})

    with pytest.raises(VersionConflict) as refused:
        perform("update_enhancement", id=made["id"], version=1, changes={"title": "Slower"})

    assert (refused.value.details["expected"], refused.value.details["actual"]) == (1, 2)


def test_unknown_dependencies_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(NotFound) as refused:
        perform("record_enhancement", **enhancement(depends_on=["e-00000", "e-zzzzy"]))

    assert [link["id"] for link in refused.value.details["items"]] == ["e-00000", "e-zzzzy"]


def test_a_cycle_of_dependencies_is_refused(perform: Perform) -> None:
    first = perform("record_enhancement", **enhancement("First"))
    second = perform("record_enhancement", **enhancement("Second", depends_on=[first["id"]]))

    with pytest.raises(Refused):
        perform("update_enhancement", id=first["id"], version=1, changes={"depends_on": [second["ref"]]})


def test_all_faults_of_an_enhancement_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("record_enhancement", title="", description=" ", priority=6, target_quarter="Q1 2026", owner="me")

    assert {fault["field"] for fault in refused.value.details["fields"]} == {
        "title",
        "description",
        "priority",
        "target_quarter",
        "owner",
    }


def test_a_wish_needs_no_more_than_its_title(perform: Perform) -> None:
    made = perform("record_enhancement", title="Legacy import, some day", detail=True)

    assert (made["title"], made["priority"], made["description"], made["principles"]) == (
        "Legacy import, some day",
        None,
        None,
        [],
    )
    assert perform("list_enhancements")["items"][0]["title"] == "Legacy import, some day"


def test_the_list_is_filtered_by_priority_status_and_quarter(perform: Perform) -> None:
    perform("record_enhancement", **enhancement("A", priority=1, target_quarter="2026-Q1"))
    perform("record_enhancement", **enhancement("B", priority=1, status="approved"))
    perform("record_enhancement", **enhancement("C", priority=3, target_quarter="2026-Q1"))

    def found(**filters: Any) -> list[str]:
        return [one["title"] for one in perform("list_enhancements", **filters)["items"]]

    assert found() == ["A", "B", "C"]
    assert found(priority=1) == ["A", "B"]
    assert found(status="approved") == ["B"]
    assert found(target_quarter="2026-Q1") == ["A", "C"]
    assert found(target_quarter="2026-Q1", priority=3) == ["C"]


def test_the_pages_together_are_all_enhancements_most_important_first(perform: Perform) -> None:
    for number in range(5):
        perform("record_enhancement", **enhancement(f"Number {number}", priority=5 - number))

    seen, cursor = [], None
    while True:
        page = perform("list_enhancements", limit=2, cursor=cursor)
        seen += [one["priority"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert (seen, page["total_count"]) == ([1, 2, 3, 4, 5], 5)


def test_work_and_the_wish_it_carries_out_name_each_other(perform: Perform) -> None:
    wish = perform("record_enhancement", title="A dark page")
    first, second = (perform("create_work_item", item_type="task", title=title) for title in ("Colours", "A switch"))

    perform("link_work_items", id=first["ref"], kind="implements", to_id=wish["ref"])
    linked = {"op": "link", "id": second["ref"], "kind": "implements", "to_id": wish["ref"]}
    perform("bulk_work_items", items=[linked])

    item = perform("query_work_item", id=first["ref"], include=["dependencies"])
    assert [(link["kind"], link["ref"]) for link in item["links"]] == [("implements", wish["ref"])]
    brief = {"id": wish["id"], "ref": wish["ref"], "title": "A dark page", "status": "planned"}
    assert item["dependencies"] == [{"kind": "implements", **brief}]
    [found] = perform("list_enhancements")["items"]
    assert [(one["ref"], one["title"], one["status"]) for one in found["work"]] == [
        (first["ref"], "Colours", "active"),
        (second["ref"], "A switch", "active"),
    ]
    assert found["version"] == 1, "its own stream is as it was"


@pytest.mark.processes
def test_completing_the_last_work_says_that_the_wish_waits_for_a_word_and_leaves_it_as_it_is(perform: Perform) -> None:
    wish = perform("record_enhancement", title="A dark page")
    made = [perform("create_work_item", item_type="task", title=title) for title in ("Colours", "A switch")]
    for one in made:
        perform("link_work_items", id=one["id"], kind="implements", to_id=wish["id"])

    first = perform("update_work_item", id=made[0]["id"], version=2, status="completed")
    before = perform("prime")["text"]
    last = perform("update_work_item", id=made[1]["id"], version=2, status="dropped")

    assert "carried_out" not in first
    brief = {"id": wish["id"], "ref": wish["ref"], "title": "A dark page", "status": "planned"}
    assert last["carried_out"] == [brief]
    assert wish["ref"] in last["next_step"]
    assert perform("list_enhancements")["items"][0]["status"] == "planned"
    assert (wish["ref"] in before, f"- {wish['ref']} A dark page (planned)" in perform("prime")["text"]) == (
        False,
        True,
    )
    perform("update_enhancement", id=wish["id"], version=1, changes={"status": "dropped"})
    assert wish["ref"] not in perform("prime")["text"].partition("Your last change")[0]


@pytest.mark.processes
def test_a_link_to_a_wish_is_undone_and_made_again_while_the_wish_is_there(perform: Perform) -> None:
    wish = perform("record_enhancement", title="A dark page")
    made = perform("create_work_item", item_type="task", title="Colours")
    perform("link_work_items", id=made["id"], kind="implements", to_id=wish["id"])
    perform("link_work_items", id=made["id"], kind="implements", to_id=wish["id"], remove=True)

    perform("undo", id=made["id"])

    assert [link["ref"] for link in perform("query_work_item", id=made["id"])["links"]] == [wish["ref"]]
    perform("link_work_items", id=made["id"], kind="implements", to_id=wish["id"], remove=True)
    perform("undo", id=wish["id"])
    with pytest.raises(Refused):
        perform("undo", id=made["id"])
