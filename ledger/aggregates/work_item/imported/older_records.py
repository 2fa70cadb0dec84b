"""Records that are older than what their source said before: another branch's file, a second machine's copy.

What a record says of its own last change decides. Where it says nothing, or says the same again, that of the list in
which it stands does; what is known to have ended after that list was written is not opened again by it. Where neither
tells, it is not known which of two is the older one, and the record is taken. A comment that says when it was last
changed is compared by itself: comments come without their record too.
"""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ImportedComment, ImportedItem, ImportWorkItems
from ledger.aggregates.work_item.imported.partial_records import APART, CORRECTED
from ledger.aggregates.work_item.imported.renamed_records import CLOSED_AT
from ledger.aggregates.work_item.imported.source_state import CATEGORY, source_state
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.values.finding import Finding
from ledger.values.moment import parse, text
from ledger.world import World

LAST_CHANGE = "source_updated_at"  # the key of the metadata under which a record's own time of change is kept
LIST = "source_list"  # the key under which one item of a list keeps what the list says of itself: name, updated, ...


def without_older(command: ImportWorkItems, world: World) -> tuple[tuple[ImportedItem, ...], list[Finding]]:
    """The items that may change something, and what is said of the others."""
    if command.older_wins:
        return command.items, []
    editions = _editions(command, world)
    fresh: list[ImportedItem] = []
    older: list[Finding] = []
    for item in command.items:
        known = source_state(item.id, command.source, world)
        times = _older(item, editions, known.metadata)
        if times is None:
            fresh.append(_with_known_comments(item, known, older))
        else:
            older.append(Finding("older_than_known", f"{item.external_id} (of {times[0]}, known is {times[1]})"))
    return tuple(fresh), older


def _older(item: ImportedItem, editions: dict[str, str], known: dict[str, Any]) -> tuple[str, str] | None:
    """Both times of a record that is older than what is known of it; None for any other."""
    began = item.created_in_source if item.stated.holds(f"metadata.{LAST_CHANGE}") else None
    own, before = item.changed_in_source or began, _time(known.get(LAST_CHANGE))
    if own is not None and before is not None and own != before:
        return (text(own), text(before)) if own < before else None
    edition, ended = item.edition, _time(known.get(CLOSED_AT))
    if edition and ended and edition.at < ended and item.settled is None:
        return text(edition.at), text(ended)
    latest = _time(editions.get(edition.part)) if edition else None
    return (text(edition.at), text(latest)) if edition and known and latest and edition.at < latest else None


def _with_known_comments(item: ImportedItem, known: WorkItem, older: list[Finding]) -> ImportedItem:
    """The record with what is known of comments that it has in an older edition, as a file of comments alone may."""
    kept: dict[str, ImportedComment] = {}
    for given in item.comments or ():
        before = known.comments.get(given.id)
        latest = _time(before.corrected_at or before.at) if before else None
        if before and given.corrected and latest and given.corrected < latest:
            times = f"of {text(given.corrected)}, known is {text(latest)}"
            older.append(Finding("older_than_known", f"{item.external_id}, a comment ({times})"))
            kept[given.id] = replace(given, text=before.text)
    metadata = item.fields.get("metadata", {})
    more = _newer(_entries(known.metadata), _entries(metadata))
    if not kept and not more:
        return item
    apart = {APART: _entries(metadata) | more} if more else {}
    comments = tuple(kept.get(given.id, given) for given in item.comments or ())
    return replace(item, comments=comments, fields=item.fields | {"metadata": metadata | apart})


def _newer(known: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What else was known of comments by themselves that are given in an older edition, by their numbers."""
    times = {number: (_edited(known[number]), _edited(given[number])) for number in known.keys() & given}
    return {number: known[number] for number, (before, now) in times.items() if before and now and now < before}


def _edited(entry: Any) -> datetime | None:
    return _time(entry.get(CORRECTED)) if isinstance(entry, dict) else None


def _entries(metadata: dict[str, Any]) -> dict[str, Any]:
    apart = metadata.get(APART)
    return apart if isinstance(apart, dict) else {}


def _editions(command: ImportWorkItems, world: World) -> dict[str, str]:
    """The newest edition of each list that any item of this source knows, also one that has left the source."""
    if not any(item.edition for item in command.items):
        return {}
    held = world.holders("external_id")
    ids = [entity_id for key, entity_id in held.items() if key.startswith(f"{command.source}:")]
    world.look(stream_id(CATEGORY, entity_id) for entity_id in ids)
    newest: dict[str, str] = {}
    for listed in (source_state(entity_id, command.source, world).metadata.get(LIST) for entity_id in ids):
        if isinstance(listed, dict) and _time(listed.get("updated")):
            newest[str(listed.get("name"))] = max(newest.get(str(listed.get("name")), ""), listed["updated"])
    return newest


def _time(value: Any) -> datetime | None:
    try:
        return parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
