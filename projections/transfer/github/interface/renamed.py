"""Repositories whose name has changed: an issue is known by the repository's name, so each would be taken once more."""

from collections.abc import Iterator

from ledger.errors import Forbidden, Refused
from ledger.importing.readers.trackers.hosted.github import SOURCE
from projections.application.view import LedgerView
from projections.transfer.github.interface.access import is_repository
from projections.transfer.github.interface.api import Api, Gone
from projections.transfer.import_execution import known_ids


def refuse_renamed(view: LedgerView, api: Api, name: str, number: int | None) -> None:
    """Raises Refused where this repository, of which nothing is known by this name, is known by a former one. `number`
    is the one that GitHub keeps whatever it is called."""
    known = {repository for repository, mark, _ in _parts(view) if mark and is_repository(repository)}
    if name in known:
        return
    for former in sorted(known):
        if number is not None and _leads_to(api, former) == f"repositories/{number}":
            raise Refused(
                f"{name} was called {former}, and its issues are known here by that: each would become a second item",
                next_step=f"call the repository {former} again on GitHub, then synchronise with that name",
                rule="renamed",
                items=[],
            )


def _parts(view: LedgerView) -> Iterator[tuple[str, str, str]]:
    return (external_id.partition("#") for external_id in known_ids(view, SOURCE))


def _leads_to(api: Api, former: str) -> str | None:
    """The end of the address that GitHub sends on to from a former name."""
    try:
        api.get(f"/repos/{former}")
    except Gone as gone:
        return "/".join((gone.location or "").split("/")[-2:])
    except Forbidden:  # a repository that this token may not see
        return None
    return None
