"""Texts are erased from payloads: nothing of them is left, everything else stays, and the chain still proves it."""

import json
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given
from msgspec.structs import replace

from ledger.across.erasure import applied, of_entity, of_person, payloads_in
from ledger.aggregates.conflict.events import ConflictFound
from ledger.aggregates.decider import Undo
from ledger.aggregates.erasure.events import ErasedPayload, TextsErased
from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.annotation.commands import AddAttachment, AddComment
from ledger.catalog import DECIDERS, FACTS, fact_of, fold_stream
from ledger.codec import digest, encode, is_erased, origin_digest, schema_of
from ledger.envelope import Fact, RecordedEvent, category_of, stream_id
from ledger.errors import NewerProgramNeeded
from ledger.offline.lines import event_of, line_of
from projections.read_models.fold import fold
from tests.support.each import each
from tests.support.examples import examples
from tests.support.given import LEDGER, numbered
from tests.support.history import MET, TASK, fill
from tests.support.ledgers import in_memory, numbered_command
from tests.support.random_histories import Action, a_ledger, attempt_all, histories
from tests.unit.test_golden_facts import file_of

SECRET = numbered(700)
STREAM = stream_id("work_item", SECRET)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedEvent]:
    """A bit of everything, and an item about which much was said by two people."""
    with in_memory(tmp_path_factory.mktemp("log") / "rows.sqlite3", LEDGER) as ledger:
        fill(ledger)
        for number, (command, by) in enumerate(
            [
                (
                    CreateWorkItem(id=SECRET, item_type="task", title="Kept", priority=2),
                    "bob",
                ),
                (
                    UpdateWorkItem(id=SECRET, expected=1, fields={"title": "Lena's secret", "tags": ["lena-tag"]}),
                    "lena",
                ),
                (UpdateWorkItem(id=SECRET, expected=2, fields={"metadata": {"lena-key": 7}}), "lena"),
                (AddComment(category="work_item", id=SECRET, comment_id=numbered(750), text="lena wrote"), "lena"),
                (AddAttachment(category="work_item", id=SECRET, url="https://lena.example/1", kind="document"), "lena"),
                (UpdateWorkItem(id=SECRET, expected=5, fields={"title": "Bob's", "description": "kept too"}), "bob"),
                (UpdateWorkItem(id=SECRET, expected=6, fields={"assignee": "lena"}), "bob"),
            ],
            start=800,
        ):
            ledger.execute(number, command, by=by)
        ledger.execute(820, Undo(undone=str(numbered_command(805)), streams=(STREAM,)), by="bob")
        return list(ledger.store.read_all())


def test_of_an_erased_item_no_text_is_left_and_every_other_payload_stays(events: list[RecordedEvent]) -> None:
    left = list(applied(events, of_entity(events, STREAM)))

    changed = {after.stream_id for before, after in zip(events, left, strict=True) if before != after}
    assert changed == {STREAM}
    assert not _holding(left, "lena's", "lena-", "lena wrote", "lena.example", "Kept", "Bob's", "kept too")


def test_the_chain_proves_what_is_left_line_by_line(events: list[RecordedEvent]) -> None:
    previous = origin_digest(LEDGER)
    for event in applied(events, of_entity(events, STREAM)):
        assert event_of(line_of(event), event.position, previous) == event
        previous = event.digest


def test_ids_times_numbers_and_states_stay(events: list[RecordedEvent]) -> None:
    item = fold_stream(STREAM, _of(STREAM, list(applied(events, of_entity(events, STREAM)))))

    assert (item.title, item.item_type, item.status, item.priority) == ("erased", "task", "active", 2)
    assert (item.description, item.tags, item.metadata, item.assignee) == (None, (), {}, None)
    assert [(comment.by, comment.text) for comment in item.comments.values()] == [("lena", "erased")]


@pytest.mark.parametrize(("external", "left"), [("ABC-7", "ABC-7"), ("lena-is-ill", f"erased {SECRET}")])
def test_an_id_of_another_tracker_stays_unless_it_is_made_of_an_erased_text(
    external: str, left: str, events: list[RecordedEvent]
) -> None:
    made = WorkItemCreated(item_type="task", title="Lena is away", external_source="list", external_id=external)
    event = replace(_of(STREAM, events)[0], data=encode(made))

    [erased] = applied([event], of_entity([event], STREAM))

    item = fold_stream(STREAM, [erased])
    assert (item.external_source, item.external_id) == ("list", left)


def test_conflicts_about_an_item_are_erased_with_it(events: list[RecordedEvent]) -> None:
    left = list(applied(events, of_entity(events, stream_id("work_item", TASK))))

    conflict = next(fact for event in left if isinstance(fact := fact_of(event), ConflictFound))
    assert (conflict.command, conflict.arguments["fields"]) == ("UpdateWorkItem", {"title": "erased"})
    assert [(met.field, met.mine, met.now) for met in conflict.met] == [("title", "erased", "erased")]
    assert {payload.position for payload in of_entity(events, stream_id("work_item", TASK))} >= {
        event.position for event in events if event.stream_id == stream_id("conflict", MET)
    }


def test_of_an_erased_person_every_text_goes_also_where_others_have_quoted_it(events: list[RecordedEvent]) -> None:
    left = list(applied(events, of_person(lambda: events, "lena")))

    assert not _holding(left, "lena's", "lena-", "lena wrote", "lena.example", '"lena"', besides='"by":"lena"')
    item = fold_stream(STREAM, _of(STREAM, left))
    assert (item.title, item.description, item.assignee) == ("erased", None, None)
    assert _holding(left, "Kept", "Bob's", "kept too") == ["Kept", "Bob's", "kept too"]


def test_what_is_erased_already_is_not_erased_again(events: list[RecordedEvent]) -> None:
    left = list(applied(events, of_entity(events, STREAM)))

    assert of_entity(left, STREAM) == ()


def test_an_earlier_erasure_says_no_longer_what_a_later_one_says(events: list[RecordedEvent]) -> None:
    """It would hold the texts that are erased now: those that were left in the payloads it gave."""
    first = of_person(lambda: events, "lena")
    log = _with_erasure(events, first)
    assert _holding(log[-1:], "Kept") == ["Kept"]

    second = of_entity(log, STREAM)
    left = list(applied(log, second))

    assert not _holding(left, "Kept", "Bob's")
    said = {payload.position for payload in payloads_in(left[-1])}
    assert said == {payload.position for payload in first} - {payload.position for payload in second}
    assert is_erased(left[-1].data)


def test_settings_stay_for_every_author(events: list[RecordedEvent]) -> None:
    for name in ("ada", "Béla"):
        touched = {payload.position for payload in of_person(lambda: events, name)}

        assert touched
        assert not {event.stream_id for event in events if event.position in touched and "config" in event.stream_id}


def test_what_a_newer_program_recorded_is_not_erased_by_guessing(events: list[RecordedEvent]) -> None:
    newer = [*events, replace(_of(STREAM, events)[-1], type="WorkItemSung", position=len(events) + 1)]

    with pytest.raises(NewerProgramNeeded, match="WorkItemSung"):
        of_entity(newer, STREAM)


@each("name", [name for name in FACTS if name != TextsErased.__name__])
def test_every_fact_reads_as_itself_without_its_texts(name: str, events: list[RecordedEvent]) -> None:
    fact = FACTS[name]
    stream = stream_id(next(decider.category for decider in DECIDERS.values() if fact in decider.facts), SECRET)
    recorded = json.loads(file_of(name, schema_of(name)).read_text(encoding="utf-8"))["recorded"]
    data = msgspec.json.encode(recorded)
    event = replace(events[0], stream_id=stream, type=name, data=data, position=1)
    if name.startswith("Configuration"):
        assert of_entity([event], stream_id("configuration", SECRET)) == ()
        return

    [erased] = of_entity([event], stream) or [ErasedPayload(position=1, data=data.decode())]

    read = fact_of(replace(event, data=erased.data.encode()))
    assert type(read) is fact
    kept = {field: value for field, value in json.loads(erased.data).items() if field not in ("erased", "also")}
    assert kept.keys() == json.loads(data).keys() - {"also"}


def test_no_fact_is_recorded_as_an_erased_payload_begins() -> None:
    assert {name for name, fact in FACTS.items() if "erased" in fact.__struct_fields__} == set()


@examples(40, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_whatever_happened_an_item_and_a_person_are_erased_and_all_is_proved_and_folded(history: list[Action]) -> None:
    with a_ledger() as ledger:
        attempt_all(ledger, history)
        log = list(ledger.store.read_all())
        ledger_id = ledger.store.ledger
    for stream in {event.stream_id for event in log if category_of(event.stream_id) != "configuration"}:
        payloads = of_entity(log, stream)

        left = list(applied(log, payloads))

        previous = origin_digest(ledger_id)
        for event in left:
            assert digest(previous, event) == event.digest
            previous = event.digest
        assert [replace(event, data=b"") for event in left] == [replace(event, data=b"") for event in log]
        assert fold(left).keys() == fold(log).keys()
        assert of_entity(left, stream) == ()


def _of(stream: str, events: list[RecordedEvent]) -> list[RecordedEvent]:
    return [event for event in events if event.stream_id == stream]


def _holding(events: list[RecordedEvent], *texts: str, besides: str = "\0") -> list[str]:
    """Those of the texts that stand in a payload."""
    everything = "\n".join(event.data.decode() for event in events).replace(besides, "").casefold()
    return [text for text in texts if text.casefold() in everything]


def _with_erasure(events: list[RecordedEvent], payloads: tuple[ErasedPayload, ...]) -> list[RecordedEvent]:
    """The log with an erasure at its end, as every copy holds it."""
    fact: Fact = TextsErased(payloads=payloads)
    last = events[-1]
    erasure = replace(
        last,
        position=last.position + 1,
        stream_id=stream_id("erasure", str(uuid4())),
        version=1,
        type="TextsErased",
        topics=(),
        data=encode(fact),
    )
    return [*applied(events, payloads), replace(erasure, digest=digest(last.digest, erasure))]
