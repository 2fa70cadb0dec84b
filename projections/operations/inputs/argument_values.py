"""What a caller really sends, read as the value that a field takes, where it plainly means one.

Hosts send numbers, booleans, arrays and objects as their text, whole numbers as floats, words in another case, and null
for every optional argument. All operations read them here, on every way in. What could mean two values stays as it
came, and the check of the field refuses it.
"""

import json
import re
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from ledger.problems import check, problem

NULL_IS_A_VALUE: dict[str, Any] = {"nullable": True}  # `json_schema_extra` of a field that null empties
EXACT = 2.0**53  # floats below it are exact integers
TEXTS_OF = dict.fromkeys(("true", "yes", "on", "y", "1"), True) | dict.fromkeys(("false", "no", "off", "n", "0"), False)
Read = Callable[[Any], Any]
Fits = Callable[[Any], bool]
NULLS = ("null", "none", "undefined")  # what several languages make of null as a text
MOST_TEXTS = 3  # how often arguments may be encoded as a JSON text

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,30})(\.0*)?")


class _Field(NamedTuple):
    info: FieldInfo
    read: Read


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
    """The arguments of one model, read. A null or a blank that the field cannot hold counts as not given."""
    fields = _fields(model)
    pairs = ((name, _or_null(fields.get(name), value)) for name, value in given.items())
    return {
        name: fields[name].read(value) if name in fields else value
        for name, value in pairs
        if name not in fields or not _is_not_given(fields[name].info, value)
    }


@cache
def _fields(model: type[BaseModel]) -> dict[str, _Field]:
    """The fields by the names that callers give. Types are taken apart once: doing so takes longer than reading."""
    return {info.alias or name: _Field(info, reader(info.annotation)) for name, info in model.model_fields.items()}


def _is_not_given(field: FieldInfo, value: Any) -> bool:
    if value is None:
        return field.json_schema_extra != NULL_IS_A_VALUE
    is_blank = isinstance(value, str) and not value.strip()
    return is_blank and not field.is_required() and _is_plain(Annotated[field.annotation, *field.metadata, None])


def _or_null(field: _Field | None, value: Any) -> Any:
    """The text of null as null, for a field that cannot hold that text."""
    is_null = field and isinstance(value, str) and value.strip().lower() in NULLS
    return None if field and is_null and not _takes(value, field.info.annotation) else value


def _takes(text: str, kind: Any) -> bool:
    """Whether a value of this kind, not only an entry of it, may be the text."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _takes(text, inner[0])
    if origin in (Union, types.UnionType):
        return any(_takes(text, one) for one in inner if one is not types.NoneType)
    if origin is Literal:
        return any(_plain(word) == _plain(text) for word in inner)
    return origin is None and kind not in _SIMPLE and not (isinstance(kind, type) and issubclass(kind, BaseModel))


def _is_plain(kind: Any) -> bool:
    """Whether it is a number or a boolean, which a blank cannot be, and no validator of its own reads it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _is_plain(inner[0]) and not any(isinstance(one, BeforeValidator) for one in inner)
    if origin in (Union, types.UnionType):
        return all(one is types.NoneType or _is_plain(one) for one in inner)
    return kind in _SIMPLE


def reader(kind: Any) -> Read:
    """What reads a value as one of the kind, a type as pydantic fields have them; what is not plainly one stays as it
    came.

    >>> reader(int)("3"), reader(bool)("False"), reader(tuple[int, ...])('["1"]'), reader(Literal["task"])("Task")
    (3, False, (1,), 'task')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return reader(inner[0])
    if origin in (Union, types.UnionType):
        return partial(_of_union, [(reader(one), _fitting(one)) for one in inner])
    if origin is Literal:
        return partial(_of_words, inner)
    if origin is tuple:
        return partial(_of_array, reader(inner[0]), _fitting(inner[0]))
    if origin is dict:
        return partial(_of_object, reader(inner[0]), reader(inner[1]))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return from_json
    return _SIMPLE.get(kind, _as_given)


def _as_given(value: Any) -> Any:
    return value


def _of_union(kinds: Iterable[tuple[Read, Fits]], value: Any) -> Any:
    for read, fits in kinds:
        if fits(meant := read(value)):
            return meant
    return value


def _of_words(words: tuple[Any, ...], value: Any) -> Any:
    """The word that is meant by one in another case, as in `dependsOn`, or with blanks or dashes for underscores."""
    if not isinstance(value, str) or value in words:
        return value
    alike = [word for word in words if _plain(word) == _plain(value)]
    return alike[0] if len(alike) == 1 else value


def _of_array(read: Read, fits: Fits, value: Any) -> Any:
    """An array, its JSON text, or a single value in place of an array of one; a text with commas may mean several."""
    value = from_json(value)
    if isinstance(value, (list, tuple)):
        return tuple(read(entry) for entry in value)
    single = read(value)
    return (single,) if _is_one(value, single) and fits(single) else value


def _is_one(value: Any, single: Any) -> bool:
    """Whether it can only be a single entry: one that was read as it is, or a text that does not look like several."""
    return not (value.strip()[:1] in ("", "[", "{") or "," in value) if isinstance(value, str) else single == value


def _of_object(read_name: Read, read_entry: Read, value: Any) -> Any:
    value = from_json(value)
    if not isinstance(value, dict):
        return value
    return {read_name(name): read_entry(entry) for name, entry in value.items()}


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


def from_json(value: Any) -> Any:
    """Several clients send objects and arrays as their JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)  # refuses what JSON has no words for: NaN, too large, unpaired surrogates
        except (ValueError, RecursionError):
            return value
    return value


def _decoded(text: str) -> Any:
    """A JSON text, also with values that are wrong: the check of the arguments names each of those."""
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=object_of) if text.strip() else {}
    except (ValueError, RecursionError):
        return text


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The named values of a JSON object, or of a line. Refuses a name that is given twice: nothing says which of its
    values is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        check([problem(twice, "is given twice: give it once", [value for name, value in pairs if name == twice])])
    return found


def _fitting(kind: Any) -> Fits:
    """What says whether a value is one of the kind."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _fitting(inner[0])
    if origin is Literal:
        return inner.__contains__
    wanted = origin or kind
    if not isinstance(wanted, type):
        return lambda _: False
    if issubclass(wanted, BaseModel):
        return lambda value: isinstance(value, dict)
    return lambda value: isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _plain(word: Any) -> str:
    return re.sub(r"[\s_-]+", "", str(word).casefold())


def _brief(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else kind_of(value)


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, for a value that is not shown itself."""
    return (
        "object" if isinstance(value, dict) else "array" if isinstance(value, (list, tuple)) else type(value).__name__
    )


_SIMPLE = {int: _integer, float: _number, bool: _boolean}
