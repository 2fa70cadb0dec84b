"""Where a thing stands: what this source made of it, what it is now, and what of the source's news can be taken."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from ledger.envelope import import_of, stream_id
from ledger.importing.made import ImportPlan
from ledger.values.finding import Finding
from ledger.values.revision import Changes, difference, followed
from ledger.work_item.commands import Mark
from ledger.world import World


class MergeBase(Struct, frozen=True, kw_only=True):
    """`then` is what the source's own events add up to, `last_told` the newest of their times; None if it has none."""

    then: Any
    now: Any
    last_told: datetime | None

    def when(self, changed: Mark) -> Mark:
        """A stream's events of one source never go back in time, whatever clock the source has."""
        at = max(changed.at, self.last_told or changed.at)
        return Mark(by=changed.by, at=at)


def merge_base(world: World, category: str, entity_id: str, source: str) -> MergeBase | None:
    """None if the ledger does not have the thing."""
    stream, own = stream_id(category, entity_id), import_of(source)
    past = world.past(stream)
    if not past:
        return None
    told = [event for event in past if event.command == own]
    now = world.state_of(stream)
    then = now if len(told) == len(past) else world.partly(stream, told)
    return MergeBase(then=then, now=now, last_told=max((event.occurred_at for event in told), default=None))


def news(stands: MergeBase, wanted: Mapping[str, Any], entity_id: str, name: str, made: ImportPlan) -> Changes:
    """What the source says anew, where nothing different was said here since."""
    missing = difference(stands.now, wanted)
    if stands.now.withdrawn:
        made.warnings.append(Finding("withdrawn_here", name))
        changes: Changes = {}
    else:
        changes, clashes = followed(stands.then, stands.now, wanted)
        kind = "differs_here" if stands.last_told is None else "changed_on_both_sides"
        made.warnings += [Finding(kind, f"{name}: {path}") for path in clashes]
    if stands.last_told is not None:
        made.kept |= {(entity_id, path) for path in missing.keys() - changes.keys()}
    return changes


def mapping(before: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What a mapping shall be: as it is told, and nothing left of what was told before."""
    return dict.fromkeys(before) | dict(told)
