"""The read model `conflicts`."""

from collections.abc import Iterator

from ledger.aggregates.conflict.decider import decider
from ledger.aggregates.conflict.state import Conflict
from ledger.envelope import id_of
from projections.read_models.columns import Field, Index
from projections.read_models.projection import Projection


def entries(_: str, conflict: Conflict) -> Iterator[tuple[str, str]]:
    """An open one is found by the entities it is about, and by the conflicts it waits for."""
    if conflict.status == "open":
        for stream in conflict.about:
            yield "conflict_about", id_of(stream)
        for other in conflict.waits_for:
            yield "conflict_after", other


conflicts = Projection(
    name="conflicts",
    shape=1,
    decider=decider,
    entries=entries,
    columns=(Field("status"), Field("created_at")),
    indexes=(Index("conflicts_by_status", ("status", "created_at", "id")),),
)
