"""The rounds of a synchronisation: read what changed there, take it, send what changed here, remember where it was."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.imported.source_state import CATEGORY, source_state
from ledger.aggregates.work_item.state import WorkItem
from ledger.errors import Forbidden
from ledger.importing.commands import Import
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.trackers.hosted.github import SOURCE, take_issue
from ledger.values.finding import Finding
from ledger.world import World
from projections.application.view import LedgerView
from projections.questions import conflicts as questions
from projections.questions.references import reference
from projections.questions.work import readiness
from projections.read_models.projection import Row
from projections.transfer.github.interface import markers
from projections.transfer.github.interface.access import may_not_write
from projections.transfer.github.interface.api import Declined, GithubClient, Gone
from projections.transfer.github.interface.changed_issues import Touched, listed
from projections.transfer.github.interface.issues import Record, as_comments, cut, remarks_of
from projections.transfer.github.interface.last_run import Saved, Sweep, load, store
from projections.transfer.github.interface.sweep import as_row, swept
from projections.transfer.github.issue_reader import IssueReader
from projections.transfer.github.local_changes import LocalChanges
from projections.transfer.github.milestone_exchange import Milestones
from projections.transfer.github.pairing import Pairing
from projections.transfer.github.rules import conflicts
from projections.transfer.github.rules.claims import claim, is_claimed_elsewhere, machine_of, was_claimed
from projections.transfer.github.rules.decision import (
    LEFT_OUT,
    ComparedSides,
    ExchangeRule,
    Pair,
    common,
    compared,
    merging,
    refused,
)
from projections.transfer.github.rules.pull_requests import attached, closing
from projections.transfer.github.rules.sides import COMMENT, deleted_comments, sent_comments
from projections.transfer.github.sender import IssueSender
from projections.transfer.github.terms import SyncOutcome, SyncRound, Terms
from projections.transfer.import_execution import record_reading

FULL_AFTER = 24 * 3600.0  # seconds after which all issues are listed again, to find those that are gone
SWEEP_AFTER = 600.0  # seconds after which all issues are asked for their relations again
PORTION = 100  # pairs in one record


class Exchange:
    """One ledger and one repository."""

    def __init__(
        self,
        view: LedgerView,
        api: GithubClient,
        repository: str,
        terms: Terms,
        file: Path,
        sleep: Callable[[float], None],
    ) -> None:
        self._view = view
        self._api = api
        self._repository = repository
        self._terms = terms
        self._file = file
        self._sender = IssueSender(api=api, repository=repository, sleep=sleep, milestone_number=self._milestone_number)
        self._here = LocalChanges(view=view, repository=repository, only=terms.only, by=terms.by)
        self._outcome = SyncOutcome()
        self._machine = machine_of(file)
        self._pairing = Pairing(view, self._here, repository)
        self._reader = self._issue_reader()
        self._milestones = self._milestone_exchange()
        self._waiting: dict[str, dict[str, Any]] = {}  # lines of items that what is exchanged could make ready
        self._round = SyncRound()

    def _issue_reader(self) -> IssueReader:
        return IssueReader(
            api=self._api,
            repository=self._repository,
            here=self._here,
            pairing=self._pairing,
            terms=self._terms,
            outcome=self._outcome,
            record=self._record,
        )

    def _milestone_exchange(self) -> Milestones:
        return Milestones(
            view=self._view,
            api=self._api,
            sender=self._sender,
            here=self._here,
            terms=self._terms,
            outcome=self._outcome,
            machine=self._machine,
            record=self._record,
            recorded=self._record_exchanged,
            gone=self._reader.gone,
        )

    def until_quiet(self, most: int) -> SyncOutcome:
        for number in range(1 if self._terms.dry_run else most):
            if not self._run_round(is_first=number == 0):
                break
        self._outcome.findings += self._sender.findings
        found = sorted({*self._round.conflicts, *self._milestones.conflicts})
        self._outcome.conflicts = [reference(self._view.tables, "conflict", one) for one in found]
        with self._view.tables.snapshot() as snapshot:
            waited = list(self._waiting.values())
            self._outcome.ready = readiness.became_ready(snapshot, waited, snapshot.as_of.now)
        return self._outcome

    def _run_round(self, *, is_first: bool) -> bool:
        """Whether there was anything to take or to send."""
        saved = self._saved()
        is_full = saved.issues.since is None or (is_first and self._is_stale(saved))
        after = Saved(asked=saved.asked, listed_at=time.time() if is_full else saved.listed_at)
        self._round = SyncRound()
        self._reader.fresh, before = set(), self._sender.written
        self._pairing.refresh()
        touched, after.issues, after.comments = listed(self._api, self._sender.path, Saved() if is_full else saved)
        after.sweep = self._sweep(saved, touched, is_full=is_full, is_first=is_first)
        here, unsent, after.position = self._here.since(0 if is_full else saved.position)
        after.milestones = self._milestones.exchange(None if is_full else saved.milestones, here)
        self._pairing.refresh()
        linked = self._pairing.find_items()
        self._fill(touched, linked, saved.pending, here, is_full=is_full)
        self._take_and_exchange(touched, linked)
        if self._terms.push:
            self._create(unsent, linked)
        after.pending = sorted({*self._round.conflicts.values(), *self._round.again, *self._related(linked)})
        after.position = min(after.position, self._round.held_back)
        self._keep(saved, after)
        return (touched.news and self._terms.pull) or self._sender.written > before

    def _keep(self, saved: Saved, after: Saved) -> None:
        """What was not to be taken or sent is still to be found by the run that does."""
        if not self._terms.pull:
            after.issues, after.comments, after.listed_at = saved.issues, saved.comments, saved.listed_at
            after.sweep = saved.sweep
        if not self._terms.push:
            after.position = saved.position
        if not self._terms.dry_run:
            store(self._file, after)

    def _saved(self) -> Saved:
        return load(self._file, [self._api.address, self._repository, *self._terms.only.words()])

    def _is_stale(self, saved: Saved) -> bool:
        return self._terms.full or time.time() - saved.listed_at > FULL_AFTER

    def _sweep(self, saved: Saved, touched: Touched, *, is_full: bool, is_first: bool) -> Sweep:
        """Adds issues of which only the relations changed: the times of change on GitHub do not tell of that."""
        if is_full:
            return Sweep(at=time.time(), said={number: as_row(record) for number, record in touched.records.items()})
        if not is_first or time.time() - saved.sweep.at < SWEEP_AFTER:
            return saved.sweep
        found, sweep = swept(self._api, self._sender.path, saved.sweep, time.time())
        touched.records, touched.news = found | touched.records, touched.news or bool(found)
        return sweep

    def _milestone_number(self, item_id: str) -> int | None:
        number = self._milestones.number_of(item_id)
        self._pairing.refresh()
        return number

    def _fill(
        self, touched: Touched, linked: dict[int, str], pending: list[int], here: list[str], *, is_full: bool
    ) -> None:
        """Adds the issues that are to be looked at and that the lists did not tell of."""
        numbers = {item_id: number for number, item_id in linked.items()}
        wanted = {*touched.remarked, *pending, *(numbers[item_id] for item_id in here if item_id in numbers)}
        wanted |= linked.keys() if is_full else set()
        for number in sorted(wanted - touched.records.keys()):
            if (record := self._reader.fetched(number, linked.get(number))) is not None:
                touched.records[number] = record

    def _record(self, source: str, decide: Callable[[Any, World], Decided]) -> None:
        recorded = self._view.record(Import(source=source), by=self._terms.by, decide=decide)
        self._outcome.events += len(recorded.positions)

    def _take_and_exchange(self, touched: Touched, linked: dict[int, str]) -> None:
        """Takes up what is new there, and exchanges what both know."""
        new: dict[int, Record] = {}
        for number, record in touched.records.items():
            if number not in linked and (item_id := self._pairing.adopted(record)) is not None:
                linked[number] = item_id
                self._round.new[item_id] = len(self._round.new)
            elif number not in linked and self._terms.pull and self._terms.only.takes_issue(record):
                new[number] = record
        numbers = [number for number in touched.records if number in linked]
        linked |= self._take_new(new, touched)
        numbers += self._reader.naming(touched, linked)
        if not self._terms.dry_run:
            numbers += [number for number, record in new.items() if record["parent_issue"] or record["blocking"]]
        # after what is new was taken: parents may be new
        pairs = [self._pairing.pair(linked[number], touched.records[number]) for number in numbers]
        for begin in range(0, len(pairs), PORTION):
            self._exchange(pairs[begin : begin + PORTION], touched)
        found = closing(touched.pulls, linked, self._repository)
        if found and self._terms.pull and not self._terms.dry_run:
            self._record(SOURCE, lambda _, world: attached(found, world))

    def _related(self, linked: dict[int, str]) -> set[int]:
        """The numbers of issues whose parent became one after them, or what they block."""
        if not self._round.new:
            return set()
        numbers = {item_id: number for number, item_id in linked.items()}
        parents, blocks = self._here.world([]).edges()
        late = self._round.late([*parents.items(), *blocks])
        return {numbers[one] for one in late if one in numbers}

    def _take_new(self, new: dict[int, Record], touched: Touched) -> dict[int, str]:
        """The ids of the items that new issues became."""
        identify = self._pairing.identify
        numbers = sorted(new)
        for begin in range(0, len(numbers), PORTION):
            reading = Reading()
            for number in numbers[begin : begin + PORTION]:
                name = f"{self._repository}#{number}"
                remarks = remarks_of(self._reader.comments(number, new[number], touched), name)
                record = {name: value for name, value in new[number].items() if name not in LEFT_OUT} | {
                    "body": markers.without_item(new[number]["body"] or ""),
                    "comments": as_comments(remarks),
                }
                take_issue(name, record, identify, self._view.clock(), reading)
                if (milestone_id := self._pairing.milestone_id(new[number])) is not None:
                    item = reading.items[-1]
                    reading.items[-1] = replace(item, fields=item.fields | {"milestone_id": milestone_id})
            brought = record_reading(self._view, SOURCE, reading, by=self._terms.by, dry_run=self._terms.dry_run)
            self._outcome.created_here += len(reading.items)
            self._outcome.events += len(brought.positions)
            self._outcome.findings += brought.made.not_taken
        return {number: identify(f"{self._repository}#{number}") for number in numbers}

    def _exchange(self, pairs: list[Pair], touched: Touched) -> None:
        """What is sent is recorded at once, all else together."""
        world = self._here.world(pair.item_id for pair in pairs)
        with self._view.tables.snapshot() as snapshot:
            waiting = tuple(questions.about(snapshot, [pair.item_id for pair in pairs]))
            could = readiness.waiting(snapshot, [pair.item_id for pair in pairs], snapshot.as_of.now)
            self._waiting |= {line["id"]: line for line in could}
        rule = ExchangeRule(policy=self._terms.policy, pull=self._terms.pull, machine=self._machine, waiting=waiting)
        quiet: list[Pair] = []
        pairs = [self._with_remarks(pair, world, touched) for pair in pairs]
        self._name_refused(pairs, rule, world)
        for pair in pairs:
            sides = compared(pair, rule.policy, world)
            if self._is_left_alone(pair, sides) or self._is_elsewhere(pair, sides.now, world):
                continue
            self._count(pair, sides)
            if self._terms.dry_run:
                continue
            if self._terms.push and sides.merge.send:
                sent = self._send(pair, rule)
                self._record_exchanged([sent] if sent else [], rule)
            else:
                quiet.append(pair)
        self._record_exchanged(quiet, rule)

    def _with_remarks(self, pair: Pair, world: World, touched: Touched) -> Pair:
        issue = pair.issue
        comments = self._reader.comments(issue.number, issue.record, touched)
        return self._remarked(pair, comments, world)

    def _remarked(self, pair: Pair, comments: list[Record], world: World) -> Pair:
        then = source_state(pair.item_id, SOURCE, world)
        sent = {entry[0]: name for name, entry in sent_comments(then).items()}
        issue = pair.issue
        remarks = remarks_of(comments, issue.name, pair.item_id, sent, then.comments)
        blocking = self._reader.blocking(issue.record) if issue.blocking is None else issue.blocking
        return replace(pair, issue=replace(issue, remarks=remarks, blocking=blocking))

    def _is_left_alone(self, pair: Pair, sides: ComparedSides) -> bool:
        if sides.now.deleted and pair.issue.record["state"] == "open":
            self._outcome.findings.append(Finding("deleted_here", pair.issue.name))
        return sides.now.deleted or sides.now.withdrawn

    def _is_elsewhere(self, pair: Pair, item: WorkItem, world: World) -> bool:
        """Whether another machine is at it: then it is looked at again by the next run."""
        is_claimed = is_claimed_elsewhere(item, self._machine, world.now)
        if is_claimed:
            self._outcome.findings.append(Finding("sent_elsewhere", pair.issue.name))
            self._round.again.add(pair.issue.number)
        return is_claimed

    def _claim_to_send(self, item_id: str, known_as: str | None) -> bool:
        """Whether this machine makes what is new of an item: no other one does so, or has done it."""
        wins = False

        def decide(_: Any, world: World) -> Decided:
            nonlocal wins
            item: WorkItem = world.state(CATEGORY, item_id)
            wins = item.external_id == known_as and not is_claimed_elsewhere(item, self._machine, world.now)
            return claim(item_id, self._machine, world) if wins else []

        self._record(f"{SOURCE} claim", decide)
        return wins

    def _count(self, pair: Pair, sides: ComparedSides) -> None:
        self._outcome.changed_here += bool(self._terms.pull and sides.merge.take)
        self._outcome.changed_there += bool(self._terms.push and sides.merge.send)
        gone = deleted_comments(sides.base, pair.issue)
        self._outcome.findings += [Finding("comment_deleted_there", f"{pair.issue.name}: {name}") for name in gone]
        for field in sides.merge.conflicts:
            own = conflicts.id_of(pair.item_id, field, sides.theirs[field])
            self._round.conflicts[own] = pair.issue.number

    def _name_refused(self, pairs: list[Pair], rule: ExchangeRule, world: World) -> None:
        """Parents and dependencies that cannot be taken are looked at again by the next run."""
        numbers = {pair.item_id: pair.issue.number for pair in pairs}
        for item_id, other in sorted(refused(pairs, rule, world)):
            where = f"{self._repository}#{numbers[item_id]} and {reference(self._view.tables, CATEGORY, other)}"
            self._outcome.findings.append(Finding("cycle_here", where))
            self._round.again.add(numbers[item_id])

    def _send(self, pair: Pair, rule: ExchangeRule) -> Pair | None:
        """The pair after what is to be sent of it was: by the issue as it is right before."""
        if pair.issue.number not in self._reader.fresh:
            record = self._reader.fetched(pair.issue.number, pair.item_id)
            if record is None:
                return None
            pair = self._pairing.pair(pair.item_id, record)
        world = self._here.world([pair.item_id])
        comments = self._reader.comments(pair.issue.number, pair.issue.record, Touched())
        pair = self._remarked(pair, comments, world)
        sides = compared(pair, rule.policy, world)
        is_new = any(field.startswith(COMMENT) and sides.base[field] is None for field in sides.merge.send)
        if is_new and not self._claim_to_send(pair.item_id, sides.now.external_id):
            self._round.again.add(pair.issue.number)
            return None
        try:
            return self._write(pair, sides, world)
        except Gone as gone:
            if self._reader.fetched(pair.issue.number, pair.item_id) is not None:
                raise may_not_write(self._repository) from gone
            return None
        except Declined as declined:
            self._outcome.findings.append(Finding("declined_there", f"{pair.issue.name}: {declined}"))
            return pair
        except Forbidden as refused:
            if not pair.issue.record["locked"]:
                raise  # the token, and not this issue alone
            self._outcome.findings.append(Finding("locked_there", f"{pair.issue.name}: {refused.message}"))
            return pair

    def _write(self, pair: Pair, sides: ComparedSides, world: World) -> Pair:
        send, issue = sides.merge.send, pair.issue
        changed_record, sent = self._sender.change(issue, pair.item_id, sides.now, send, sides.base)
        if self._sender.comment(issue, pair.item_id, sides.now, sides.then, send):
            comments = list(self._api.pages(f"{self._sender.path}/{issue.number}/comments"))
            pair = self._remarked(pair, comments, world)
            sent |= {field: value for field, value in send.items() if field.startswith(COMMENT)}
        record = cut(changed_record) if changed_record else issue.record
        after = replace(pair.issue, record=record, milestone_id=self._pairing.milestone_id(record))
        return replace(pair, sent=sent, issue=self._sender.relate(after, send, self._pairing.number_of))

    def _record_exchanged(self, pairs: Sequence[Pair], rule: ExchangeRule) -> None:
        if pairs:
            self._record(f"{SOURCE} merge", lambda _, world: merging(pairs, rule, world))
            self._record(SOURCE, lambda _, world: common(pairs, rule, world))

    def _create(self, unsent: list[Row], linked: dict[int, str]) -> None:
        known = set(linked.values())
        for row in (row for row in unsent if row.id not in known):
            if row.state.item_type == "milestone":
                self._milestones.create(row.id, row.state.title)
                continue
            if self._terms.dry_run:
                self._outcome.created_there += 1
                continue
            was_begun = was_claimed(row.state)
            if not self._claim_to_send(row.id, None):
                self._outcome.findings.append(Finding("sent_elsewhere", row.state.title))
                self._round.held_back = min(self._round.held_back, row.position - 1)
                continue
            try:
                record = cut(self._sender.create(row.id, row.state, was_begun=was_begun))
            except Declined as declined:
                self._outcome.findings.append(Finding("declined_there", f"{row.state.title}: {declined}"))
                continue
            self._outcome.created_there += 1
            self._reader.fresh.add(record["number"])
            linked[record["number"]] = row.id
            self._round.new[row.id] = len(self._round.new)
            self._exchange([self._pairing.pair(row.id, record)], Touched())
