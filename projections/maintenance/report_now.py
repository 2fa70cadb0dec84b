"""The report as this process can tell it: with where it comes from, and what of this machine still waits."""

from projections.application.app import App
from projections.reports import report
from projections.tables.contract import Snapshot


def document(app: App) -> report.Document:
    with app.tables.snapshot() as snapshot:
        return document_in(app, snapshot)


def document_in(app: App, snapshot: Snapshot) -> report.Document:
    return report.document(snapshot, app.identity.name, source(app), queued(app))


def source(app: App) -> str:
    """The layer that answers, as a report names it: what a replica tells of a position, the database tells too."""
    return "postgres" if (answering := layer(app)) == "replica" else answering


def layer(app: App) -> str:
    return "postgres" if app.layer is None else app.layer.source


def queued(app: App) -> int:
    """How many writes of this machine wait for the database."""
    return 0 if app.local.is_settled else app.local.outbox.waiting
