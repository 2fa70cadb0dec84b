"""Which of the operations a server shows: all of them, or those of some nouns, or only those that read."""

from collections.abc import Iterable, Mapping

from ledger.decider import check, problem
from projections.operations.base import Operation

NOUNS = {
    "work": ("work_items", "bulk", "claims", "archive"),
    "vendors": ("vendors",),
    "deployments": ("deployments",),
    "enhancements": ("enhancements",),
    "configuration": ("configuration",),
    "history": ("history",),
    "status": ("status",),
    "sync": ("sync",),
}  # toolset -> the modules of projections/operations that it holds
ALWAYS = "prime"  # what every conversation begins with


def chosen(
    operations: Mapping[str, Operation], toolsets: Iterable[str] = (), *, read_only: bool = False
) -> dict[str, Operation]:
    """The operations of the toolsets, of all if none is named; `read_only` wins over everything. Raises Invalid."""
    wanted = tuple(toolsets)
    known = toolset_names(operations)
    check(
        problem("toolset", f"{name} is none of {', '.join(known)}", name, allowed=known)
        for name in wanted
        if name not in known
    )
    return {
        name: operation
        for name, operation in operations.items()
        if (not wanted or name == ALWAYS or toolset(operation) in wanted) and not (read_only and operation.writes)
    }


def toolset_names(operations: Mapping[str, Operation]) -> list[str]:
    return sorted({toolset(operation) for operation in operations.values()})


def toolset(operation: Operation) -> str:
    module = operation.run.__module__.rpartition(".")[2]
    return next((name for name, modules in NOUNS.items() if module in modules), module)
