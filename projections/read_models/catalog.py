"""The one list of read models."""

from typing import Any

from projections.read_models.configurations import configurations
from projections.read_models.conflicts import conflicts
from projections.read_models.deployments import deployments
from projections.read_models.enhancements import enhancements
from projections.read_models.projection import Projection
from projections.read_models.vendors import vendors
from projections.read_models.work_items import work_items

PROJECTIONS: dict[str, Projection[Any]] = {
    projection.name: projection
    for projection in (work_items, vendors, deployments, enhancements, configurations, conflicts)
}
BY_CATEGORY: dict[str, Projection[Any]] = {
    projection.decider.category: projection for projection in PROJECTIONS.values()
}
SHAPES = {projection.name: projection.shape for projection in PROJECTIONS.values()}
