"""Who answers: the first layer that can. Whatever did not come live from the database says so, in every answer.

Live is tried first, and once more on fresh connections when they broke. Then the same work, with the same command id,
is done on this machine's own copy, and what only reads goes on down.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from math import ceil
from typing import Any, TypeVar

from msgspec.structs import replace

from ledger.errors import Diverged, LedgerClosed, LedgerError, NotFound, OutcomeUnknown, Unavailable
from ledger.postgres.connection import deadline
from ledger.postgres.ledgers import MOVED, MOVING
from ledger.values.moment import text
from projections.application.app import DIVERGED, App
from projections.application.layers import STALE, WARNINGS, Layer, PositionRecorder
from projections.fallback import replica
from projections.tables.contract import AsOf

COPIES = ("replica", "journal")  # of which one knows how old they are
DRAIN_SECONDS = 2.0  # that a caller waits for this machine's own commands to reach the database

Answered = dict[str, Any]
Result = TypeVar("Result")


def answer(app: App, run: Callable[[App], Answered], *, writes: bool = False) -> Answered:
    """What `run` answers on the first layer that can, with where it comes from."""
    layered, answered = run_on_first_source(app, run, writes=writes, replicas=not writes)
    if app.layer is not None:
        return answered
    if writes and answered.get("position") is None:
        app.remember_head()
    recorder = layered.tables
    assert isinstance(recorder, PositionRecorder), "a layer is always watched"
    position = recorder.as_of.position if recorder.as_of else answered.get("position")
    if met := app.conflict_watch.warnings(recorder.tables, answered, position):
        answered = {**answered, "warnings": [*answered.get("warnings", ()), *met]}
    return answered | provenance(layered, answered, writes=writes)


def sentence(layer: Layer, now: datetime) -> str:
    """For a person: where an answer came from that did not come from the database."""
    words = {
        "postgres": "",
        "replica": "answered by a replica",
        "journal": "answered from this machine's own copy",
        "git": "answered from what is committed in git",
        "markdown": "answered from the status file",
        "none": "there is nothing on this machine to answer from",
    }
    if "database_diverged" in layer.warnings:
        return f"the database is not the history that this machine knows, see doctor: {words[layer.source]}"
    if layer.source == "replica" and layer.reachable and layer.contact is not None:
        return f"{words['replica']}, at most {_seconds(now - layer.contact)} s old"
    age = "" if layer.contact is None else f", {_ago(now - layer.contact)} old"
    return f"PostgreSQL cannot be reached: {words[layer.source]}{age if layer.source in COPIES else ''}"


def run_on_first_source(
    app: App, run: Callable[[App], Result], *, writes: bool = False, replicas: bool = False
) -> tuple[App, Result]:
    """What `run` answers, and the App it ran on: that of the first layer that can answer.

    With `replicas` that may be one of them; then all that is asked is asked by `run`, and the answer says where it
    comes from.
    """
    if app.layer is not None:
        return app, run(app)
    with deadline.at_most(app.settings.command_seconds) if writes else nullcontext():
        return _run_with_fallback(app, run, writes=writes, replicas=replicas)


def _run_with_fallback(app: App, run: Callable[[App], Result], *, writes: bool, replicas: bool) -> tuple[App, Result]:
    allowed = timedelta(seconds=app.settings.read_seconds)
    found = replica.try_replica(app, run, most=allowed) if replicas else None
    try:
        layered, result = found or (_run_live(app, run) if _is_settled(app) else _run_behind_outbox(app, run))
    except (Unavailable, OutcomeUnknown) as error:
        found = None if isinstance(error, Diverged) or not replicas else replica.try_replica(app, run, most=None)
        layered, result = found or _run_on_fallback(app, run, error, writes=writes)
    except LedgerClosed as closed:
        layered, result = _closed(app, run, closed, writes=writes)
    except LedgerError:
        app.remember_head()  # whoever is refused reads again what stood in the way
        raise
    app.answered_by = layered.layer
    return layered, result


def provenance(layered: App, answered: Answered, *, writes: bool = False) -> Answered:
    """What an answer says of where it comes from. The database's own receipts need none: they name their position."""
    layer = layered.layer
    assert layer is not None
    if writes and layer.source == "postgres":
        return {}
    queued = answered.get("place") is not None
    said: Answered = {"source": "journal" if queued else layer.source}
    recorder = layered.tables
    if isinstance(recorder, PositionRecorder) and recorder.as_of is not None:
        said["as_of"] = _as_of(layer, recorder.as_of, layered.clock()) | _known_position(answered)
    warnings = warnings_of(layer, layered.clock()) + (["queued_offline"] if queued else [])
    if warnings:
        said["warnings"] = list(dict.fromkeys([*answered.get("warnings", ()), *warnings]))
    return said


def warnings_of(layer: Layer, now: datetime) -> list[str]:
    """The codes of what is not as usual about a layer's answers."""
    old = layer.source == "journal" and (layer.contact is None or now - layer.contact > STALE)
    usual = [code for code in WARNINGS[layer.source] if not (layer.reachable and code == "postgres_unavailable")]
    return [*usual, *(["stale_journal"] if old else []), *layer.warnings]


def _is_settled(app: App) -> bool:
    """Whether nothing of this machine waits for the database: its own order is never turned round."""
    try:
        if _has_nothing_waiting(app):
            return True
        _ = app.database
        if app.drain_for(DRAIN_SECONDS):
            return True
        _ = app.database  # which may have gone away over it
        return False
    except (Unavailable, OutcomeUnknown):
        raise
    except LedgerError:  # what stops the drain is told by sync_state and doctor; this call queues behind it
        return False


def _has_nothing_waiting(app: App) -> bool:
    try:
        return app.local.is_settled
    except Unavailable:  # this machine's own files cannot be used: the database still can
        return True


def _run_behind_outbox(app: App, run: Callable[[App], Result]) -> tuple[App, Result]:
    """On this machine's own copy, behind what waits: so that nobody misses their own writes, nor what the
    database has."""
    app.follow_quietly(DRAIN_SECONDS)
    layered = _recording(app, replace(app.journal(), reachable=True))
    return layered, run(layered)


def _run_live(app: App, run: Callable[[App], Result]) -> tuple[App, Result]:
    try:
        return _run_on_database(app, run)
    except (Unavailable, OutcomeUnknown) as error:
        if deadline.is_over():  # the server may be well: what is asked of it next will tell
            raise
        app.contact.mark_lost(after_timeout=_has_waited(error))
        try:
            return _run_on_database(app, run)
        except Unavailable as again:
            raise (error if isinstance(error, OutcomeUnknown) else again) from again  # what was sent stays sent


def _run_on_database(app: App, run: Callable[[App], Result]) -> tuple[App, Result]:
    live = _recording(app, app.live())
    result = run(live)
    if isinstance(live.tables, PositionRecorder) and live.tables.as_of is not None:
        app.remember_position(live.tables.as_of.position)
    return live, result


def _closed(app: App, run: Callable[[App], Result], closed: LedgerClosed, *, writes: bool) -> tuple[App, Result]:
    reason = closed.details.get("reason")
    if reason == MOVED:
        app.contact.mark_lost(after_timeout=False)
        return _run_live(app, run)  # where it is now, if that is known
    if reason == DIVERGED:
        return _run_on_fallback(app, run, Diverged(closed.message, next_step=closed.next_step), writes=writes)
    raise closed


def _run_on_fallback(app: App, run: Callable[[App], Result], error: LedgerError, *, writes: bool) -> tuple[App, Result]:
    told, lost = error, isinstance(error, OutcomeUnknown)
    if error.details.get("reason") == MOVING:  # the database is there, so nobody has to miss what it already has
        app.follow_quietly(DRAIN_SECONDS)
    for layer in _fallback_layers(app, writes=writes, lost=lost):
        if isinstance(error, Diverged):
            layer = replace(layer, reachable=True, warnings=(*layer.warnings, "database_diverged"))
        layered = _recording(app, layer)
        try:
            return layered, run(layered)
        except NotFound as missing:
            if layer.source in ("postgres", "journal"):
                raise
            told = _not_in_what_is_left(missing)
        except (Unavailable, OutcomeUnknown) as further:
            told = further if isinstance(further, OutcomeUnknown) or not lost else error
        except LedgerError as refused:
            if writes and lost:  # it may stand in the database all the same
                raise error from refused
            raise
    raise told from error


def _is_part(app: App, layer: Layer) -> bool:
    """Whether the ledger is known to hold more than a layer does, so that what is not in it is not missing."""
    if layer.source != "journal":
        return layer.source != "postgres"
    # imported here for start-up, as below
    from projections.fallback.git_and_markdown import recovered

    return not app.local.journal.head.position and any(recovered(app, waits=True))


def _not_in_what_is_left(missing: NotFound) -> Unavailable:
    return Unavailable(
        f"PostgreSQL cannot be reached, and in what is left of the ledger on this machine {missing.message}",
        next_step="ask again when the database is back; see `tracking-ledger doctor`",
    )


def _fallback_layers(app: App, *, writes: bool, lost: bool) -> Iterator[Layer]:
    """This machine's own copy; where its journal is empty, what git and the status file have left of the ledger."""
    try:
        own = app.journal(lost=lost)
    except Unavailable:
        if writes:
            raise
        own = None
    if own is not None and app.local.journal.head.position:
        yield own
        return
    # imported here for start-up: it brings the importers and the report, and is needed when all else is gone
    from projections.fallback.git_and_markdown import nothing, recovered, writable

    if writes:
        yield writable(app, lost=lost) or own or nothing(app)
        return
    yield from recovered(app, waits=own is not None and own.source == "journal")
    yield own or nothing(app)


def _recording(app: App, layer: Layer) -> App:
    return app.on_layer(replace(layer, tables=PositionRecorder(layer.tables)))


def _has_waited(error: LedgerError) -> bool:
    """Whether the caller has given the database its second: nobody was there to connect to, or it fell silent."""
    if "given_up" in error.details:
        return True
    return isinstance(error, Unavailable) and not isinstance(error, Diverged) and "sqlstate" not in error.details


def _as_of(layer: Layer, seen: AsOf, now: datetime) -> Answered:
    said: Answered = {"position": seen.position, "time": seen.time and text(seen.time)}
    if layer.source == "replica":
        said["age"] = layer.contact and _seconds(now - layer.contact)
    elif layer.source != "postgres":
        since = layer.contact or seen.time
        said["age"] = None if since is None else max(0, round((seen.now - since).total_seconds()))
    return said


def _seconds(age: timedelta) -> int:
    """Rounded up: nothing is older than it says."""
    return max(0, ceil(age.total_seconds()))


def _ago(age: timedelta) -> str:
    minutes = max(0, round(age.total_seconds() / 60))
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def _known_position(answered: Answered) -> Answered:
    """What the answer itself says it is true for: an earlier point."""
    as_of = answered.get("as_of")
    return as_of if isinstance(as_of, dict) else {}
