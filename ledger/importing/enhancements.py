"""What an import records of enhancements."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.enhancement.decider import CATEGORY
from ledger.aggregates.enhancement.events import EnhancementRecorded, EnhancementRevised, EnhancementStatusChanged
from ledger.aggregates.enhancement.state import Enhancement
from ledger.aggregates.work_item.commands import Attribution
from ledger.envelope import Fact, imported_id, stream_id
from ledger.importing.commands import Import, ImportedEnhancement
from ledger.importing.import_plan import ImportPlan
from ledger.importing.three_way_merge import ThreeWayMerge, mapping, news, three_way_merge
from ledger.values.finding import Finding
from ledger.world import World

PLAIN = ("title", "description", "priority", "status", "target_quarter")


def ids(command: Import, world: World) -> list[str]:
    """The id of each enhancement of the source, in their order."""
    own = [
        imported_id(world.ledger, f"{command.source} {CATEGORY}", imported.external_id)
        for imported in command.enhancements
    ]
    world.look([stream_id(CATEGORY, entity_id) for entity_id in own])
    titles = world.holders("enhancement_title") if own else {}
    return [
        entity_id
        if world.past(stream_id(CATEGORY, entity_id))
        else titles.get(imported.fields["title"].casefold(), entity_id)
        for entity_id, imported in zip(own, command.enhancements, strict=True)
    ]


def plan(command: Import, ids: Iterable[str], world: World, made: ImportPlan) -> None:
    known = dict(zip((imported.external_id for imported in command.enhancements), ids, strict=True))
    seen: set[str] = set()
    for imported in command.enhancements:
        entity_id = known[imported.external_id]
        if entity_id in seen:
            made.not_taken.append(Finding("repeated_record", f"enhancement {imported.external_id}"))
            continue
        seen.add(entity_id)
        merge = three_way_merge(world, CATEGORY, entity_id, command.source)
        facts = _facts(_with_dangling(imported, known, made), entity_id, _depends_on(imported, known), merge, made)
        made.add(CATEGORY, entity_id, imported.external_id, facts, is_new=merge is None)


def _depends_on(imported: ImportedEnhancement, known: dict[str, str]) -> tuple[str, ...]:
    absent = _absent(imported, known)
    return tuple(dict.fromkeys(known[other] for other in imported.depends_on if other not in absent))


def _with_dangling(imported: ImportedEnhancement, known: dict[str, str], made: ImportPlan) -> ImportedEnhancement:
    """The enhancement, with the dependencies that lead nowhere kept in its metadata."""
    absent = _absent(imported, known)
    if not absent:
        return imported
    made.not_taken += [Finding("link_to_absent_id", f"{imported.external_id} -> {other}") for other in absent]
    metadata = imported.fields.get("metadata", {}) | {"source_depends_on": absent}
    return replace(imported, fields=imported.fields | {"metadata": metadata})


def _absent(imported: ImportedEnhancement, known: dict[str, str]) -> list[str]:
    return [other for other in imported.depends_on if other not in known or other == imported.external_id]


def _facts(
    imported: ImportedEnhancement,
    entity_id: str,
    depends_on: tuple[str, ...],
    merge: ThreeWayMerge | None,
    made: ImportPlan,
) -> list[tuple[Fact, Attribution]]:
    if merge is None:
        fields = {"status": None} | imported.fields | {"depends_on": depends_on}
        return [(EnhancementRecorded(**fields), imported.created)]
    base: Enhancement = merge.base
    wanted: dict[str, Any] = {field: imported.fields.get(field) for field in PLAIN}
    wanted["principles"] = imported.fields.get("principles", ())
    wanted["metadata"] = mapping(base.metadata, imported.fields.get("metadata", {}))
    wanted["depends_on"] = depends_on
    changes = news(merge, wanted, entity_id, f"enhancement {imported.external_id}", made)
    if not changes:
        return []
    status = changes.pop("status", None)
    fact: Fact = EnhancementRevised(changes=changes)
    if status is not None:
        fact = EnhancementStatusChanged(old=status.old, new=status.new, also=changes)
    return [(fact, merge.when(imported.changed))]
