"""From whatever a person types on the command line to the thing that is meant."""

from projections.application.app import App
from projections.questions import lookup


def found(app: App, given: str) -> tuple[str, str]:
    """(category, id) of a reference, an id of anything, or a vendor's name. Raises NotFound."""
    return lookup.found(app.tables, given)
