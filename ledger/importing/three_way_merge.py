"""A three-way merge: what the source said before (base), what the ledger has (ours), what the source says now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution
from ledger.envelope import import_of, stream_id
from ledger.importing.import_plan import ImportPlan
from ledger.values.finding import Finding
from ledger.values.revision import Changes, difference, followed
from ledger.world import World


class ThreeWayMerge(Struct, frozen=True, kw_only=True):
    """`base` is the state that the source's own events add up to, `last_imported` their newest time, if any."""

    base: Any
    ours: Any
    last_imported: datetime | None

    def when(self, changed: Attribution) -> Attribution:
        """A stream's events of one source never go back in time, whatever clock the source has."""
        at = max(changed.at, self.last_imported or changed.at)
        return Attribution(by=changed.by, at=at)


def three_way_merge(world: World, category: str, entity_id: str, source: str) -> ThreeWayMerge | None:
    """None if the ledger does not have the entity."""
    stream, own = stream_id(category, entity_id), import_of(source)
    past = world.past(stream)
    if not past:
        return None
    imported = [event for event in past if event.command == own]
    ours = world.state_of(stream)
    base = ours if len(imported) == len(past) else world.fold(stream, imported)
    return ThreeWayMerge(
        base=base, ours=ours, last_imported=max((event.occurred_at for event in imported), default=None)
    )


def news(merge: ThreeWayMerge, wanted: Mapping[str, Any], entity_id: str, name: str, made: ImportPlan) -> Changes:
    """What is new in the source, where nothing different was said here since."""
    missing = difference(merge.ours, wanted)
    if merge.ours.withdrawn:
        made.warnings.append(Finding("withdrawn_here", name))
        changes: Changes = {}
    else:
        changes, clashes = followed(merge.base, merge.ours, wanted)
        kind = "differs_here" if merge.last_imported is None else "changed_on_both_sides"
        made.warnings += [Finding(kind, f"{name}: {path}") for path in clashes]
    if merge.last_imported is not None:
        made.kept |= {(entity_id, path) for path in missing.keys() - changes.keys()}
    return changes


def mapping(base: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as the source says it now; what it said before and says no more becomes None."""
    return dict.fromkeys(base) | dict(theirs)
