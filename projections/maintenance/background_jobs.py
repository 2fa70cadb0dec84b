"""What a long-running server does on its own, in the background.

It keeps this machine's journal up to the log, and once a day it archives what is old enough. Every server tries to
archive, and the ledger does it once: the command's id follows from the ledger and the day.
"""

import logging
from collections.abc import Callable
from uuid import UUID, uuid5

from ledger.aggregates.work_item.commands import ArchiveWorkItems
from ledger.errors import CommandIdReused, LedgerError
from projections.application.activity import activity_line
from projections.application.app import App

ARCHIVER = "tracking-ledger"  # who archives; the same on every server, so that their commands are the same
FIRST = 60.0  # seconds until the first look: a server that is needed only for a moment does not begin
EVERY = 3600.0
FOLLOW_EVERY = 2.0
FOLLOWED = 50  # ledgers that one process follows in that time

log = logging.getLogger(__name__)


def start_background_jobs(
    app: App, *, ledgers: Callable[[], int] = lambda: 1, first: float = FIRST, every: float = EVERY
) -> Callable[[], None]:
    """Begins among the jobs of the process. Call the answer to end it.

    `ledgers` says how many this process keeps: of many each is followed less often.
    """
    done = ""

    def keep() -> float:
        nonlocal done
        today = app.clock().date().isoformat()
        if app.runtime.opened and done != today and archive_once(app, today):
            done = today
        return every

    def follow() -> float:
        app.sync.follow_quietly()
        return FOLLOW_EVERY * max(1.0, ledgers() / FOLLOWED)

    keeping, following = app.jobs.add(app.lane, keep, every), app.jobs.add(app.lane, follow, FOLLOW_EVERY)
    keeping.within(first)
    following.within(FOLLOW_EVERY)

    def stop() -> None:
        keeping.end()
        following.end()

    return stop


def archive_once(app: App, day: str) -> bool:
    """Archives for a day, unless that was done. Answers whether it is done: what failed is tried again later."""
    try:
        with activity_line(lambda: app.home, "background", "archive", ARCHIVER) as line:
            app.sync.require_drained()
            recorded = app.live_view().record(
                ArchiveWorkItems(), by=ARCHIVER, command_id=archive_id(app.identity.ledger, day)
            )
            line.positions = list(recorded.positions[-1:])
    except CommandIdReused:  # a program of another version did it
        return True
    except LedgerError as error:
        log.warning("archiving has to wait: %s", error.code)
        return False
    return True


def archive_id(ledger: UUID, day: str) -> UUID:
    return uuid5(ledger, f"archive {day}")
