"""What a rule may look at: the histories of streams, and a few questions about neighbouring things.

Whatever a decision looked at must still be so when it is recorded. So the world remembers what it was asked:
streams by their version, questions by the topics of the events that could change their answer. The append then
refuses if one of them moved on, and the handler decides again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from ledger.envelope import Past, RecordedEvent, configuration_id, stream_id

Moment = tuple[Literal["start", "finish"], str]  # of the work item with this id


class Neighbour(Struct, frozen=True, kw_only=True):
    """A work item as others see it. `depth` is 0 for a root."""

    id: str
    title: str
    status: str
    parent_id: str | None = None
    deleted: bool = False
    archived: bool = False
    depth: int = 0


class Holder(Struct, frozen=True, kw_only=True):
    """Who has something that must be unique, in the spelling that is stored."""

    id: str
    label: str


class Neighbourhood(Protocol):
    """The questions, answered by the read models; each sees at least the log up to the world's `as_of`."""

    def lineage(self, work_item: str) -> list[Neighbour]:
        """The item first, then its ancestors up to the root. Empty if there is no such item."""

    def subtree(self, work_item: str) -> list[Neighbour]:
        """The item first, then all its descendants, parents before children; depth counted from the item."""

    def blockers(self, work_item: str) -> list[Neighbour]:
        """The unfinished, living items that block this one itself."""

    def precedes(self, first: Moment, then: Moment, without: str | None = None) -> bool:
        """Whether `first` must come before `then`, by hierarchy and links, over any distance.

        `without` is an item whose present parent does not count, because it is about to leave it.
        """

    def known(self, category: str, things: Iterable[str]) -> set[str]:
        """Which of the ids exist and are not withdrawn."""

    def holder(self, relation: str, target: str) -> Holder | None:
        """Who has this unique value (a vendor's name, an external id, a deployment's key)."""


class World:
    """One decision's view of everything, as of one position."""

    def __init__(
        self,
        ledger: UUID,
        read: Callable[[Iterable[str]], Past],
        fold: Callable[[str, Iterable[RecordedEvent]], Any],
        neighbours: Neighbourhood,
    ) -> None:
        self._ledger = ledger
        self._read = read
        self._fold = fold
        self._neighbours = neighbours
        self._pasts: dict[str, list[RecordedEvent]] = {}
        self._states: dict[str, Any] = {}
        self._topics: set[str] = set()
        self.as_of = -1
        self.now: datetime | None = None
        self.not_before: datetime | None = None
        self.not_after: datetime | None = None

    def look(self, streams: Iterable[str]) -> None:
        """Reads streams that were not read yet, all in one question."""
        missing = [stream for stream in streams if stream not in self._pasts]
        if missing:
            self._take(missing)

    def creates(self, stream: str) -> None:
        """This stream is new: its id was minted for it, so nothing is read. The append refuses it if it is not."""
        self._pasts.setdefault(stream, [])

    def state(self, category: str, thing: str) -> Any:
        """The state that the stream's events add up to; its category's initial state if there are none."""
        stream = stream_id(category, thing)
        if stream not in self._states:
            self._states[stream] = self._fold(stream, self.past(stream))
        return self._states[stream]

    def partly(self, stream: str, events: Iterable[RecordedEvent]) -> Any:
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
        answer: list[Neighbour] = self._ask(("existence", "hierarchy"), self._neighbours.lineage, work_item)
        return answer

    def subtree(self, work_item: str) -> list[Neighbour]:
        topics = ("creation", "existence", "hierarchy", "reopening")
        answer: list[Neighbour] = self._ask(topics, self._neighbours.subtree, work_item)
        return answer

    def blockers(self, work_item: str) -> list[Neighbour]:
        answer: list[Neighbour] = self._ask(("existence", "links", "reopening"), self._neighbours.blockers, work_item)
        return answer

    def precedes(self, first: Moment, then: Moment, without: str | None = None) -> bool:
        topics = ("creation", "existence", "hierarchy", "links")
        answer: bool = self._ask(topics, self._neighbours.precedes, first, then, without)
        return answer

    def settings(self) -> Any:
        """The ledger's configuration."""
        return self.state("configuration", configuration_id(self._ledger))

    def known(self, category: str, things: Iterable[str]) -> set[str]:
        wanted = list(things)
        answer: set[str] = self._ask(("existence",), self._neighbours.known, category, wanted) if wanted else set()
        return answer

    def holder(self, relation: str, target: str) -> Holder | None:
        """Needs no topic: uniqueness is a constraint of the read model, this question only names the holder."""
        return self._neighbours.holder(relation, target)

    def versions(self) -> dict[str, int]:
        """The version of every stream that was looked at: none of them may have moved on."""
        return {stream: past[-1].version if past else 0 for stream, past in self._pasts.items()}

    @property
    def topics(self) -> tuple[str, ...]:
        """What must not have changed after `as_of`."""
        return tuple(sorted(self._topics))

    def _ask(self, topics: tuple[str, ...], question: Callable[..., Any], *arguments: Any) -> Any:
        if self.as_of < 0:
            self._take([])  # as_of is fixed before an answer is read, never after
        self._topics.update(topics)
        return question(*arguments)

    def _take(self, missing: list[str]) -> None:
        past = self._read(missing)
        if self.as_of < 0:
            self.as_of, self.now = past.head, past.now
        for stream in missing:
            self._pasts[stream] = past.events.get(stream, [])
