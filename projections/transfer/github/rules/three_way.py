"""The rule of a synchronisation, field by field: what is taken, what is sent, what both sides changed.

A side is a mapping of comparable values. `base` is the last state that both had in common. A field that a side does not
have is one that it cannot say: it is left alone. A set is compared by its members, so it never conflicts.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ledger.settings import Policy

Side = Mapping[str, Any]


class Merge(Struct, frozen=True, kw_only=True):
    """`take` and `send` are what a field shall be in the ledger and on GitHub. `agreed` are fields that both sides have
    alike and that differ from the base. `conflicts` are those that both changed, each another way."""

    take: dict[str, Any] = {}
    send: dict[str, Any] = {}
    agreed: frozenset[str] = frozenset()
    conflicts: frozenset[str] = frozenset()


def merge(base: Side, ours: Side, theirs: Side, policy_of: Callable[[str], Policy]) -> Merge:
    """
    >>> merge({"title": "A"}, {"title": "B"}, {"title": "C"}, lambda field: "ask").conflicts
    frozenset({'title'})
    """
    take: dict[str, Any] = {}
    send: dict[str, Any] = {}
    agreed, conflicts = set(), set()
    for field in ours.keys() & theirs.keys() & base.keys():
        before, here, there = base[field], ours[field], theirs[field]
        if here == there:
            agreed |= {field} if here != before else set()
            continue
        wanted = _wanted(before, here, there, lambda field=field: policy_of(field))  # type: ignore[misc]
        if wanted is _UNDECIDED:
            conflicts.add(field)
            continue
        if wanted != here:
            take[field] = wanted
        if wanted != there:
            send[field] = wanted
    return Merge(take=take, send=send, agreed=frozenset(agreed), conflicts=frozenset(conflicts))


_UNDECIDED = object()


def _wanted(before: Any, here: Any, there: Any, policy: Callable[[], Policy]) -> Any:
    if isinstance(here, frozenset):
        return (here & there) | (here - before) | (there - before)
    if there == before:
        return here
    if here == before:
        return there
    match policy():
        case "github":
            return there
        case "ledger":
            return here
        case "ask":
            return _UNDECIDED
