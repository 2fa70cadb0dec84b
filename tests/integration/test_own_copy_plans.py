"""Which indexes answer the questions in a machine's own copy."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ledger.resources import folder
from projections.tables.question_text import filtering, with_filters
from tests.support.each import each
from tests.support.ledgers import in_memory
from tests.support.questions import words

QUESTIONS = folder("sql") / "questions"
OWN_WORDS = {str(file.relative_to(QUESTIONS).with_suffix("")) for file in QUESTIONS.glob("*/*.sqlite.sql")}
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
    """Of its words for SQLite, where the question has them."""
    text = words(f"{question}.sqlite" if f"{question}.sqlite" in OWN_WORDS else question)
    every = dict.fromkeys(re.findall(r"%\((\w+)\)s", text)) | ALWAYS | given
    asked = re.sub(r"%\((\w+)\)s", r":\1", with_filters(text, filtering(text, every)))
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


@each(
    "question",
    [
        "work_items/candidates",
        "work_items/freed",
        "work_items/list_blocked",
        "work_items/list_by_tree",
        "work_items/obstacles",
        "work_items/precedes",
        "work_items/subtree",
    ],
)
def test_the_children_of_an_item_are_looked_up_by_their_parent(copy: sqlite3.Connection, question: str) -> None:
    found = plan(copy, question, {})

    assert re.search(
        r"USING (COVERING )?INDEX work_items_children \(ledger_id=\? AND generation=\? AND parent_id", found
    )
    assert "child USING PRIMARY KEY" not in found, found
