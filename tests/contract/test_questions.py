"""Every question answers the same in every store of rows, whatever words it needs there. See projections.tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import ArchiveWorkItems, CreateWorkItem, UpdateWorkItem
from ledger.annotation.commands import AddAttachment
from ledger.postgres.connection.database import Database
from projections.questions.references import references
from projections.questions.vendors import by_name
from projections.questions.work import work_items
from projections.questions.work.readiness import NO_ONE
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.tables.contract import Answer, Question
from tests.support import history
from tests.support.given import numbered
from tests.support.ledgers import Ledger, in_memory, on_postgres
from tests.support.questions import Samples, cases, generation, is_ordered, parameters, questions

ABOUT_THE_STORE = {"configurations/server"}  # these answer with the name of the engine
FOUND_NOWHERE = {
    "work_items/claimed",  # a lease ends by the ledger's time, which no two stores share
    "entities/differing_columns",  # a fault that is not planted here
}
ALIKE_TO_ALL = {  # parameters of a list that no item here answers to
    "claimed_by": "a lease ends by the ledger's time, which no two stores share",
    "both": "an item that is archived cannot be deleted",
    "moment": "it counts beside the filters by time alone",
}
LATE, PUT_AWAY = map(numbered, range(70, 72))
MORE = [  # what the history has not, so that each filter of work items finds something
    CreateWorkItem(id=LATE, item_type="task", title="Late", due="2026-11-01"),
    AddAttachment(category="work_item", id=LATE, url="https://example.org/c/84b0fb4", kind="commit"),
    CreateWorkItem(id=PUT_AWAY, item_type="task", title="Put away"),
    UpdateWorkItem(id=PUT_AWAY, expected=1, status="completed"),
    ArchiveWorkItems(id=PUT_AWAY),
]
ITEMS = [history.TASK, history.LEAF, history.BLOCKED, history.PROJECT, history.GONE, history.UNKNOWN]
ALL = [
    *ITEMS,
    history.SESSION,
    history.SUBTASK,
    history.RESEARCH,
    history.DONE,
    history.ACME,
    history.FIRST,
    history.SOON,
]
SAMPLES: Samples = {
    "category": list(BY_CATEGORY),
    "projection": ["work_items"],
    "milestone_id": [None, history.VERSION_1],
    "work_items/milestone_progress.id": [history.VERSION_1],
    "enhancements/work.ids": [[history.SOON, history.LATER], []],
    "work_items/effort.id": [history.WEEKLY, history.PROJECT],
    "status/due.due_from": ["", "2026-12-01T00:00:00.000000Z"],
    "today": ["2026-12-15T23:59:59.999999Z"],
    "due_before": ["2026-12-15T00:00:00.000000Z"],
    "due_until": [None, "2027-12-01T00:00:00.000000Z"],
    "overdue": [None, 1],
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
    "target": ["b", "ü", history.BLOCKED, "acme", history.COMMIT, "csv", history.SOON],
    "id": [history.TASK, *ALL],
    "ids": [ALL, [history.TASK, history.TASK], []],
    "work_items/obstacles.ids": [ALL, [history.TASK], []],  # who asks names each once
    "lowest": [("0", "z"), (history.TASK, history.TASK), (history.UNKNOWN, history.UNKNOWN)],
    "highest": ["z"],
    "first": ["0", history.TASK],
    "last": ["z", ""],
    **{f"{name}/rivals.ids": [[history.TASK, history.ACME]] for name in PROJECTIONS},
    **{f"{name}/rivals.lowest": [["0", "0"], [history.TASK, "z"]] for name in PROJECTIONS},
    **{f"{name}/rivals.highest": [["z", "z"], [history.TASK, "0"]] for name in PROJECTIONS},
    "entities/in_ranges.lowest": [["0", "0", history.TASK], ["z"], []],
    "entities/in_ranges.highest": [["z", "0", history.TASK], ["0"], []],
    "targets": [["b", "ü", history.BLOCKED, history.SOON], ["a", "a", "unheard of"], []],
    "after": ["", history.TASK],
    "after_relation": [""],
    "after_target": ["", "b"],
    "entries/of_generation.after_id": ["", history.TASK],
    "limit": [100, 2],
    "offset": [0, 1],
    "max_depth": [64, 1],
    "first_side": ["start", "finish"],
    "first_id": [history.PROJECT, history.LEAF, history.RESEARCH],
    "then_side": ["finish", "start"],
    "then_id": [history.BLOCKED, history.LEAF, history.PROJECT],
    "without": ["", history.LEAF],
    "item_type": [None, "task", "session"],
    "status": [None, "active", "completed", "operational", "approved", "open"],
    "parent_id": [None, history.PROJECT, history.UNKNOWN],
    "roots_only": [None, 1],
    "since": [None, 10],
    "deleted": [0, 1],
    "archived": [0, 2],
    "both": [0, 3],
    "tag": [None, "a", "ü"],
    "attachment": [None, "commit", "file"],
    "finished": [0, 1],
    "works": [0, 1],
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
    "work_items/list_blocked.order": ["updated", "created", "priority", "due"],
    "work_items/list_by_relevance.after_key": [None, 1],
    "after_id": [None],
    "after_key": [
        None,
        ("", history.TASK),
        ("2026-11-22T09:05", history.TASK),
        ("3", history.TASK),
        ("b", history.ACME),
    ],
    "environment": [None, "production"],
    "vendor": [None, history.ACME],
    "work_item": [None, history.TASK],
    "deployments/of_work_item.work_item": [history.TASK, history.UNKNOWN],
    "pr_number": [None, "7"],
    "commit_from": [None, (history.COMMIT[:7], history.COMMIT[:7] + "g")],
    "commit_to": [None],
    "earliest": [None, "2026-11-21T00:00:00.000000Z"],
    "latest": [None, "2026-11-21T00:00:00.000000Z"],
    "format": [None, "csv"],
    "assignee": [None, "ada"],
    "unfinished": [None, 1],
    "claimed_by": [None, "ada"],
    "moment": ["2026-11-22T12:00:00.000000Z", "2026-11-22T09:00:00.000000Z"],
    "holder": ["", "another"],
    "names": [["ada", "lead"], ["nobody"]],
    "person": ["ada", None],
    "most": [10, 1],
    "common": [100, 0],
    "looked_at": [100, 3],
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
            history.fill(ledger)
            for number, command in enumerate(MORE, start=200):
                ledger.execute(number, command)
        yield postgres, memory


def answer(ledger: Ledger, question: str, given: dict[str, Any]) -> Answer:
    with ledger.tables.snapshot() as snapshot:
        found = snapshot.ask(question, **generation(snapshot, question, given), **given)
    rows = [_readable(row) for row in found]
    return rows if is_ordered(question) else sorted(rows, key=repr)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("doc") is None:
        return row
    assert isinstance(row["doc"], bytes)
    return row | {"doc": msgspec.json.decode(row["doc"])}


@pytest.mark.parametrize("question", [name for name in questions() if name not in ABOUT_THE_STORE])
def test_every_store_answers_the_same(both: tuple[Ledger, Ledger], question: str) -> None:
    postgres, memory = both
    found = 0

    for given in cases(question, SAMPLES):
        one, other = answer(postgres, question, given), answer(memory, question, given)
        assert one == other, given
        found += len(one)

    assert found > 0 or question in FOUND_NOWHERE, (
        "no sample finds anything, so the agreement means nothing: add one that does to SAMPLES in this file, or what"
        " it finds to tests/support/history.py"
    )


def test_each_parameter_of_a_list_of_work_items_finds_something_else_than_the_whole(
    both: tuple[Ledger, Ledger],
) -> None:
    """Two stores that know nothing of a filter agree, too, where nothing or everything passes it."""
    question = "work_items/list_by_created"
    whole, *others, _ = cases(question, SAMPLES)
    everything = answer(both[0], question, whole)
    tried = [(given, answer(both[0], question, given)) for given in others]

    found = {
        name for given, rows in tried if rows not in ([], everything) for name in given if given[name] != whole[name]
    }

    untried = set(parameters(question)) - found - ALIKE_TO_ALL.keys()
    assert untried == set(), "add an item that has it to MORE in this file, or the reason why not to ALIKE_TO_ALL"


def test_questions_asked_at_once_are_answered_as_one_by_one_for_one_position(both: tuple[Ledger, Ledger]) -> None:
    asked: list[Question] = [
        ("vendors/by_name", {"name_key": "acme"}),
        ("vendors/count", {"status": "operational", "format": None}),
        ("conflicts/count", {"status": "open"}),
    ]

    for ledger in both:
        as_of, answers = ledger.tables.ask_all(asked)
        alone = [ledger.tables.ask(question, **given) for question, given in asked]
        assert answers == [answer for _, answer in alone]
        assert {as_of.position} == {seen.position for seen, _ in alone}
        with ledger.tables.snapshot() as snapshot:
            assert snapshot.ask_all(asked) == answers


def test_what_is_asked_for_by_name_is_spelled_as_lists_spell_it_beside_ids_that_begin_alike(
    tmp_path: Path, database: Database
) -> None:
    identity = uuid4()
    ids = [f"7d44484{n}-9dc0-41d1-b245-5ffdce74fad2" for n in range(2)]
    with in_memory(tmp_path / "rows.sqlite3", identity) as memory:
        for ledger in (on_postgres(database, identity), memory):
            for number, id in enumerate(ids):
                ledger.execute(number, CreateWorkItem(id=id, item_type="task", title="Alike"))
                ledger.execute(10 + number, CreateVendor(id=id, name=f"vendor {number}"))

            items = [work_items.by_name(ledger.tables, id, NO_ONE)["ref"] for id in ids]
            vendors = [by_name(ledger.tables, f"vendor {number}")["ref"] for number in range(2)]

            with ledger.tables.snapshot() as snapshot:
                assert items == [*references(snapshot, "work_item", ids).values()] == ["w-fn24gg4", "w-fn24ggc"]
                assert vendors == [*references(snapshot, "vendor", ids).values()] == ["v-fn24gg4", "v-fn24ggc"]


@pytest.mark.parametrize("question", sorted(ABOUT_THE_STORE))
def test_a_question_about_the_store_is_answered_too(both: tuple[Ledger, Ledger], question: str) -> None:
    for ledger in both:
        assert len(answer(ledger, question, {})) == 1
