"""`--watch`: what is shown is shown again whenever the ledger has something newer."""

import time
from collections.abc import Callable

from ledger.errors import OutcomeUnknown, Unavailable
from projections.application.app import App
from projections.application.view import LedgerView
from projections.cli.terminal.interruption import Interruption
from projections.cli.terminal.output import printable, remark
from projections.fallback import router

PAUSE = 1.0  # seconds between two looks at the ledger's position


def watch(app: App, show: Callable[[], int | None]) -> None:
    """Shows it now and whenever the position rose, also after a server was away. An interruption is how it ends.

    `show` answers the position that it has shown, where it is one: the ledger may have moved since it was looked at.
    A copy that answers meanwhile, and is behind what was shown, is no news.
    """
    seen, away = -1, False
    with Interruption() as interruption:
        while True:
            try:
                _, position = router.run_on_first_source(app, _position, replicas=True)
                if position > seen:
                    seen = max(position, show() or 0)
                away = False
            except (Unavailable, OutcomeUnknown) as error:
                if not away:
                    remark(f"waiting for the ledger: {printable(error.message)}", style="yellow")
                away = True
            interruption.check()
            time.sleep(PAUSE)


def _position(view: LedgerView) -> int:
    with view.tables.snapshot() as snapshot:
        return snapshot.as_of.position
