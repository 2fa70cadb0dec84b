"""From what a person types to the entity that is meant."""

from uuid import UUID

from ledger.errors import Invalid, NotFound
from ledger.values.reference import LETTERS
from projections.questions.entities import row_question
from projections.questions.references import by_source_id, category_of_reference, resolve
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import GenerationOf, Tables


def find(tables: Tables, given: str) -> tuple[str, str]:
    """(category, id) of a reference, an id of anything, a vendor's name, or an item's id in its source.

    Raises NotFound; Invalid for what could be several.
    """
    given = given.strip()
    try:
        return _by_id(tables, str(UUID(given)))
    except ValueError:
        pass
    category = category_of_reference(given)
    vendor = _by_vendor_name(tables, given)  # a name may look like a reference: v-alpha
    if vendor is not None:
        return "vendor", vendor
    try:
        if category is None:
            raise _nothing(given)
        return category, resolve(tables, category, given)
    except (Invalid, NotFound):
        known = by_source_id(tables, "work_item", given)
        if known is None:
            raise
        return "work_item", known


def _by_id(tables: Tables, entity_id: str) -> tuple[str, str]:
    categories = sorted(LETTERS.keys() & BY_CATEGORY.keys())
    _, found = tables.ask_all([row_question(category, entity_id) for category in categories])
    for category, lines in zip(categories, found, strict=True):
        if lines:
            return category, entity_id
    raise _nothing(entity_id)


def _by_vendor_name(tables: Tables, name: str) -> str | None:
    generation = GenerationOf("vendors")
    _, held = tables.ask("entries/holders", generation=generation, relation="vendor_name", target=name.casefold())
    return held[0]["id"] if held else None


def _nothing(given: str) -> NotFound:
    shown = given if len(given) <= 80 else given[:77] + "..."
    return NotFound(
        f"nothing in this ledger is called {shown!r}",
        next_step="send a reference like w-7k3qd, an id, a vendor's name, or the id that an imported item had before;"
        " `tracking-ledger status` lists them",
        id=shown,
    )
