"""One synchronisation with a repository, from its lock to its report.

It reads what changed on GitHub, takes it, sends what changed here, and reads again what that has changed, until neither
side says anything new. Each step is recorded before the next one is taken, so it goes on wherever it was interrupted.
"""

import time
from collections.abc import Callable
from typing import Any

from filelock import FileLock, Timeout
from msgspec import Struct

from ledger.errors import LedgerError, NotFound, Refused, Unavailable
from projections.application.app import App
from projections.application.view import LedgerView
from projections.transfer.github.exchange import Exchange
from projections.transfer.github.interface.access import PUBLIC, access, checked_repository
from projections.transfer.github.interface.api import ApiFault, Declined, GithubClient, Gone, Lost
from projections.transfer.github.interface.last_run import file_of
from projections.transfer.github.interface.names import RepositoryNames
from projections.transfer.github.interface.repository_names import known_name
from projections.transfer.github.terms import SyncOutcome, Terms

Report = dict[str, Any]
MOST_ROUNDS = 5  # of reading and writing, while others write too
MOST_NAMES = 5  # that lead on from one to the next


class Synchronisation(Struct, frozen=True, kw_only=True):
    """One with `repository`, OWNER/REPO, at `url` (None: where the environment says), on these `terms`."""

    repository: str
    url: str | None = None
    terms: Terms = Terms()

    def run(self, app: App, sleep: Callable[[float], None] = time.sleep) -> Report:
        """Unavailable while the database or GitHub is away: what was recorded and sent until then stays so."""
        started = time.perf_counter()
        try:
            app.sync.require_drained()
            view = app.live_view()
        except Unavailable as away:
            raise Unavailable(
                f"nothing was exchanged with {self.repository}: the last common state is in the ledger, but"
                f" {away.message}",
                next_step=f"run it again when the database answers: {away.next_step}",
                **away.details,
            ) from away
        checked_repository(self.repository)
        api = GithubClient(access(self.url), sleep=sleep)
        file = file_of(app.home, self.repository)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(file.with_suffix(".lock"), timeout=0):
                name = self._known_as(api, view)
                exchange = Exchange(view, api, name, self.terms, file, sleep)
                outcome = exchange.until_quiet(MOST_ROUNDS)
        except Timeout as error:
            raise Refused(
                f"another process of this machine synchronises {self.repository}",
                next_step="wait until that one has ended",
                rule="not_alone",
                items=[],
            ) from error
        except ApiFault as fault:
            raise _ended(self.repository, fault) from fault
        finally:
            api.close()
        return self._report(name, outcome, api) | {"elapsed_ms": round((time.perf_counter() - started) * 1000, 1)}

    def _known_as(self, api: GithubClient, view: LedgerView) -> str:
        """The name by which its issues are known here: as GitHub writes it, or wrote it before it was renamed."""
        repository = self._described(api)
        name = repository.get("full_name") if isinstance(repository, dict) else None
        if not isinstance(name, str):
            raise Unavailable(
                f"{api.address} does not answer as GitHub's interface does: it does not name {self.repository}",
                next_step=f"give the address of the interface: --api-url {PUBLIC}, or https://HOSTNAME/api/v3",
            )
        checked_repository(name)
        self._require_open(name, repository)
        known = known_name(view, api, self.repository, name, repository.get("id"))
        api.names = RepositoryNames(here=known, there=name) if known != name else None
        return known

    def _described(self, api: GithubClient) -> Any:
        """What GitHub says of the repository, by this name or a former one."""
        address = f"/repos/{self.repository}"
        for _ in range(MOST_NAMES):
            try:
                return api.get(address).body
            except Gone as gone:
                if gone.location is None:
                    break
                address = gone.location
        raise NotFound(
            f"there is no repository {self.repository} that this token can read",
            next_step="check the name, and what the token allows",
            repository=self.repository,
        )

    def _require_open(self, name: str, repository: dict[str, Any]) -> None:
        if repository.get("has_issues") is False:
            raise Refused(
                f"{name} has no issues: they are switched off on GitHub",
                next_step="switch them on in the repository's settings there",
                rule="no_issues",
                items=[],
            )
        if self.terms.push and repository.get("archived"):
            raise Refused(
                f"{name} is archived on GitHub: it takes no changes",
                next_step=f"run `tracking-ledger sync github {name} --pull`",
                rule="archived",
                items=[],
            )

    def _report(self, name: str, outcome: SyncOutcome, api: GithubClient) -> Report:
        named: dict[str, list[str]] = {}
        for finding in outcome.findings:
            where = named.setdefault(finding.kind, [])
            where += [finding.where] if finding.where not in where else []
        return {
            "success": True,
            "repository": name,
            "dry_run": self.terms.dry_run,
            "pulled": {"created": outcome.created_here, "changed": outcome.changed_here},
            "pushed": {"created": outcome.created_there, "changed": outcome.changed_there},
            "events": outcome.events,
            "conflicts": outcome.conflicts,
            "findings": [{"kind": kind, "count": len(where), "where": where} for kind, where in sorted(named.items())],
            "requests": {
                "total": sum(count for method, count in api.requests.items() if method != "304"),
                "unchanged": api.requests["304"],
                "writes": sum(count for method, count in api.requests.items() if method not in ("GET", "304")),
            },
            **outcome.ready,
        }


def _ended(repository: str, fault: ApiFault) -> LedgerError:
    """What ends a run, and would not end the next one."""
    match fault:
        case Declined(status=status):
            return Refused(
                f"GitHub declined a request about {repository}: {fault}",
                next_step="look at what the sentence names, then run the same command again: it goes on where it was",
                rule="declined",
                items=[],
                answered=status,
            )
        case Lost():
            why = "an answer was lost, and what was sent is not to be found yet"
        case _:
            why = "an issue went away while it was read"
    return Unavailable(
        f"the exchange with {repository} ended early: {why}",
        next_step="run the same command again: it looks for what may have arrived, and goes on where it was",
    )
