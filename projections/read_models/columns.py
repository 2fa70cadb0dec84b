"""What questions filter and sort a read model by, said once: `docs/make_sql.py` writes the SQL that follows from it.

A column follows from the row's document alone, so it can be compared with it and rebuilt; but for a mark.
"""

from collections.abc import Callable
from typing import Any, Literal, assert_never

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from ledger.values.moment import WHOLE_MOMENT

Kind = Literal["text", "int", "bigint"]
Value = Callable[[Any], str | None]
Values = Callable[[bytes], tuple[str | None, ...]]


class Field(Struct, frozen=True):
    """A field of the document, or one inside it (`inside` names the way to it); `absent` is its value if it is null."""

    name: str
    kind: Kind = "text"
    inside: tuple[str, ...] = ()
    absent: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        return self.inside or (self.name,)


class Moment(Struct, frozen=True):
    """A planned day or moment as a moment, see ledger.values.dates: of a day the one that `of_day` names."""

    name: str
    field: str
    of_day: str
    absent: str | None = None
    kind: Kind = "text"


class Flags(Struct, frozen=True):
    """A number made of the document's booleans, each with its bit."""

    name: str
    bits: dict[str, int]
    kind: Kind = "int"


class Joined(Struct, frozen=True):
    """Fields as one text with spaces between them, to sort by several at once."""

    name: str
    parts: tuple[Field, ...]
    kind: Kind = "text"


class Mark(Struct, frozen=True):
    """A number that PostgreSQL keeps itself, because it follows from other rows too: no row comes with it, and in a new
    one it is 0."""

    name: str
    kind: Kind = "int"


Derived = Field | Moment | Flags | Joined  # from the document
Column = Derived | Mark


class Index(Struct, frozen=True):
    """An index; `ledger_id` and `generation` lead it. `where` limits it to the rows that its questions ask for, in
    PostgreSQL together with `and_in_postgres`."""

    name: str
    columns: tuple[str, ...]
    where: str = ""
    and_in_postgres: str = ""
    only_in_postgres: bool = False


class Equal(Struct, frozen=True):
    """A filter by the value of a column; the parameter has the column's name, NULL lets everything through."""

    column: str


class HasEntry(Struct, frozen=True):
    """A filter by an entry of this relation; the parameter is its target, NULL lets everything through."""

    relation: str
    parameter: str


class EntryRange(Struct, frozen=True):
    """A filter by an entry of this relation whose target lies between two parameters; NULL lets all through."""

    relation: str
    first: str
    last: str


class Condition(Struct, frozen=True):
    """A filter in the words of SQL that PostgreSQL and SQLite share."""

    sql: str


Filter = Equal | HasEntry | EntryRange | Condition


def has_marks(columns: tuple[Column, ...]) -> bool:
    """Whether rows of a read model say something that follows from other rows too."""
    return any(isinstance(column, Mark) for column in columns)


def derived(columns: tuple[Column, ...]) -> list[Derived]:
    return [column for column in columns if not isinstance(column, Mark)]


def values_of(columns: tuple[Column, ...]) -> Values:
    """What takes a document's columns from it, as text: what the SQL function columns_of_<table> takes from it too.
    Of a mark it takes None.

    Most columns are a field of the document. These are taken at once, and the others are put in between.
    """
    fields = sorted({name for column in columns for name in _fields(column)})
    decode = msgspec.json.Decoder(msgspec.defstruct("Fields", [(name, Any, None) for name in fields])).decode
    plain = [column for column in columns if isinstance(column, Field) and not column.inside]
    texts = [(fields.index(column.name), column.absent, column.kind == "text") for column in plain]
    others = [(place, _value(column)) for place, column in enumerate(columns) if column not in plain]

    def of(document: bytes) -> tuple[str | None, ...]:
        found = decode(document)
        read = astuple(found)
        values = [
            absent if (value := read[place]) is None else value if is_text else str(value)
            for place, absent, is_text in texts
        ]
        for place, other in others:
            values.insert(place, other(found))
        return tuple(values)

    return of


def _fields(column: Column) -> tuple[str, ...]:
    match column:
        case Field():
            return column.path[:1]
        case Moment():
            return (column.field,)
        case Flags():
            return tuple(column.bits)
        case Joined():
            return tuple(name for part in column.parts for name in _fields(part))
        case Mark():
            return ()
        case _:
            assert_never(column)


def _value(column: Column) -> Value:
    match column:
        case Field(absent=absent):
            return _field(*column.path, absent=absent)
        case Moment(field=name, of_day=of_day, absent=absent):
            return lambda found: absent if (day := getattr(found, name)) is None else (day + of_day)[:WHOLE_MOMENT]
        case Flags(bits=bits):
            return lambda found: str(sum([bit for name, bit in bits.items() if getattr(found, name)]))
        case Joined(parts=parts):
            return _joined([_value(part) for part in parts])
        case Mark():
            return lambda _: None
        case _:
            assert_never(column)


def _field(name: str, *inside: str, absent: str | None) -> Value:
    def value(found: Any) -> str | None:
        read = getattr(found, name)
        for key in inside:
            read = None if read is None else read.get(key)
        return absent if read is None else str(read)

    return value


def _joined(parts: list[Value]) -> Value:
    def value(found: Any) -> str | None:
        texts = [part(found) for part in parts]
        known = [text for text in texts if text is not None]
        return " ".join(known) if len(known) == len(texts) else None

    return value
