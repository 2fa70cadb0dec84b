"""A journal that answers and takes commands: its rows, with what waits in the outbox laid over them."""

from collections.abc import Callable
from datetime import datetime

from ledger.offline.local import LocalHandler, LocalStore
from ledger.offline.queue.outbox import Outbox
from ledger.offline.sent_commands import SentCommands
from projections.application.layers import Layer, Source
from projections.local_copy.cache import Cache
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose

DAMAGED = "journal_damaged"  # answers end before the damaged line


def journal_layer(
    cache: Cache,
    outbox: Outbox,
    sent: SentCommands,
    *,
    source: Source,
    claims_here: Callable[[], bool],
    contact: datetime | None = None,
    kept_alive: object = None,
) -> Layer:
    """The layer of `cache`'s journal, up to date, with what this machine wrote since.

    Raises Unavailable where the disk does not take that: a copy without it would deny what was acknowledged.
    """
    tables = cache.tables
    store = LocalStore(
        cache.journal, outbox, sent, check_unique=tables.check_unique, lay=cache.follow, claims_here=claims_here
    )
    store.take_in_acknowledged()
    cache.follow()
    handler = LocalHandler(store, TableNeighbourhood(tables), propose, cache.follow)
    damaged = cache.journal.damage is not None
    return Layer(
        source=source,
        store=store,
        tables=tables,
        handler=handler,
        warnings=(*(("queued_offline",) if outbox.waiting else ()), *((DAMAGED,) if damaged else ())),
        contact=contact,
        kept_alive=kept_alive,
    )
