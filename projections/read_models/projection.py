"""A row of a read model: an entity's state, with the version of its stream and who touched it when.

`project(row | None, event) -> row` is pure. It is used three times: inline, beside the append; in a replay; and for
the state as of an earlier position. A row depends on its own stream only.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from ledger.aggregates.decider import Decider
from ledger.envelope import Entry, Fact
from ledger.errors import VERIFY, Damaged
from ledger.values.moment import text
from projections.read_models.columns import Column, Filter, Index
from projections.read_models.search_terms import search_terms

State = TypeVar("State", bound=Struct)
Entries = frozenset[Entry]
DAY = 10  # characters of a moment's day
Texts = Mapping[str, tuple[str, ...]]


class Stamps(Struct, frozen=True, kw_only=True):
    """Who made and who last changed it, by the times the clients or sources gave."""

    created_at: str
    created_by: str
    updated_at: str
    updated_by: str


class Row(Struct, frozen=True, kw_only=True):
    """`position` is that of its newest event; 0 while that is not recorded yet. `version` is a token where rows
    of waiting commands are laid over the confirmed ones."""

    id: str
    version: int | str
    position: int
    stamps: Stamps
    state: Any


class Projection(Struct, Generic[State], frozen=True, kw_only=True):
    """One read model: its name is its table; `shape` rises when what is stored in a row changes.

    `entries` are the (relation, target) pairs under which a row can be found, `texts` the texts in which words are
    searched for, by their classes (see projections.read_models.search_terms); a read model that is not searched has
    none. Entries of the relations `listed_by` have a place in lists, too: the day of the row's last change, and
    `place`, which are the columns `hidden`, `status` and `category`. The SQL that follows from `columns`, `indexes` and
    `filters` is written by docs/make_sql.py. `is_single`: there is one row a ledger.
    """

    name: str
    shape: int
    decider: Decider[State]
    entries: Callable[[str, State], Iterable[tuple[str, str]]]
    derived: Callable[[State], dict[str, Any]] = lambda _: {}
    texts: Callable[[State], Texts] | None = None
    listed_by: frozenset[str] = frozenset()
    place: Callable[[State], tuple[int, str, str]] | None = None
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    filters: tuple[Filter, ...] = ()
    is_single: bool = False

    def project(
        self, row: Row | None, fact: Fact, *, id: str, version: int, position: int, by: str, at: datetime
    ) -> Row:
        """The row after one more event of its stream, which must be the next one."""
        before = row.version if row else 0
        if not isinstance(before, int) or version != before + 1:
            raise behind(self, id, before, version)
        moment = text(at)
        stamps = Stamps(
            created_at=row.stamps.created_at if row else moment,
            created_by=row.stamps.created_by if row else by,
            updated_at=moment,
            updated_by=by,
        )
        state = self.decider.after(row.state if row else self.decider.initial, fact)
        return Row(id=id, version=version, position=position, stamps=stamps, state=state)

    def document(self, row: Row) -> bytes:
        """The row as one flat JSON object: the state's fields, then the stamps, then what is derived from them."""
        parts = (_encode(_canonical(row.state)), _encode(row.stamps), _encode(self.derived(row.state)))
        return b"{" + b",".join(part[1:-1] for part in parts if len(part) > 2) + b"}"

    def row(self, id: str, version: int | str, position: int, document: bytes) -> Row:
        """The row that `document` came from."""
        stamps, state = _stamps(document), _decoder(type(self.decider.initial))(document)
        return Row(id=id, version=version, position=position, stamps=stamps, state=state)

    def terms(self, before: Row | None, after: Row) -> str | None:
        """The words by which the row is found; None where they are those from before."""
        if self.texts is None:
            return None
        texts = self.texts(after.state)
        return None if before is not None and self.texts(before.state) == texts else search_terms(texts)

    def entries_of(self, row: Row | None) -> Entries:
        found = frozenset(self.entries(row.id, row.state)) if row else frozenset()
        if row is None or self.place is None or all(relation not in self.listed_by for relation, _ in found):
            return found
        place = (row.stamps.updated_at[:DAY], *self.place(row.state))
        return frozenset((*entry, *place) if entry[0] in self.listed_by else entry for entry in found)


def behind(projection: Projection[Any], id: str, version: int | str, following: int | str) -> Damaged:
    """A row is asked to take an event that is not its next."""
    return Damaged(
        f"{projection.name} {id} is at version {version}, the next event is {following}", next_step=VERIFY, id=id
    )


def _canonical(state: Struct) -> Struct:
    """The same state, with the very objects that its fields have by default.

    A field is left out of a document where it has its default, which msgspec sees by the object and not by the value of
    a text or a number: a document would follow from where a value came from, and be another one after a replay.
    """
    equal = {
        name: default
        for name, default in _defaults(type(state))
        if (value := getattr(state, name)) is not default and value == default
    }
    return replace(state, **equal) if equal else state


@cache
def _defaults(state: type[Struct]) -> tuple[tuple[str, Any], ...]:
    """The fields that have a text or a number by default, with it."""
    return tuple((field.name, field.default) for field in fields(state) if type(field.default) in (str, int, float))


_encode = msgspec.json.Encoder().encode
_stamps = msgspec.json.Decoder(Stamps).decode


@cache
def _decoder(state: type[Struct]) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(state).decode
