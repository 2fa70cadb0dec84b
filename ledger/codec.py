"""Facts to bytes and back, and the digest that chains them: here and nowhere else."""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw

from ledger.envelope import Command, Fact, RecordedEvent, UnknownFact
from ledger.errors import NewerProgramNeeded
from ledger.problems import Problem, problem
from ledger.values.moment import microseconds

SCHEMA = 1  # of every fact that has no upcast yet
UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}  # (type, schema) -> data of schema + 1
_ERASED = re.compile(rb'\{"erased":"([0-9a-f]{64})"[,}]')  # how a payload begins from which texts were erased
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # characters that no UTF-8 database can hold

_encode = msgspec.json.Encoder().encode


def encode(fact: Fact) -> bytes:
    """Raises NewerProgramNeeded for what this program does not understand: it would be recorded as something else."""
    if isinstance(fact, UnknownFact):
        raise NewerProgramNeeded(
            f"this program does not know {fact.type} of schema {fact.schema}, and does not record it",
            next_step="upgrade tracking-ledger on this machine",
            type=fact.type,
            schema=fact.schema,
        )
    return _encode(fact)


@cache
def schema_of(type_name: str) -> int:
    """Today's schema of a fact: one more than its newest upcast."""
    return 1 + max((schema for name, schema in UPCASTS if name == type_name), default=0)


def decode(fact: type[Fact] | None, event: RecordedEvent) -> Fact:
    """Today's reading of an event of any schema ever released; UnknownFact for one of a newer program."""
    return reading(fact, event.type, event.schema)(event.data)


def reading(fact: type[Fact] | None, type_name: str, schema: int) -> Callable[[bytes | Raw], Fact]:
    """How the payloads of one type and schema are read; a reader of many asks once."""
    newest = schema_of(type_name)
    if fact is None or schema > newest:
        unknown = UnknownFact(type=type_name, schema=schema)
        return lambda _: unknown
    if schema == newest:
        return _decoder(fact)
    return lambda data: convert(fact, schema, msgspec.json.decode(data))


def readings(fact: type[Fact] | None, type_name: str, schema: int) -> Callable[[Sequence[bytes | Raw]], list[Fact]]:
    """How many payloads of one type and schema are read at once, which takes half of what each alone does."""
    if fact is not None and schema == schema_of(type_name):
        decode_all = _list_decoder(fact)
        return lambda payloads: decode_all(b"[%b]" % b",".join(payloads))
    read = reading(fact, type_name, schema)
    return lambda payloads: [read(payload) for payload in payloads]


def convert(fact: type[Fact], schema: int, data: dict[str, Any]) -> Fact:
    """A fact from the JSON that any release wrote of it."""
    for older in range(schema, schema_of(fact.__name__)):
        data = UPCASTS[fact.__name__, older](data)
    return msgspec.convert(data, fact)


def command_digest(command: Command, by: str) -> bytes:
    """Tells a repetition of a command from another command under the same id."""
    tagged = [type(command).__name__, msgspec.to_builtins(command), by]
    return hashlib.sha256(msgspec.json.encode(tagged, order="deterministic")).digest()


def origin_digest(ledger: UUID) -> bytes:
    """The digest at position 0."""
    return hashlib.sha256(ledger.bytes).digest()


def digest(previous: bytes, event: RecordedEvent) -> bytes:
    """sha256(previous || header || sha256(data)); each header field is a netstring (`<length in bytes>:<text>,`).

    For an erased payload it is made with the digest of what was recorded.
    """
    header = (
        str(event.position),
        event.stream_id,
        str(event.version),
        str(event.command_id),
        str(event.n),
        event.command,
        event.command_digest.hex(),
        event.type,
        str(event.schema),
        ",".join(event.topics),
        event.by,
        str(microseconds(event.occurred_at)),
        str(microseconds(event.recorded_at)),
    )
    chained = hashlib.sha256(previous)
    for field in header:
        raw = field.encode()
        chained.update(b"%d:%b," % (len(raw), raw))
    chained.update(payload_digest(event.data))
    return chained.digest()


def payload_digest(data: bytes) -> bytes:
    """The digest of the payload as it was recorded; an erased payload begins with it."""
    erased = _ERASED.match(data)
    return bytes.fromhex(erased[1].decode()) if erased else hashlib.sha256(data).digest()


def is_erased(data: bytes) -> bool:
    """Whether texts were erased from a payload. No fact is recorded so."""
    return _ERASED.match(data) is not None


def storable(value: Any) -> bool:
    """Whether the JSON of a value shows at once that `unstorable` finds nothing in it."""
    try:
        return b"\\u0000" not in _encode(value)
    except (UnicodeEncodeError, OverflowError):
        return False


def unstorable(value: Any, path: str = "") -> list[Problem]:
    """Texts that no UTF-8 database can hold: U+0000 and unpaired surrogates. Each with the path to it."""
    match value:
        case str():
            found = UNSTORABLE.search(value)
            return [problem(path, f"holds {found[0]!a}, which cannot be stored", ascii(value[:80]))] if found else []
        case dict():
            inner = [(key, f"{path}.{key}" if path else str(key)) for key in value]
            return [p for key, at in inner for p in (*unstorable(key, ascii(at)), *unstorable(value[key], at))]
        case list() | tuple():
            return [p for place, item in enumerate(value) for p in unstorable(item, f"{path}[{place}]")]
        case _:
            return []


@cache
def _decoder(fact: type[Fact]) -> Callable[[bytes | Raw], Fact]:
    return msgspec.json.Decoder(fact).decode


@cache
def _list_decoder(fact: type[Fact]) -> Callable[[bytes], list[Fact]]:
    return msgspec.json.Decoder(list[fact]).decode  # type: ignore[valid-type]  # a type that is a value here
