"""Which indexes answer the questions in a large ledger, as the writer under row security."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemDeleted
from ledger.embedded.server import EmbeddedServer
from ledger.envelope import stream_id
from ledger.postgres.connection.connect import DATABASE
from ledger.postgres.connection.database import Database
from ledger.postgres.store import ENTER, PostgresStore
from ledger.values.moment import text
from projections.questions.work.readiness import OBSTACLES
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS, SHAPES
from projections.read_models.projection import Row
from projections.tables.contract import with_generations
from projections.tables.postgres import PostgresTables
from projections.tables.question_text import filtering, has_filters, with_filters
from tests.support import scale
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, now, numbered_command, on_postgres, proposal
from tests.support.questions import Samples, cases, questions, words
from tests.support.questions import generation as meant

pytestmark = pytest.mark.processes

BIG = {"events", "entries", "work_item_terms", *PROJECTIONS}  # tables that nothing may read from end to end
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
SHOWING_NO_TABLE = {
    "configurations/server",
    "entities/differing_columns",  # calls a function, whose own plans `inside_functions` has; it compares every row
    OBSTACLES,  # calls one too
}
SEARCH = "work_items/list_by_relevance"
BY_PRIORITY, BY_CREATION = "work_items/list_by_priority", "work_items/list_by_created"
CANDIDATES, COUNT = "work_items/candidates", "work_items/count"
FIRST_PAGE = {
    "moment": text(FIRST_DAY),
    "limit": 51,
    "offset": 0,
    "most": 10_001,
    "deleted": 0,
    "archived": 0,
    "both": 0,
}
EXPLAINING = (
    "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0"
    " -c auto_explain.log_nested_statements=on -c auto_explain.log_format=json -c client_min_messages=log"
)
WHOLE = min(20_000, scale.ITEMS // 2)  # rows: a question that reads more of them than this has read a read model whole
MIDDLE = scale.ITEMS // 2

# Questions whose answer is about all items of a kind, so that they read an index of it from end to end.
ABOUT_ALL = {
    "status/counts",  # how many there are of each kind
    "work_items/count",  # the same with a filter
    "work_items/list_by_tree",  # the order is known only when the tree is
    "work_items/candidates",  # walks along the open ones until it has found enough
    "work_items/list_blocked",  # begins with all that rests
    "work_items/finished",  # asked once a day, by the archiving
    "work_items/parents",  # asked by an import, to find cycles
    "entries/of_relation",  # asked by an import, for every external id or link
    "work_items/freed",  # what blocks much frees much
}

Plan = dict[str, Any]
Plans = list[tuple[dict[str, Any], Plan]]


class Scale(NamedTuple):
    """A large ledger, and a client of the writer's role that has entered it."""

    ledger: UUID
    writer: psycopg.Connection
    database: Database
    rows: dict[str, list[Row]]
    generations: dict[str, int]
    plans: dict[str, Plans]


@pytest.fixture(scope="module")
def large(server: EmbeddedServer, dsn: str) -> Iterator[Scale]:
    database = Database(dsn)
    ledger = uuid4()
    tables = on_postgres(database, ledger).tables
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        rows = scale.fill(administrator, ledger)
    with tables.snapshot() as snapshot:
        generations = {name: snapshot.generation(name) for name in PROJECTIONS}
    with psycopg.connect(dsn, autocommit=True) as writer:
        yield Scale(ledger, writer, database, rows, generations, {})
    database.close()
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        scale.empty(administrator, ledger)


def samples(large: Scale) -> Samples:
    """Things in the middle of the large ledger: few have what they have in common with others."""
    item = large.rows["work_items"][MIDDLE]
    some = [row.id for row in large.rows["work_items"][MIDDLE : MIDDLE + 50]]
    vendor, deployment = large.rows["vendors"][2000], large.rows["deployments"][2500]
    late = text(FIRST_DAY + timedelta(hours=4900))
    return {
        "category": list(BY_CATEGORY),
        "projection": ["work_items"],
        "relation": ["blocks", "tag", "external_id"],
        "target": [item.id, "tag-7", f"scale:{MIDDLE}"],
        "id": [item.id, large.rows["work_items"][0].id],
        "ids": [some],
        "lowest": [("7", "7000000f")],
        "highest": ["7000000f"],
        "first": ["7"],
        "last": ["7000000f"],
        **{f"{name}/rivals.lowest": [["7"]] for name in PROJECTIONS},
        **{f"{name}/rivals.highest": [["7000000f"]] for name in PROJECTIONS},
        **{f"{name}/rivals.ids": [[item.id]] for name in PROJECTIONS},
        "entities/in_ranges.lowest": [["7"]],
        "entities/in_ranges.highest": [["7000000f"]],
        "targets": [[item.id, "tag-7", f"scale:{MIDDLE}"]],
        "after": ["", item.id],
        "after_relation": [""],
        "after_target": [""],
        "entries/of_generation.after_id": [""],
        "after_id": [None],
        "after_key": [None, ("3", item.id)],
        "work_items/list_by_updated.after_key": [None, (item.stamps.updated_at, item.id)],
        "work_items/list_by_created.after_key": [None, (item.stamps.updated_at, item.id)],
        "deployments/list.after_key": [None, (deployment.state.deployed_at, deployment.id)],
        "vendors/list.after_key": [None, ("vendor 02000", vendor.id)],
        "limit": [51],
        "offset": [0],
        "max_depth": [64],
        "first_side": ["start", "finish"],
        "first_id": [item.id],
        "then_side": ["finish", "start"],
        "then_id": [large.rows["work_items"][MIDDLE - 1000].id],
        "without": [""],
        "item_type": [None, "session"],
        "work_items/list_by_created.item_type": [None, "session", "project"],
        "work_items/count.item_type": [None, "session", "project"],
        "work_items/list_by_priority.unfinished": [1, None],
        "status": [None, "active"],
        "parent_id": [None, item.id],
        "work_items.category": [None, "active"],
        "milestone_id": [None, item.id],
        "status/due.due_from": ["", "2026-12-01T00:00:00.000000Z"],
        "today": ["2026-12-15T23:59:59.999999Z"],
        "due_before": ["2026-12-15T00:00:00.000000Z"],
        "due_until": [None, "2027-12-01T00:00:00.000000Z"],
        "overdue": [None, 1],
        "deferred": [None, 1],
        "work_items/list_by_due.after_key": [None, ("~", item.id)],
        "asker": ["ann"],
        "roots_only": [None, 1],
        "since": [None, scale.ITEMS - 10],
        "vendors/changed_since.since": [4_490],
        "deleted": [0, 1],
        "archived": [0, 2],
        "both": [0, 3],
        "tag": [None, "tag-7"],
        "attachment": [None, "pull_request"],
        "finished": [0, 1],
        "works": [0, 1],
        "environment": [None, "production"],
        "vendor": [None, vendor.id],
        "work_item": [None, item.id],
        "deployments/of_work_item.work_item": [item.id],
        "pr_number": [None, "2500"],
        "commit_from": [None, (deployment.state.commit_hash[:7], deployment.state.commit_hash[:7] + "g")],
        "commit_to": [None],
        "earliest": [None, late],
        "latest": [None, text(FIRST_DAY + timedelta(hours=100))],
        "format": [None, "pdf"],
        "name_key": ["vendor 02000"],
        "priority": [None, 1],
        "target_quarter": [None, "2027-Q1"],
        "assignee": [None, "person 7"],
        "unfinished": [None, 1],
        "claimed_by": [None, "person 7"],
        "moment": [text(FIRST_DAY)],
        "holder": [""],
        "names": [["person 7"]],
        "person": ["person 7", None],
        "work_items/needing.person": ["person 7"],
        "most": [10],
        "work_items/count.most": [10_001],
        "common": [5_000],
        "looked_at": [10_000],
        "words": [[""] * len(some)],
        "terms": [[str(MIDDLE - 1)], ["person*", str(MIDDLE - 1)]],
        "order": ["relevance", "updated", "created", "priority"],
        "work_items/list_blocked.order": ["updated", "created", "priority", "due"],
        "work_items/list_by_relevance.after_key": [None, 1],
        "before": [text(FIRST_DAY)],
    }


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def sequential(plan: Plan) -> list[str]:
    return [f"{node['Relation Name']}" for node in nodes(plan) if _reads_whole(node)]


def _reads_whole(node: Plan) -> bool:
    return "Seq Scan" in node["Node Type"] and node.get("Relation Name") in BIG


def read(plan: Plan) -> int:
    """The rows that were taken from big tables and their indexes, thrown away or not."""
    return sum(
        _taken(node)
        for node in nodes(plan)
        if node.get("Relation Name") in BIG or node.get("Index Name", "").partition("_")[0] in BIG
    )


def _taken(node: Plan) -> int:
    """The rows that one part took; 0 in a plan that was not run."""
    return int((node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)) * node.get("Actual Loops", 1))


def missing_index(question: str, plan: Plan, given: dict[str, Any]) -> str:
    """Where an index is missing: at the part of the plan that reads a big table whole, or the most rows of one."""
    parts = [node for node in nodes(plan) if node.get("Relation Name") in BIG]
    node = max(parts, key=lambda node: (_reads_whole(node), _taken(node)), default={})
    table, way = node.get("Relation Name", "a big table"), node.get("Index Name", "no index")
    sought = node.get("Filter") or node.get("Index Cond") or "all of them"
    order = next((f", in the order of {', '.join(node['Sort Key'])}" for node in nodes(plan) if "Sort Key" in node), "")
    place = f"`indexes` of projections/read_models/{table}.py and " if table in PROJECTIONS else ""
    return (
        f"{question} reads {_taken(node):,} rows of {table} by {way}, looking for {sought}{order}: add an index on"
        f" these columns to {place}a migration, or the question to ABOUT_ALL if it is about all rows; given {given}"
        f"\n{json.dumps(plan, indent=1)}"
    )


def explained(large: Scale, question: str) -> Plans:
    """The plans of a question as the program asks it, one for each way to ask; each was run once."""
    if question not in large.plans:
        large.plans[question] = list(_explained(large, question))
    return large.plans[question]


def _explained(large: Scale, question: str) -> Iterator[tuple[dict[str, Any], Plan]]:
    for given in cases(question, samples(large)):
        yield given, _plan(large, question, given)


def _plan(large: Scale, question: str, given: dict[str, Any]) -> Plan:
    with large.writer.cursor() as cursor:
        cursor.execute(BEGIN)
        cursor.execute(ENTER, [large.ledger])
        every = with_generations({**_generation(large, question, given), **given}, large.ledger, large.generations)
        asked = with_filters(words(question), filtering(words(question), every))
        statement = "EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF) " + asked
        cursor.execute(statement, every)
        [(found,)] = cursor.fetchall()
        cursor.execute("COMMIT")
    plan: Plan = found[0]["Plan"]
    return plan


class _Generations:
    """What `meant` asks of a snapshot."""

    def __init__(self, generations: dict[str, int]) -> None:
        self.generation = generations.__getitem__


def _generation(large: Scale, question: str, given: dict[str, Any]) -> dict[str, Any]:
    return meant(_Generations(large.generations), question, given)  # type: ignore[arg-type]  # it only asks for numbers


ASKED = [question for question in questions() if question not in SHOWING_NO_TABLE]


@pytest.mark.parametrize("question", ASKED)
def test_a_question_is_answered_from_an_index(large: Scale, question: str) -> None:
    for given, plan in explained(large, question):
        assert sequential(plan) == [], missing_index(question, plan, given)
        if question not in ABOUT_ALL:
            assert read(plan) < WHOLE, missing_index(question, plan, given)


@pytest.mark.parametrize("question", [one for one in ASKED if "%(tag)s" in words(one) and one != SEARCH])
def test_what_few_items_have_is_where_a_list_begins(large: Scale, question: str) -> None:
    tagged = sum("tag-7" in row.state.tags for row in large.rows["work_items"])

    for given, plan in explained(large, question):
        if given["tag"] == "tag-7":
            assert read(plan) < 5 * tagged, given


def test_what_a_person_has_in_hand_and_the_projects_are_few_rows(large: Scale) -> None:
    unfinished = [row.state for row in large.rows["work_items"] if row.state.category != "done"]
    in_hand = sum(item.assignee == "person 7" for item in unfinished)
    projects = sum(row.state.item_type == "project" for row in large.rows["work_items"])
    asked: list[tuple[str, dict[str, Any], int]] = [
        (question, {"assignee": "person 7", "unfinished": 1}, in_hand) for question in (BY_PRIORITY, COUNT)
    ]
    asked += [(question, {"item_type": "project", "roots_only": 1}, projects) for question in (BY_CREATION, COUNT)]

    for question, given, few in asked:
        every = dict.fromkeys(next(cases(question, samples(large)))) | FIRST_PAGE | given
        plan = _plan(large, question, every)
        assert read(plan) <= few + 1, missing_index(question, plan, given)


def test_a_word_that_all_items_have_is_looked_for_in_a_bounded_number_of_them(large: Scale) -> None:
    given = next(cases(SEARCH, samples(large))) | {"terms": ["many*"], "common": 100, "looked_at": 200}

    plan = _plan(large, SEARCH, given)

    assert read(plan) < 3 * 200, missing_index(SEARCH, plan, given)  # with a fifth that is hidden, and the page


def test_no_more_items_than_a_list_says_are_counted(large: Scale) -> None:
    given = dict.fromkeys(next(cases(COUNT, samples(large)))) | FIRST_PAGE | {"most": 100}

    plan = _plan(large, COUNT, given)

    assert read(plan) < 2 * 100, missing_index(COUNT, plan, given)


def test_what_waits_is_passed_over_item_by_item(large: Scale) -> None:
    given = dict.fromkeys(next(cases(CANDIDATES, samples(large)))) | {
        "moment": text(FIRST_DAY),
        "limit": 51,
    }

    plan = _plan(large, CANDIDATES, given)

    assert read(plan) < WHOLE / 20, missing_index(CANDIDATES, plan, given)


def test_every_index_is_used_by_a_question_or_keeps_something_unique(
    large: Scale, server: EmbeddedServer, owner_dsn: str
) -> None:
    asked = [plan for question in ASKED for _, plan in explained(large, question)]

    used = {
        node["Index Name"]
        for plan in (*asked, *inside_functions(large, server))
        for node in nodes(plan)
        if "Index Name" in node
    }

    with psycopg.connect(owner_dsn) as owner:
        rows = owner.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND NOT i.indisunique"
        ).fetchall()
    assert {name for (name,) in rows} - used == set(), (
        "no question uses these indexes with the samples of this file: add a sample of what each is for, or take it out"
        " of `indexes` of its read model and drop it in a migration"
    )


@pytest.mark.parametrize("question", [question for question in ASKED if not has_filters(words(question))])
def test_a_question_that_is_prepared_is_answered_from_an_index_whatever_it_is_given(
    large: Scale, question: str
) -> None:
    names = dict.fromkeys(re.findall(r"%\((\w+)\)s", words(question)))
    statement = words(question) % {name: f"${place}" for place, name in enumerate(names, start=1)}

    with large.writer.transaction():
        large.writer.execute(ENTER, [large.ledger])
        large.writer.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        large.writer.execute(f"PREPARE asked AS {statement}")
        given = f"({', '.join('NULL' for _ in names)})" if names else ""
        found = large.writer.execute(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}").fetchone()
        large.writer.execute("DEALLOCATE asked")

    assert found is not None
    plan = found[0][0]["Plan"]
    assert sequential(plan) == [], missing_index(question, plan, {})


def test_no_statement_of_the_log_or_inside_a_function_reads_a_big_table_whole(
    large: Scale, server: EmbeddedServer
) -> None:
    plans = inside_functions(large, server)

    assert len(plans) > 20
    assert [found for plan in plans for found in sequential(plan)] == []


def inside_functions(large: Scale, server: EmbeddedServer) -> list[Plan]:
    """The plans of what runs inside functions, as the server tells them; only its administrator may ask for that."""
    if "functions" not in large.plans:
        explaining = Database(make_conninfo(server.conninfo("postgres", DATABASE), options=EXPLAINING))
        notices: list[str] = []
        with explaining.transaction() as connection:
            connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
            use_every_function(large, explaining)
        explaining.close()
        found = [json.loads(message.partition("plan:")[2])["Plan"] for message in notices if "plan:" in message]
        large.plans["functions"] = [({}, plan) for plan in found]
    return [plan for _, plan in large.plans["functions"]]


def use_every_function(large: Scale, database: Database) -> None:
    store = PostgresStore(database, large.ledger, SHAPES)
    stream = stream_id("work_item", numbered(1))
    command = CreateWorkItem(id=numbered(1), item_type="task", title="One more")
    fact = WorkItemCreated(item_type="task", title="One more", tags=("new",))
    conditions = ("hierarchy", "existence")
    store.append(proposal(store, command, (stream, 1, fact), as_of=scale.ITEMS - 1000, conditions=conditions))
    store.append(proposal(store, command, (stream, 2, WorkItemDeleted()), number=1))
    store.find_command(numbered_command(0))
    store.position_at(now())
    list(store.read_all(after=scale.ITEMS - 1000))
    with PostgresTables(database, large.ledger).snapshot() as snapshot:
        snapshot.ask(SEARCH, **next(cases(SEARCH, samples(large))))
        many = next(cases(OBSTACLES, samples(large)))
        snapshot.ask(OBSTACLES, **many)
        for item in large.rows["work_items"][:: scale.ITEMS // 20]:
            snapshot.ask(OBSTACLES, **many | {"ids": [], "lowest": item.id, "highest": item.id})
