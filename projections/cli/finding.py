"""From whatever a person types on the command line to the thing that is meant."""

from projections.app import App
from projections.questions import finding


def found(app: App, given: str) -> tuple[str, str]:
    """(category, id) of a reference, an id of anything, or a vendor's name. Raises NotFound."""
    return finding.found(app.tables, given)
