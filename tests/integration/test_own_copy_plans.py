"""Which indexes answer the questions in a machine's own copy."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from projections.tables.question_text import filtering, with_filters
from tests.support.each import each
from tests.support.ledgers import in_memory
from tests.support.questions import words

PRIORITY, CREATION = "work_items/list_by_priority", "work_items/list_by_created"
IN_HAND = {"assignee": "ann", "unfinished": 1}
PROJECTS = {"item_type": "project", "roots_only": 1}
ALWAYS = {
    "ledger": "one",
    "work_items": 1,
    "moment": "2026-12-01T00:00:00.000000Z",
    "limit": 51,
    "offset": 0,
    "deleted": 0,
    "archived": 0,
    "both": 0,
}


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    file = tmp_path / "rows.sqlite3"
    with in_memory(file, uuid4()):
        connection = sqlite3.connect(file)
        yield connection
        connection.close()


def plan(copy: sqlite3.Connection, question: str, given: dict[str, Any]) -> str:
    every = dict.fromkeys(re.findall(r"%\((\w+)\)s", words(question))) | ALWAYS | given
    asked = re.sub(r"%\((\w+)\)s", r":\1", with_filters(words(question), filtering(words(question), every)))
    return "\n".join(line[3] for line in copy.execute(f"EXPLAIN QUERY PLAN {asked}", every))


@each(
    ("question", "given", "index"),
    [
        (PRIORITY, IN_HAND, "work_items_in_hand"),
        (CREATION, PROJECTS, "work_items_projects"),
    ],
)
def test_a_list_begins_with_what_few_items_have(
    copy: sqlite3.Connection, question: str, given: dict[str, Any], index: str
) -> None:
    found = plan(copy, question, given)

    assert f"USING INDEX {index} " in found, found
    assert "TEMP B-TREE" not in found
