"""Single issues, read where the lists of a round do not show them, and what is recorded of one that is gone."""

from collections.abc import Callable
from typing import Any

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.envelope import stream_id
from ledger.importing.readers.trackers.hosted.github import SOURCE
from ledger.values.finding import Finding
from ledger.values.revision import difference
from ledger.world import World
from projections.transfer.github.interface.api import GithubClient, Gone
from projections.transfer.github.interface.changed_issues import Touched
from projections.transfer.github.interface.issues import Record, cut, is_pull_request
from projections.transfer.github.interface.sweep import naming
from projections.transfer.github.local_changes import LocalChanges
from projections.transfer.github.pairing import Pairing
from projections.transfer.github.rules.relations import GONE
from projections.transfer.github.terms import SyncOutcome, Terms


class IssueReader:
    """`fresh` are the numbers that were asked for one by one in this round. `record` writes what is decided."""

    def __init__(
        self,
        *,
        api: GithubClient,
        repository: str,
        here: LocalChanges,
        pairing: Pairing,
        terms: Terms,
        outcome: SyncOutcome,
        record: Callable[[str, Callable[[Any, World], Decided]], None],
    ) -> None:
        self._api, self._repository, self._here, self._pairing = api, repository, here, pairing
        self._terms, self._outcome, self._record = terms, outcome, record
        self._path = f"/repos/{repository}/issues"
        self.fresh: set[int] = set()

    def fetched(self, number: int, item_id: str | None) -> Record | None:
        """The issue as it is now; None if it is gone, which is recorded, or is none."""
        if item_id is not None and GONE in self._here.world([item_id]).state(CATEGORY, item_id).metadata:
            self._outcome.findings.append(Finding("gone_there", f"{self._repository}#{number}"))
            return None
        try:
            record = self._api.get(f"{self._path}/{number}").body
        except Gone as gone:
            self.gone(f"{self._repository}#{number}", item_id, gone)
            return None
        self.fresh.add(number)
        return None if is_pull_request(record) else cut(record)

    def gone(self, name: str, item_id: str | None, gone: Gone) -> None:
        """What was deleted or moved on GitHub stays here, and says so from now on."""
        why = f"moved to {gone.location}" if gone.location else f"deleted ({gone.status})"
        self._outcome.findings.append(Finding("gone_there", f"{name}: {why}"))
        if item_id is None or self._terms.dry_run:
            return

        def decide(_: Any, world: World) -> Decided:
            changes = difference(world.state(CATEGORY, item_id), {"metadata": {GONE: why}})
            return [(stream_id(CATEGORY, item_id), WorkItemRevised(changes=changes))] if changes else []

        self._record(SOURCE, decide)

    def comments(self, number: int, record: Record, touched: Touched) -> list[Record]:
        if touched.comments is not None and number not in self.fresh:
            return touched.comments.get(number, [])
        return list(self._api.pages(f"{self._path}/{number}/comments")) if record["comments"] else []

    def naming(self, touched: Touched, linked: dict[int, str]) -> list[int]:
        """The numbers of issues below the touched ones, or blocking them: where those are new here, these are not."""
        unread = linked.keys() - touched.records.keys()
        found = naming(self._api, self._path, self._repository, touched.records) if unread else {}
        more = {number: record for number, record in found.items() if number in unread}
        touched.records |= more
        return list(more)

    def blocking(self, record: Record) -> frozenset[str] | None:
        """The items that an issue blocks; None if GitHub does not say."""
        if not record["blocking"]:
            return None if record["blocking"] is None else frozenset()
        return self._pairing.items_of(self._api.pages(f"{self._path}/{record['number']}/dependencies/blocking"))
