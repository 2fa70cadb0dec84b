"""Changes of fields, old and new together, so that history, undo and merge need no neighbour.

A path is a field, or `field.key` for one key of a field that is a mapping (`metadata.estimated_hours`).
An absent `old` or `new` means the key was not there, or goes.
"""

from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

State = TypeVar("State", bound=Struct)
_TEXT = msgspec.json.Encoder(order="deterministic")
_SCALARS = (str, int, bool, NoneType)  # of which two that are equal are the same JSON


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
        present = getattr(state, field)
        if type(value) is type(present) and type(value) in _SCALARS and value == present:
            continue  # as of nearly all fields of what is imported again
        old = _as_json(present)
        new = _emptied(old) if value is None else _as_json(value)
        if isinstance(old, dict) and isinstance(new, dict):
            changes |= _merged(field, old, new)
        elif not same(old, new):
            changes[field] = Change(old, new)
    return changes


def followed(then: Struct, now: Struct, wanted: Mapping[str, Any]) -> tuple[Changes, list[str]]:
    """What leads from `now` to what is wanted, of what changed since `then`; and the paths that both sides changed.

    A path that changed on this side only keeps what is there now, one that changed on both sides too.
    """
    theirs = difference(then, wanted)
    missing = theirs if now is then else difference(now, wanted)
    common = sorted(theirs.keys() & missing.keys())
    changes = {path: missing[path] for path in common if theirs[path] == missing[path]}
    return changes, [path for path in common if path not in changes]


def apply(state: State, changes: Changes) -> State:
    """The state after the changes; a field this program does not know is left alone."""
    plain = _plain(type(state))
    fields: dict[str, Any] = {}
    for path, change in changes.items():
        new = change.new
        if type(new) in plain.get(path, ()):
            fields[path] = new
        else:
            _set(fields, state, path, new)
    return replace(state, **fields)


def between(before: Struct, after: Struct) -> Changes:
    """What leads from one state to another of its kind, mappings key by key: `apply(before, between(...)) == after`."""
    changes: Changes = {}
    for field in before.__struct_fields__:
        values = (getattr(before, field), getattr(after, field))
        old, new = map(_as_json, values)
        if all(isinstance(value, dict) for value in values):  # a mapping, not an object that is JSON alike
            keys = [*old, *(key for key in new if key not in old)]
            pairs = {f"{field}.{key}": Change(old.get(key, UNSET), new.get(key, UNSET)) for key in keys}
        else:
            pairs = {field: Change(old, new)}
        changes |= {path: change for path, change in pairs.items() if not same(change.old, change.new)}
    return changes


def inverse(changes: Changes) -> Changes:
    """The changes that take these back."""
    return {path: Change(change.new, change.old) for path, change in changes.items()}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; one that is absent is like nothing but another."""
    if isinstance(one, UnsetType) or isinstance(other, UnsetType):
        return one is other
    return _TEXT.encode(one) == _TEXT.encode(other)  # not ==, for which 1 is True


def _set(fields: dict[str, Any], state: Struct, path: str, new: Any) -> None:
    field, dot, key = path.partition(".")
    types = _types(type(state))
    if field not in types:
        return
    if not dot:
        fields[field] = msgspec.convert(new, types[field])
        return
    mapping = dict(fields.get(field, getattr(state, field)))
    if isinstance(new, UnsetType):
        mapping.pop(key, None)
    else:
        mapping[key] = msgspec.convert(new, _entry(types[field]))
    fields[field] = mapping


def _merged(field: str, old: dict[str, Any], new: dict[str, Any]) -> Changes:
    changes: Changes = {}
    for key, value in new.items():
        before = old.get(key, UNSET)
        after = UNSET if value is None else value
        if not same(before, after):
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


@cache
def _entry(mapping: Any) -> Any:
    """The type of a mapping's values where they are objects of ours; what is plain stays as it was found."""
    value = (*get_args(mapping), Any)[1]
    return value if isinstance(value, type) and issubclass(value, Struct) else Any


@cache
def fields_of(state: type[Struct]) -> frozenset[str]:
    """The paths that name a whole field."""
    return frozenset(_types(state))


@cache
def _types(state: type[Struct]) -> dict[str, Any]:
    return get_type_hints(state, include_extras=True)


@cache
def _plain(kind: type[Struct]) -> dict[str, frozenset[type]]:
    """The types whose values a field takes as they are: most changes are of those, and a replay makes millions."""
    types = {field: get_args(hint) if isinstance(hint, UnionType) else (hint,) for field, hint in _types(kind).items()}
    return {field: frozenset(hints) & {str, int, bool, NoneType} for field, hints in types.items()}
