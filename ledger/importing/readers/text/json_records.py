"""The records of a JSON file, each as it can be stored: lists, lists within objects, or one record a line."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ledger.importing.readers.reading import Reading, lines
from ledger.importing.readers.source_item import left_out
from ledger.importing.readers.text.json_text import as_storable, documents, parsed, repeated_fields
from ledger.values.finding import Finding

Fields = dict[str, Any]


def records_of(path: Path, reading: Reading, listed: Callable[[Any], Iterable[Any]]) -> Iterator[tuple[str, Fields]]:
    """Every record with its place, also what in it is empty. `listed` finds them; an object a line is one itself."""
    for place, value in _records(path, listed):
        if not isinstance(value, dict):
            left_out(reading, "not_an_object", place)
            continue
        record, problems = as_storable(value)
        reading.not_taken += [
            Finding("repeated_field", f"{place}: {as_storable(name)[0]}") for name in repeated_fields(value)
        ]
        reading.warnings += [Finding(kind, f"{place}: {where}") for kind, where in problems]
        yield place, record


def filled(record: Fields) -> Fields:
    """The fields of a record that are not empty. An empty field is stated all the same, see SourceItem."""
    return {name: value for name, value in record.items() if value not in (None, "", [])}


def text_at(value: Any, *path: str) -> str | None:
    """A text within objects, None where it is not.

    >>> text_at({"author": {"name": "ann"}}, "author", "name"), text_at({"author": None}, "author", "name")
    ('ann', None)
    """
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def _records(path: Path, listed: Callable[[Any], Iterable[Any]]) -> Iterator[tuple[str, Any]]:
    given = list(lines(path))
    if len(given) > 1 and all(_is_object(line) for _, line in given[:2]):
        yield from ((f"line {number}", _line(line)) for number, line in given)
    else:
        records = (record for whole in documents(path) for record in listed(whole))
        yield from ((f"entry {place}", record) for place, record in enumerate(records, 1))


def _is_object(line: bytes) -> bool:
    return line.startswith(b"{") and isinstance(_line(line), dict)


def _line(line: bytes) -> Any:
    """The value of a line; None where it is not JSON."""
    try:
        return parsed(line.decode().rstrip(","))
    except (ValueError, RecursionError):
        return None
