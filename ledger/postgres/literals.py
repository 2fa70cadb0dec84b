"""Rows, arrays and composite values as the functions of the database take them: as text, which costs least to make."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ledger.envelope import RowChange

KEPT = "," * 5  # between ledger, generation, id, version, position and document, which lead such a table

_AND = "\0"  # between texts while they are quoted: no text has it
_NOTHING = f'"{_AND}"'  # stands for NULL while a row is quoted


def row_json(row: RowChange) -> dict[str, Any]:
    """A row as `put_rows` reads it, without its document."""
    terms = {} if row.terms is None else {"terms": row.terms}
    return {"id": row.id, "version": row.version, "n": row.n, **terms}


def are_new(rows: Iterable[RowChange]) -> bool:
    """Whether `add_rows` may take them."""
    return all(row.is_new for row in rows)


def entries_json(rows: Iterable[RowChange]) -> dict[str, list[tuple[Any, ...]]]:
    """The entries that rows lose and gain, as `put_entries` reads them; nothing that is empty."""
    dropped = [(row.id, *entry) for row in rows for entry in row.dropped]
    added = [(row.id, *entry) for row in rows for entry in row.added]
    return ({"dropped": dropped} if dropped else {}) | ({"added": added} if added else {})


def documents(rows: Iterable[RowChange]) -> str:
    """The documents of rows, one a line: no JSON of ours has a line's end in it."""
    return b"\n".join([row.doc for row in rows]).decode()


def array(values: Collection[str | None]) -> str:
    r"""An array of texts as PostgreSQL reads it.

    >>> print(array(["a", None, 'b"\\', ""]), array([None]), array([""]), array([]))
    {"a",NULL,"b\"\\",""} {NULL} {""} {}
    """
    known = [value for value in values if value is not None]
    escaped = _escaped(_AND.join(known))
    if len(known) == len(values):
        return '{"' + escaped.replace(_AND, '","') + '"}' if known else "{}"
    parts = iter(escaped.split(_AND))
    return "{" + ",".join(["NULL" if value is None else f'"{next(parts)}"' for value in values]) + "}"


def composite(columns: Collection[str | None]) -> str:
    """A row of a read model's table as PostgreSQL reads it, of which only these columns are given."""
    if not columns:
        return ""
    known = "".join([value for value in columns if value])
    if '"' in known or "\\" in known:
        columns = [value and _escaped(value) for value in columns]
    quoted = '"' + '","'.join([_AND if value is None else value for value in columns]) + '"'
    return f"({KEPT},{quoted})".replace(_NOTHING, "")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def numbers(values: Iterable[Any]) -> str:
    """An array of what needs no quotes."""
    return "{" + ",".join(map(str, values)) + "}"


def nested(arrays: Sequence[str]) -> str:
    """An array of arrays of one length."""
    return "{" + ",".join(arrays) + "}"
