"""The report as this process can make it: with where it comes from, and what of this machine still waits."""

from projections.application.layers import KINDS, Source
from projections.application.view import LedgerView
from projections.questions.overviews.status import LISTED
from projections.reports import report
from projections.tables.contract import Snapshot


def document(view: LedgerView) -> report.Document:
    with view.tables.snapshot() as snapshot:
        return document_in(view, snapshot)


def document_in(view: LedgerView, snapshot: Snapshot, items: int = LISTED) -> report.Document:
    """What waits now is no part of an earlier point."""
    if view.as_of is not None:
        return report.document(snapshot, view.identity.name, items=items)
    return report.document(snapshot, view.identity.name, source(view), queued(view), items, is_live=is_live(view))


def is_live(view: LedgerView) -> bool:
    return KINDS[source(view)].is_live


def source(view: LedgerView) -> Source:
    """The layer that answers, as a report names it."""
    return view.layer.kind.reported_as or view.layer.source


def queued(view: LedgerView) -> int:
    """How many writes of this machine wait for the database."""
    return 0 if view.local.is_settled else view.local.outbox.waiting
