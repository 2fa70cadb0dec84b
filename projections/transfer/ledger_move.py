"""Moves a ledger to another database while its clients go on, and proves that both sides hold the same.

All that takes long is done while writing goes on: the events are copied and proved, the read models built from what
arrived, and compared with those here as of one position. Then the ledger is closed where it is, for as long as the last
events take, and writers wait; what is compared then are the entities of these events. It opens there while it
is closed here, so at no time are two open, and repeating an interrupted move finishes it.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

from filelock import FileLock, Timeout
from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import LedgerError, NotFound, Refused, Unavailable
from ledger.libpq.session import READING
from ledger.postgres import directory, ledgers, log_copy
from ledger.postgres.connection.connect import connect
from ledger.postgres.directory import DIRECTORY, MOST_MOVES
from ledger.postgres.ledgers import ARRIVING, MOVED, MOVING, LedgerState
from ledger.postgres.log_copy import EMBEDDED, LedgerLocation, Sums
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from ledger.store_errors import ledger_closed
from projections.application.app import App
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import Fold
from projections.tables.postgres import PostgresTables
from projections.tables.replay import Progress, bring_up, catch_up, no_progress, swap_in

FEW = 1_000  # events that are left for the time in which the ledger is closed
ROUNDS = 20  # of copying what came meanwhile, before the ledger is closed with more than a few left


class Moved(Struct, frozen=True, kw_only=True):
    """`read_models` are rows and digest of each as of `compared_at`, the same on both sides, as is what came after it.

    `closed_ms` is how long writes were refused. One that only had to be finished brings and compares nothing again.
    """

    source: str
    target: str
    position: int
    digest: str
    copied: int
    compared_at: int
    read_models: dict[str, tuple[int, str]]
    closed_ms: float
    elapsed_ms: float


def move(app: App, destination: Settings, progress: Progress = no_progress) -> Moved:
    """Refused when the target has another history, or a read model differs; then the ledger is open where it was."""
    with ExitStack() as stack:
        stack.enter_context(_locked(app))
        source = _source(app)
        stack.callback(source.database.close)
        _update_directory(app, source)  # an earlier move may have been interrupted before that
        with directory.named("the database to move to", "TO, or its section in ~/.pg_service.conf"):
            target = _place(app, destination)
        stack.callback(target.database.close)
        held = stack.enter_context(log_copy.moving_lock(source.database, source.key))
        _check(source, target)
        _expect(app, source, target)
        moved = _finished(source, target) or _Move(source, target, held, progress).run()
        try:
            _update_directory(app, target)
        except LedgerError as error:
            raise Unavailable(
                f"the ledger is in {target.name} now, and programs find it there; the directory does not know it yet",
                next_step="repeat `tracking-ledger ledgers move` when the directory is back",
            ) from error
        return moved


class _Move:
    """One move under way. `held()` raises unless this is still the only one."""

    def __init__(
        self, source: LedgerLocation, target: LedgerLocation, held: Callable[[], None], progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._tables = PostgresTables(target.database, target.key)
        self._held = held
        self._progress = progress
        self._proved = 0  # the position up to which what arrived is proved
        self._folded = Fold()  # what it adds up to
        self._copied = 0

    def run(self) -> Moved:
        started = time.perf_counter()
        log_copy.check_same_history(self._source, self._target.head())
        ledgers.close(self._target.database, self._target.key, ARRIVING, self._source.name)
        if self._source.head().reason == MOVING:  # an earlier move was interrupted, and opened nothing there
            ledgers.reopen(self._source.database, self._source.key, MOVING)
        with self._tables.rebuild_lock():
            self._repeat(self._gather)
            swap_in(self._target.store, self._tables, list(SHAPES), self._folded, self._progress)
            compared_at, read_models = self._compare()
            self._repeat(self._extend)
            closed = time.perf_counter()
            head = self._change_over(compared_at)
        ended = time.perf_counter()
        return Moved(
            source=self._source.name,
            target=self._target.name,
            position=head.position,
            digest=head.digest.hex(),
            copied=self._copied,
            compared_at=compared_at,
            read_models=read_models,
            closed_ms=round((ended - closed) * 1000, 1),
            elapsed_ms=round((ended - started) * 1000, 1),
        )

    def _repeat(self, bring: Callable[[int], None]) -> None:
        """Brings what is there while writing goes on, until only a few events are left."""
        for _ in range(ROUNDS):
            bring(self._source.head().position)
            if self._source.head().position - self._proved <= FEW:
                return

    def _gather(self, up_to: int) -> None:
        """Copies, proves and folds; also what was there before this move."""

        def arrived(position: int) -> None:
            while self._proved < position:
                self._prove(min(self._proved + log_copy.PORTION, position))
                self._folded.add(self._target.store.read_facts(self._folded.reached, self._proved))
                self._progress("events", self._proved, up_to)

        self._copied += log_copy.copy(self._source, self._target, up_to, arrived)

    def _extend(self, up_to: int) -> None:
        """Copies and proves a few further events, and brings the read models there up to them."""
        self._copied += log_copy.copy(self._source, self._target, up_to, self._prove)
        if self._folded.reached < self._proved:
            bring_up(self._target.store, self._tables, list(SHAPES), self._folded)

    def _prove(self, position: int) -> None:
        log_copy.prove(self._target, self._proved, position)
        self._proved = position

    def _compare(self) -> tuple[int, dict[str, tuple[int, str]]]:
        """The position as of which all rows are the same on both sides, and what they add up to."""
        self._catch_up_here()
        with self._source.database.transaction(READING):
            position = self._source.head().position
            return position, self._same(position, 0)

    def _change_over(self, compared_at: int) -> LedgerState:
        """Closes here, brings the last events, compares what they changed, opens there, closes here for good."""
        source, target = self._source, self._target
        quota = source.head().most_events
        self._held()
        head, digest = ledgers.close(source.database, source.key, MOVING, target.name)
        try:
            self._catch_up_here()
            self._same(head, compared_at)
            arrived = target.head()
            if arrived.most_events != quota:
                ledgers.set_quota(target.settings, target.key, quota)
            if (arrived.position, arrived.digest) != (head, digest):
                raise _differs([f"the head ({head} here, {arrived.position} there)"])
            self._held()
        except BaseException as error:
            self._stay(error)
            raise
        ledgers.reopen(target.database, target.key, ARRIVING)
        ledgers.close(source.database, source.key, MOVED, target.name)
        return arrived

    def _same(self, position: int, after: int) -> dict[str, tuple[int, str]]:
        """What both sides hold as of a position; of later events than `after` only what these are about."""
        with ThreadPoolExecutor(1, "tracking-ledger-there") as aside:
            coming = aside.submit(self._sums_there, position, after)
            here, there = log_copy.sums(self._source, SHAPES, after), coming.result()
        different = [name for name in SHAPES if here[name] is None or here[name] != there[name]]
        if different:
            raise _differs(different)
        return {name: found for name, found in here.items() if found is not None}

    def _sums_there(self, position: int, after: int) -> Sums:
        self._extend(position)
        return log_copy.sums(self._target, SHAPES, after)

    def _catch_up_here(self) -> None:
        """Programs of another version may have written past the read models of this one."""
        catch_up(self._source.store, PostgresTables(self._source.database, self._source.key))

    def _stay(self, error: BaseException) -> None:
        """Opens the ledger again where it was, unless the way there is lost too."""
        try:
            self._held()
            ledgers.reopen(self._source.database, self._source.key, MOVING)
        except LedgerError:
            raise Unavailable(
                "the move was interrupted while the ledger was closed: nothing is lost, and writes wait",
                next_step="repeat `tracking-ledger ledgers move`",
            ) from error


def _locked(app: App) -> Any:
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


def _source(app: App) -> LedgerLocation:
    """Where the ledger is now, as far as the way there from the settings is known."""
    given = settings = app.runtime.given
    for _ in range(MOST_MOVES):
        place = _place(app, settings)
        if settings is given:
            directory.place(place.database, place.key, app.identity.name)
        log_copy.prepare(place, app.identity.name, SHAPES)
        head = place.head()
        if head.reason not in directory.ELSEWHERE:
            return place
        place.database.close()
        onward = directory.settings_elsewhere(given, head.reason, head.successor)
        if onward is None:
            break
        settings = onward
    gone = "not here any more: it went to" if head.reason == MOVED else "not here yet: it is on its way from"
    raise Refused(
        f"the ledger is {gone} {head.successor}",
        next_step="set LEDGER_DSN to where it is, or unset it for the embedded server, and repeat it",
        rule="not_here",
        items=[],
    )


def _place(app: App, settings: Settings) -> LedgerLocation:
    key, origin = app.identity.key, app.identity.ledger
    database = connect(settings)
    is_directory = settings.dsn == app.runtime.given.dsn and len(directory.databases(database)) > 1
    return LedgerLocation(
        settings=settings,
        database=database,
        store=PostgresStore(database, origin, SHAPES, key=key),
        key=key,
        origin=origin,
        called=DIRECTORY if is_directory else None,
    )


def _expect(app: App, source: LedgerLocation, target: LedgerLocation) -> None:
    """The ledger is known there, closed from the beginning: it takes events in one database at a time."""
    try:
        target.head()
    except NotFound:
        with target.database.transaction():
            log_copy.prepare(target, app.identity.name, SHAPES)
            ledgers.close(target.database, target.key, ARRIVING, source.name)
    else:
        log_copy.prepare(target, app.identity.name, SHAPES)


def _update_directory(app: App, place: LedgerLocation) -> None:
    """The database of the settings leads to where the ledger is, at once instead of by way of others."""
    if place.settings is app.runtime.given:
        return
    with closing(connect(app.runtime.given)) as database:
        head = ledgers.head(database, place.key)
        if head.reason == MOVED and head.successor != place.name:
            ledgers.close(database, place.key, MOVED, place.name)


def _check(source: LedgerLocation, target: LedgerLocation) -> None:
    """Refuses a move, before anything is done, if the ledger may not leave or not go there."""
    here = source.head()
    if source.name == target.name:
        raise Refused(
            f"the ledger is there already: {source.name}",
            next_step="name another database; `tracking-ledger doctor` says where it is",
            rule="already_there",
            items=[],
        )
    if here.state == "closed" and here.reason != MOVING:
        raise ledger_closed(reason=here.reason, successor=here.successor)
    if here.state == "closed" and here.successor != target.name:
        raise Refused(
            f"the ledger is on its way to {here.successor} since an earlier move",
            next_step="repeat `tracking-ledger ledgers move` with that place;"
            " if it is gone for good, `tracking-ledger ledgers open --gone`",
            rule="on_its_way",
            items=[],
        )


def _finished(source: LedgerLocation, target: LedgerLocation) -> Moved | None:
    """Closes here for good what an earlier move had opened there already; None if there was no such move."""
    here, there = source.head(), target.head()
    if here.reason != MOVING or there.state != "open" or not log_copy.holds(target, here):
        return None
    ledgers.close(source.database, source.key, MOVED, target.name)
    return Moved(
        source=source.name,
        target=target.name,
        position=here.position,
        digest=here.digest.hex(),
        copied=0,
        compared_at=here.position,
        read_models={},
        closed_ms=0.0,
        elapsed_ms=0.0,
    )


def _differs(what: list[str]) -> Refused:
    return Refused(
        f"the two sides do not hold the same: {', '.join(what)}",
        next_step="run `tracking-ledger replay --check`; the ledger is open where it was, nothing was lost",
        rule="not_the_same",
        items=[{"differs": name} for name in what],
    )


def destination(settings: Settings, to: str, admin: str | None) -> Settings:
    """Where it shall go: a connection string, the embedded server, or a database of the directory by its name."""
    if to == EMBEDDED:
        return replace(settings, dsn=None, admin_dsn=admin)
    if to == DIRECTORY:
        return settings
    if directory.NAME.fullmatch(to):
        there = directory.in_service(settings, to)
        return replace(there, admin_dsn=admin or there.admin_dsn)
    return replace(settings, dsn=to, admin_dsn=admin)
