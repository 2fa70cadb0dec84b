"""Questions that a replica answers: nothing less than this machine knows of the log, and nothing older than allowed.

How old an answer can be is known without any clock but this machine's: the log ended where the journal ends when the
journal was last found to be the whole of it, so what reaches that far is no older than that contact. Whatever a replica
does not answer (it is away, behind, of another history, does not find what was asked for) is no answer at all: the
caller asks the primary.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from ledger.errors import LedgerError
from ledger.handler import Handler
from ledger.offline.journal import Head
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from projections.application.app import App
from projections.application.layers import Layer, PositionRecorder
from projections.application.view import LedgerView
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def try_replica(
    app: App, run: Callable[[LedgerView], Result], *, most: timedelta | None
) -> tuple[LedgerView, Result] | None:
    """What `run` answers on a replica, and the view it ran on; None if it does not answer.

    `most` is how old the answer may be; None takes the newest there is, because the primary is away.
    """
    replica = app.runtime.replica
    try:
        if replica is None or not app.local.is_settled:  # what waits here is laid over the journal, not over a replica
            return None
        contact = app.local.contact()
        head = app.local.journal.head  # after the contact: it is as long as it was then, or longer
        if most is not None and not (_is_whole(app, head) and _is_recent(app, contact, most)):
            return None
        with replica.asking(_needed(app, head), head.position, head.digest) as database:
            view = app.on_layer(_layer(app, database, contact, reachable=most is not None))
            result = run(view)
        _remember(app, view)
        return view, result
    except LedgerError as error:
        log.info("a replica does not answer: %s", ascii(error.message)[1:-1])
        return None


def _is_whole(app: App, head: Head) -> bool:
    """Whether the journal ends where it ended at its last contact, and can tell histories apart."""
    return head.position > 0 and app.local.journal.damage is None


def _is_recent(app: App, contact: datetime | None, most: timedelta) -> bool:
    return contact is not None and timedelta() <= app.clock() - contact <= most  # a clock set back tells nothing


def _needed(app: App, head: Head) -> int:
    """The newest position that this machine knows: no answer shows less than was written or shown before."""
    local = app.local
    seen, acknowledged = local.seen.position, local.acknowledged.read()
    return max(seen, head.position, acknowledged.position if acknowledged else 0)


def _layer(app: App, database: Database, contact: datetime | None, *, reachable: bool) -> Layer:
    """Its tables cannot catch up with the log: a replica is only read."""
    known = app.identity
    store, tables = PostgresStore(database, known.ledger, SHAPES, key=known.key), PostgresTables(database, known.key)
    handler = Handler(store, TableNeighbourhood(tables), propose, lambda: None)
    layer = Layer(source="replica", store=store, tables=tables, handler=handler, reachable=reachable, contact=contact)
    return replace(layer, tables=PositionRecorder(tables))


def _remember(app: App, view: LedgerView) -> None:
    if isinstance(view.tables, PositionRecorder) and view.tables.as_of is not None:
        app.runtime.remember_position(view.tables.as_of.position)
