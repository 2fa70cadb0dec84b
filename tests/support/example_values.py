"""A JSON value of a type with everything in it that can be there, made from its annotations."""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Struct


def example(kind: Any, name: str = "", *, is_set: bool = True) -> Any:
    """`name` is the way to the value, and its text; `is_set` is what flags are, and takes the first of literals."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        fields = get_type_hints(kind).items()
        return {field: example(hint, f"{name} {field}".strip(), is_set=is_set) for field, hint in fields}
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return example(kinds[0], name, is_set=is_set)
    if origin is Literal:
        return kinds[0 if is_set else -1]
    if origin is tuple:
        return [example(inside, name, is_set=is_set) for inside in kinds if inside is not ...]
    if origin is dict:
        return {f"{name} key": example(kinds[1], name, is_set=is_set)}
    return {str: f"a {name}", int: len(name), float: 0.5, bool: is_set, Any: {"any": ["é", 2.5, None]}}[kind]
