"""The one list of read models."""

from typing import Any

from projections.configurations import configurations
from projections.conflicts import conflicts
from projections.deployments import deployments
from projections.enhancements import enhancements
from projections.row import Projection
from projections.vendors import vendors
from projections.work_items import work_items

PROJECTIONS: dict[str, Projection[Any]] = {
    projection.name: projection
    for projection in (work_items, vendors, deployments, enhancements, configurations, conflicts)
}
BY_CATEGORY: dict[str, Projection[Any]] = {
    projection.decider.category: projection for projection in PROJECTIONS.values()
}
SHAPES = {projection.name: projection.shape for projection in PROJECTIONS.values()}
