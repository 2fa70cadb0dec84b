"""The one list of operations, in the order in which assistants see them."""

from projections.operations import (
    archive,
    bulk,
    claims,
    comments,
    configuration,
    deployments,
    enhancements,
    history,
    needs,
    questions,
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

_OF_NOUNS = tuple(
    operation
    for module in (
        work_items,
        bulk,
        claims,
        comments,
        questions,
        needs,
        archive,
        vendors,
        configuration,
        deployments,
        enhancements,
        history,
        status,
    )
    for operation in module.OPERATIONS
)
_INPUTS = {command.__name__: taken for operation in _OF_NOUNS for command, taken in operation.commands.items()}
_BY_NAME = {operation.name: operation for operation in (*_OF_NOUNS, *sync.operations(_INPUTS))}

OPERATIONS: dict[str, Operation] = {name: _BY_NAME[name] for name in FIRST} | _BY_NAME
