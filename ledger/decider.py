"""The shape of every category: what there is at first, how facts add up, and what may happen.

`evolve(state, fact) -> state` and `decide(command, world) -> facts` are pure: time, ids and everything
they look at come in as arguments.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ledger.annotation.events import ANNOTATION_FACTS, EFFORT_FACTS
from ledger.envelope import Command, Fact, RecordedEvent, minted_id, stream_id
from ledger.errors import Forbidden, Invalid, NotFound, Refused, VersionConflict
from ledger.pending import Version, newest, parse, place_of, shown_version
from ledger.values.field_paths import differing, flatten, short_changes
from ledger.values.moment import text
from ledger.values.revision import Changes, apply
from ledger.world import World

State = TypeVar("State", bound=Struct)
FactType = TypeVar("FactType", bound=Fact)

CHANGES_NAMED = 5  # in the refusal of a stale write, the newest
ANNOTATIONS = frozenset(fact.__name__ for fact in (*ANNOTATION_FACTS, *EFFORT_FACTS))

Fold = Callable[[str, Iterable[RecordedEvent]], Any]  # a stream's id and events to the state they add up to
Problem = dict[str, Any]
SHOWN_IN_SENTENCE = 60  # characters of a value
OF_THE_VALUE = ("is no ", "is none ", "is not one of ", "is not a ", "is not an event", "is neither an ", "lies ")
KINDS_OF_VALUES = ("object", "array")  # what stands for a value that is not shown
# (stream, fact) in the order in which they happen; an import adds who did it, and when, as its source tells
Decided = list[tuple[str, Fact] | tuple[str, Fact, str, datetime]]


Turns = dict[str, tuple[State, State]]  # the entities that an undo changes: id -> (state now, state after it)


class Undo(Command, frozen=True, kw_only=True):
    """Takes back what the command `undone` did to these streams, all it touched or some of them.

    With `only_untouched` what others changed since stays as it is; without, such a change is a reason to refuse.
    """

    undone: str
    streams: tuple[str, ...]
    only_untouched: bool = False


class Undoable(Struct, Generic[State], frozen=True, kw_only=True):
    """How an undo is said in a category's facts. `check` refuses one after which a rule would not hold,
    `restrained` says what of the changes may be restored, and what happens instead of the rest.

    `kept` are the fields that no undo touches. Without `withdrawn` there is nothing to create, hence to withdraw.
    """

    reverted: type[Any]
    withdrawn: type[Any] | None = None
    reinstated: type[Any] | None = None
    kept: frozenset[str] = frozenset()
    check: Callable[[World, Turns[State]], None] = lambda *_: None
    restrained: Callable[[World, State, Changes], tuple[Changes, tuple[Fact, ...]]] = lambda _world, _now, changes: (
        changes,
        (),
    )


class Decider(Struct, Generic[State], frozen=True, kw_only=True):
    """`evolve` takes the category's facts and unknown ones, `decide` its commands; see ledger.world.

    `unique` are the relations of its read model under which a value has one holder at most.
    """

    category: str
    initial: State
    evolve: Callable[[State, Any], State]
    decide: Callable[[Any, Any], Decided]
    facts: tuple[type[Fact], ...]
    commands: tuple[type[Command], ...]
    undoable: Undoable[State] | None = None
    unique: tuple[str, ...] = ()

    def after(self, state: State, fact: Fact) -> State:
        """The state after one more fact, with the fields that the same command revised."""
        state = self.evolve(state, fact)
        return apply(state, fact.also) if fact.also else state


def fold(decider: Decider[State], facts: Iterable[Fact]) -> State:
    """What a history adds up to."""
    state = decider.initial
    for fact in facts:
        state = decider.after(state, fact)
    return state


def with_also(fact: FactType, changes: Changes) -> FactType:
    """The fact, with fields that the same command revised."""
    return replace(fact, also={**fact.also, **changes}) if changes else fact


def problem(field: str, text: str, value: Any = None, **more: Any) -> Problem:
    """One fault of an input: the field, what is wrong, the value as it came (shortened), what would be allowed."""
    shown = value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "..."
    return {"field": field, "problem": text, "value": shown, **more}


def sentence(problems: Iterable[Problem]) -> str:
    """All the faults in words, each with the value that was sent where it is short and the words do not have it.

    >>> sentence([problem("limit", "must be from 1 to 9", 10), problem("kind", "is no kind", "x", allowed=["y"])])
    "limit: must be from 1 to 9, not 10; kind: 'x' is no kind"
    """
    return "; ".join(f"{fault['field']}: {_with_value(fault)}" for fault in problems)


def _with_value(fault: Problem) -> str:
    value, words = fault["value"], str(fault["problem"])
    if value is None or str(value) in words or len(str(value)) > SHOWN_IN_SENTENCE:
        return words
    if " be " in words and ", this is " not in words:
        return f"{words}, not {value!r}" if value not in KINDS_OF_VALUES else f"{words}, not an {value}"
    is_shown = isinstance(value, (str, int)) and not isinstance(value, bool) and value not in KINDS_OF_VALUES
    return f"{value!r} {words}" if is_shown and words.startswith(OF_THE_VALUE) else words


def check(problems: Iterable[Problem]) -> None:
    """Raises Invalid with all the faults at once, if there are any."""
    found = list(problems)
    if found:
        raise Invalid(sentence(found), next_step="correct the named fields and send it again", fields=found)


def existing(world: World, category: str, entity_id: str, expected: Version | None) -> Any:
    """The state of an entity that must exist, at the version its writer has read (None: at whichever it is)."""
    stream = stream_id(category, entity_id)
    past = world.past(stream)
    if not past:
        raise NotFound(
            f"there is no {category.replace('_', ' ')} {entity_id} in this ledger",
            next_step="check the id, or list what there is",
            id=entity_id,
        )
    if expected is not None:
        check_current(world, category, entity_id, expected)
    state = world.state(category, entity_id)
    if getattr(state, "withdrawn", False):
        raise Refused(
            f"{world.reference(category, entity_id)} was withdrawn: its creation was undone",
            rule="withdrawn",
            items=[{"id": entity_id, "ref": world.reference(category, entity_id)}],
            next_step=f"undo that with `undo` of its version {newest(past)}, or create a new one",
        )
    return state


def check_administrator(world: World, what: str) -> None:
    """Raises Forbidden for a caller that may not do what holds for all, whichever way leads there."""
    if world.scope != "admin":
        raise Forbidden(
            f"{what} with the scope admin, and {world.by} has {world.scope}",
            next_step="ask an administrator of this ledger to do it",
            needed="admin",
            scope=world.scope,
        )


def check_current(world: World, category: str, entity_id: str, expected: Version) -> None:
    """Raises VersionConflict unless the entity is at the version that its writer has read, but for annotations."""
    past = world.past(stream_id(category, entity_id))
    known = place_of(past, expected)
    if known is not None and all(event.type in ANNOTATIONS for event in past[known:]):
        return
    named = parse(expected)
    if named is not None and world.state("conflict", minted_id(named[0], "conflict")).exists:
        raise _became_a_conflict(world, category, entity_id, expected, minted_id(named[0], "conflict"))
    raise version_conflict(world.reference(category, entity_id), entity_id, expected, past, world.partly)


def version_conflict(
    ref: str, entity_id: str, expected: Version, past: list[RecordedEvent], fold: Fold
) -> VersionConflict:
    """For a writer whose version is not the newest: both versions, and who changed which fields since."""
    actual, known = newest(past), place_of(past, expected)
    since = range(len(past))[known if known is not None else _number(expected) :]
    return VersionConflict(
        f"{ref} is at version {actual}, not {expected}: read it again and retry",
        next_step=f"read it again and repeat the change with version {actual} if it is still wanted",
        id=entity_id,
        expected=expected,
        actual=actual,
        by=past[-1].by if past else None,
        changed_since=[_change(past, place, fold) for place in since[-CHANGES_NAMED:]],
    )


def _change(past: list[RecordedEvent], place: int, fold: Fold) -> dict[str, Any]:
    """Who did what with the event at this place, the fields that it changed, and the new values that are short."""
    event = past[place]
    change: dict[str, Any] = {
        "version": shown_version(event),
        "event": event.type,
        "by": event.by,
        "at": None,
        "fields": [],
    }
    if not event.data:  # an earlier change of the same bulk, of which no more is known yet
        return change
    before, after = (flatten(fold(event.stream_id, past[:end])) for end in (place, place + 1))
    fields = sorted({path.partition(".")[0] for path in differing(before, after)})
    values = {path: value["new"] for path, value in short_changes(before, after).items()}
    return change | {"at": text(event.occurred_at), "fields": fields} | ({"values": values} if values else {})


def _became_a_conflict(
    world: World, category: str, entity_id: str, expected: Version, conflict: str
) -> VersionConflict:
    ref, past = world.reference("conflict", conflict), world.past(stream_id(category, entity_id))
    return VersionConflict(
        f"version {expected} of {world.reference(category, entity_id)} is a change that became the conflict {ref}",
        next_step=f"see to {ref} with resolve_conflict, or read it again and change it at version {newest(past)}",
        id=entity_id,
        expected=expected,
        actual=newest(past),
        conflict=ref,
    )


def _number(version: Version) -> int:
    return version if isinstance(version, int) else 0
