"""What happened to one item of a source: its whole life, or what is new since the last import.

A field that only the source changed follows the source. One that was changed here since keeps what was written here;
where both changed it, that is a clash, which the import reports.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedItem, ImportedLink
from ledger.aggregates.work_item.events import (
    WorkItemBlocked,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemLinked,
    WorkItemMoved,
    WorkItemReopened,
    WorkItemRestored,
    WorkItemRevised,
    WorkItemUnblocked,
    WorkItemUnlinked,
)
from ledger.aggregates.work_item.imported.imported_comments import comments_since
from ledger.aggregates.work_item.imported.imported_links import LinkKey, Links
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.aggregates.work_item.imported.partial_records import FIELDS, with_beginning, with_unstated
from ledger.aggregates.work_item.rules.status_changes import status_changed
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import Fact
from ledger.values.revision import Change, followed
from ledger.values.states import FINISHED, ORIGINAL, State

BLOCK_REASON = "imported"
FORCED_REASON = "as imported"

Happened = tuple[Fact, Attribution]


def whole_life(item: ImportedItem, links: Links, source: str) -> list[Happened]:
    """Everything the source tells of an item that is not in the ledger yet, in the order of time."""
    later: list[Happened] = [
        (WorkItemLinked(kind=kind, to_id=to, note=link.note), link.made)
        for (kind, to), link in links.owned.get(item.id, {}).items()
    ]
    if item.status is not None:
        later += settle(WorkItem(), item.state, item.settled or item.changed, item.id in links.unfinished)
    if item.removed is not None:
        later.append((WorkItemDeleted(), item.removed))
    later += comments_since(item, WorkItem(), WorkItem(), [])
    parent = links.parents.get(item.id)
    parent_id = parent.to_id if parent else None
    if parent is not None and parent.made.at > item.created.at:
        later.append((WorkItemMoved(new_parent_id=parent_id), parent.made))
        parent_id = None
    later = in_order(later, item.created.at)
    metadata = dict(with_beginning(item).fields.get("metadata", {}))
    last = later[-1][1].at if later else item.created.at
    if item.changed.at > last and LAST_CHANGE in metadata:
        changes = {f"metadata.{LAST_CHANGE}": Change(UNSET, metadata.pop(LAST_CHANGE))}
        later.append((WorkItemRevised(changes=changes), item.changed))
    created = WorkItemCreated(
        **item.fields | {"metadata": metadata},
        parent_id=parent_id,
        external_source=source,
        external_id=item.external_id,
    )
    return [(created, item.created), *later]


def news(
    item: ImportedItem, then: WorkItem, now: WorkItem, links: Links, unfinished: bool
) -> tuple[list[Happened], list[str]]:
    """What changed in the source since `then`, what the last import left, and the fields that clash with `now`."""
    clashes: list[str] = []
    item = with_unstated(item, then)
    happened = [
        *_revised(item, then, now, clashes),
        *(moved(links.parents.get(item.id), then, now, item.changed, clashes) if _says_parent(item, links) else ()),
        *relinked(item.id, then, now, item.changed, links),
        *_status_since(item, then, now, unfinished, clashes),
        *_removal_since(item, then, now, clashes),
        *comments_since(item, then, now, clashes),
    ]
    return happened, clashes


def relinked(owner: str, then: WorkItem, now: WorkItem, changed: Attribution, links: Links) -> Iterator[Happened]:
    """Links that came, changed or went. One is known to be gone only when the item that stated it speaks of such."""
    before, here, owned = _notes(then), _notes(now), links.owned.get(owner, {})
    for key, link in owned.items():
        came = key not in before and key not in here
        note = _joined(before.get(key), links.remaining(owner, key, before.get(key)), link.note)
        renamed = key in before and key in here and before[key] == here[key] != note
        if came or renamed:
            yield WorkItemLinked(kind=key[0], to_id=key[1], note=note), link.made if came else changed
    for key in before.keys() & here.keys() - owned.keys():
        if not links.remaining(owner, key, before[key]):
            yield WorkItemUnlinked(kind=key[0], to_id=key[1]), changed


def moved(
    link: ImportedLink | None, then: WorkItem, now: WorkItem, changed: Attribution, clashes: list[str]
) -> Iterator[Happened]:
    wanted = link.to_id if link else None
    if _follows(wanted, then.parent_id, now.parent_id, "parent_id", clashes):
        yield WorkItemMoved(old_parent_id=now.parent_id, new_parent_id=wanted), changed


def _joined(before: str | None, remaining: list[str | None], note: str | None) -> str | None:
    """The words of a link as the source gives them now, with those of which it does not speak."""
    if not before or not any(remaining):
        return note
    given = note.split(", ") if note else []
    known = [word for word in before.split(", ") if word in remaining or word in given]
    return ", ".join(dict.fromkeys([*known, *given]))


def in_order(happened: Iterable[Happened], earliest: datetime) -> list[Happened]:
    """The facts in order of time; none before `earliest`, whatever clock the source took the time of a link from."""
    placed = [
        (fact, attribution if attribution.at >= earliest else replace(attribution, at=earliest))
        for fact, attribution in happened
    ]
    return sorted(placed, key=lambda entry: entry[1].at)


def _revised(item: ImportedItem, then: WorkItem, now: WorkItem, clashes: list[str]) -> Iterator[Happened]:
    wanted: dict[str, Any] = {field: item.fields.get(field) for field in FIELDS}
    if "commits" not in item.fields:  # which were a branch's own cannot be seen after a fast-forward: they still were
        wanted["commits"] = then.commits
    wanted["title"] = item.fields.get("title", "")
    wanted["metadata"] = dict.fromkeys(then.metadata) | item.fields.get("metadata", {})
    changes, clashing = followed(then, now, wanted)
    clashes += clashing
    if changes:
        yield WorkItemRevised(changes=changes), item.changed


def _says_parent(item: ImportedItem, links: Links) -> bool:
    """Whether it is known what an item lies below: its record speaks of it, or another one lists the item."""
    return item.id in links.parents or item.stated.holds("parent_id")


def _status_since(
    item: ImportedItem, then: WorkItem, now: WorkItem, unfinished: bool, clashes: list[str]
) -> Iterator[Happened]:
    wanted = item.state
    if wanted is None:
        return
    ways = ((wanted.name, wanted.category), (then.status, then.category), (now.status, now.category))
    if (wanted.category == "done" and _is_judged(now)) or _follows(*ways, "status", clashes):
        yield from settle(now, item.state, item.settled or item.changed, unfinished)


def _is_judged(now: WorkItem) -> bool:
    """Whether its completion waits for a review, or was refused: see ledger.aggregates.work_item.rules.reviews."""
    question = now.question or (now.answer.question if now.answer is not None else None)
    return question is not None and question.completes is not None and (now.workable or now.category == "review")


def _removal_since(item: ImportedItem, then: WorkItem, now: WorkItem, clashes: list[str]) -> Iterator[Happened]:
    if _follows(item.removed is not None, then.deleted, now.deleted, "deleted", clashes):
        yield (WorkItemDeleted(), item.removed) if item.removed else (WorkItemRestored(), item.changed)


def settle(before: WorkItem, wanted: State | None, attribution: Attribution, unfinished: bool) -> list[Happened]:
    """The way from one state to another. Out of an original word and into one lead facts of their own."""
    if wanted is None or (before.status, before.category) == (wanted.name, wanted.category):
        return []
    forced = FORCED_REASON if unfinished and wanted.category in FINISHED else None
    if wanted.name not in ORIGINAL or (before.status not in ORIGINAL and wanted.name == "active"):
        reason = None if wanted.category == "dropped" else BLOCK_REASON  # why it was dropped, no source says
        return [(status_changed(before, wanted, reason=reason, forced=forced), attribution)]
    leaving: dict[str, Fact] = {"blocked": WorkItemUnblocked(), "completed": WorkItemReopened()}
    entering: dict[str, Fact] = {
        "blocked": WorkItemBlocked(reason=BLOCK_REASON),
        "completed": WorkItemCompleted(forced=forced),
    }
    way = (leaving.get(before.status), entering.get(wanted.name))
    return [(fact, attribution) for fact in way if fact is not None]


def _follows(wanted: object, then: object, now: object, field: str, clashes: list[str]) -> bool:
    if wanted in (then, now):
        return False
    if now != then:
        clashes.append(field)
        return False
    return True


def _notes(item: WorkItem) -> dict[LinkKey, str | None]:
    return {(link.kind, link.to_id): link.note for link in item.links}
