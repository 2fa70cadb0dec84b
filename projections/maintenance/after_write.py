"""What follows a write, and an erasure, in programs that keep the status file: handed to the `App` that they make."""

from projections.application.app import App
from projections.application.view import LedgerView


def keep_status(app: App, view: LedgerView | None) -> None:
    """Writes the status file if this write is to be seen in it. Never raises."""
    # imported here for start-up: the report's templates are needed by few processes
    from projections.maintenance import status_file

    status_file.keep_status(app, view)


def renew_copies(app: App) -> None:
    """Rewrites the status file and the published journal, where they are: texts of theirs were erased."""
    # imported here for start-up, as above
    from projections.maintenance.status_file import place, read, write_status
    from projections.transfer.publication import renew

    if read(place(app)) is not None:
        write_status(app)
    renew(app)
