"""Rules by example: given a past and a neighbourhood, when something is asked for, then these facts, or a refusal.

    given(vendor).past(VendorCreated(name="Acme")).when(UpdateVendor(...)).then(VendorStatusChanged(...))

The world is the real one. Its events are written to bytes and read back, and so are the facts that are decided, because
that is what the next reader will see. What the neighbours answer is stated by the test.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from ledger.aggregates.decider import Decided, Decider
from ledger.catalog import FACTS, fold_stream, topics_of
from ledger.codec import encode, schema_of
from ledger.envelope import Command, Fact, Past, RecordedEvent, Scope, configuration_id, stream_id
from ledger.errors import Invalid, LedgerError, LostRace
from ledger.values.reference import shorten
from ledger.world import Asker, Endpoint, Holder, Neighbour, Obstacle, ReadyFilter, World

LEDGER = UUID("5f0c9b1e-3d1c-4a52-9f58-0c6d2f1f8a10")
CONFIGURATION = configuration_id(LEDGER)
FIRST_DAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = FIRST_DAY + timedelta(days=1)


def numbered(number: int) -> str:
    """The id of the entity with this number: always the same one."""
    return str(uuid5(NAMESPACE_OID, f"thing {number}"))


ENTITY = numbered(0)  # whose past is given, unless the test names another


class Neighbours:
    """A neighbourhood that only knows what it was given. What is not mentioned stands alone, at the root."""

    def __init__(
        self,
        *,
        lineage: dict[str, list[Neighbour]] | None = None,
        subtree: dict[str, list[Neighbour]] | None = None,
        blockers: dict[str, list[Neighbour]] | None = None,
        precedes: Iterable[tuple[Endpoint, Endpoint]] = (),
        known: dict[str, set[str]] | None = None,
        holder: dict[tuple[str, str], Holder] | None = None,
        obstacles: Iterable[Obstacle] = (),
        next_ready: str | None = None,
        finished: Iterable[str] = (),
        edges: tuple[dict[str, str], list[tuple[str, str]]] = ({}, []),
    ) -> None:
        self._lineage = lineage or {}
        self._subtree = subtree or {}
        self._blockers = blockers or {}
        self._precedes = set(precedes)
        self._known = known or {}
        self._holder = holder or {}
        self._obstacles = list(obstacles)
        self._next_ready = next_ready
        self._finished = list(finished)
        self._edges = edges

    def lineages(self, work_items: Iterable[str]) -> dict[str, list[Neighbour]]:
        return {one: self._lineage.get(one, []) for one in work_items}

    def subtrees(self, work_items: Iterable[str]) -> dict[str, list[Neighbour]]:
        alone = {one: [Neighbour(id=one, title="alone", status="active")] for one in work_items}
        return {one: self._subtree.get(one, alone[one]) for one in alone}

    def blockers(self, work_items: Iterable[str]) -> dict[str, list[Neighbour]]:
        return {one: self._blockers.get(one, []) for one in work_items}

    def obstacles(self, work_item: str, moment: datetime, asker: Asker) -> list[Obstacle]:
        return self._obstacles

    def next_ready(self, wanted: ReadyFilter, moment: datetime, asker: Asker) -> str | None:
        return self._next_ready

    def finished(self, before: datetime) -> list[str]:
        return self._finished

    def precedes(self, first: Endpoint, then: Endpoint, without: str | None = None) -> bool:
        return (first, then) in self._precedes

    def edges(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        return self._edges

    def known(self, category: str, entity_ids: Iterable[str]) -> set[str]:
        return set(entity_ids) & self._known.get(category, set())

    def references(self, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
        return {one: shorten(category, one, ()) for one in entity_ids}

    def holder(self, relation: str, target: str) -> Holder | None:
        return self._holder.get((relation, target))

    def holders(self, relation: str) -> dict[str, str]:
        return {target: holder.id for (of, target), holder in self._holder.items() if of == relation}


class Outcome:
    """What was decided, and everything it looked at."""

    def __init__(self, decider: Decider[Any], entity_id: str, world: World, command: Command) -> None:
        self._decider = decider
        self._thing = entity_id
        self._world = world
        self._decided: Decided = []
        self._refused: LedgerError | None = None
        try:
            self._decided = decider.decide(command, world)
        except LedgerError as error:
            self._refused = error

    def then(self, *expected: Fact | tuple[str, Fact]) -> "Outcome":
        """Exactly these facts, in this order; a fact of another entity comes with its id."""
        assert self._refused is None, f"refused: {self._refused}"
        pairs = [fact if isinstance(fact, tuple) else (self._thing, fact) for fact in expected]
        wanted = [(stream_id(self._decider.category, entity_id), fact) for entity_id, fact in pairs]
        assert [(entry[0], _as_read(entry[1])) for entry in self._decided] == wanted
        return self

    @property
    def facts(self) -> list[Fact]:
        """What was decided, whatever it is about."""
        assert self._refused is None, f"refused: {self._refused}"
        return [_as_read(entry[1]) for entry in self._decided]

    def then_nothing(self) -> "Outcome":
        """Accepted, and there is nothing to record."""
        return self.then()

    def then_it_has(self, **fields: Any) -> "Outcome":
        """The fields of the entity after what was decided."""
        assert self._refused is None, f"refused: {self._refused}"
        stream = stream_id(self._decider.category, self._thing)
        state = self._world.state(self._decider.category, self._thing)
        for fact in (_as_read(entry[1]) for entry in self._decided if entry[0] == stream):
            state = self._decider.after(state, fact)
        assert {field: getattr(state, field) for field in fields} == fields
        return self

    def then_refused(self, error: type[LedgerError], **details: Any) -> LedgerError:
        """Refused with this error, whose details include these; it says how to go on, as every refusal must."""
        assert self._refused is not None, f"decided {self._decided}"
        assert type(self._refused) is error, repr(self._refused)
        assert {name: self._refused.details.get(name) for name in details} == details
        assert self._refused.next_step
        assert not self._refused.message.endswith(".")
        return self._refused

    def then_invalid(self, *fields: str) -> LedgerError:
        """Refused for the form of exactly these fields, all at once."""
        refusal = self.then_refused(Invalid)
        assert [fault["field"] for fault in refusal.details["fields"]] == list(fields)
        return refusal

    def then_again(self) -> "Outcome":
        """Something changed while it was decided: nothing is recorded, and it is decided again."""
        assert isinstance(self._refused, LostRace), f"decided {self._decided}, refused {self._refused}"
        return self

    def within(self, *, not_before: datetime | None = None, not_after: datetime | None = None) -> "Outcome":
        """The ledger time between which it may be recorded."""
        assert (self._world.not_before, self._world.not_after) == (not_before, not_after)
        return self

    def looking_at(self, *topics: str) -> "Outcome":
        """The decision is void if another event touches one of these in the meantime."""
        assert set(topics) <= set(self._world.topics)
        return self


class Given:
    def __init__(self, decider: Decider[Any], entity_id: str) -> None:
        self._decider = decider
        self._thing = entity_id
        self._streams: dict[str, list[RecordedEvent]] = {}
        self._neighbours = Neighbours()

    def past(self, *facts: Fact, of: str | None = None) -> "Given":
        """What happened to the entity before, or to another one of its kind."""
        return self.elsewhere(self._decider.category, of or self._thing, *facts)

    def elsewhere(self, category: str, entity_id: str, *facts: Fact) -> "Given":
        """What happened to an entity of another kind."""
        for fact in facts:
            self._record(stream_id(category, entity_id), fact)
        return self

    def command_of(self, version: int) -> str:
        """The command that brought the entity to a version."""
        return str(self._streams[stream_id(self._decider.category, self._thing)][version - 1].command_id)

    def around(self, **answers: Any) -> "Given":
        """The answers of the neighbourhood, see Neighbours."""
        self._neighbours = Neighbours(**answers)
        return self

    def when(
        self,
        command: Command,
        *,
        by: str = "somebody",
        token: str | None = None,
        at: datetime | None = None,
        scope: Scope = "admin",
    ) -> Outcome:
        """It is asked for at NOW of ledger time, `at` by the caller's own clock."""
        world = World(
            LEDGER, self._read, fold_stream, self._neighbours, by=by, token=token, occurred_at=at, scope=scope
        )
        return Outcome(self._decider, self._thing, world, command)

    def _read(self, streams: Iterable[str]) -> Past:
        events = {stream: self._streams[stream] for stream in streams if stream in self._streams}
        return Past(head=self._head, now=NOW, events=events)

    def _record(self, stream: str, fact: Fact) -> None:
        past = self._streams.setdefault(stream, [])
        position = self._head + 1
        at = FIRST_DAY + timedelta(minutes=position)
        past.append(
            RecordedEvent(
                position=position,
                stream_id=stream,
                version=len(past) + 1,
                command_id=uuid5(LEDGER, str(position)),
                n=0,
                command="Given",
                command_digest=b"",
                type=type(fact).__name__,
                schema=schema_of(type(fact).__name__),
                topics=topics_of(fact),
                data=encode(fact),
                by="somebody",
                occurred_at=at,
                recorded_at=at,
                digest=b"",
            )
        )

    @property
    def _head(self) -> int:
        return sum(len(past) for past in self._streams.values())


def given(decider: Decider[Any], entity_id: str = ENTITY) -> Given:
    return Given(decider, entity_id)


def _as_read(fact: Fact) -> Fact:
    return msgspec.json.decode(encode(fact), type=FACTS[type(fact).__name__])
