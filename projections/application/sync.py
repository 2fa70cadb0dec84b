"""How this machine and the database come together: the outbox drains to it, the journal follows it."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from ledger.errors import Diverged, LedgerClosed, LedgerError, OutcomeUnknown, Unavailable
from ledger.offline.delivery.drain import Drain, Drained, OnProgress
from ledger.offline.follower import Follower
from ledger.offline.journal import Head
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import is_held_up
from ledger.postgres.ledgers import MOVED
from ledger.postgres.store import PostgresStore
from projections.application.clones import require_own_history
from projections.application.debounced import Debounced
from projections.application.drain_job import DrainJob, ShouldContinue
from projections.application.runtime import Runtime
from projections.local_copy.working_files import WorkingFiles
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables

DIVERGED = "diverged"  # why a ledger is closed in a database that lost or changed history
FIRST_SECONDS = 30.0  # for what waits on this machine, before a long command of its own
DRAIN_FIRST_SECONDS = 30.0  # at most, before others' writes are taken in: longer than machines that drain together take
CLOSING_SECONDS = 2.0  # for the lock of the follower, before a ledger is closed
LOOKS_AGAIN = 60.0  # seconds, for what follows from a journal that has not changed
LOOK_EVERY = 0.02  # seconds, while another process drains

Target = tuple[PostgresStore, PostgresTables]  # where a drain records

log = logging.getLogger(__name__)


class Synchronization:
    """Drains and follows for one runtime. `after_write` follows whatever a drain has recorded."""

    def __init__(self, runtime: Runtime, after_write: Debounced, renew_copies: Callable[[], None]) -> None:
        """`renew_copies` is called when texts were erased that the copies in the project may hold."""
        self._runtime = runtime
        self._renew_copies = renew_copies
        self._after_write = after_write
        self._draining = DrainJob(runtime.jobs, lambda: runtime.settings.dsn)
        self.has_begun = False  # whether the database had nothing of the ledger, not even that it exists
        self._taken_in: Head | None = None  # up to where all that follows from the journal is done
        self._looks_again = 0.0  # by time.monotonic

    def open_in(self, database: Database) -> None:
        """Opens the ledger in a database that was just reached, and begins to drain. Raises Diverged, LedgerClosed."""
        runtime = self._runtime
        known = runtime.identity
        self.has_begun = open_ledger(database, known.key, known.name, SHAPES, origin=known.ledger) or self.has_begun
        self._compare(database)
        runtime.met()
        runtime.local.note_database()
        if self.something_waits():
            there = runtime.store_in(database), runtime.tables_in(database)
            self._draining.begin(lambda should_continue: self._drain_in_thread(lambda: there, should_continue))

    def something_waits(self) -> bool:
        """Whether a write of this machine waits; none does in files that cannot be read, and the database still can."""
        try:
            return not self._runtime.local.is_settled
        except Unavailable:
            return False

    def drain(
        self, on_progress: OnProgress = lambda _: None, should_continue: ShouldContinue = lambda: True
    ) -> Drained | None:
        """Sends what waits to the database while it `should_continue`; None if another process drains."""
        return self._drain(self._live, on_progress, should_continue)

    def drain_for(self, seconds: float) -> bool:
        """Whether no write of this machine waits any more, after draining for that time at most; it goes on then."""
        local, until = self._runtime.local, time.monotonic() + seconds
        while not local.is_settled and (left := until - time.monotonic()) > 0:
            try:
                drained = self._draining.wait(self._drain_now, left)
            except LedgerClosed as closed:
                if closed.details.get("reason") != MOVED:
                    raise
                _ = self._runtime.database  # where it is now; raises what says where it went, if the way is not known
                continue
            if drained is None:
                time.sleep(min(LOOK_EVERY, left))
            elif drained.held:
                break
        return local.is_settled

    def require_drained(self) -> None:
        """Sends this machine's own commands to the database before another. Raises Unavailable if they still wait."""
        local = self._runtime.local
        if not local.is_settled and not self.drain_for(FIRST_SECONDS):
            raise Unavailable(
                f"{local.waiting} writes of this machine wait for the database and go first",
                next_step="run `tracking-ledger sync`, then try again",
            )

    def follow(self, seconds: float | None = None) -> bool:
        """Brings the journal and its rows up to the log, as long as time is left. Whether they are up to it.

        Raises Diverged, when the database is not the history that this machine knows.
        """
        local, begun = self._runtime.local, time.time()
        is_whole = self._follower(self._runtime.store).follow(seconds, lambda: local.cache.follow())
        if is_whole:
            local.touch(begun)
        self._take_in(local)
        return is_whole

    def _take_in(self, local: WorkingFiles) -> None:
        """What the journal has goes everywhere where it belongs. That is looked after once where nothing has changed,
        and again after a while: other processes may have left something."""
        head, now = local.journal.head, time.monotonic()
        if local.is_plain and self._taken_in is not None and self._taken_in == head and now < self._looks_again:
            return
        local.cache.follow()
        local.clear()
        local.erase(self._renew_copies)
        if local.is_erased:
            self._taken_in, self._looks_again = head, now + LOOKS_AGAIN

    def follow_quietly(self, seconds: float | None = None) -> None:
        """The same as `follow`, for the background: where the database is known to be there; a failure is reported."""
        self._failure_to_follow(seconds)

    def follow_for_copy(self) -> None:
        """The same, before the journal is copied. Raises where a file of this machine keeps it from following: the
        copy would pass for whole."""
        error = self._failure_to_follow(None)
        if error is not None and "file" in error.details:
            raise error

    def _failure_to_follow(self, seconds: float | None) -> LedgerError | None:
        if not self._runtime.contact.ready:
            return None
        try:
            self.follow(seconds)
        except Diverged as error:
            self._runtime.contact.mark_lost(after_timeout=True)  # to meet it again, which closes it
            return error
        except LedgerError as error:
            if error.details.get("reason") == MOVED:
                self._runtime.contact.mark_lost(after_timeout=False)  # to find it where it is now
            log.warning("following has to wait: %s", ascii(error.message)[1:-1])
            return error
        return None

    def let_drain_go_first(self) -> None:
        """What is taken in meanwhile would slow down what goes out."""
        self._draining.wait_for_its_end(DRAIN_FIRST_SECONDS)

    def end(self) -> None:
        self._draining.end()

    def _live(self) -> Target:
        return self._runtime.store, self._runtime.tables

    def _drain(
        self, target: Callable[[], Target], on_progress: OnProgress, should_continue: ShouldContinue
    ) -> Drained | None:
        outbox = self._runtime.local.outbox
        with outbox.draining() as mine:
            if not mine:
                return None
            store, tables = target()  # under the lock, because reaching a database begins a drain too
            require_own_history(store, self._runtime.identity.project)
            drain = Drain(store, TableNeighbourhood(tables), propose, outbox, self._runtime.catch_up)
            try:
                drained = drain.run(on_progress, should_continue)
            except LedgerClosed as closed:
                if closed.details.get("reason") == MOVED:
                    self._runtime.contact.mark_lost(after_timeout=False)  # to find it where it is now
                raise
        if drained.settled:
            self._runtime.remember_head()  # what was found recorded already, too
            self._after_write.soon()
        return drained

    def _drain_now(self, should_continue: ShouldContinue) -> Drained | None:
        return self._drain_in_thread(self._live, should_continue)

    def _drain_in_thread(self, target: Callable[[], Target], should_continue: ShouldContinue) -> Drained | None:
        """Begun after every reconnection, and by a caller that finds writes waiting."""
        try:
            return self._drain(target, lambda _: None, should_continue)
        except (Unavailable, OutcomeUnknown) as error:
            known = {"reason", "file"} & error.details.keys()  # by a server that said no, or by this machine's disk
            if not is_held_up(error) and not known:
                self._runtime.contact.mark_lost(after_timeout=True)
            raise

    def _compare(self, database: Database) -> None:
        """Closes the ledger in a database that is not the history which this machine knows, and raises Diverged."""
        try:
            head, follower = self._runtime.local.journal.head, self._follower(self._runtime.store_in(database))
        except LedgerError as error:  # a disk of this machine is no reason to do without the database
            log.warning("the journal cannot be compared: %s", ascii(error.message)[1:-1])
            return
        try:
            follower.compare(head)
        except Diverged as diverged:
            self._close(database, follower, diverged)

    def _close(self, database: Database, follower: Follower, diverged: Diverged) -> None:
        """Closes the ledger, unless one of the two histories was replaced by the other meanwhile, under this lock."""
        with follower.locked(CLOSING_SECONDS) as mine:
            if not mine:  # met again, and closed, at the next contact
                raise diverged
            try:
                follower.compare(self._runtime.local.journal.head)
            except Diverged:
                with suppress(LedgerClosed):  # for another reason already
                    ledgers.close(database, self._runtime.identity.key, DIVERGED)
                raise

    def _follower(self, store: PostgresStore) -> Follower:
        local = self._runtime.local
        return Follower(local.journal, local.acknowledged, local.home, store)
