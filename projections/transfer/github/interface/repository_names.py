"""Repositories whose name has changed: their issues stay known by the former one."""

from ledger.errors import Forbidden
from ledger.importing.readers.trackers.hosted.github import SOURCE
from projections.application.view import LedgerView
from projections.transfer.github.interface.access import is_repository
from projections.transfer.github.interface.api import GithubClient, Gone
from projections.transfer.import_execution import known_ids


def known_name(view: LedgerView, api: GithubClient, asked: str, name: str, number: int | None) -> str:
    """The name by which the issues of the repository `asked` for are known here; `name`, as GitHub writes it, where
    none is. `number` is the one that it keeps there whatever it is called."""
    known = sorted(_known_repositories(view))
    spelled = next((one for one in known if one.lower() == asked.lower()), None)
    if spelled is not None or name in known:
        return spelled or name
    formers = (one for one in known if number is not None and _leads_to(api, one) == f"repositories/{number}")
    return next(formers, name)


def _known_repositories(view: LedgerView) -> set[str]:
    parts = (external_id.partition("#") for external_id in known_ids(view, SOURCE))
    return {repository for repository, mark, _ in parts if mark and is_repository(repository)}


def _leads_to(api: GithubClient, former: str) -> str | None:
    """The end of the address that GitHub sends on to from a former name."""
    try:
        api.get(f"/repos/{former}")
    except Gone as gone:
        return "/".join((gone.location or "").split("/")[-2:])
    except Forbidden:  # a repository that this token may not see
        return None
    return None
