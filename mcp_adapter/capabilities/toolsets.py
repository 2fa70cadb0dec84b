"""Which of the operations a server answers, and which of them it lists for an assistant."""

from collections.abc import Iterable, Mapping
from typing import get_args

from msgspec import Struct

from ledger.problems import check, problem
from projections.operations.base import Operation, Toolset
from projections.operations.ledger_creation import CREATE_LEDGER

EVERY = "all"  # lists the tools that are otherwise left out, because every conversation pays for the list
ALWAYS = "prime"  # what every conversation begins with
NAMES = (*get_args(Toolset), EVERY)


class Offer(Struct, frozen=True):
    """`operations` are answered; `listed` names those of them that are shown, and `first` those shown before there is a
    ledger."""

    operations: Mapping[str, Operation]
    listed: frozenset[str]
    first: frozenset[str] = frozenset()


def offered(operations: Mapping[str, Operation], toolsets: Iterable[str] = (), *, read_only: bool = False) -> Offer:
    """The operations of the toolsets; if none is named all are answered, and those listed that are so by default.

    `read_only` holds whatever else is given. Raises Invalid for a toolset that does not exist.
    """
    wanted = {name.strip().lower() for name in toolsets}
    check(
        problem("toolset", f"{name} is none of {', '.join(NAMES)}", name, allowed=NAMES)
        for name in sorted(wanted.difference(NAMES))
    )
    answered = {
        name: operation
        for name, operation in operations.items()
        if (not wanted or wanted & {EVERY, operation.toolset} or name == ALWAYS)
        and not (read_only and operation.writes)
    }
    first = {} if read_only else {CREATE_LEDGER.name: CREATE_LEDGER}
    return Offer(
        operations=first | answered,
        first=frozenset(first),
        listed=frozenset(name for name, operation in answered.items() if wanted or operation.by_default),
    )
