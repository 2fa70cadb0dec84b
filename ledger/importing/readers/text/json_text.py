"""JSON from outside: decoded so that nothing of a number or a text is changed on the way without being named.

Fractions and numbers beyond 64 bits are Decimals at first, because a dotted id may be written as one: `29.10`.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from ledger.codec import UNSTORABLE
from ledger.importing.readers.reading import text_of
from ledger.importing.readers.text_lines import unreadable

DEEPEST = 100  # objects and lists within one another
LARGEST_FLOAT = Decimal("1.7976931348623157e308")
INSTEAD = "\N{REPLACEMENT CHARACTER}"  # of a character that no UTF-8 database can hold
CHARACTER, NUMBER = "character_replaced", "number_kept_as_text"  # kinds of what is named

Value = TypeVar("Value")
Problem = tuple[str, str]  # a kind, and the path to it


class _Repetitive(dict[str, Any]):
    """An object that names fields more than once; the last value of each counts, as for every reader of JSON."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = sorted({name for name in names if names.count(name) > 1})


_WORDS = ("true", "false", "null", "-Infinity", "NaN", "")


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError for anything else."""
    return _shallow(json.loads(text, **_DECODING))


def document(path: Path) -> tuple[Any, list[str]]:
    """A file that is one JSON value, and the fields it names twice; Invalid with the line for anything else."""
    value = _decoded(path, parsed)
    return value, list(repeated_fields(value))


def documents(path: Path) -> list[Any]:
    """A file of JSON values, one or several behind each other, as pages of answers are; Invalid for anything else."""
    return _decoded(path, _all_parsed)


def _decoded(path: Path, decode: Callable[[str], Value]) -> Value:
    content = text_of(path)
    if not content.strip():
        raise unreadable(path, None, "is empty: it holds nothing to import")
    try:
        return decode(content)
    except json.JSONDecodeError as error:
        cut = "ends in the middle of its JSON: it is cut off" if _is_cut(content.rstrip(), error) else "is not JSON"
        raise unreadable(path, error.lineno, f"{cut}: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise unreadable(
            path, None, f"is JSON nested too deep: more than {DEEPEST} objects and lists within one another"
        ) from error


def _is_cut(content: str, error: json.JSONDecodeError) -> bool:
    """Whether what is wrong with a text is only that it ends there: within a text, a word, or before a sign."""
    rest = content[error.pos :]
    return error.msg.startswith("Unterminated string") or any(word.startswith(rest) for word in _WORDS)


def _all_parsed(content: str) -> list[Any]:
    decoder = json.JSONDecoder(**_DECODING)
    found: list[Any] = []
    place = _skipped(content, 0)
    while place < len(content):
        value, end = decoder.raw_decode(content, place)
        found.append(_shallow(value))
        place = _skipped(content, end)
    return found


def _shallow(value: Any) -> Any:
    """The value. RecursionError for one that is nested deeper than all that walks through it may go."""
    layer = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while layer:
        if (depth := depth + 1) > DEEPEST:
            raise RecursionError(f"more than {DEEPEST} levels")
        inner = [part for one in layer for part in (one.values() if isinstance(one, dict) else one)]
        layer = [part for part in inner if isinstance(part, (dict, list))]
    return value


def _skipped(content: str, place: int) -> int:
    """Where the next value begins."""
    while place < len(content) and content[place] in " \t\r\n":
        place += 1
    return place


def repeated_fields(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields that an object names more than once."""
    if isinstance(value, _Repetitive):
        yield from (_below(path, name) for name in value.repeated)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from repeated_fields(inner, _below(path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from repeated_fields(inner, f"{path}[{place}]")


def as_storable(value: Any) -> tuple[Any, list[Problem]]:
    """A value as it can be stored, and what of it had to become another one."""
    problems: list[Problem] = []
    return _as_storable(value, "", problems), problems


def _as_storable(value: Any, path: str, problems: list[Problem]) -> Any:
    match value:
        case str():
            return _storable(value, path, problems)
        case Decimal():
            return _number(value, path, problems)
        case dict():
            return {
                (stored_name := _storable(name, path, problems)): _as_storable(
                    inner, _below(path, stored_name), problems
                )
                for name, inner in value.items()
            }
        case list():
            return [_as_storable(inner, f"{path}[{place}]", problems) for place, inner in enumerate(value)]
        case _:
            return value


def _storable(text: str, path: str, problems: list[Problem]) -> str:
    """Two halves of a character become the whole one, a half alone and U+0000 a sign that says so."""
    if not UNSTORABLE.search(text):
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", INSTEAD)
    if whole.count(INSTEAD) > text.count(INSTEAD):
        problems.append((CHARACTER, path))
    return whole


def _number(value: Decimal, path: str, problems: list[Problem]) -> float | str:
    if value.is_finite() and abs(value) <= LARGEST_FLOAT and bool(float(value)) == bool(value):
        is_fraction = value.as_tuple().exponent != 0 or abs(value) < 2**63
        if is_fraction:
            return float(value)
    problems.append((NUMBER, path))
    return str(value)


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= 20 and -(2**63) <= int(digits) < 2**64 else Decimal(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repetitive(pairs)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_DECODING: dict[str, Any] = {
    "parse_int": _integer,
    "parse_float": Decimal,
    "parse_constant": Decimal,
    "object_pairs_hook": _object,
}
