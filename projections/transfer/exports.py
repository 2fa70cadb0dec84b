"""What the ledger hands out: its events as they are, and its read models as JSON, CSV and GitHub issues.

Everything is made piece by piece from one consistent view, so that size costs time and no memory.
"""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import msgspec

from ledger.codec import origin_digest
from ledger.offline.lines import line_of
from ledger.store import EventStore
from projections.questions.answers import Entity
from projections.questions.entities import UNSAID, complete, rows
from projections.questions.references import references
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import Snapshot

EVENTS = "tracking-ledger events"
READ_MODELS = "tracking-ledger read models"
VERSION = 1  # of both formats
PAGE = 1000  # rows at a time
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")  # how a text begins that a spreadsheet would not take as text
STAMPS = ("created_at", "created_by", "updated_at", "updated_by")

_encode = msgspec.json.Encoder().encode


def events(log: EventStore, advance: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    """A head, which says how many events follow and what the last digest is, then each event as a journal has it."""
    last = _last(log)
    position, digest = (last.position, last.digest) if last else (0, origin_digest(log.ledger))
    head = {"format": EVENTS, "version": VERSION, "ledger": log.ledger, "events": position, "digest": digest.hex()}
    yield _encode(head) + b"\n"
    for event in log.read_all(0, position):
        yield line_of(event)
        advance()


def read_models(snapshot: Snapshot, ledger: UUID) -> Iterator[bytes]:
    """One JSON document: a list for each read model, an entity a line."""
    as_of = {"position": snapshot.as_of.position, "time": snapshot.as_of.time}
    head = {"format": READ_MODELS, "version": VERSION, "ledger": ledger, "as_of": as_of}
    yield _encode(head)[:-1]
    for category, projection in BY_CATEGORY.items():
        yield b',\n"' + projection.name.encode() + b'": ['
        for number, entity_id in enumerate(entities(snapshot, category)):
            yield (b",\n" if number else b"\n") + _encode(entity_id)
        yield b"\n]"
    yield b"\n}\n"


def table(snapshot: Snapshot, category: str) -> Iterator[bytes]:
    """A read model as CSV (RFC 4180, UTF-8), an entity a line.

    An empty cell is an absent value; lists and objects are JSON. A text that is empty, or that a spreadsheet could take
    for a formula, has an apostrophe before it, also one that begins with an apostrophe: without the first
    apostrophe each cell is the text again.
    """
    fields = BY_CATEGORY[category].decider.initial.__struct_fields__
    names = ("id", "ref", "version", *fields, *STAMPS)
    yield _line(names)
    for entity in entities(snapshot, category):
        yield _line(_cell(entity.get(name, UNSAID.get(name))) for name in names)


def entities(snapshot: Snapshot, category: str) -> Iterator[Entity]:
    """Every entity of a category, by id; also what is deleted, archived or withdrawn, as its fields say."""
    generation = snapshot.generation(BY_CATEGORY[category].name)
    after = ""
    while found := snapshot.ask("entities/all", category=category, generation=generation, after=after, limit=PAGE):
        page = rows(category, found)
        refs = references(snapshot, category, [row.id for row in page])
        yield from (complete(row, refs[row.id]) for row in page)
        after = page[-1].id


def _last(log: EventStore) -> Any:
    head = log.read_streams([]).head
    return next(iter(log.read_all(head - 1, head)), None) if head else None


def _line(cells: Any) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if not value or value.startswith(FORMULA) else value
        case bool() | int() | float() | list() | dict():
            return _encode(value).decode()
        case _:
            raise TypeError(f"no cell can hold {type(value).__name__}")
