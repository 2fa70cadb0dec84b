"""A command that is about one entity, and the receipt of where that entity stands after it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from ledger.envelope import Command, Recorded, category_of, id_of
from ledger.errors import AlreadyRecorded
from ledger.pending import Version, newest, shown_position
from ledger.store import EventStore
from projections.application.view import LedgerView

BECAME = {
    "recorded": "committed",
    "rebased": "committed",
    "fulfilled": "committed",
    "conflict": "conflict",
    "withdrawn": "withdrawn",
}  # the outcome of a command that waited


class Done(Struct, frozen=True, kw_only=True):
    """The receipt of a write: the entity it was about, where it stands now, and the ids adjacent to it if known.

    `place` is the number in the outbox of a write that is queued.
    """

    outcome: str
    category: str
    id: str
    version: Version
    position: int | None
    place: int | None = None
    repeated: bool = False
    unchanged: bool = False
    adjacent_ids: tuple[str, ...] | None = None
    command_id: UUID | None = None  # of the command that recorded it, where that was another one


def submit(
    view: LedgerView,
    command: Command,
    *,
    category: str,
    by: str | None = None,
    command_id: UUID | None = None,
    occurred_at: datetime | None = None,
    token: str | None = None,
) -> Done:
    """Records a command about one entity. A repetition with the same command id answers as the first time."""
    try:
        recorded = view.record(command, by=by, command_id=command_id, occurred_at=occurred_at, token=token)
    except AlreadyRecorded as known:
        return _first(view.store, category, known.details["id"])
    entity_id: str = command.id  # type: ignore[attr-defined]  # a command about none or many is recorded by the view
    version = recorded.streams.get(f"{category}-{entity_id}")
    if version is None:
        if not recorded.streams:
            return _unchanged(view.store, category, entity_id)
        stream, version = next(iter(recorded.streams.items()))  # another entity, as when the mirror of a link is stored
        category, entity_id = category_of(stream), id_of(stream)
    return Done(
        outcome=outcome(view.store, recorded),
        category=category,
        id=entity_id,
        version=version,
        position=recorded.positions[-1] if recorded.positions else None,
        place=recorded.place,
        repeated=recorded.repeated,
        adjacent_ids=recorded.adjacent_ids if next(iter(recorded.streams)) == f"{category}-{entity_id}" else None,
    )


def outcome(store: EventStore, recorded: Recorded) -> str:
    """What became of a write; one that waited and met another change says so when it is repeated."""
    if recorded.place is not None:
        return "queued"
    if not recorded.positions:
        return "unchanged"
    if recorded.became is not None:
        return BECAME[recorded.became]
    conflicts = [stream for stream in recorded.streams if category_of(stream) == "conflict"]
    if not recorded.repeated or len(conflicts) != len(recorded.streams) or not conflicts:
        return "committed"
    past = store.read_streams(conflicts).events.get(conflicts[0])
    return {"CommandFulfilled": "committed", "CommandWithdrawn": "withdrawn"}.get(
        past[0].type if past else "", "conflict"
    )


def _unchanged(store: EventStore, category: str, entity_id: str) -> Done:
    """Nothing had to change, so nothing was recorded or queued: which version the entity is at."""
    stream = f"{category}-{entity_id}"
    return Done(
        outcome="unchanged",
        category=category,
        id=entity_id,
        version=newest(store.read_streams([stream]).events.get(stream, [])),
        position=None,
        unchanged=True,
    )


def _first(store: EventStore, category: str, entity_id: str) -> Done:
    """The entity was recorded by another command: where that one stands."""
    past = store.read_streams([f"{category}-{entity_id}"]).events[f"{category}-{entity_id}"]
    found = store.find_command(past[0].command_id)
    place = found[0].place if found else None
    return Done(
        outcome="committed" if place is None else "queued",
        category=category,
        id=entity_id,
        version=newest(past),
        position=shown_position(past[0]),
        place=place,
        repeated=True,
        command_id=past[0].command_id,
    )
