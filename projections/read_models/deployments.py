"""The read model `deployments`."""

from collections.abc import Iterator

from ledger.aggregates.deployment.decider import decider
from ledger.aggregates.deployment.state import Deployment
from projections.read_models.columns import Condition, EntryRange, Equal, Field, Flags, HasEntry, Index
from projections.read_models.projection import Projection


def entries(_: str, deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Found by its vendors, work items, commit and pull request; its key is unique unless it is a redeployment."""
    for vendor in deployment.vendor_ids:
        yield "deployed_vendor", vendor
    for item in deployment.work_item_ids:
        yield "deployed_work_item", item
    if deployment.commit_hash is not None:
        yield "commit", deployment.commit_hash
    if deployment.pr_number is not None:
        yield "pr_number", str(deployment.pr_number)
    if deployment.key is not None and not deployment.withdrawn:
        yield "deployment_key", deployment.key


deployments = Projection(
    name="deployments",
    shape=1,
    decider=decider,
    entries=entries,
    columns=(Field("deployed_at", absent=""), Field("environment"), Flags("withdrawn", {"withdrawn": 1})),
    indexes=(Index("deployments_by_time", ("deployed_at", "id")),),
    filters=(
        Condition("deployment.withdrawn = 0"),
        Condition("(CAST(%(earliest)s AS text) IS NULL OR deployment.deployed_at >= %(earliest)s)"),
        Condition(
            "(CAST(%(latest)s AS text) IS NULL"
            " OR (deployment.deployed_at <= %(latest)s AND deployment.deployed_at <> ''))"
        ),
        Equal("environment"),
        HasEntry("deployed_vendor", "vendor"),
        HasEntry("deployed_work_item", "work_item"),
        HasEntry("pr_number", "pr_number"),
        EntryRange("commit", "commit_from", "commit_to"),
    ),
)
