"""Moves a ledger to another database while its clients go on, and proves that both sides hold the same.

The long part is copied while everybody writes. Then the ledger is closed where it is, for as long as the last events
take, and writers wait. It opens there while it is closed here, so at no time are two open, and whoever repeats an
interrupted move finishes it.
"""

import time
from collections.abc import Callable
from typing import Any

from filelock import FileLock, Timeout
from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import Refused
from ledger.postgres import ledgers, moving
from ledger.postgres.connect import connect
from ledger.postgres.ledgers import MOVED, MOVING
from ledger.postgres.moving import EMBEDDED, Place
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.app import App
from projections.catalog import SHAPES
from projections.postgres_tables import PostgresTables
from projections.replay import catch_up

FEW = 2_000  # events that are left for the time in which the ledger is closed
ROUNDS = 20  # of copying what came meanwhile, before the ledger is closed with more than a few left

Tell = Callable[[str], None]


class Moved(Struct, frozen=True, kw_only=True):
    """`read_models` are rows and digest of each, the same on both sides; `closed_ms` how long nobody could write."""

    source: str
    target: str
    position: int
    digest: str
    copied: int
    read_models: dict[str, tuple[int, str]]
    closed_ms: float
    elapsed_ms: float


def move(app: App, destination: Settings, tell: Tell = lambda _: None) -> Moved:
    """Refused when the target has another history, or a read model differs; then the ledger is open where it was."""
    started = time.perf_counter()
    with _alone(app):
        source = _source(app)
        target = _place(app, destination)
        try:
            _check_elsewhere(source, target)
            copied = 0 if _is_over(source, target) else _follow(source, target, tell)
            closed_at = time.perf_counter()
            told = _change_over(source, target, tell)
            ended = time.perf_counter()
        finally:
            source.database.close()
            target.database.close()
    return Moved(
        source=source.name,
        target=target.name,
        copied=copied + told.pop("copied"),
        closed_ms=round((ended - closed_at) * 1000, 1),
        elapsed_ms=round((ended - started) * 1000, 1),
        **told,
    )


def _alone(app: App) -> Any:
    lock = FileLock(app.home / "moving.lock", timeout=0)
    try:
        return lock.acquire()
    except Timeout as error:
        raise Refused(
            "this ledger is being moved by another process of this machine",
            next_step="wait until that one has ended",
            rule="not_alone",
            items=[],
        ) from error


def _source(app: App) -> Place:
    """Where the ledger is now; from the embedded server the way is known."""
    place = _place(app, app.settings)
    head = place.head()
    if head.reason != MOVED:
        return place
    place.database.close()
    if app.settings.dsn is not None or head.successor in (None, EMBEDDED):
        raise Refused(
            f"the ledger is not here any more: it went to {head.successor}",
            next_step="set LEDGER_DSN to where it is now, and repeat it",
            rule="not_here",
            items=[],
        )
    return _place(app, replace(app.settings, dsn=head.successor))


def _place(app: App, settings: Settings) -> Place:
    key, origin = app.identity.key, app.identity.ledger
    database = connect(settings)
    store = PostgresStore(database, origin, SHAPES, key=key)
    place = Place(settings=settings, database=database, store=store, key=key, origin=origin)
    moving.prepare(place, app.identity.name, SHAPES)
    return place


def _check_elsewhere(source: Place, target: Place) -> None:
    if source.name == target.name:
        raise Refused(f"the ledger is there already: {source.name}", next_step="", rule="already_there", items=[])


def _is_over(source: Place, target: Place) -> bool:
    """An earlier move was interrupted when it was open there already, and not yet closed here for good."""
    here, there = source.head(), target.head()
    if here.reason != MOVING or there.state != "open" or there.position < here.position:
        return False
    same = next(iter(target.store.read_all(here.position - 1, here.position)), None) if here.position else None
    return here.position == 0 or (same is not None and same.digest == here.digest)


def _follow(source: Place, target: Place, tell: Tell) -> int:
    """Copies while everybody writes, until only a few events are left."""
    moving.check_same_history(source, target.head())
    ledgers.close(target.database, target.key, MOVING, source.name)
    _catch_up(source)
    copied = 0
    for _ in range(ROUNDS):
        head, there = source.head().position, target.head().position
        if head - there <= FEW:
            break
        copied += moving.copy(source, target, head)
        tell(f"{head:,} events are there and proved")
    _catch_up(target)
    return copied


def _change_over(source: Place, target: Place, tell: Tell) -> dict[str, Any]:
    """Closes here, brings the last events, compares, opens there, closes here for good."""
    if _is_over(source, target):
        here = source.head()
        ledgers.close(source.database, source.key, MOVED, target.name)
        return {"position": here.position, "digest": here.digest.hex(), "copied": 0, "read_models": {}}
    head, digest = ledgers.close(source.database, source.key, MOVING, target.name)
    try:
        copied = moving.copy(source, target, head)
        _catch_up(target)
        read_models = _same(source, target)
        arrived = target.head()
        if (arrived.position, arrived.digest) != (head, digest):
            raise _differs([f"the head ({head} here, {arrived.position} there)"])
    except BaseException:
        ledgers.reopen(source.database, source.key, MOVING)
        raise
    tell(f"position {head:,}, its digest and every read model are the same on both sides")
    ledgers.reopen(target.database, target.key, MOVING)
    ledgers.close(source.database, source.key, MOVED, target.name)
    return {"position": head, "digest": digest.hex(), "copied": copied, "read_models": read_models}


def _catch_up(place: Place) -> None:
    catch_up(place.store, PostgresTables(place.database, place.key))


def _same(source: Place, target: Place) -> dict[str, tuple[int, str]]:
    here, there = moving.sums(source, SHAPES), moving.sums(target, SHAPES)
    different = [name for name in SHAPES if here[name] is None or here[name] != there[name]]
    if different:
        raise _differs(different)
    return {name: found for name, found in here.items() if found is not None}


def _differs(what: list[str]) -> Refused:
    return Refused(
        f"the two sides do not hold the same: {', '.join(what)}",
        next_step="run `tracking-ledger replay --check`; the ledger is open where it was, nothing was lost",
        rule="not_the_same",
        items=[{"differs": name} for name in what],
    )


def destination(settings: Settings, to: str, admin: str | None) -> Settings:
    """Where it shall go: a connection string, or the embedded server."""
    return replace(settings, dsn=None if to == EMBEDDED else to, admin_dsn=admin)
