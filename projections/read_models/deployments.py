"""The read model `deployments`."""

from collections.abc import Iterator

from ledger.deployment.decider import decider
from ledger.deployment.state import Deployment
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


deployments = Projection(name="deployments", shape=1, decider=decider, entries=entries)
