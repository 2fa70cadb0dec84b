"""What an event says, in one line."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from ledger.catalog import NAME_FIELDS, fact_of
from ledger.envelope import Fact, RecordedEvent, UnknownFact, stated
from ledger.values.revision import Change

LONGEST, LONGEST_VALUE = 100, 40  # characters
EMPTY: tuple[Any, ...] = (None, UNSET, "", [], {}, ())


def sentence(event: RecordedEvent) -> str:
    """The thing's name if the event gives one; else what changed to what, and the reasons."""
    fact = fact_of(event)
    if isinstance(fact, UnknownFact):
        return f"(a fact of a newer program, schema {fact.schema})"
    name = next((getattr(fact, name) for name in NAME_FIELDS if getattr(fact, name, None)), None)
    return _cut(str(name) if name else ", ".join(_parts(fact)), LONGEST)


def _parts(fact: Fact) -> Iterator[str]:
    for name, value in (*stated(fact).items(), ("also", fact.also)):
        if name in ("changes", "also"):
            yield from (_change(path, change) for path, change in value.items())
        elif value not in EMPTY:
            yield f"{name.replace('_', ' ')}: {_value(value)}"


def _change(path: str, change: Change) -> str:
    return f"{path}: {_value(change.old)} -> {_value(change.new)}"


def _value(value: Any) -> str:
    return "nothing" if value in EMPTY else _cut(str(msgspec.to_builtins(value)), LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
