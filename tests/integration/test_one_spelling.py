"""An item has one spelling, the shortest that is unique: in receipts, lists, refusals and texts alike."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ledger.errors import LedgerError
from tests.conftest import Perform

REFERENCE = re.compile(r"\b[wvdegx]-[0-9a-z]{5,26}\b")
OTHER = "token-of-another"


def spellings(result: Any) -> set[str]:
    return set(REFERENCE.findall(json.dumps(result)))


@pytest.fixture
def refs(perform: Perform) -> dict[str, str]:
    """Items that stand in each other's way, by title."""
    made = {title: perform("create_work_item", item_type="task", title=title) for title in ("top", "first", "then")}
    top, first, then = (made[title]["id"] for title in made)
    perform("update_work_item", id=first, version=1, parent_id=top)
    perform("link_work_items", id=first, kind="blocks", to_id=then)
    perform("claim_work_item", action="claim", id=first, token=OTHER, by="ann")
    return {title: receipt["ref"] for title, receipt in made.items()}


REFUSED: list[Callable[[dict[str, str]], tuple[str, dict[str, Any]]]] = [
    lambda r: ("update_work_item", {"id": r["then"], "version": 9, "title": "x"}),
    lambda r: ("update_work_item", {"id": r["then"], "version": 1, "status": "completed"}),
    lambda r: ("update_work_item", {"id": r["first"], "version": 4, "status": "completed"}),
    lambda r: ("update_work_item", {"id": r["top"], "version": 1, "deleted": True}),
    lambda r: ("update_work_item", {"id": r["top"], "version": 1, "parent_id": r["first"]}),
    lambda r: ("link_work_items", {"id": r["then"], "kind": "blocks", "to_id": r["first"]}),
    lambda r: ("claim_work_item", {"action": "claim", "id": r["then"]}),
    lambda r: ("claim_work_item", {"action": "claim", "id": r["first"]}),
    lambda r: ("claim_work_item", {"action": "renew", "id": r["then"]}),
    lambda r: ("claim_work_item", {"action": "release", "id": r["first"]}),
    lambda r: ("archive_work_items", {"action": "archive", "id": r["top"]}),
    lambda r: ("undo", {"id": r["top"]}),
    lambda r: ("query_vendor_status", {"id": r["top"]}),
]


@pytest.mark.parametrize("call", range(len(REFUSED)))
def test_a_refusal_spells_what_it_names_as_the_lists_do(perform: Perform, refs: dict[str, str], call: int) -> None:
    name, arguments = REFUSED[call](refs)

    with pytest.raises(LedgerError) as refused:
        perform(name, **arguments)

    result = spellings(refused.value.as_answer()) - {"v-7k3qd"}
    assert result
    assert result <= set(refs.values())


@pytest.mark.processes
def test_answers_spell_what_they_name_as_the_lists_do(perform: Perform, refs: dict[str, str]) -> None:
    include = ["ancestors", "descendants", "dependencies", "history", "comments"]
    result = [
        *(perform("query_work_item", id=ref, include=include) for ref in refs.values()),
        *(perform("query_work_item", id=ref) for ref in refs.values()),
        perform("list_work_items"),
        perform("prime"),
        perform("project_status"),
        perform("changes_since", since=0),
        perform("update_work_item", id=refs["first"], version=4, status="completed", force=True, reason="done"),
    ]

    assert [spellings(answer) - {"w-7k3qd"} - set(refs.values()) for answer in result] == [set()] * len(result)
