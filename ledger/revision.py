"""Changes of fields, old and new together, so that history, undo and merge need no neighbour.

A path is a field, or `field.key` for one key of a field that is a mapping (`metadata.estimated_hours`).
An absent `old` or `new` means the key was not there, or goes.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType

State = TypeVar("State", bound=Struct)
_TEXT = msgspec.json.Encoder(order="deterministic")


class Change(Struct, frozen=True, omit_defaults=True):
    old: Any = UNSET
    new: Any = UNSET


Changes = dict[str, Change]


def difference(state: Struct, wanted: Mapping[str, Any]) -> Changes:
    """What must change in `state` so that the wanted fields hold. Mappings merge key by key; None removes a key.

    None empties a field that is a list or a mapping. Values are compared, and kept, as the JSON they will be.
    """
    changes: Changes = {}
    for field, value in wanted.items():
        old = _as_json(getattr(state, field))
        new = _emptied(old) if value is None else _as_json(value)
        if isinstance(old, dict) and isinstance(new, dict):
            changes |= _merged(field, old, new)
        elif not _same(old, new):
            changes[field] = Change(old, new)
    return changes


def apply(state: State, changes: Changes) -> State:
    """The state after the changes; a field this program does not know is left alone."""
    types = _types(type(state))
    fields: dict[str, Any] = {}
    for path, change in changes.items():
        field, dot, key = path.partition(".")
        if field not in types:
            continue
        if not dot:
            fields[field] = msgspec.convert(change.new, types[field])
            continue
        mapping = dict(fields.get(field, getattr(state, field)))
        if isinstance(change.new, UnsetType):
            mapping.pop(key, None)
        else:
            mapping[key] = change.new
        fields[field] = mapping
    return msgspec.structs.replace(state, **fields)


def inverse(changes: Changes) -> Changes:
    """The changes that take these back."""
    return {path: Change(change.new, change.old) for path, change in changes.items()}


def _merged(field: str, old: dict[str, Any], new: dict[str, Any]) -> Changes:
    changes: Changes = {}
    for key, value in new.items():
        before = old.get(key, UNSET)
        after = UNSET if value is None else value
        if not _same(before, after):
            changes[f"{field}.{key}"] = Change(before, after)
    return changes


def _emptied(old: Any) -> Any:
    match old:
        case list():
            return []
        case dict():
            return dict.fromkeys(old)  # None removes each key
        case _:
            return None


def _as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, UnsetType) or isinstance(other, UnsetType):
        return one is other
    return _TEXT.encode(one) == _TEXT.encode(other)  # not ==, for which 1 is True


@cache
def _types(state: type[Struct]) -> dict[str, Any]:
    return get_type_hints(state, include_extras=True)
