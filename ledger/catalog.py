"""The one list: every category's decider, every fact by its name, every command by its name, and their topics."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw

from ledger.aggregates.configuration.decider import decider as configuration
from ledger.aggregates.conflict.decider import decider as conflict
from ledger.aggregates.decider import Decider, Undo
from ledger.aggregates.deployment.decider import decider as deployment
from ledger.aggregates.enhancement.decider import decider as enhancement
from ledger.aggregates.erasure.decider import decider as erasure
from ledger.aggregates.vendor.decider import decider as vendor
from ledger.aggregates.work_item.decider import decider as work_item
from ledger.aggregates.work_item.events import (
    WorkItemCreated,
    WorkItemFact,
    WorkItemReverted,
    WorkItemRevised,
    WorkItemStatusChanged,
)
from ledger.annotation.commands import ANNOTATION_COMMANDS, AnnotationCommand
from ledger.codec import decode, reading, readings, schema_of
from ledger.envelope import Command, Fact, RecordedEvent, category_of
from ledger.importing.commands import Import
from ledger.values.states import FINISHED, SUSPENDING

DECIDERS: dict[str, Decider[Any]] = {
    decider.category: decider
    for decider in (work_item, vendor, deployment, enhancement, configuration, conflict, erasure)
}
FACTS: dict[str, type[Fact]] = {fact.__name__: fact for decider in DECIDERS.values() for fact in decider.facts}
NAME_FIELDS = ("title", "name", "pr_title")  # what people call an entity, whichever of them it has
UNIQUE: dict[str, str] = {  # relation -> the category whose read model it stands in
    relation: decider.category for decider in DECIDERS.values() for relation in decider.unique
}
_OF_NO_CATEGORY: tuple[type[Command], ...] = (Undo, Import)
COMMANDS: dict[str, type[Command]] = {
    command.__name__: command
    for command in (
        *_OF_NO_CATEGORY,
        *ANNOTATION_COMMANDS,
        *(command for decider in DECIDERS.values() for command in decider.commands),
    )
}
_DECIDER_OF: dict[type[Command], Decider[Any]] = {
    command: decider for decider in DECIDERS.values() for command in decider.commands
}

# What a later decision may have looked at, that this fact changes (see ledger.world). Facts not named here touch
# nothing but their own stream, and a stream that was looked at is guarded by its version.
TOPICS: dict[str, tuple[str, ...]] = {
    "WorkItemCreated": ("creation",),
    "WorkItemMoved": ("hierarchy",),
    "WorkItemBlocked": ("suspension",),
    "QuestionAsked": ("suspension",),
    "WorkItemReopened": ("reopening",),
    "WorkItemDeleted": ("existence",),
    "WorkItemRestored": ("existence",),
    "WorkItemLinked": ("links",),
    "WorkItemUnlinked": ("links",),
    "WorkItemWithdrawn": ("existence",),
    "WorkItemReinstated": ("existence",),
    "VendorWithdrawn": ("existence",),
    "VendorReinstated": ("existence",),
    "DeploymentWithdrawn": ("existence",),
    "DeploymentReinstated": ("existence",),
    "EnhancementWithdrawn": ("existence",),
    "EnhancementReinstated": ("existence",),
}

# What a revision or an undo of a work item touches follows from its fields.
TOPICS_OF_FIELD: dict[str, tuple[str, ...]] = {
    "parent_id": ("hierarchy",),
    "links": ("links",),
    "deleted": ("existence",),
    "archived": ("existence",),
    "status": ("reopening", "suspension"),
    "question": ("suspension",),
    "not_before": ("suspension",),
}


def decider_of(command: Command) -> Decider[Any]:
    return DECIDERS[command.category] if isinstance(command, AnnotationCommand) else _DECIDER_OF[type(command)]


def topics_of(fact: Fact) -> tuple[str, ...]:
    if isinstance(fact, WorkItemCreated) and fact.parent_id is None:
        return ()  # a new root has no parent
    topics = set(TOPICS.get(type(fact).__name__, ()))
    if isinstance(fact, WorkItemStatusChanged):
        topics |= _topics_of_way(fact)
    if isinstance(fact, WorkItemFact):
        changes = fact.changes if isinstance(fact, WorkItemRevised | WorkItemReverted) else {}
        topics.update(topic for path in (*changes, *fact.also) for topic in TOPICS_OF_FIELD.get(path, ()))
    return tuple(sorted(topics))


def _topics_of_way(fact: WorkItemStatusChanged) -> set[str]:
    reopened = fact.old_category in FINISHED and fact.category not in FINISHED
    suspended = fact.category in SUSPENDING
    return ({"reopening"} if reopened else set()) | ({"suspension"} if suspended else set())


def fact_of(event: RecordedEvent) -> Fact:
    """The event's fact, upcast to today's schema; an UnknownFact if only a newer program knows it."""
    return decode(FACTS.get(event.type), event)


def reading_of(type_name: str, schema: int) -> Callable[[bytes | Raw], Fact]:
    """How the payloads of one type and schema are read; see `fact_of`."""
    return reading(FACTS.get(type_name), type_name, schema)


def readings_of(type_name: str, schema: int) -> Callable[[Sequence[bytes | Raw]], list[Fact]]:
    """How many payloads of one type and schema are read at once; see `fact_of`."""
    return readings(FACTS.get(type_name), type_name, schema)


def is_known(event: RecordedEvent) -> bool:
    """Whether this program understands the event; if not, a newer one has recorded it."""
    return is_known_kind(event.type, event.schema)


def is_known_kind(type_name: str, schema: int) -> bool:
    return type_name in FACTS and schema <= schema_of(type_name)


def states_of(stream: str, events: Iterable[RecordedEvent]) -> list[Any]:
    """What a stream was at each of its versions; at index 0 what it was before the first."""
    decider = DECIDERS[category_of(stream)]
    states: list[Any] = [decider.initial]
    for event in events:
        states.append(decider.after(states[-1], fact_of(event)))
    return states


def fold_stream(stream: str, events: Iterable[RecordedEvent]) -> Any:
    """What a stream's events add up to."""
    decider = DECIDERS[category_of(stream)]
    state = decider.initial
    for event in events:
        state = decider.after(state, fact_of(event))
    return state
