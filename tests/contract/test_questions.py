"""Every question answers the same in every store of rows, whatever words it needs there. See projections.tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ledger.postgres.connection.database import Database
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.tables.contract import Answer, Question
from tests.support import history as told
from tests.support.ledgers import Ledger, in_memory, on_postgres
from tests.support.questions import Samples, cases, generation, is_ordered, questions

ABOUT_THE_STORE = {"configurations/server"}  # these answer with the name of the engine
FOUND_NOWHERE = {
    "work_items/claimed",  # a lease ends by the ledger's time, which no two stores share
    "entities/differing_columns",  # a fault that nobody has planted here
}
ITEMS = [told.TASK, told.LEAF, told.BLOCKED, told.PROJECT, told.GONE, told.UNKNOWN]
ALL = [*ITEMS, told.SESSION, told.SUBTASK, told.RESEARCH, told.DONE, told.ACME, told.FIRST, told.SOON]
SAMPLES: Samples = {
    "category": list(BY_CATEGORY),
    "projection": ["work_items"],
    "milestone_id": [None, told.VERSION_1],
    "work_items/milestone_progress.id": [told.VERSION_1],
    "enhancements/work.ids": [[told.SOON, told.LATER], []],
    "work_items/effort.id": [told.WEEKLY, told.PROJECT],
    "status/due.due_from": ["", "2026-12-01T00:00:00.000000Z"],
    "today": ["2026-12-15T23:59:59.999999Z"],
    "due_before": ["2026-12-15T00:00:00.000000Z"],
    "due_until": [None, "2027-12-01T00:00:00.000000Z"],
    "overdue": [0, 1],
    "deferred": [None, 0, 1],
    "work_items.category": [None, "active", "done"],
    "asker": ["", "ann"],
    "relation": [
        "tag",
        "blocks",
        "vendor_name",
        "commit",
        "format",
        "enhancement_depends_on",
        "implements",
        "conflict_about",
        "unheard of",
    ],
    "target": ["b", "ü", told.BLOCKED, "acme", told.COMMIT, "csv", told.SOON],
    "id": [told.TASK, *ALL],
    "ids": [ALL, [told.TASK], []],
    "lowest": [("0", "z"), (told.TASK, told.TASK), (told.UNKNOWN, told.UNKNOWN)],
    "highest": ["z"],
    **{f"{name}/rivals.ids": [[told.TASK, told.ACME]] for name in PROJECTIONS},
    **{f"{name}/rivals.lowest": [["0", "0"], [told.TASK, "z"]] for name in PROJECTIONS},
    **{f"{name}/rivals.highest": [["z", "z"], [told.TASK, "0"]] for name in PROJECTIONS},
    "after": ["", told.TASK],
    "after_relation": [""],
    "after_target": ["", "b"],
    "entries/of_generation.after_id": ["", told.TASK],
    "limit": [100, 2],
    "offset": [0, 1],
    "max_depth": [64, 1],
    "first_side": ["start", "finish"],
    "first_id": [told.PROJECT, told.LEAF, told.RESEARCH],
    "then_side": ["finish", "start"],
    "then_id": [told.BLOCKED, told.LEAF, told.PROJECT],
    "without": ["", told.LEAF],
    "item_type": [None, "task", "session"],
    "status": [None, "active", "completed", "operational", "approved", "open"],
    "parent_id": [None, told.PROJECT, told.UNKNOWN],
    "roots_only": [0, 1],
    "since": [None, 10],
    "deleted": [0, 1],
    "archived": [0, 2],
    "both": [0, 3],
    "tag": [None, "a", "ü"],
    "attachment": [None, "commit", "file"],
    "finished": [0, 1],
    "words": [[""] * len(ALL)],
    "terms": [
        ["a*"],
        ["apple"],
        ["pp"],
        ["zebra", "cross*"],
        ["istanbul"],
        ["arger"],
        ["moved"],
        ["nobody"],
        ["a'b\\"],
    ],
    "order": ["relevance", "updated", "created", "priority"],
    "work_items/list_by_relevance.after_key": [None, 1],
    "after_id": [None],
    "after_key": [None, ("", told.TASK), ("2026-11-22T09:05", told.TASK), ("3", told.TASK), ("b", told.ACME)],
    "environment": [None, "production"],
    "vendor": [None, told.ACME],
    "work_item": [None, told.TASK],
    "deployments/of_work_item.work_item": [told.TASK, told.UNKNOWN],
    "pr_number": [None, "7"],
    "commit_from": [None, (told.COMMIT[:7], told.COMMIT[:7] + "g")],
    "commit_to": [None],
    "earliest": [None, "2026-11-21T00:00:00.000000Z"],
    "latest": [None, "2026-11-21T00:00:00.000000Z"],
    "format": [None, "csv"],
    "assignee": [None, "ada"],
    "unfinished": [0, 1],
    "claimed_by": [None, "ada"],
    "moment": ["2026-11-22T12:00:00.000000Z", "2026-11-22T09:00:00.000000Z"],
    "holder": ["", "another"],
    "names": [["ada", "lead"], ["nobody"]],
    "person": ["ada", None],
    "most": [10, 1],
    "before": ["2026-12-01T00:00:00.000000Z", "2026-11-22T09:15:00.000000Z"],
    "name_key": ["acme", "österreich gmbh", "nobody"],
    "priority": [None, 1],
    "target_quarter": [None, "2027-Q1"],
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[tuple[Ledger, Ledger]]:
    """The same history in PostgreSQL and in SQLite."""
    identity = uuid4()
    postgres = on_postgres(database, identity)
    file: Path = tmp_path_factory.mktemp("contract") / "rows.sqlite3"
    with in_memory(file, identity) as memory:
        for ledger in (postgres, memory):
            told.tell(ledger)
        yield postgres, memory


def answer(ledger: Ledger, question: str, given: dict[str, Any]) -> Answer:
    with ledger.tables.snapshot() as snapshot:
        found = snapshot.ask(question, **generation(snapshot, question, given), **given)
    rows = [_readable(row) for row in found]
    return rows if is_ordered(question) else sorted(rows, key=repr)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(row.get("doc", b""), bytes)
    return row | {"doc": msgspec.json.decode(row["doc"])} if "doc" in row else row


@pytest.mark.parametrize("question", [name for name in questions() if name not in ABOUT_THE_STORE])
def test_every_store_answers_the_same(both: tuple[Ledger, Ledger], question: str) -> None:
    postgres, memory = both
    found = 0

    for given in cases(question, SAMPLES):
        one, other = answer(postgres, question, given), answer(memory, question, given)
        assert one == other, given
        found += len(one)

    assert found > 0 or question in FOUND_NOWHERE, "no sample finds anything, so the agreement means nothing"


def test_questions_asked_at_once_are_answered_as_one_by_one_for_one_position(both: tuple[Ledger, Ledger]) -> None:
    asked: list[Question] = [("vendors/by_name", {"name_key": "acme"}), ("conflicts/count", {"status": "open"})]

    for ledger in both:
        as_of, answers = ledger.tables.ask_all(asked)
        alone = [ledger.tables.ask(question, **given) for question, given in asked]
        assert answers == [answer for _, answer in alone]
        assert {as_of.position} == {seen.position for seen, _ in alone}


@pytest.mark.parametrize("question", sorted(ABOUT_THE_STORE))
def test_a_question_about_the_store_is_answered_too(both: tuple[Ledger, Ledger], question: str) -> None:
    for ledger in both:
        assert len(answer(ledger, question, {})) == 1
