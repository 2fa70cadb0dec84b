"""The report as this process can make it: with where it comes from, and what of this machine still waits."""

from projections.application.layers import KINDS, Source
from projections.application.view import LedgerView
from projections.questions.overviews.status import LISTED
from projections.reports import report
from projections.tables.contract import Snapshot


def document(view: LedgerView, shown: report.Shown | None = None) -> report.Document:
    """With `shown` it may have no more than that."""
    with view.tables.snapshot() as snapshot:
        return document_in(view, snapshot, shown=shown)


def document_in(
    view: LedgerView, snapshot: Snapshot, items: int = LISTED, shown: report.Shown | None = None
) -> report.Document:
    """What waits now is no part of an earlier point."""
    shown = shown if is_live(view) else None  # elsewhere rows may wait for the database
    if view.as_of is not None:
        return report.document(snapshot, view.identity.name, items=items, shown=shown)
    name, live = view.identity.name, is_live(view)
    return report.document(snapshot, name, source(view), queued(view), items, is_live=live, shown=shown)


def is_live(view: LedgerView) -> bool:
    return KINDS[source(view)].is_live


def source(view: LedgerView) -> Source:
    """The layer that answers, as a report names it."""
    return view.layer.kind.reported_as or view.layer.source


def queued(view: LedgerView) -> int:
    """How many writes of this machine wait for the database."""
    return 0 if view.local.is_settled else view.local.outbox.waiting
