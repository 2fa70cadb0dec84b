"""The read model `enhancements`."""

from collections.abc import Iterator

from ledger.aggregates.enhancement.decider import decider
from ledger.aggregates.enhancement.state import Enhancement
from projections.read_models.columns import Condition, Equal, Field, Flags, Index, Joined
from projections.read_models.projection import Projection


def entries(_: str, enhancement: Enhancement) -> Iterator[tuple[str, str]]:
    """Found by the enhancements it depends on."""
    for other in enhancement.depends_on:
        yield "enhancement_depends_on", other


enhancements = Projection(
    name="enhancements",
    shape=1,
    decider=decider,
    entries=entries,
    columns=(
        Field("status"),
        Field("priority", "int"),
        Field("target_quarter"),
        Joined("rank", (Field("priority", absent="9"), Field("created_at"))),
        Flags("withdrawn", {"withdrawn": 1}),
    ),
    indexes=(Index("enhancements_by_priority", ("rank", "id")),),
    filters=(Condition("enhancement.withdrawn = 0"), Equal("priority"), Equal("status"), Equal("target_quarter")),
)
