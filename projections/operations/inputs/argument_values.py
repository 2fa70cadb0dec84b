"""What a caller really sends, read as the value that a field takes, where it plainly means one.

Hosts send numbers, booleans, arrays and objects as their text, whole numbers as floats, words in another case, and null
for every optional argument. All operations read them here, on every way in. What could mean two values stays as it
came, and the check of the field refuses it.
"""

import json
import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from ledger.decider import check, problem

NULL_IS_A_VALUE: dict[str, Any] = {"nullable": True}  # `json_schema_extra` of a field that null empties
EXACT = 2.0**53  # floats below it are exact integers
TEXTS_OF = dict.fromkeys(("true", "yes", "on", "y", "1"), True) | dict.fromkeys(("false", "no", "off", "n", "0"), False)
MOST_TEXTS = 3  # JSON texts of a JSON text of ...

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,30})(\.0*)?")


def arguments(given: Any) -> dict[str, Any]:
    """The named arguments of a call, which some hosts send as a JSON text. Raises Invalid for anything else."""
    read = given
    for _ in range(MOST_TEXTS):
        read = _decoded(read) if isinstance(read, str) else read
    if read in (None, []):  # no arguments, as several languages write them
        return {}
    if not isinstance(read, dict):
        check([problem("arguments", 'must be an object of named arguments, like {"id": "w-7k3qd"}', _brief(given))])
    return dict(read)


def read_fields(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of one model, read; a null that is no value, or a blank that none can be, counts as not given."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {
        name: read(fields[name].annotation, value) if name in fields else value
        for name, value in given.items()
        if name not in fields or not _is_not_given(fields[name], value)
    }


def _is_not_given(field: FieldInfo, value: Any) -> bool:
    if value is None:
        return field.json_schema_extra != NULL_IS_A_VALUE
    is_blank = isinstance(value, str) and not value.strip()
    return is_blank and not field.is_required() and _is_plain(Annotated[field.annotation, *field.metadata, None])


def _is_plain(kind: Any) -> bool:
    """Whether it is a number or a yes or no, of which a blank says nothing, without a reading of its own."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _is_plain(inner[0]) and not any(isinstance(one, BeforeValidator) for one in inner)
    if origin in (Union, types.UnionType):
        return all(one is types.NoneType or _is_plain(one) for one in inner)
    return kind in _SIMPLE


def read(kind: Any, value: Any) -> Any:
    """The value as one of the kind, a type as pydantic fields have them; as it came if it is not plainly one.

    >>> read(int, "3"), read(bool, "False"), read(tuple[int, ...], '["1"]'), read(Literal["task"], "Task")
    (3, False, (1,), 'task')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return read(inner[0], value)
    if origin in (Union, types.UnionType):
        return _of_union(inner, value)
    if origin is Literal:
        return _of_words(inner, value)
    if origin is tuple:
        return _of_array(inner[0], value)
    if origin is dict:
        return _of_object(inner, value)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _from_json(value)
    return _SIMPLE[kind](value) if kind in _SIMPLE else value


def _of_union(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        meant = read(kind, value)
        if _fits(kind, meant):
            return meant
    return value


def _of_words(words: tuple[Any, ...], value: Any) -> Any:
    """A word in another case, or with blanks or dashes in place of its underscores."""
    if not isinstance(value, str) or value in words:
        return value
    meant = [word for word in words if _plain(word) == _plain(value)]
    return meant[0] if len(meant) == 1 else value


def _of_array(kind: Any, value: Any) -> Any:
    """An array, its JSON text, or a single value in place of an array of one; commas in it may part several."""
    value = _from_json(value)
    if isinstance(value, (list, tuple)):
        return tuple(read(kind, entry) for entry in value)
    single = read(kind, value)
    return (single,) if _is_one(value, single) and _fits(kind, single) else value


def _is_one(value: Any, single: Any) -> bool:
    """Whether it can only be a single entry: an entry as it came, or its text, which may not look like several."""
    return not (value.strip()[:1] in ("", "[", "{") or "," in value) if isinstance(value, str) else single == value


def _of_object(kinds: tuple[Any, ...], value: Any) -> Any:
    value = _from_json(value)
    if not isinstance(value, dict):
        return value
    return {read(kinds[0], name): read(kinds[1], entry) for name, entry in value.items()}


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    if isinstance(value, str) and (whole := _WHOLE_NUMBER.fullmatch(value.strip())):
        return int(whole[1])
    return value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else TEXTS_OF.get(str(text(value)).strip().lower(), value)


def text(value: Any) -> Any:
    """A whole number as its text, for the fields whose schema takes both, as a position does."""
    whole = _integer(value) if isinstance(value, float) else value
    return str(whole) if isinstance(whole, int) and not isinstance(whole, bool) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)  # refuses what JSON has no words for: NaN, too large, half characters
        except (ValueError, RecursionError):
            return value
    return value


def _decoded(text: str) -> Any:
    """A JSON text with all that is wrong in its values: the check of the arguments names each of them."""
    try:
        return json.loads(text.removeprefix("\ufeff")) if text.strip() else {}
    except (ValueError, RecursionError):
        return text


def _fits(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin is Annotated:
        return _fits(get_args(kind)[0], value)
    if origin is Literal:
        return value in get_args(kind)
    wanted = origin or kind
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return isinstance(value, dict)
    return isinstance(wanted, type) and isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _plain(word: Any) -> str:
    return re.sub(r"[\s_-]+", "_", str(word).strip().casefold())


def _brief(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else kind_of(value)


def kind_of(value: Any) -> str:
    """What JSON calls a value that is not shown itself."""
    return (
        "object" if isinstance(value, dict) else "array" if isinstance(value, (list, tuple)) else type(value).__name__
    )


_SIMPLE = {int: _integer, float: _number, bool: _boolean}
