"""The read model `vendors`."""

from collections.abc import Iterator

from ledger.aggregates.vendor.decider import decider
from ledger.aggregates.vendor.state import Vendor
from projections.read_models.columns import Condition, Equal, Field, Flags, HasEntry, Index
from projections.read_models.projection import Projection


def entries(_: str, vendor: Vendor) -> Iterator[tuple[str, str]]:
    """Found by its name, which is unique ignoring case, and by the formats it supports."""
    if vendor.exists and not vendor.withdrawn:
        yield "vendor_name", vendor.name.casefold()
    for name, supported in (vendor.format_support or {}).items():
        if supported:
            yield "format", name


vendors = Projection(
    name="vendors",
    shape=1,
    decider=decider,
    entries=entries,
    derived=lambda vendor: {"name_key": vendor.name.casefold()},
    columns=(Field("name_key"), Field("status"), Flags("withdrawn", {"withdrawn": 1})),
    indexes=(Index("vendors_by_name", ("name_key", "id")),),
    filters=(Condition("vendor.withdrawn = 0"), Equal("status"), HasEntry("format", "format")),
)
