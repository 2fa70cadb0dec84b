"""Whatever is asked in whatever order: two ledgers of different kinds end up the same, and so does a replay.

Two paths that share a mistake agree perfectly; what the rules mean is shown by example in tests/unit.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import strategies as some
from msgspec import UNSET

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.deployment.commands import AmendDeployment, RecordDeployment
from ledger.aggregates.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.work_item.commands import CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.codec import digest, origin_digest
from ledger.envelope import Command, RecordedEvent, Submission, configuration_id, stream_id
from ledger.errors import LedgerError
from ledger.postgres.connection.database import Database
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import pages
from projections.tables.replay import check, replay
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, in_memory, numbered_command, on_postgres

Wish = tuple[Callable[..., Command], dict[str, Any]]
COMMITS = ["84b0fb4", "84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60"]


class Wishes:
    """What has been wished for so far; a wish names entities by their place among those of their kind."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ids: dict[str, list[str]] = {}
        self._made = 0
        self.configuration = configuration_id(ledger.store.ledger)

    def new(self, category: str) -> str:
        self._made += 1
        self._ids.setdefault(category, []).append(numbered(self._made))
        return numbered(self._made)

    def entity_id(self, category: str, place: int) -> str:
        """The entity at a place, counted round; one that does not exist if there is none."""
        ids = self._ids.get(category)
        return ids[place % len(ids)] if ids else numbered(0)

    def ids(self, category: str, places: list[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.entity_id(category, place) for place in places))

    def version(self, category: str, entity_id: str, off: int) -> int:
        stream = stream_id(category, entity_id)
        return len(self._ledger.store.read_streams([stream]).events.get(stream, ())) + off


def create_item(so_far: Wishes, *, parent: int | None, **fields: Any) -> Command:
    parent_id = None if parent is None else so_far.entity_id("work_item", parent)
    return CreateWorkItem(id=so_far.new("work_item"), parent_id=parent_id, **fields)


def update_item(so_far: Wishes, *, place: int, off: int, parent: object, **fields: Any) -> Command:
    entity_id = so_far.entity_id("work_item", place)
    target: Any = so_far.entity_id("work_item", parent) if isinstance(parent, int) else parent
    return UpdateWorkItem(
        id=entity_id, expected=so_far.version("work_item", entity_id, off), parent_id=target, **fields
    )


def link_items(so_far: Wishes, *, place: int, other: int, **fields: Any) -> Command:
    return LinkWorkItems(id=so_far.entity_id("work_item", place), to_id=so_far.entity_id("work_item", other), **fields)


def create_vendor(so_far: Wishes, **fields: Any) -> Command:
    return CreateVendor(id=so_far.new("vendor"), **fields)


def update_vendor(so_far: Wishes, *, place: int, off: int, deployment: int | None, **fields: Any) -> Command:
    entity_id = so_far.entity_id("vendor", place)
    tested = None if deployment is None else so_far.entity_id("deployment", deployment)
    return UpdateVendor(id=entity_id, expected=so_far.version("vendor", entity_id, off), deployment_id=tested, **fields)


def record_deployment(so_far: Wishes, *, vendors: list[int], items: list[int], **fields: Any) -> Command:
    links: dict[str, Any] = {
        "vendor_ids": so_far.ids("vendor", vendors),
        "work_item_ids": so_far.ids("work_item", items),
    }
    return RecordDeployment(id=so_far.new("deployment"), **links, **fields)


def amend_deployment(so_far: Wishes, *, place: int, off: int, vendors: list[int], fields: dict[str, Any]) -> Command:
    entity_id = so_far.entity_id("deployment", place)
    amended = {**fields, "vendor_ids": list(so_far.ids("vendor", vendors))}
    return AmendDeployment(id=entity_id, expected=so_far.version("deployment", entity_id, off), fields=amended)


def record_enhancement(so_far: Wishes, *, depends_on: list[int], **fields: Any) -> Command:
    others = so_far.ids("enhancement", depends_on)
    return RecordEnhancement(id=so_far.new("enhancement"), depends_on=others, **fields)


def update_enhancement(so_far: Wishes, *, place: int, off: int, depends_on: list[int], status: str | None) -> Command:
    entity_id = so_far.entity_id("enhancement", place)
    fields = {"depends_on": list(so_far.ids("enhancement", depends_on))} if depends_on else {}
    expected = so_far.version("enhancement", entity_id, off)
    return UpdateEnhancement(id=entity_id, expected=expected, fields=fields, status=status)


def configure(so_far: Wishes, *, off: int, fields: dict[str, Any]) -> Command:
    expected = so_far.version("configuration", so_far.configuration, off)
    return ChangeConfiguration(id=so_far.configuration, expected=expected, fields=fields)


def wish(make: Callable[..., Command], **arguments: some.SearchStrategy[Any]) -> some.SearchStrategy[Wish]:
    return some.tuples(some.just(make), some.fixed_dictionaries(arguments))


places = some.integers(0, 6)
several = some.lists(places, max_size=3)
offs = some.sampled_from([0, 0, 0, 0, 0, -1, 1])
texts = some.text(some.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=12)
numbers = some.integers(-(2**53), 2**53) | some.floats(allow_nan=False, allow_infinity=False)
values = some.recursive(
    some.none() | some.booleans() | numbers | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
metadata = some.dictionaries(texts, values, max_size=3)
item_fields = some.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "notes": some.none() | texts,
        "priority": some.none() | some.integers(1, 5),
        "tags": some.lists(some.sampled_from(["a", "b", "ü"]), unique=True, max_size=2),
        "metadata": some.dictionaries(some.sampled_from(["a", "b", "actual_hours"]), values, max_size=2),
    },
)
wishes = some.one_of(
    wish(
        create_item,
        parent=some.none() | places,
        item_type=some.sampled_from(["task", "task", "research", "project", "session"]),
        title=texts,
        description=some.none() | texts,
        tags=some.lists(some.sampled_from(["a", "b"]), unique=True, max_size=2).map(tuple),
        metadata=metadata,
    ),
    wish(
        update_item,
        place=places,
        off=offs,
        parent=some.just(UNSET) | some.none() | places,
        fields=item_fields,
        status=some.sampled_from([None, None, "active", "blocked", "completed"]),
        reason=some.none() | texts,
        force=some.booleans(),
    ),
    wish(
        update_item, place=places, off=offs, parent=some.just(UNSET), deleted=some.booleans(), cascade=some.booleans()
    ),
    wish(
        link_items,
        place=places,
        other=places,
        kind=some.sampled_from(["blocks", "depends_on", "relates_to", "discovered_from"]),
        remove=some.sampled_from([False, False, False, True]),
    ),
    wish(
        create_vendor,
        name=some.sampled_from(["Acme", "ACME", "Straße", "strasse", "\u0130", "i̇"]) | texts,
        format_support=some.dictionaries(some.sampled_from(["csv", "pdf", "wax"]), some.booleans(), max_size=2),
    ),
    wish(
        update_vendor,
        place=places,
        off=offs,
        deployment=some.none() | places,
        fields=some.fixed_dictionaries(
            {},
            optional={
                "status": some.sampled_from(["operational", "broken"]),
                "format_support": some.dictionaries(some.sampled_from(["csv", "pdf"]), some.booleans(), max_size=2),
                "metadata": metadata,
            },
        ),
        test_results=some.none()
        | some.builds(TestResults, passing=some.integers(0, 3), total=some.none() | some.integers(0, 3)),
    ),
    wish(
        record_deployment,
        vendors=several,
        items=several,
        commit_hash=some.sampled_from(COMMITS),
        pr_number=some.integers(1, 2),
        environment=some.sampled_from([None, "production"]),
        redeployment=some.booleans(),
    ),
    wish(
        amend_deployment,
        place=places,
        off=offs,
        vendors=several,
        fields=some.fixed_dictionaries({}, optional={"pr_number": some.integers(1, 3), "pr_title": texts}),
    ),
    wish(
        record_enhancement,
        title=texts,
        depends_on=several,
        priority=some.none() | some.integers(1, 3),
        metadata=metadata,
    ),
    wish(
        update_enhancement,
        place=places,
        off=offs,
        depends_on=several,
        status=some.sampled_from([None, "approved", "implementing", "completed", "dropped", "planned"]),
    ),
    wish(configure, off=offs, fields=some.fixed_dictionaries({}, optional={"depth_limit": some.integers(0, 6)})),
)  # fmt: skip
repetitions = some.sampled_from([0] * 8 + [1, 2])  # 1: the command once more; 2: its id with another command


@pytest.fixture(scope="module")
def database(dsn: str) -> Iterator[Database]:
    database = Database(dsn)
    yield database
    database.close()


def outcome(ledger: Ledger, submission: Submission) -> Any:
    try:
        recorded = ledger.handler.execute(submission)
    except LedgerError as error:
        return error.code, error.details
    return recorded.positions, recorded.streams, recorded.repeated


def normal(value: Any) -> Any:
    """JSON whose numbers are compared as what JSON calls them: jsonb writes 1e20 with twenty zeros."""
    match value:
        case dict():
            return {key: normal(inner) for key, inner in value.items()}
        case list():
            return [normal(inner) for inner in value]
        case int() | float() if not isinstance(value, bool):
            return float(value)
        case _:
            return value


def log(ledger: Ledger) -> list[RecordedEvent]:
    return list(ledger.store.read_all())


def rows(ledger: Ledger) -> Any:
    found: dict[str, Any] = {}
    with ledger.tables.snapshot() as snapshot:
        for category, projection in BY_CATEGORY.items():
            generation = snapshot.generation(projection.name)
            found[category] = [
                (row["id"], row["version"], row["position"], normal(msgspec.json.decode(row["doc"])))
                for row in pages(snapshot, category, generation)
            ]
            found[f"entries of {category}"] = snapshot.ask(
                "entries/of_generation",
                generation=generation,
                after_relation="",
                after_target="",
                after_id="",
                limit=1000,
            )
    return found


def is_chained(ledger: Ledger) -> bool:
    previous = origin_digest(ledger.store.ledger)
    for event in log(ledger):
        previous = digest(previous, event)
        if event.digest != previous:
            return False
    return True


def without_time(event: RecordedEvent) -> RecordedEvent:
    """An event without what no two ledgers share: when it was recorded, and the digest that says so."""
    return msgspec.structs.replace(event, recorded_at=FIRST_DAY, digest=b"")


@examples(
    60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(some.lists(some.tuples(wishes, repetitions), min_size=5, max_size=40))
def test_two_ledgers_that_are_asked_the_same_answer_and_keep_the_same(
    database: Database, tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[Wish, int]]
) -> None:
    identity = uuid4()
    file: Path = tmp_path_factory.mktemp("ledger") / "rows.sqlite3"
    postgres = on_postgres(database, identity)
    with in_memory(file, identity) as memory:
        so_far = Wishes(memory)
        for number, ((make, arguments), repetition) in enumerate(asked):
            command = make(so_far, **arguments)
            for submission in submissions(number, command, repetition):
                note(f"{submission.command_id} {command}")
                assert outcome(memory, submission) == outcome(postgres, submission)

        assert [without_time(event) for event in log(memory)] == [without_time(event) for event in log(postgres)]
        assert rows(memory) == rows(postgres)
        for ledger in (memory, postgres):
            assert is_chained(ledger)
            assert check(ledger.store, ledger.tables).equal
        before = rows(postgres)
        for ledger in (memory, postgres):
            assert replay(ledger.store, ledger.tables).equal
            assert rows(ledger) == before


def submissions(number: int, command: Command, repetition: int) -> Iterator[Submission]:
    first = Submission(
        command=command,
        command_id=numbered_command(number),
        by="tester",
        occurred_at=FIRST_DAY + timedelta(hours=number),
    )
    yield first
    if repetition == 1:
        yield first
    if repetition == 2:
        yield msgspec.structs.replace(first, by="somebody else")
