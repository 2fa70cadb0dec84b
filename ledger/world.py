"""What a rule may look at: the histories of streams, and a few questions about neighbouring entities.

Whatever a decision looked at must still be so when it is recorded. So the world keeps its read set: streams by their
version, questions by the topics of the events that could change their answer. This is the condition of the append (a
dynamic consistency boundary), which is refused if one of them has moved on; then the handler decides again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, Literal, ParamSpec, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from ledger.envelope import Past, RecordedEvent, Scope, category_of, configuration_id, id_of, stream_id
from ledger.values.states import FINISHED, ORIGINAL

# the topics of what may change such an answer
READINESS = ("creation", "existence", "hierarchy", "links", "reopening", "suspension")
SUBTREES = ("creation", "existence", "hierarchy", "reopening")
EDGES = ("creation", "existence", "hierarchy", "links")

DEEPEST = 64  # no tree is deeper; an imported cycle ends here

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Endpoint = tuple[Literal["start", "finish"], str]  # of the work item with this id
Related = Literal["lineages", "subtrees", "blockers"]  # what is asked of several work items at once, by its question


class Neighbour(Struct, frozen=True, kw_only=True):
    """A work item as others see it. `depth` is 0 for a root."""

    id: str
    title: str
    status: str
    category: str | None = None  # None: the one of an original word
    parent_id: str | None = None
    deleted: bool = False
    archived: bool = False
    depth: int = 0

    @property
    def finished(self) -> bool:
        return (self.category or ORIGINAL.get(self.status)) in FINISHED


Neighbours = dict[str, list[Neighbour]]  # by the item that was asked about; one that has none may be absent


class Holder(Struct, frozen=True, kw_only=True):
    """Who has something that must be unique, in the spelling that is stored."""

    id: str
    label: str


class Obstacle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an item is not ready, and which item is the cause; `by` and `until` tell of a claim. `category` is that of a
    state of the ledger's own."""

    reason: str
    id: str
    title: str
    status: str
    category: str | None = None
    by: str | None = None
    until: str | None = None


class Asker(Struct, frozen=True, kw_only=True):
    """The one for whom readiness is asked: a person of this name, with the token of this digest; by default no one."""

    name: str = ""
    holder: str = ""


class ReadyFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which items one asks for; None means any. `parent_id` is a whole UUID: whatever is below that item."""

    item_type: str | None = None
    tag: str | None = None
    parent_id: str | None = None
    assignee: str | None = None


class Neighbourhood(Protocol):
    """The questions, answered by the read models; each sees at least the log up to the world's `as_of`."""

    def lineages(self, work_items: Iterable[str]) -> Neighbours:
        """Of each item itself first, then its ancestors up to the root."""

    def subtrees(self, work_items: Iterable[str]) -> Neighbours:
        """Of each item itself first, then all its descendants, parents before children; depth counted from the item."""

    def blockers(self, work_items: Iterable[str]) -> Neighbours:
        """The unfinished items that block each one itself and are not deleted."""

    def obstacles(self, work_item: str, moment: datetime, asker: Asker) -> list[Obstacle]:
        """Why the item is not ready at a moment, for the one who asks. Empty: it is ready."""

    def next_ready(self, wanted: ReadyFilter, moment: datetime, asker: Asker) -> str | None:
        """The most urgent item, then the oldest, that is ready for the one who asks and not claimed."""

    def finished(self, before: datetime) -> list[str]:
        """Items not archived whose whole subtrees are completed or deleted and did not change since that moment."""

    def precedes(self, first: Endpoint, then: Endpoint, without: str | None = None) -> bool:
        """Whether `first` must come before `then`, by hierarchy and links, over any distance.

        `without` is an item whose present parent does not count, because it is about to leave it.
        """

    def edges(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The parent of every item that has one and is not deleted, and every (blocker, blocked)."""

    def known(self, category: str, entity_ids: Iterable[str]) -> set[str]:
        """Which of the ids exist and are not withdrawn."""

    def references(self, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
        """The shortest unambiguous reference of each id."""

    def holder(self, relation: str, target: str) -> Holder | None:
        """Who has this unique value (a vendor's name, an external id, a deployment's key)."""

    def holders(self, relation: str) -> dict[str, str]:
        """Every value of such a relation with the id of its entity; of `enhancement_title` that of the oldest one."""


class World:
    """One decision's view of everything, as of one position. `by` acts, and `token` tells whose claims are its own."""

    def __init__(
        self,
        ledger: UUID,
        read: Callable[[Iterable[str]], Past],
        fold: Callable[[str, Iterable[RecordedEvent]], Any],
        neighbours: Neighbourhood,
        *,
        by: str = "",
        token: str | None = None,
        occurred_at: datetime | None = None,
        scope: Scope = "admin",
    ) -> None:
        self.ledger = ledger
        self._read = read
        self._fold = fold
        self._neighbours = neighbours
        self._pasts: dict[str, list[RecordedEvent]] = {}
        self._remembered: Mapping[str, list[RecordedEvent]] = {}
        self.recalls = False  # whether something that was remembered was looked at
        self._states: dict[str, Any] = {}
        self._expected: dict[Related, set[str]] = {}
        self._related: dict[Related, Neighbours] = {}
        self._names: dict[str, dict[str, str]] = {}  # the references of a category that were asked for
        self._topics: set[str] = set()
        self.by = by
        self.token = token
        self.scope = scope
        self._occurred_at = occurred_at
        self.as_of = -1
        self._now: datetime | None = None
        self.not_before: datetime | None = None
        self.not_after: datetime | None = None

    @property
    def now(self) -> datetime:
        """The ledger's time when this view was opened."""
        if self._now is None:
            self._take([])
        assert self._now is not None, "a reading has its time"
        return self._now

    @property
    def occurred_at(self) -> datetime:
        """When it was asked for, by the caller's clock; the ledger's time where no caller has said it."""
        return self._occurred_at or self.now

    def remember(self, pasts: Mapping[str, list[RecordedEvent]]) -> None:
        """What streams were when they were read last, to be looked at instead: the append proves it."""
        self._remembered = pasts

    def look(self, streams: Iterable[str]) -> None:
        """Reads streams that were not read yet, all in one question."""
        missing = [stream for stream in streams if stream not in self._pasts]
        recalled = {stream: self._remembered[stream] for stream in missing if stream in self._remembered}
        if recalled:
            self._pasts |= recalled
            self.recalls = True
            missing = [stream for stream in missing if stream not in recalled]
        if missing:
            self._take(missing)

    def expect(self, related: Related, work_items: Iterable[str]) -> None:
        """These items may be asked about too: the first such question is put for all of them at once."""
        self._expected.setdefault(related, set()).update(work_items)

    def creates(self, stream: str) -> None:
        """This stream is new: its id was minted for it, so nothing is read. The append refuses it if it is not."""
        self._pasts.setdefault(stream, [])

    def state(self, category: str, entity_id: str) -> Any:
        """The state that the stream's events add up to; its category's initial state if there are none."""
        return self.state_of(stream_id(category, entity_id))

    def state_of(self, stream: str) -> Any:
        if stream not in self._states:
            self._states[stream] = self._fold(stream, self.past(stream))
        return self._states[stream]

    def fold(self, stream: str, events: Iterable[RecordedEvent]) -> Any:
        """The state that only these of the stream's events add up to."""
        return self._fold(stream, events)

    def past(self, stream: str) -> list[RecordedEvent]:
        """The stream's recorded events, oldest first."""
        self.look([stream])
        return self._pasts[stream]

    def version(self, stream: str) -> int:
        past = self.past(stream)
        return past[-1].version if past else 0

    def lineage(self, work_item: str) -> list[Neighbour]:
        """The item first, then its ancestors up to the root. Empty if there is no such item."""
        return self._ask_of("lineages", ("existence", "hierarchy"), self._neighbours.lineages, work_item)

    def subtree(self, work_item: str) -> list[Neighbour]:
        """The item first, then all its descendants, parents before children; depth counted from the item."""
        return self._ask_of("subtrees", SUBTREES, self._neighbours.subtrees, work_item)

    def blockers(self, work_item: str) -> list[Neighbour]:
        """The unfinished items that block this one itself and are not deleted."""
        return self._ask_of("blockers", ("existence", "links", "reopening"), self._neighbours.blockers, work_item)

    def obstacles(self, work_item: str, holder: str) -> list[Obstacle]:
        asker = Asker(name=self.by, holder=holder)
        return self._ask(READINESS, self._neighbours.obstacles, work_item, self.now, asker)

    def next_ready(self, wanted: ReadyFilter) -> str | None:
        return self._ask(READINESS, self._neighbours.next_ready, wanted, self.now, Asker(name=self.by))

    def finished(self, before: datetime) -> list[str]:
        return self._ask(SUBTREES, self._neighbours.finished, before)

    def precedes(self, first: Endpoint, then: Endpoint, without: str | None = None) -> bool:
        return self._ask(EDGES, self._neighbours.precedes, first, then, without)

    def edges(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        return self._ask(EDGES, self._neighbours.edges)

    def settings(self) -> Any:
        """The ledger's configuration."""
        return self.state("configuration", configuration_id(self.ledger))

    def known(self, category: str, entity_ids: Iterable[str]) -> set[str]:
        wanted = list(entity_ids)
        return self._ask(("existence",), self._neighbours.known, category, wanted) if wanted else set()

    def reference(self, category: str, entity_id: str) -> str:
        """How an answer names this: the shortest reference that is unique, as every list does."""
        return self.references(category, [entity_id])[entity_id]

    def references(self, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
        """Needs no topic: nothing is decided by a name. What was looked at may be named next, so it is asked too."""
        wanted, names = list(entity_ids), self._names.setdefault(category, {})
        if not names.keys() >= set(wanted):
            names |= self._neighbours.references(category, {*wanted, *self._seen(category)} - names.keys())
        return {entity_id: names[entity_id] for entity_id in wanted}

    def holder(self, relation: str, target: str) -> Holder | None:
        """Needs no topic: uniqueness is a constraint of the read model, this question only names the holder."""
        return self._neighbours.holder(relation, target)

    def holders(self, relation: str) -> dict[str, str]:
        """Needs no topic, as `holder` does not."""
        return self._ask((), self._neighbours.holders, relation)

    def versions(self) -> dict[str, int]:
        """The version of every stream that was looked at: none of them may have moved on."""
        return {stream: past[-1].version if past else 0 for stream, past in self._pasts.items()}

    @property
    def topics(self) -> tuple[str, ...]:
        """What must not have changed after `as_of`."""
        return tuple(sorted(self._topics))

    def _ask(
        self, topics: tuple[str, ...], question: Callable[Asked, Answer], *given: Asked.args, **named: Asked.kwargs
    ) -> Answer:
        if self.as_of < 0:
            self._take([])  # as_of is fixed before an answer is read, never after
        self._topics.update(topics)
        return question(*given, **named)

    def _seen(self, category: str) -> Iterator[str]:
        """The entities whose streams were looked at; of work items also those beside them."""
        yield from (id_of(stream) for stream in self._pasts if category_of(stream) == category)
        if category == "work_item":
            beside = chain.from_iterable(answered.values() for answered in self._related.values())
            yield from (node.id for nodes in beside for node in nodes if node.depth <= 1)

    def _ask_of(
        self,
        related: Related,
        topics: tuple[str, ...],
        question: Callable[[Iterable[str]], Neighbours],
        work_item: str,
    ) -> list[Neighbour]:
        """What is asked of one item, and then once for all that are expected."""
        answered = self._related.setdefault(related, {})
        if work_item not in answered:
            wanted = {work_item, *self._expected.get(related, ())} - answered.keys()
            found = self._ask(topics, question, wanted)
            answered |= {each: found.get(each, []) for each in wanted}
        return answered[work_item]

    def _take(self, missing: list[str]) -> None:
        past = self._read(missing)
        if self.as_of < 0:
            self.as_of, self._now = past.head, past.now
        for stream in missing:
            self._pasts[stream] = past.events.get(stream, [])
