"""What is recorded of an item and its issue: what is taken, and the values that both have from now on.

What the synchronisation records of an item is recorded as an import of GitHub's is. So the last common state is what
those events alone add up to, on every machine, and an imported file of the same repository goes on from there. A value
that both have alike is confirmed by a change from it to itself.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET, Struct

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import Attribution
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.aggregates.work_item.imported.imported_life import settle
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.aggregates.work_item.imported.source_state import CATEGORY, source_events, source_state
from ledger.aggregates.work_item.rules.reviews import imported
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.events import CommentAdded, CommentCorrected
from ledger.envelope import Fact, stream_id
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.record import CLOSED
from ledger.importing.readers.trackers.hosted.github import NO_HOLDER, SOURCE, take_issue
from ledger.settings import Policy
from ledger.values.moment import parse, text
from ledger.values.revision import Change, Changes, difference, followed
from ledger.values.states import State, find_state
from ledger.world import World
from projections.transfer.github.interface.issues import KEPT, LABEL, Issue
from projections.transfer.github.rules import conflicts, relations
from projections.transfer.github.rules.claims import SENDING, is_claimed_elsewhere
from projections.transfer.github.rules.relations import GONE, Taking
from projections.transfer.github.rules.sides import (
    COMMENT,
    SENT,
    Values,
    aligned,
    digest,
    last_common,
    of_issue,
    of_item,
    sent_comments,
)
from projections.transfer.github.rules.three_way import Merge, merge

CONFIRMED = {
    "title": "title",
    "body": "description",
    "labels": "tags",
    "assignee": "assignee",
    "milestone": "milestone_id",
    "due": "due",
}
MANAGED = {*KEPT, "user", "closed_by", "assignees", "labels", CLOSED}  # names in the metadata that follow GitHub
# of a record: not in the metadata
LEFT_OUT = ("comments", "milestone", "locked", "id", "parent_issue", "blocking", "blocked_by", "children")


class Pair(Struct, frozen=True, kw_only=True):
    """An item and its issue. `sent` are the values that were sent just now: both had them alike for a moment."""

    item_id: str
    issue: Issue
    sent: Values = {}


class ComparedSides(Struct, frozen=True, kw_only=True):
    """The sides of a pair and what follows from them."""

    now: WorkItem
    then: WorkItem
    base: Values
    ours: Values
    theirs: Values
    merge: Merge


class ExchangeRule(Struct, frozen=True, kw_only=True):
    """`waiting` are the ids of the conflicts that wait; `pull` says whether changes on GitHub are taken. What another
    machine than this one is sending is left to it."""

    policy: Policy
    pull: bool
    machine: str
    waiting: tuple[str, ...] = ()


def compared(pair: Pair, policy: Policy, world: World) -> ComparedSides:
    now: WorkItem = world.state(CATEGORY, pair.item_id)
    then = source_state(pair.item_id, SOURCE, world)
    base, ours = last_common(then) | pair.sent, of_item(now)
    theirs = of_issue(pair.issue, base, ours)
    base, ours, theirs = aligned(base, ours, theirs, sent_comments(then))
    base, ours, theirs = relations.comparable(base, ours, theirs, pair.issue.repository, world)
    found = merge(
        base, ours, theirs, lambda field: conflicts.policy_of(pair.item_id, field, theirs[field], policy, world)
    )
    return ComparedSides(now=now, then=then, base=base, ours=ours, theirs=theirs, merge=found)


def merging(pairs: Iterable[Pair], rule: ExchangeRule, world: World) -> Decided:
    """Sets that both sides changed, where it is not sent yet: recorded apart, because it is no common state."""
    decided: Decided = []
    for pair in pairs:
        sides = compared(pair, rule.policy, world)
        labels = sides.merge.take.get("labels")
        if rule.pull and labels is not None and "labels" in sides.merge.send:
            tags = _tags(sides.now, pair.issue, labels)
            changes = difference(sides.now, {"tags": tags})
            decided.append((stream_id(CATEGORY, pair.item_id), WorkItemRevised(changes=changes)))
    return decided


def common(pairs: Iterable[Pair], rule: ExchangeRule, world: World) -> Decided:
    """What is taken from GitHub, what is agreed, and the conflicts."""
    pairs = list(pairs)
    refusals = refused(pairs, rule, world)
    decided: list[Any] = []
    for pair in pairs:
        sides = compared(pair, rule.policy, world)
        if sides.now.withdrawn or not sides.now.exists or is_claimed_elsewhere(sides.now, rule.machine, world.now):
            continue
        stream = stream_id(CATEGORY, pair.item_id)
        facts = imported(_facts(pair, sides, rule, refusals, world), pair.item_id, world)
        decided += ((stream, fact, mark.by, mark.at) for fact, mark in facts)
        fields = sides.merge.conflicts
        decided += conflicts.closed(pair.item_id, fields, sides.theirs, rule.waiting, world)
        decided += conflicts.found(pair.item_id, fields, sides.base, sides.theirs, pair.issue, world)
    return decided


def refused(pairs: Iterable[Pair], rule: ExchangeRule, world: World) -> frozenset[tuple[str, str]]:
    """(item, other) of parents and dependencies on GitHub that cannot be taken."""
    world.look(stream_id(CATEGORY, pair.item_id) for pair in pairs)
    world.look(
        stream_id(CATEGORY, other) for pair in pairs for other in relations.named_ids([relations.of_issue(pair.issue)])
    )
    if not rule.pull:
        return frozenset()
    return relations.refused([_taking(pair, compared(pair, rule.policy, world)) for pair in pairs], world)


def _taking(pair: Pair, sides: ComparedSides) -> Taking:
    return relations.taking(pair.item_id, sides.base, sides.ours, sides.theirs, sides.merge.take)


def _facts(
    pair: Pair, sides: ComparedSides, rule: ExchangeRule, refusals: frozenset[tuple[str, str]], world: World
) -> list[tuple[Fact, Attribution]]:
    take = sides.merge.take if rule.pull else {}
    take = {field: value for field, value in take.items() if field not in sides.merge.send}
    mark = _mark(pair, world)
    changes = _revised(take, pair, sides) | _confirmed(sides) | _known_by(pair, sides)
    changes |= _sent(pair, sides)
    changes |= _metadata(pair, sides, bool(changes))
    facts: list[tuple[Fact, Attribution]] = [(WorkItemRevised(changes=changes), mark)] if changes else []
    facts += ((fact, mark) for fact in relations.confirmed(sides.now, sides.base, sides.ours, sides.theirs))
    if rule.pull:
        facts += ((fact, mark) for fact in relations.taken(sides.now, _taking(pair, sides), refusals))
    if "state" in take:
        facts += settle(sides.now, _state(pair.issue, world), _settled(pair.issue, mark), _over_others(pair, world))
    return facts + [(fact, mark) for fact in _comments(take, sides, pair.issue, mark)]


def _mark(pair: Pair, world: World) -> Attribution:
    """A stream's events of one source never go back in time."""
    last = [event.occurred_at for event in source_events(pair.item_id, SOURCE, world)]
    return Attribution(by=NO_HOLDER, at=max([parse(pair.issue.record["updated_at"]), *last]))


def _settled(issue: Issue, mark: Attribution) -> Attribution:
    by, at = issue.record.get("closed_by"), issue.record.get("closed_at")
    return Attribution(by=by["login"] if by else NO_HOLDER, at=max(mark.at, parse(at)) if at else mark.at)


def _revised(take: Values, pair: Pair, sides: ComparedSides) -> Changes:
    wanted: dict[str, Any] = {}
    record = pair.issue.record
    if "title" in take:
        wanted["title"] = record["title"]
    if "body" in take:
        wanted["description"] = pair.issue.body or None
    if "labels" in take:
        wanted["tags"] = _tags(sides.now, pair.issue, take["labels"])
    if "assignee" in take:
        names = [name for name in pair.issue.logins if name.lower() == take["assignee"]]
        wanted["assignee"] = names[0] if names else None
    if "milestone" in take:
        wanted["milestone_id"] = pair.issue.milestone_id
    if "due" in take:
        wanted["due"] = pair.issue.due
    return difference(sides.now, wanted)


def _confirmed(sides: ComparedSides) -> Changes:
    """What both have alike is the last common state, though nothing changes in the item."""
    values = {name: getattr(sides.now, name) for field, name in CONFIRMED.items() if field in sides.merge.agreed}
    if "state" in sides.merge.agreed:
        values |= {"status": sides.now.status, "category": sides.now.category}
    return {name: Change(value, value) for name, value in values.items()}


def _known_by(pair: Pair, sides: ComparedSides) -> Changes:
    if sides.now.external_id == pair.issue.name:
        return {}
    return difference(sides.now, {"external_source": SOURCE, "external_id": pair.issue.name})


def _sent(pair: Pair, sides: ComparedSides) -> Changes:
    """Which comments are on GitHub because they were sent, with the text that both have."""
    known = sent_comments(sides.then)
    found = dict(known)
    for name, remark in (pair.issue.remarks or {}).items():
        if remark.is_ours and sides.ours[COMMENT + name] == sides.theirs[COMMENT + name]:
            found[name] = [remark.number, digest(remark.text)]
    gone = {name for name in known if sides.ours[COMMENT + name] is None and pair.issue.remarks is not None}
    found = {name: entry for name, entry in found.items() if name not in gone or name in (pair.issue.remarks or {})}
    return {f"metadata.{SENT}": Change(sides.now.metadata.get(SENT), found)} if found != known else {}


def _metadata(pair: Pair, sides: ComparedSides, changed: bool) -> Changes:
    """What else GitHub says. That only its time of change moved is not worth an event."""
    metadata = metadata_of(pair.issue)
    former = {name: None for name in sides.then.metadata if name in MANAGED}
    changes, _ = followed(sides.then, sides.now, {"metadata": former | metadata})
    ended = {name: None for name in (GONE, SENDING) if name in sides.now.metadata}
    changes |= difference(sides.now, {"metadata": ended})
    return changes if changed or changes.keys() - {f"metadata.{LAST_CHANGE}"} else {}


def metadata_of(issue: Issue) -> dict[str, Any]:
    """What the reader of GitHub's files keeps of an issue; of a milestone what is kept when it is taken."""
    if issue.due is not UNSET:
        return {"html_url": issue.record["html_url"], LAST_CHANGE: text(parse(issue.record["updated_at"]))}
    reading = Reading()
    record = {name: value for name, value in issue.record.items() if name not in LEFT_OUT}
    take_issue(issue.name, record, lambda name: name, parse(record["updated_at"]), reading)
    metadata: dict[str, Any] = reading.items[0].fields["metadata"]
    return metadata


def _tags(now: WorkItem, issue: Issue, wanted: frozenset[str]) -> tuple[str, ...]:
    written = [name.strip().lower() for name in issue.record["labels"]]
    unsayable = [tag for tag in now.tags if len(tag) > LABEL]
    return tuple(dict.fromkeys(tag for tag in (*now.tags, *written) if tag in wanted or tag in unsayable))


def _state(issue: Issue, world: World) -> State:
    word = conflicts.word_of(issue)
    return find_state(world.settings().states, word) or State(name=word, category="dropped")


def _over_others(pair: Pair, world: World) -> bool:
    """Whether it is finished over open children or blockers."""
    around = [below for below in world.subtree(pair.item_id) if below.depth == 1] + world.blockers(pair.item_id)
    return pair.issue.record["state"] != "open" and any(not one.deleted and not one.finished for one in around)


def _comments(take: Values, sides: ComparedSides, issue: Issue, mark: Attribution) -> Iterator[Fact]:
    for field in take:
        if not field.startswith(COMMENT) or issue.remarks is None:
            continue
        name = field.removeprefix(COMMENT)
        remark = issue.remarks[name]
        if name in sides.now.comments and sides.now.comments[name].withdrawn:
            continue
        if sides.ours[field] is None:
            yield CommentAdded(comment_id=name, by=remark.by, at=remark.at, text=remark.text)
        else:
            yield CommentCorrected(comment_id=name, at=text(mark.at), text=remark.text)
