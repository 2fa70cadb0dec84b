"""The one list of operations, in the order in which assistants see them."""

from projections.operations import (
    archive,
    bulk,
    claims,
    configuration,
    deployments,
    enhancements,
    history,
    status,
    sync,
    vendors,
    work_items,
)
from projections.operations.base import Operation

FIRST = (
    "create_work_item",
    "update_work_item",
    "query_work_item",
    "list_work_items",
    "record_deployment",
    "create_vendor",
    "query_vendor_status",
    "update_vendor_status",
    "get_project_configuration",
    "update_project_configuration",
)  # the ten of the original contract; the others follow by noun

_BY_NAME = {
    operation.name: operation
    for module in (
        work_items,
        bulk,
        claims,
        archive,
        vendors,
        configuration,
        deployments,
        enhancements,
        history,
        status,
        sync,
    )
    for operation in module.OPERATIONS
}

OPERATIONS: dict[str, Operation] = {name: _BY_NAME[name] for name in FIRST} | _BY_NAME
