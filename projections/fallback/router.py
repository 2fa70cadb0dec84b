"""Which layer answers: the first one that can. Every answer that is not live from the database says so.

Live is tried first, and once more on fresh connections when they broke. Then the same work, with the same command id,
is done on this machine's own copy, and what only reads goes on down.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from ledger.errors import (
    Diverged,
    LedgerClosed,
    LedgerError,
    NotFound,
    NotUnique,
    OutcomeUnknown,
    Refused,
    Unavailable,
    VersionConflict,
)
from ledger.postgres.connection import deadline
from ledger.postgres.ledgers import MOVED, MOVING
from ledger.values.moment import text
from projections.application.app import App
from projections.application.layers import Layer, PositionRecorder, seconds
from projections.application.sync import DIVERGED
from projections.application.view import LedgerView
from projections.fallback import replica
from projections.fallback.known_writes import Write, answer_of_known_write, not_sent
from projections.questions.answers import Answered
from projections.tables.contract import AsOf

DRAIN_SECONDS = 2.0  # that a caller waits for this machine's own commands to reach the database
NEWS_SECONDS = 0.5  # and then for what others have recorded meanwhile, before it is answered without the rest

QUEUED = "do not repeat it; its id and p- version can be used at once; sync_state shows what waits"
JUDGED = (NotFound, VersionConflict, NotUnique, Refused)  # refusals that a newer state might not make

Result = TypeVar("Result")
Run = Callable[[LedgerView], Result]


def answer(app: App | LedgerView, run: Callable[[LedgerView], Answered], *, write: Write | None = None) -> Answered:
    """What `run` answers on the first layer that can, with where it comes from; of a `write` what is known of it."""
    if isinstance(app, LedgerView):
        return run(app)
    if write is None:
        return _answer(app, run, writes=False)
    with app.local.sent.asking(write.command_id, write.digest):
        try:
            return _answered_or_known(app, run, write)
        except OutcomeUnknown as error:
            if not isinstance(error.__cause__, JUDGED) or not app.runtime.contact.ready:
                raise
            return _answered_or_known(app, run, write)  # the database is there and says what became of it


def _answered_or_known(app: App, run: Run[Answered], write: Write) -> Answered:
    try:
        return _answer(app, run, writes=True)
    except Exception as error:  # also an unexpected one: the write may be recorded by now
        return answer_of_known_write(app, write, error)


def run_on_first_source(
    app: App, run: Run[Result], *, writes: bool = False, replicas: bool = False
) -> tuple[LedgerView, Result]:
    """What `run` answers, and the view it ran on: that of the first layer that can answer.

    With `replicas` that may be one of them; then all that is asked is asked by `run`, and the answer says where it
    comes from.
    """
    if writes:
        with deadline.at_most(app.settings.command_seconds):
            return _run_with_fallback(app, run, writes=True, replicas=replicas)
    try:
        return _run_with_fallback(app, run, writes=False, replicas=replicas)
    except OutcomeUnknown as error:
        raise not_sent(error) from error


def _answer(app: App, run: Run[Answered], *, writes: bool) -> Answered:
    view, answered = run_on_first_source(app, run, writes=writes, replicas=not writes)
    if view.layer.is_live and writes and answered.get("position") is None:
        app.runtime.remember_head()
    recorder = view.tables
    assert isinstance(recorder, PositionRecorder), "a layer is always watched"
    position = recorder.as_of.position if recorder.as_of else answered.get("position")
    if met := app.runtime.conflict_watch.warnings(recorder.tables, answered, position):
        answered = {**answered, "warnings": [*answered.get("warnings", ()), *met]}
    return answered | provenance(view, answered, writes=writes)


def _run_with_fallback(app: App, run: Run[Result], *, writes: bool, replicas: bool) -> tuple[LedgerView, Result]:
    allowed = timedelta(seconds=app.settings.read_seconds)
    found = replica.try_replica(app, run, most=allowed) if replicas else None
    try:
        view, result = found or (
            _run_live(app, run) if _is_settled(app) else _run_behind_outbox(app, run, writes=writes)
        )
    except (Unavailable, OutcomeUnknown) as error:
        found = None if isinstance(error, Diverged) or not replicas else replica.try_replica(app, run, most=None)
        view, result = found or _run_on_fallback(app, run, error, writes=writes)
    except LedgerClosed as closed:
        view, result = _closed(app, run, closed, writes=writes)
    except LedgerError:
        app.runtime.remember_head()  # after a refusal the caller reads again what stood in the way
        raise
    app.answered_by = view.layer
    return view, result


def provenance(view: LedgerView, answered: Answered, *, writes: bool = False) -> Answered:
    """{source, as_of?, next_step?, warnings?}; nothing for a receipt of the database, which names its position."""
    layer = view.layer
    if writes and layer.is_live:
        return {}
    queued = answered.get("place") is not None
    answer: Answered = {"source": "journal" if queued else layer.source}
    recorder = view.tables
    if isinstance(recorder, PositionRecorder) and recorder.as_of is not None:
        answer["as_of"] = _as_of(layer, recorder.as_of, view.clock()) | _with_known_position(answered)
    if queued and "next_step" not in answered:
        answer["next_step"] = f"{_when_recorded(layer)}: {QUEUED}"
    warnings = layer.all_warnings(view.clock()) + (["queued_offline"] if queued else [])
    if warnings:
        answer["warnings"] = list(dict.fromkeys([*answered.get("warnings", ()), *warnings]))
    return answer


def _when_recorded(layer: Layer) -> str:
    if layer.is_diverged:
        return "stored here, recorded when database and this machine's history agree again (see doctor)"
    if layer.reachable:
        return "stored here behind what waits, recorded with that"
    return "stored here, recorded by itself when the database is back"


def _is_settled(app: App) -> bool:
    """Whether nothing of this machine waits for the database: its own order is never turned round."""
    try:
        if not app.sync.something_waits():
            return True
        _ = app.database
        with deadline.waiting():
            is_drained = app.sync.drain_for(DRAIN_SECONDS)
        if is_drained:
            return True
        _ = app.database  # which may have gone away over it
        return False
    except (Unavailable, OutcomeUnknown):
        raise
    except LedgerError:  # what stops the drain is reported by sync_state and doctor; this call queues behind it
        return False


def _run_behind_outbox(app: App, run: Run[Result], *, writes: bool) -> tuple[LedgerView, Result]:
    """Runs on this machine's own copy, behind what waits, so that no caller misses its own writes or what the
    database has.

    A write that is queued needs only to be decided: what others have recorded meanwhile is the drain's business, and to
    take it in would slow down the drain for which it waits. A refusal, or nothing to do, is found out again with it.
    """
    if writes:
        with suppress(*JUDGED, Unavailable):
            view, result = _run_on_copy(app, run, replace(app.runtime.journal(), reachable=True))
            if isinstance(result, dict) and result.get("place") is not None:
                return view, result
    app.sync.follow_quietly(NEWS_SECONDS)
    return _run_on_copy(app, run, replace(app.runtime.journal(), reachable=True))


def _run_live(app: App, run: Run[Result]) -> tuple[LedgerView, Result]:
    try:
        return _run_on_database(app, run)
    except (Unavailable, OutcomeUnknown) as error:
        if deadline.is_over():  # the server may be well: what is asked of it next will tell
            raise
        app.runtime.contact.mark_lost(after_timeout=_has_waited(error))
        return _run_on_database(app, run)


def _run_on_database(app: App, run: Run[Result]) -> tuple[LedgerView, Result]:
    layer = app.runtime.live()
    recorder = PositionRecorder(layer.tables, at_least=app.runtime.store.newest_known)
    live = app.on_layer(replace(layer, tables=recorder))
    result = run(live)
    if recorder.as_of is not None:
        app.runtime.remember_position(recorder.as_of.position)
    return live, result


def _run_on_copy(app: App, run: Run[Result], layer: Layer) -> tuple[LedgerView, Result]:
    """Runs on a copy. Raises Unavailable instead of a refusal where the copy lacks what this machine was shown."""
    view = _recording(app, layer)
    try:
        return view, run(view)
    except JUDGED as refused:
        known, reach = app.local.newest_known, app.local.reach
        if known > reach:
            raise _cannot_judge(refused, known, reach) from refused
        raise


def _closed(app: App, run: Run[Result], closed: LedgerClosed, *, writes: bool) -> tuple[LedgerView, Result]:
    reason = closed.details.get("reason")
    if reason == DIVERGED:
        return _run_on_fallback(app, run, Diverged(closed.message, next_step=closed.next_step), writes=writes)
    if reason != MOVED:
        raise closed
    app.runtime.contact.mark_lost(after_timeout=False)
    try:
        return _run_live(app, run)  # where it is now, if that is known
    except (Unavailable, OutcomeUnknown) as error:
        return _run_on_fallback(app, run, error, writes=writes)


def _run_on_fallback(app: App, run: Run[Result], error: LedgerError, *, writes: bool) -> tuple[LedgerView, Result]:
    refusal = error
    if error.details.get("reason") == MOVING:  # the database is there, so the answer includes what it already has
        app.sync.follow_quietly(NEWS_SECONDS)
    for layer in _fallback_layers(app, writes=writes):
        if isinstance(error, Diverged):
            layer = replace(layer, reachable=True, warnings=(*layer.warnings, "database_diverged"))
        try:
            return _run_on_copy(app, run, layer)
        except NotFound as missing:
            if layer.kind.is_complete:
                raise
            refusal = _not_in_what_is_left(missing)
        except (Unavailable, OutcomeUnknown) as further:
            refusal = further
    raise refusal from error


def _cannot_judge(refused: LedgerError, known: int, reach: int) -> Unavailable:
    return Unavailable(
        f"this machine was shown position {known}, and its own copy reaches {reach}, where {refused.message}",
        next_step="ask again when the database is back; see `tracking-ledger doctor`",
    )


def _not_in_what_is_left(missing: NotFound) -> Unavailable:
    return Unavailable(
        f"PostgreSQL cannot be reached, and in what is left of the ledger on this machine {missing.message}",
        next_step="ask again when the database is back; see `tracking-ledger doctor`",
    )


def _fallback_layers(app: App, *, writes: bool) -> Iterator[Layer]:
    """This machine's own copy; where its journal is empty, what git and the status file have left of the ledger."""
    try:
        own = app.runtime.journal()
    except Unavailable:
        if writes or app.local.sent.acknowledged(0):  # which nothing below this machine's copy would show
            raise
        own = None
    if own is not None and app.local.journal.head.position:
        yield own
        return
    # imported here for start-up: it brings the importers and the report, and is needed when all else is gone
    from projections.fallback.git_and_markdown import nothing, recovered, writable

    if writes:
        yield writable(app) or own or nothing(app)
        return
    yield from recovered(app, waits=own is not None and own.kind.is_complete)
    yield own or nothing(app)


def _recording(app: App, layer: Layer) -> LedgerView:
    return app.on_layer(replace(layer, tables=PositionRecorder(layer.tables)))


def _has_waited(error: LedgerError) -> bool:
    """Whether the caller has given the database its second: there was no server to connect to, or it fell silent."""
    if "given_up" in error.details:
        return True
    if {"sqlstate", "hung_up"} & error.details.keys():  # it was reported at once
        return False
    return isinstance(error, Unavailable) and not isinstance(error, Diverged)


def _as_of(layer: Layer, seen: AsOf, now: datetime) -> Answered:
    answer: Answered = {"position": seen.position, "time": seen.time and text(seen.time)}
    if layer.kind.is_bounded:
        answer["age"] = layer.contact and seconds(now - layer.contact)
    elif not layer.is_live:
        since = layer.contact or seen.time
        answer["age"] = None if since is None else max(0, round((seen.now - since).total_seconds()))
    return answer


def _with_known_position(answered: Answered) -> Answered:
    """What the answer itself says it is true for: an earlier point."""
    as_of = answered.get("as_of")
    return as_of if isinstance(as_of, dict) else {}
