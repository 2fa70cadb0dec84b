"""Read models compared with what the log adds up to: row by row, field by field, changing nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ledger.envelope import Entry
from projections.read_models.fold import Fold
from projections.read_models.projection import Entries, Projection, Row
from projections.tables.contract import Snapshot, pages

SHOWN = 10  # differences that a report names; it counts all
PAGE = 1000  # entries and words read at a time
NOWHERE = ("", "", "")  # before the first entry
PLACE = ("day", "hidden", "status", "category")  # in lists, of entries that have one


class RowDifference(Struct, frozen=True, kw_only=True):
    """The first field in which a stored row is not what the log adds up to; None is what is not there."""

    id: str
    field: str
    stored: Any
    replayed: Any


class Comparison(Struct, frozen=True, kw_only=True):
    """What a replay found out of one read model. `equal` is None if nothing was compared."""

    projection: str
    rows: int
    equal: bool | None
    different: int = 0
    differences: tuple[RowDifference, ...] = ()


def compare(snapshot: Snapshot, projection: Projection[Any], folded: Fold) -> Comparison:
    """The stored rows beside the folded ones. Of a fold that ends before the snapshot, only rows that did not change
    since; those are in both."""
    category, until = projection.decider.category, folded.reached
    replayed = {row.id: row for stream in folded.streams(projection.name) if (row := folded.row(stream))}
    missing, later = set(replayed), set()
    entries = _stored_entries(snapshot, projection.name)
    differences: list[RowDifference] = []
    for stored in pages(snapshot, category, snapshot.generation(projection.name)):
        entity_id, found = stored["id"], entries.pop(stored["id"], frozenset())
        missing.discard(entity_id)
        if stored["position"] > until:
            later.add(entity_id)
        else:
            differences += _differences(projection, stored, found, replayed.get(entity_id))
    differences += [
        RowDifference(id=entity_id, field="id", stored=None, replayed=entity_id) for entity_id in sorted(missing)
    ]
    differences += [
        RowDifference(id=entity_id, field="entries", stored=sorted(found), replayed=None)
        for entity_id, found in entries.items()
        if entity_id not in missing
    ]
    same = [replayed[entity_id] for entity_id in replayed.keys() - missing - later]
    differences += _other_terms(snapshot, projection, same)
    differences += _other_columns(snapshot, projection, {difference.id for difference in differences} | later)
    return Comparison(
        projection=projection.name,
        rows=len(same),
        equal=not differences,
        different=len(differences),
        differences=tuple(differences[:SHOWN]),
    )


def _differences(
    projection: Projection[Any], stored: Mapping[str, Any], entries: Entries, replayed: Row | None
) -> Iterator[RowDifference]:
    """The first difference of a row, if there is one."""
    if replayed is None:
        yield RowDifference(id=stored["id"], field="id", stored=stored["id"], replayed=None)
        return
    there = _flat(stored["version"], stored["position"], stored["doc"], entries)
    expected = _flat(
        replayed.version, replayed.position, projection.document(replayed), projection.entries_of(replayed)
    )
    for field in [*expected, *(field for field in there if field not in expected)]:
        if not _same(there.get(field), expected.get(field)):
            yield RowDifference(id=replayed.id, field=field, stored=there.get(field), replayed=expected.get(field))
            return


def _other_terms(snapshot: Snapshot, projection: Projection[Any], rows: Sequence[Row]) -> Iterator[RowDifference]:
    """Rows that are not found by the words that are in them."""
    if projection.texts is None:
        return
    for at in range(0, len(rows), PAGE):
        words = {row.id: projection.terms(None, row) for row in rows[at : at + PAGE]}
        given = {"ids": list(words), "words": list(words.values())}
        for found in snapshot.ask(f"{projection.name}/differing_terms", **given):
            yield RowDifference(id=found["id"], field="terms", stored="other words", replayed=words[found["id"]])


def _other_columns(snapshot: Snapshot, projection: Projection[Any], known: set[str]) -> Iterator[RowDifference]:
    """Rows whose document is right and is not what questions filter and sort by, and marks that nothing bears out."""
    given = {"projection": projection.name, "generation": snapshot.generation(projection.name)}
    for found in snapshot.ask("entities/differing_columns", **given):
        if found["id"] not in known:
            yield RowDifference(
                id=found["id"], field=f"column {found['field']}", stored=found["stored"], replayed=found["derived"]
            )


def _flat(version: int | str, position: int, document: bytes, entries: Entries) -> dict[str, Any]:
    return {"version": version, "position": position, **msgspec.json.decode(document), "entries": sorted(entries)}


def _same(one: Any, other: Any) -> bool:
    """Whether both are the same JSON; numbers by their value, because a database may write 1e20 in another way."""
    match one, other:
        case (dict(), dict()):
            return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(other) and all(map(_same, one, other))
        case (bool(), _) | (_, bool()):
            return one is other
        case (float(), int() | float()) | (int(), float()):
            return float(one) == float(other)
        case _:
            return bool(one == other)


def _stored_entries(snapshot: Snapshot, name: str) -> dict[str, Entries]:
    found: dict[str, set[Entry]] = {}
    relation, target, entity_id = NOWHERE
    while page := snapshot.ask(
        "entries/of_generation",
        generation=snapshot.generation(name),
        after_relation=relation,
        after_target=target,
        after_id=entity_id,
        limit=PAGE,
    ):
        for entry in page:
            relation, target, entity_id = entry["relation"], entry["target"], entry["id"]
            place = [entry[name] for name in PLACE if entry[name] is not None]
            found.setdefault(entity_id, set()).add((relation, target, *place))
    return {entity_id: frozenset(entries) for entity_id, entries in found.items()}
