"""From the names by which an input refers to other entities to their ids; all that are unknown are refused at once."""

from collections.abc import Mapping, Sequence

from ledger.aggregates.vendor.decider import CATEGORY as VENDOR
from ledger.errors import Invalid, NotFound
from ledger.problems import Problem, check
from projections.questions.references import KnownNames, look_up, resolve
from projections.questions.vendors import ids_by_name, is_reference, resolve_vendor
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import Tables

Ids = tuple[str, ...]


def resolve_all(tables: Tables, wanted: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Ids]:
    """`wanted` maps a field to (category, what was given); the answer maps it to ids, each once.

    Raises Invalid for what can be no name, NotFound for what does not exist. If all are UUIDs, whether they exist is
    left to the rules.
    """
    ids: dict[str, Ids] = {}
    faults: list[Problem] = []
    missing: list[dict[str, str]] = []
    given = [(category, name) for category, names in wanted.values() for name in names]
    known = look_up(tables, [name for category, name in given if category != VENDOR or is_reference(name)])
    named = ids_by_name(tables, [name for category, name in given if category == VENDOR])
    for field, (category, names) in wanted.items():
        found = []
        for name in names:
            try:
                found.append(_resolved(tables, category, name, field, known, named))
            except NotFound:
                missing.append({"field": field, "id": name})
            except Invalid as error:
                faults += error.details["fields"]
        ids[field] = tuple(dict.fromkeys(found))
    check(faults)
    if missing:
        for field, entity_ids in ids.items():
            missing += [
                {"field": field, "id": entity_id} for entity_id in _unknown(tables, wanted[field][0], entity_ids)
            ]
        raise _not_found(missing)
    return ids


def resolve_one(tables: Tables, category: str, given: str, field: str = "id") -> str:
    """The id that a UUID, a reference or, for a vendor, its name means."""
    if category == VENDOR:
        return resolve_vendor(tables, given, field)
    return resolve(tables, category, given, field)


def _resolved(
    tables: Tables, category: str, given: str, field: str, known: KnownNames, named: Mapping[str, str]
) -> str:
    if category == VENDOR:
        return resolve_vendor(tables, given, field, known, named)
    return resolve(tables, category, given, field, known)


def _unknown(tables: Tables, category: str, entity_ids: Ids) -> list[str]:
    with tables.snapshot() as snapshot:
        generation = snapshot.generation(BY_CATEGORY[category].name)
        found = snapshot.ask("entities/by_ids", category=category, generation=generation, ids=list(entity_ids))
    known = {line["id"] for line in found}
    return [entity_id for entity_id in entity_ids if entity_id not in known]


def _not_found(missing: list[dict[str, str]]) -> NotFound:
    return NotFound(
        "this ledger does not have " + ", ".join(f"{link['id']} ({link['field']})" for link in missing),
        next_step="check them, or create them first",
        items=missing,
    )
