"""What can be asked of vendors."""

from collections.abc import Iterable, Mapping

from ledger.aggregates.vendor.decider import CATEGORY
from ledger.aggregates.vendor.state import FORMATS
from ledger.errors import NotFound
from ledger.values.reference import parse, shorten
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import page, page_start
from projections.questions.references import NO_NAMES, KnownNames, is_uuid, reference, references, resolve
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.projection import Row
from projections.tables.contract import Answer, GenerationOf, Snapshot, Tables

SUMMARY = (
    "id",
    "ref",
    "version",
    "name",
    "status",
    "extractor_version",
    "format_support",
    "test_results",
    "manifest_compliant",
    "updated_at",
)
COUNTS = ("passing", "total", "skipped")


def by_name(tables: Tables, name: str) -> Entity:
    """The vendor of a name, whichever its spelling, in one round trip. Raises NotFound."""
    _, found = tables.ask("vendors/by_name", name_key=name_key(name))
    if not found:
        raise _no_vendor(name)
    line = found[0]
    row = entities.rows(CATEGORY, found)[0]
    ref = reference(tables, CATEGORY, row.id) if line["alike"] else shorten(CATEGORY, row.id, ())
    return _flat(row, ref) | entities.annotations(row)


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The vendor, whole. Raises NotFound."""
    row = entities.row(snapshot, CATEGORY, entity_id, "check the id, or list all with query_vendor_status")
    return to_entities(snapshot, [row])[0] | entities.annotations(row)


def to_entities(snapshot: Snapshot, rows: Iterable[Row]) -> list[Entity]:
    """Vendors as flat objects with their references."""
    found = list(rows)
    refs = references(snapshot, CATEGORY, [row.id for row in found])
    return [_flat(row, refs[row.id]) for row in found]


def listed(snapshot: Snapshot, *, status: str | None, format: str | None, limit: int, cursor: str | None) -> Entity:
    """A page of vendors by name, summaries."""
    filters = {"status": status, "format": format}
    after_key, after_id = page_start(cursor, "name")
    found = snapshot.ask("vendors/list", **filters, after_key=after_key, after_id=after_id, limit=limit + 1)
    total = snapshot.ask("vendors/count", **filters)[0]["total"]
    return page(found, limit, order="name", total=total, to_entities=lambda kept: _summaries(snapshot, kept))


def resolve_vendor(
    tables: Tables, given: str, field: str = "id", known: KnownNames = NO_NAMES, named: Mapping[str, str] | None = None
) -> str:
    """The id that a UUID, a reference or a name means. Raises NotFound for an unknown reference or name.

    `named` is what `ids_by_name` has found for it.
    """
    if is_uuid(given) or is_reference(given):
        try:
            return resolve(tables, CATEGORY, given, field, known)
        except NotFound:
            pass  # a name may look like a reference
    found = ids_by_name(tables, [given]) if named is None else named
    if name_key(given) not in found:
        raise _no_vendor(given)
    return found[name_key(given)]


def ids_by_name(tables: Tables, names: Iterable[str]) -> dict[str, str]:
    """The vendors that have these names, by what the spellings of a name share."""
    keys = sorted({name_key(name) for name in names if not is_uuid(name)})
    if not keys:
        return {}
    generation = GenerationOf(BY_CATEGORY[CATEGORY].name)
    _, found = tables.ask("entries/holders_of", generation=generation, relation="vendor_name", targets=keys)
    return {line["target"]: line["id"] for line in found}


def name_key(name: str) -> str:
    """What two spellings of one name share."""
    return name.strip().casefold()


def _summaries(snapshot: Snapshot, found: Answer) -> list[Entity]:
    rows = entities.rows(CATEGORY, found)
    refs = references(snapshot, CATEGORY, [row.id for row in rows])
    whole = [_flat(row, refs[row.id]) for row in rows]
    return [{name: vendor[name] for name in SUMMARY} for vendor in whole]


def _flat(row: Row, ref: str) -> Entity:
    vendor = entities.flat(row, ref)
    supported, results = vendor["format_support"], vendor["test_results"]
    return vendor | {
        "format_support": {name: supported.get(name) for name in FORMATS},
        "test_results": all_counts(results),
    }


def all_counts(results: Entity | None) -> Entity | None:
    """All counts of a run, unknown ones as None."""
    return results and {count: results.get(count) for count in COUNTS}


def is_reference(given: str) -> bool:
    parsed = parse(given)
    return parsed is not None and parsed[0] == CATEGORY


def _no_vendor(given: str) -> NotFound:
    return NotFound(
        f"there is no vendor {given.strip()} in this ledger",
        next_step="check the name, or list all with query_vendor_status",
        id=given.strip(),
    )
