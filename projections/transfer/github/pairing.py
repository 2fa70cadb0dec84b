"""Which items the issues of one repository are, and the items that they name: parents, milestones, what they block."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.importing.readers.reading import Identify
from ledger.importing.readers.trackers.hosted.github import SOURCE
from projections.application.view import LedgerView
from projections.transfer.github.interface import markers
from projections.transfer.github.interface.issues import Issue, Record
from projections.transfer.github.local_changes import LocalChanges
from projections.transfer.github.rules import milestones
from projections.transfer.github.rules.decision import Pair
from projections.transfer.import_execution import identified, known_ids


class Pairing:
    """`items` are those that are issues, by their numbers; a caller that makes more of them adds them."""

    def __init__(self, view: LedgerView, here: LocalChanges, repository: str) -> None:
        self._view = view
        self._here = here
        self._repository = repository
        self.items: dict[int, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Looks again at what the ledger knows of GitHub."""
        self.identify: Identify = identified(self._view, SOURCE, known_ids(self._view, SOURCE))

    def find_items(self) -> dict[int, str]:
        """The items that are issues of this repository, by their numbers."""
        prefix = f"{self._repository}#"
        known = known_ids(self._view, SOURCE).items()
        numbers = {name.removeprefix(prefix): item_id for name, item_id in known if name.startswith(prefix)}
        self.items = {int(number): item_id for number, item_id in numbers.items() if number.isdecimal()}
        return self.items

    def pair(self, item_id: str, record: Record) -> Pair:
        name = f"{self._repository}#{record['number']}"
        parent, milestone_id = self._parent_id(record), self.milestone_id(record)
        return Pair(item_id=item_id, issue=Issue(name=name, record=record, milestone_id=milestone_id, parent=parent))

    def adopted(self, record: Record) -> str | None:
        """The item that an issue was made for, where the answer to that was lost."""
        item_id = markers.item_in(record["body"] or "")
        if item_id is None:
            return None
        item = self._item(item_id)
        return item_id if item.exists and item.external_id is None and not item.withdrawn else None

    def number_of(self, item_id: str) -> int | None:
        repository, _, number = (self._item(item_id).external_id or "").partition("#")
        return int(number) if repository == self._repository and number.isdecimal() else None

    def milestone_id(self, record: Record) -> str | None:
        if record["milestone"] is None:
            return None
        return self.identify(milestones.name_of(self._repository, record["milestone"]))

    def items_of(self, issues: Iterable[Record]) -> frozenset[str]:
        """The items of these issues: of those in this repository that have one."""
        address = f"/{self._repository}/issues/"
        numbers = (one["number"] for one in issues if address in one["html_url"])
        return frozenset(self.items[number] for number in numbers if number in self.items)

    def _parent_id(self, record: Record) -> Any:
        """The parent's item; UNSET for one that is none here."""
        if not record["parent_issue"]:
            return record["parent_issue"]
        repository, number = record["parent_issue"]
        return self.items.get(number, UNSET) if repository == self._repository else UNSET

    def _item(self, item_id: str) -> WorkItem:
        item: WorkItem = self._here.world([item_id]).state(CATEGORY, item_id)
        return item
