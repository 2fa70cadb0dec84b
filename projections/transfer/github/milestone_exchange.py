"""The milestones of a repository and of a ledger, kept the same both ways by the rule of issues."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.trackers.hosted.github import SOURCE
from ledger.values.finding import Finding
from ledger.world import World
from projections.application.view import LedgerView
from projections.questions import conflicts as questions
from projections.transfer.github.interface.access import may_not_write
from projections.transfer.github.interface.api import PAGE, Declined, GithubClient, Gone
from projections.transfer.github.interface.issues import Issue, Record
from projections.transfer.github.local_changes import LocalChanges
from projections.transfer.github.rules import conflicts
from projections.transfer.github.rules.decision import ComparedSides, ExchangeRule, Pair, compared
from projections.transfer.github.rules.milestones import as_issue, known_as, name_of, number_in, take
from projections.transfer.github.rules.relations import GONE
from projections.transfer.github.sender import IssueSender
from projections.transfer.github.terms import SyncOutcome, Terms
from projections.transfer.import_execution import identified, known_ids, record_reading

Decide = Callable[[Any, World], Decided]


class Milestones:
    """`record` writes what is decided, `recorded` what pairs have in common, `gone` that one is not there any more."""

    def __init__(
        self,
        *,
        view: LedgerView,
        api: GithubClient,
        sender: IssueSender,
        here: LocalChanges,
        terms: Terms,
        outcome: SyncOutcome,
        machine: str,
        record: Callable[[str, Decide], None],
        recorded: Callable[[Sequence[Pair], ExchangeRule], None],
        gone: Callable[[str, str | None, Gone], None],
    ) -> None:
        self._view, self._api, self._sender, self._here = view, api, sender, here
        self._repository, self._terms, self._outcome = sender.repository, terms, outcome
        self._machine = machine
        self._record, self._recorded, self._gone = record, recorded, gone
        self.conflicts: set[str] = set()  # ids, of the last round

    def exchange(self, etag: str | None, changed: Iterable[str]) -> str | None:
        """Takes what is new in them and sends what is new in items that `changed` here; the ETag of their list."""
        self.conflicts = set()
        path = f"/repos/{self._repository}/milestones"
        try:
            answer = self._api.page(path, etag, state="all", per_page=PAGE)
        except Gone:  # a repository whose milestones are switched off
            return None
        records: list[Record] = [] if answer.unchanged else list(self._api.following(answer))
        known = self._item_ids()
        if self._terms.pull:
            self._take([record for record in records if record["number"] not in known])
        found = {record["number"]: record for record in records}
        numbers = {item_id: number for number, item_id in known.items()}
        wanted = {numbers[item_id] for item_id in changed if item_id in numbers}
        wanted |= known.keys() if etag is None else set()
        for number in sorted(wanted - found.keys()):
            if (record := self._fetched(number, known[number])) is not None:
                found[number] = record
        self._exchange_pairs([Pair(item_id=known[n], issue=self._issue(found[n])) for n in sorted(found) if n in known])
        if answer.unchanged or not self._terms.pull:
            return etag
        return answer.etag if answer.following is None and not self.conflicts else None

    def number_of(self, item_id: str) -> int | None:
        """The number of a milestone, which is made where it has none; None for one that is gone, of another source, or
        that has the title of one that is known."""
        item: WorkItem = self._here.world([item_id]).state(CATEGORY, item_id)
        if item.external_id is not None:
            return None if GONE in item.metadata else number_in(item.external_id, self._repository)
        number: int = self._sender.create_milestone(item)["number"]
        name = name_of(self._repository, number)
        if name in known_ids(self._view, SOURCE):  # it has the title of another item's
            return None
        self._record(SOURCE, lambda _, world: known_as(item_id, name, world))
        return number

    def create(self, item_id: str, title: str) -> None:
        """Makes one that is new here."""
        if self._terms.dry_run:
            self._outcome.created_there += 1
            return
        before = self._sender.written
        try:
            if self.number_of(item_id) is None:
                self._outcome.findings.append(Finding("milestone_of_another_source", title))
        except Declined as declined:
            self._outcome.findings.append(Finding("declined_there", f"{title}: {declined}"))
        self._outcome.created_there += self._sender.written - before

    def _item_ids(self) -> dict[int, str]:
        found = known_ids(self._view, SOURCE).items()
        numbers = {number_in(name, self._repository): item_id for name, item_id in found}
        return {number: item_id for number, item_id in numbers.items() if number is not None}

    def _issue(self, record: Record) -> Issue:
        return as_issue(record, self._repository)

    def _take(self, records: Iterable[Record]) -> None:
        identify, reading = identified(self._view, SOURCE, known_ids(self._view, SOURCE)), Reading()
        for record in records:
            take(record, self._repository, identify, reading)
        brought = record_reading(self._view, SOURCE, reading, by=self._terms.by, dry_run=self._terms.dry_run)
        self._outcome.events += len(brought.positions)

    def _fetched(self, number: int, item_id: str) -> Record | None:
        name = name_of(self._repository, number)
        if GONE in self._here.world([item_id]).state(CATEGORY, item_id).metadata:
            self._outcome.findings.append(Finding("gone_there", name))
            return None
        try:
            record: Record = self._api.get(f"/repos/{self._repository}/milestones/{number}").body
        except Gone as gone:
            self._gone(name, item_id, gone)
            return None
        return record

    def _exchange_pairs(self, pairs: list[Pair]) -> None:
        world = self._here.world(pair.item_id for pair in pairs)
        with self._view.tables.snapshot() as snapshot:
            waiting = tuple(questions.about(snapshot, [pair.item_id for pair in pairs])) if pairs else ()
        rule = ExchangeRule(policy=self._terms.policy, pull=self._terms.pull, machine=self._machine, waiting=waiting)
        after = []
        for pair in pairs:
            sides = compared(pair, rule.policy, world)
            if sides.now.deleted or sides.now.withdrawn:
                continue
            self._count(pair, sides)
            if self._terms.push and sides.merge.send and not self._terms.dry_run:
                pair = self._sent(pair, sides)
            after.append(pair)
        if not self._terms.dry_run:
            self._recorded(after, rule)

    def _count(self, pair: Pair, sides: ComparedSides) -> None:
        self._outcome.changed_here += bool(self._terms.pull and sides.merge.take)
        self._outcome.changed_there += bool(self._terms.push and sides.merge.send)
        self.conflicts |= {conflicts.id_of(pair.item_id, field, sides.theirs[field]) for field in sides.merge.conflicts}

    def _sent(self, pair: Pair, sides: ComparedSides) -> Pair:
        try:
            changed = self._sender.change_milestone(pair.issue, sides.now, sides.merge.send)
        except Declined as declined:
            self._outcome.findings.append(Finding("declined_there", f"{pair.issue.name}: {declined}"))
            return pair
        except Gone as gone:
            if self._fetched(pair.issue.number, pair.item_id) is not None:
                raise may_not_write(self._repository) from gone
            return pair
        return replace(pair, issue=self._issue(changed))
