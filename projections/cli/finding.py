"""From whatever a person types on the command line to the thing that is meant."""

from projections.questions import lookup
from projections.tables.contract import Tables


def found(tables: Tables, given: str) -> tuple[str, str]:
    """(category, id) of a reference, an id of anything, or a vendor's name. Raises NotFound."""
    return lookup.found(tables, given)
