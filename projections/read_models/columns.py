"""What questions filter and sort a read model by, said once: `docs/make_sql.py` writes the SQL that follows from it.

A column follows from the row's document alone, so it can be compared with it and made anew.
"""

from typing import Literal

from msgspec import Struct

Kind = Literal["text", "int", "bigint"]


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


Column = Field | Moment | Flags | Joined


class Index(Struct, frozen=True):
    """An index; `ledger_id` and `generation` lead it. `where` limits it to the rows that its questions ask for."""

    name: str
    columns: tuple[str, ...]
    where: str = ""
    only_in_postgres: bool = False


class Equal(Struct, frozen=True):
    """A filter by the value of a column; the parameter has the column's name, NULL lets everything through."""

    column: str


class Entry(Struct, frozen=True):
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


Filter = Equal | Entry | EntryRange | Condition
