"""A state taken apart: fields, keys of mappings and single links, so that changes meet only where they really do."""

from typing import Any

import msgspec
from msgspec import UNSET

from ledger.values.revision import same

SHORT = 80  # characters of a text that is shown beside the name of its field
Leaves = dict[str, Any]  # a field, a key of a mapping (`metadata.x`) or one link (`links.blocks <id>`) -> its JSON


def flatten(state: Any) -> Leaves:
    found: Leaves = {}
    for field in state.__struct_fields__:
        value = getattr(state, field)
        if is_keyed(value):
            found |= {key(field, element): msgspec.to_builtins(element) for element in value}
        elif isinstance(value, dict):
            found |= {f"{field}.{key}": msgspec.to_builtins(inner) for key, inner in value.items()}
        elif value != ():  # a list without elements has no leaf
            found[field] = msgspec.to_builtins(value)
    return found


def is_keyed(value: Any) -> bool:
    """Whether it is a list of links, each an entity of its own."""
    return isinstance(value, tuple) and bool(value) and hasattr(value[0], "to_id")


def key(field: str, element: Any) -> str:
    return f"{field}.{element.kind} {element.to_id}"


def differing(one: Leaves, other: Leaves) -> set[str]:
    return {path for path in one.keys() | other.keys() if not same(one.get(path, UNSET), other.get(path, UNSET))}


def is_short(value: Any) -> bool:
    """Whether a leaf is shown beside the name of its field: a plain value, of one short line if it is a text."""
    if isinstance(value, str):
        return len(value) <= SHORT and "\n" not in value
    return value is None or value is UNSET or isinstance(value, (bool, int, float))


def short_changes(one: Leaves, other: Leaves) -> dict[str, dict[str, Any]]:
    """What differs between two states, where it is short: {path: {old, new}}; null is unknown or not there."""
    pairs = {path: (one.get(path, UNSET), other.get(path, UNSET)) for path in sorted(differing(one, other))}
    return {
        path: {"old": None if old is UNSET else old, "new": None if new is UNSET else new}
        for path, (old, new) in pairs.items()
        if is_short(old) and is_short(new)
    }
