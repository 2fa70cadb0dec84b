"""What the functions that append take beside the ledger: all of it as text, in the order of their parameters."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.catalog import UNIQUE, topics_of
from ledger.codec import encode, schema_of
from ledger.envelope import Entry, Proposal, ProposedEvent, RowChange, category_of, id_of
from ledger.postgres.literals import are_new, array, composite, documents, entries_json, numbers
from ledger.values.moment import text

GROUP_WIDTH = 33  # of what is given for each command

_encode = msgspec.json.Encoder().encode


class KnownHistory(NamedTuple):
    """What the log must still have: it reaches `newest`, and has this command at this position, where one is known."""

    newest: int
    position: int | None
    command_id: UUID | None


class AppendArguments:
    """`keys` are the read models that this program writes, by name, as `ledgers.serving` has them."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._read_models = array(list(keys.values()))

    def of_many(self, proposal: Proposal, seen: KnownHistory) -> list[str | None]:
        """What `append_events` takes."""
        return [
            *self._conditions(proposal, seen),
            *self._events(proposal.events),
            *self._rows(proposal.rows),
            *self._about(proposal.events[0].stream_id),
        ]

    def at_once(self, proposals: Sequence[Proposal], seen: KnownHistory) -> list[str | None]:
        """What `append_group_at_once` takes of proposals that `are_independent`."""
        events = [proposal.events[0] for proposal in proposals]
        expected = {looked for proposal in proposals for looked in _looked_for(proposal).items()}
        conditional = [one for one in proposals if one.conditions or one.not_before or one.not_after]
        as_of = [proposal.as_of for proposal in proposals if proposal.as_of >= 0]
        rows = [replace(row, n=n) for n, proposal in enumerate(proposals) for row in proposal.rows]
        submissions = [proposal.submission for proposal in proposals]
        return [
            *_known(seen),
            array([stream for stream, _ in expected]) if expected else None,
            numbers([version for _, version in expected]) if expected else None,
            *_all_conditions(conditional),
            _given_or_null(min(as_of, default=None)),
            self._read_models,
            numbers([submission.command_id.hex for submission in submissions]),
            array([submission.command.recorded_as for submission in submissions]),
            array([f"\\x{proposal.command_digest.hex()}" for proposal in proposals]),
            *self._events(events),
            *self._rows(rows),
        ]

    def of_one(self, proposal: Proposal, seen: KnownHistory) -> list[str | None]:
        """What `append_event` takes of a proposal that `is_one`."""
        [event] = proposal.events
        kind = type(event.fact).__name__
        return [
            *self._conditions(proposal, seen),
            event.stream_id,
            str(event.version),
            kind,
            str(schema_of(kind)),
            ",".join(topics_of(event.fact)),
            event.by,
            text(event.occurred_at),
            encode(event.fact).decode(),
            *self._row(proposal.rows),
        ]

    def in_group(self, proposal: Proposal, seen: KnownHistory) -> list[str | None]:
        """What `append_group` takes for one of its commands."""
        if not is_one(proposal):
            return [*self.of_many(proposal, seen), None]
        given = self.of_one(proposal, seen)
        return [*given, *[None] * (GROUP_WIDTH - 1 - len(given)), "one"]

    def _conditions(self, proposal: Proposal, seen: KnownHistory) -> list[str | None]:
        """The command, and what must hold."""
        submission = proposal.submission
        expected = _looked_for(proposal)
        return [
            submission.command_id.hex,
            submission.command.recorded_as,
            f"\\x{proposal.command_digest.hex()}",
            array(expected) if expected else None,
            numbers(expected.values()) if expected else None,
            *_known(seen),
            ",".join(proposal.conditions) or None,
            str(proposal.as_of),
            _given_or_null(proposal.not_before),
            _given_or_null(proposal.not_after),
            self._read_models,
        ]

    def _events(self, events: Sequence[ProposedEvent]) -> list[str]:
        types = [type(event.fact).__name__ for event in events]
        return [
            array([event.stream_id for event in events]),
            numbers([event.version for event in events]),
            array(types),
            numbers(map(schema_of, types)),
            array([",".join(topics_of(event.fact)) for event in events]),
            array([event.by for event in events]),
            array([text(event.occurred_at) for event in events]),
            b"\n".join([encode(event.fact) for event in events]).decode(),
        ]

    def _row(self, rows: Sequence[RowChange]) -> list[str | None]:
        if not rows:
            return [None] * 6
        [row] = rows
        entries = entries_json(rows) if row.added or row.dropped else None
        return [
            self._keys[row.projection],
            str(row.is_new),
            row.doc.decode(),
            composite(row.columns or ()),
            row.terms,
            _encode(entries).decode() if entries else None,
        ]

    def _rows(self, rows: Iterable[RowChange]) -> list[str | None]:
        grouped = self._by_read_model(rows)
        in_order = [row for changed in grouped.values() for row in changed]
        entries = {key: entries for key, changed in grouped.items() if (entries := entries_json(changed))}
        return [
            array(grouped),
            numbers(map(len, grouped.values())),
            numbers(map(are_new, grouped.values())),
            array([row.id for row in in_order]),
            numbers([row.version for row in in_order]),
            numbers([row.n for row in in_order]),
            array([row.terms for row in in_order]),
            documents(in_order),
            _encode(entries).decode() if entries else None,
        ]

    def _about(self, stream_id: str) -> tuple[str | None, str]:
        """The read model and the entity whose neighbours' ids are asked for."""
        return self._keys.get(f"{category_of(stream_id)}s"), id_of(stream_id)

    def _by_read_model(self, rows: Iterable[RowChange]) -> dict[str, list[RowChange]]:
        grouped: dict[str, list[RowChange]] = {}
        for row in rows:
            grouped.setdefault(self._keys[row.projection], []).append(row)
        return grouped


def is_one(proposal: Proposal) -> bool:
    """Whether `append_event` may take it: one event, and the row of its entity with columns that are ready."""
    if len(proposal.events) != 1 or len(proposal.rows) > 1:
        return False
    [event] = proposal.events
    return all(row.columns is not None and row.version == event.version for row in proposal.rows)


def are_independent(proposals: Sequence[Proposal]) -> bool:
    """Whether `append_group_at_once` may take them: each `is_one`, and none looks at what another one writes."""
    if len(proposals) < 2 or not all(map(is_one, proposals)):
        return False
    events = [proposal.events[0] for proposal in proposals]
    written = {event.stream_id for event in events}
    touched = Counter(topic for event in events for topic in topics_of(event.fact))
    rows = [row for proposal in proposals for row in proposal.rows]
    return (
        len(written) == len(proposals)
        and _unique(row.dropped for row in rows).isdisjoint(_unique(row.added for row in rows))
        and not any(_looks_at_another(one, written, touched) for one in proposals)
    )


def _unique(changes: Iterable[Iterable[Entry]]) -> set[Entry]:
    """The entries that one row alone has. Where one row loses it and another gains it, their order counts."""
    return {entry for changed in changes for entry in changed if entry[0] in UNIQUE}


def _looks_at_another(proposal: Proposal, written: set[str], touched: Counter[str]) -> bool:
    """Whether others of its group write a stream that it looks at, or touch a topic that it looks at."""
    [event] = proposal.events
    own = topics_of(event.fact)
    return not written.isdisjoint(proposal.expected.keys() - {event.stream_id}) or any(
        touched[topic] > (topic in own) for topic in proposal.conditions
    )


def _all_conditions(proposals: Sequence[Proposal]) -> list[str | None]:
    if not proposals:
        return [None] * 4
    return [
        array([",".join(proposal.conditions) for proposal in proposals]),
        numbers([proposal.as_of for proposal in proposals]),
        array([_given_or_null(proposal.not_before) for proposal in proposals]),
        array([_given_or_null(proposal.not_after) for proposal in proposals]),
    ]


def _known(seen: KnownHistory) -> list[str | None]:
    command_id = None if seen.command_id is None else seen.command_id.hex
    return [str(seen.newest), _given_or_null(seen.position), command_id]


def _looked_for(proposal: Proposal) -> dict[str, int]:
    """The versions that the log is asked for: what a key refuses by itself, a first event beside another, is not."""
    begun = {event.stream_id for event in proposal.events if event.version == 1}
    return {stream: version for stream, version in proposal.expected.items() if version or stream not in begun}


def _given_or_null(value: object) -> str | None:
    return None if value is None else str(value)
