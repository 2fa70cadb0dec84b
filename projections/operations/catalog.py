"""The one list of operations, in the order in which assistants see them."""

from projections.operations import work_items
from projections.operations.base import Operation

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*work_items.OPERATIONS,)}
