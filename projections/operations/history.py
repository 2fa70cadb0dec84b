"""Operations on the past: what happened to an entity, what happened since, and taking it back."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from ledger.aggregates.decider import Undo
from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.aggregates.guards import version_conflict
from ledger.aggregates.work_item.item_summaries import CATEGORY as WORK_ITEM
from ledger.catalog import DECIDERS, FACTS, fold_stream
from ledger.envelope import Recorded, category_of, configuration_id, id_of, stream_id
from ledger.errors import NotFound, Refused
from ledger.pending import PENDING, Version, parse, place_of
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, command_id, where
from projections.operations.inputs.fields import LARGEST_NUMBER, AnyText, AsArray, Cursor, Limit, Point, Texts
from projections.operations.work.consequences import with_freed
from projections.questions.answers import Answered
from projections.questions.entities import complete
from projections.questions.log import changes as changes_questions
from projections.questions.log import history as questions
from projections.questions.log.as_of import is_position, past, position_of, row_at
from projections.questions.log.event_filter import EventFilter
from projections.questions.lookup import find
from projections.questions.references import reference, references, references_of
from projections.tables.contract import Snapshot

SHOWN = 50  # entities that a receipt of an undo names; it counts all

Category = Literal["work_item", "vendor", "deployment", "enhancement", "configuration"]


class QueryHistoryInput(Input):
    id: Annotated[str, Field(description="Id or reference of anything (w-7k3qd, d-7k3qd), or a vendor's name")]
    since: Annotated[Point | None, Field(description="Only after v3, position 120 or an RFC 3339 time")] = None
    as_of: Annotated[
        Point | None, Field(description="Only up to this point, whose state `then` answers: v3, 120 or a time")
    ] = None
    diff_from: Annotated[Point | None, Field(description="Answer what differs between this point and as_of or now")] = (
        None
    )
    limit: Limit = 20
    cursor: Cursor = None
    detail: Annotated[bool, Field(description="true answers long texts in full")] = False


class UndoInput(Writes):
    command: Annotated[str | None, Field(description="command_id of the receipt: all that this call did")] = None
    id: Annotated[str | None, Field(description="Or: the newest change of this, like w-7k3qd")] = None
    version: Annotated[Point | None, Field(description="With id: that version of it, like 3")] = None
    position: Annotated[int | None, Field(ge=1, description="Or: the change at this position of the log")] = None
    only_untouched: Annotated[bool, Field(description="true leaves what was changed since, instead of refusing")] = (
        False
    )


class ChangesSinceInput(Input):
    since: Annotated[Point, Field(description="Position (120; 0 for everything) or RFC 3339 time")]
    categories: Annotated[
        tuple[Annotated[Category, AnyText], ...],
        AsArray,
        Field(description="Only of work_item, vendor, deployment, enhancement, configuration"),
    ] = ()
    types: Annotated[Texts, Field(description="Only these events, like WorkItemCompleted")] = ()
    by: Annotated[str | None, Field(description="Only events by this person")] = None
    limit: Limit = 50


def query_history(view: LedgerView, request: QueryHistoryInput) -> Answered:
    check(_history_problems(request))
    category, entity_id = _entity(view, request.id)
    with view.tables.snapshot() as snapshot:
        named: Answered = {
            "id": entity_id,
            "ref": references(snapshot, category, [entity_id])[entity_id],
            "category": category,
        }
        if request.diff_from is not None:
            return named | questions.differing(
                view.store, category, entity_id, earlier=request.diff_from, later=request.as_of, whole=request.detail
            )
        answer = named | questions.history(
            view.store,
            category,
            entity_id,
            since=request.since,
            as_of=request.as_of,
            limit=request.limit,
            cursor=request.cursor,
            whole=request.detail,
        )
    if request.as_of is not None:
        answer["then"] = questions.state_at(view.store, category, entity_id, request.as_of, named["ref"])
    return answer


def undo(view: LedgerView, request: UndoInput) -> Answered:
    check(_undo_problems(request))
    undone, streams = _to_take_back(view, request)

    def carried_out() -> Answered:
        recorded = view.record(
            Undo(undone=undone, streams=streams, only_untouched=request.only_untouched),
            by=request.by,
            command_id=command_id(request.command_id),
        )
        with view.tables.snapshot() as snapshot:
            return _receipt(view, snapshot, request, undone, recorded)

    return with_freed(view, [id_of(one) for one in streams if category_of(one) == WORK_ITEM], carried_out)


def changes_since(view: LedgerView, request: ChangesSinceInput) -> Answered:
    check(
        problem("types", "is not an event", name, allowed=sorted(FACTS)) for name in request.types if name not in FACTS
    )
    filters = EventFilter(
        types=request.types, categories=request.categories, people=(request.by,) if request.by is not None else ()
    )
    since = position_of(view.store, request.since, "since")
    with view.tables.snapshot() as snapshot:
        return changes_questions.changes_since(view.store, snapshot, since, filters, request.limit)


def _entity(view: LedgerView, given: str) -> tuple[str, str]:
    own = configuration_id(view.identity.ledger)
    if given.strip().lower() in ("configuration", own):  # there from the start, before anything is recorded of it
        return "configuration", own
    return find(view.tables, given)


def _refuse_erasure(streams: Iterable[str]) -> None:
    if any(category_of(stream) == ERASURE for stream in streams):
        raise Refused(
            "it erased texts, and they are gone for good",
            rule="not_undoable",
            items=[],
            next_step="write the texts again where they are needed",
        )


def _to_take_back(view: LedgerView, request: UndoInput) -> tuple[str, tuple[str, ...]]:
    """The command to take back, and the streams in which to do so."""
    if request.command is not None:
        recorded = view.store.find_command(_uuid(request.command))
        if recorded is None:
            raise _unknown(f"no command {request.command} is recorded in this ledger", request.command)
        _refuse_erasure(recorded[0].streams)
        streams = [stream for stream in sorted(recorded[0].streams) if DECIDERS[category_of(stream)].undoable]
        if not streams:
            raise _unknown(f"command {request.command} became a conflict: resolve_conflict ends it", request.command)
        return str(_uuid(request.command)), tuple(streams)
    if request.position is not None:
        is_possible = request.position <= LARGEST_NUMBER  # of more no database can be asked
        event = next(view.store.read_all(request.position - 1, request.position), None) if is_possible else None
        if event is None:
            raise _unknown(f"there is no position {request.position} in this ledger", str(request.position))
        _refuse_erasure([event.stream_id])
        return str(event.command_id), (event.stream_id,)
    category, entity_id = _entity(view, request.id or "")
    events = past(view.store, category, entity_id)
    version = len(events) if request.version is None else place_of(events, _version(request.version))
    if version is None:
        ref = reference(view.tables, category, entity_id)
        raise version_conflict(ref, entity_id, _version(str(request.version)), events, fold_stream)
    if version == 0:
        raise _unknown("the configuration never changed", entity_id)
    return str(events[version - 1].command_id), (stream_id(category, entity_id),)


def _receipt(view: LedgerView, snapshot: Snapshot, request: UndoInput, undone: str, recorded: Recorded) -> Answered:
    """`changed` is what was restored, `command_id` what takes the undo itself back."""
    streams = sorted(recorded.streams)
    refs = references_of(snapshot, streams[:SHOWN])
    changes = questions.short_changes_of(view.store, snapshot, streams[:SHOWN], str(request.command_id))
    items: list[Answered] = [
        {"id": id_of(one), "ref": refs[id_of(one)], "version": recorded.streams[one], **changes[one]}
        for one in streams[:SHOWN]
    ]
    answer: Answered = {
        **(items[0] if len(streams) == 1 else {}),
        **where(view, recorded),
        "undone": undone,
        "command_id": request.command_id,
        **({"repeated": True} if recorded.repeated else {}),
    }
    if len(streams) > 1:
        answer |= {"items": items, "total_count": len(streams), "returned": len(items)}
    if request.detail and len(streams) == 1:
        row = row_at(view.store, category_of(streams[0]), id_of(streams[0]), (recorded.positions or (PENDING,))[-1])
        answer = complete(row, items[0]["ref"]) | answer
    return answer


def _history_problems(request: QueryHistoryInput) -> Iterator[Problem]:
    for name in ("since", "cursor"):
        if request.diff_from is not None and getattr(request, name) is not None:
            yield problem(name, "is for the list: send it without diff_from", getattr(request, name))


def _undo_problems(request: UndoInput) -> Iterator[Problem]:
    named = [name for name in ("command", "id", "position") if getattr(request, name) is not None]
    if not named:
        yield problem("command", "say what to undo by command (the command_id of that call), id or position")
    elif len(named) > 1:
        yield problem("command", f"say what to undo by one of command, id and position, not by {' and '.join(named)}")
    if request.id is None and request.version is not None:
        yield problem("version", "goes with id", request.version)
    if (
        request.version is not None
        and parse(request.version) is None
        and not is_position(_plain(request.version).lstrip("0"))
    ):
        yield problem("version", "must be a version from 1", request.version)


def _version(given: Point) -> Version:
    return int(_plain(given)) if is_position(_plain(given)) else given


def _plain(given: Point) -> str:
    """The version without the `v` that a history shows it with."""
    return str(given).removeprefix("v")


def _uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        check([problem("command", "must be a UUID", given)])
        raise


def _unknown(message: str, given: str) -> NotFound:
    return NotFound(message, next_step="query_history and changes_since show what there is to undo", id=given)


OPERATIONS = (
    Operation(
        name="query_history",
        title="Read a history",
        summary="Read what happened to one entity: who changed what, how it was at a point, what differs between two.",
        toolset="history",
        input=QueryHistoryInput,
        run=query_history,
    ),
    Operation(
        name="undo",
        title="Undo",
        summary="Take back a whole call by its command_id, or one change of anything.",
        toolset="history",
        input=UndoInput,
        run=undo,
        scope="write",
        destructive=True,
    ),
    Operation(
        name="changes_since",
        title="What changed since",
        summary="Read what happened in the whole ledger after a point, the oldest first: after a pause, to report.",
        toolset="history",
        input=ChangesSinceInput,
        run=changes_since,
    ),
)
