"""The read model `enhancements`."""

from collections.abc import Iterator

from ledger.enhancement.decider import decider
from ledger.enhancement.state import Enhancement
from projections.read_models.projection import Projection


def entries(_: str, enhancement: Enhancement) -> Iterator[tuple[str, str]]:
    """Found by the enhancements it depends on."""
    for other in enhancement.depends_on:
        yield "enhancement_depends_on", other


enhancements = Projection(name="enhancements", shape=1, decider=decider, entries=entries)
