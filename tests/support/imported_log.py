"""The streams of a ledger in memory that imports wrote to, and perhaps a person."""

import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ImportWorkItems
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.aggregates.work_item.imported.item_plan import plan
from ledger.catalog import fold_stream
from ledger.codec import encode, schema_of
from ledger.envelope import Past, RecordedEvent, import_of, imported_id
from ledger.values.finding import Finding
from ledger.values.moment import parse
from ledger.world import Holder, World
from projections.transfer.import_sources import SOURCES
from tests.support.given import LEDGER, Neighbours

States = dict[str, dict[str, Any]]
NOW = parse("2026-11-22T12:00:00Z")


class Streams:
    """The streams of a ledger, in memory, as a rule reads them."""

    def __init__(self) -> None:
        self._streams: dict[str, list[RecordedEvent]] = {}

    def _read(self, streams: Iterable[str]) -> Past:
        return Past(head=0, now=NOW, events={name: self._streams[name] for name in streams if name in self._streams})

    def _record(self, stream: str, fact: Any, by: str, at: Any, *, command: str) -> None:
        past = self._streams.setdefault(stream, [])
        past.append(
            RecordedEvent(
                position=1,
                stream_id=stream,
                version=len(past) + 1,
                command_id=LEDGER,
                n=0,
                command=command,
                command_digest=b"",
                type=type(fact).__name__,
                schema=schema_of(type(fact).__name__),
                topics=(),
                data=encode(fact),
                by=by,
                occurred_at=at,
                recorded_at=NOW,
                digest=b"",
            )
        )


class ImportedLog(Streams):
    """The streams of a ledger that only imports wrote to."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._warnings: list[Finding] = []

    def bring(
        self,
        write: Callable[[Path], Path],
        *,
        older_wins: bool = False,
        all_taken: bool = True,
        imported_at: datetime = NOW,
    ) -> Decided:
        """What an import of the file recorded that `write` leaves in a folder."""
        with tempfile.TemporaryDirectory() as folder:
            reading = SOURCES[self._source].read(write(Path(folder)), self._identify, imported_at)
        assert not all_taken or (reading.found, reading.not_taken) == (len(reading.items), [])
        command = ImportWorkItems(source=self._source, items=tuple(reading.items), older_wins=older_wins)
        planned = plan(command, World(LEDGER, self._read, fold_stream, self._neighbours()))
        decided = planned.decided
        self._warnings = planned.warnings
        for entry in decided:
            self._record(*entry, command=import_of(self._source))
        return decided

    def warnings(self) -> dict[str, list[str]]:
        """What was said of the last import, by its kind."""
        found: dict[str, list[str]] = {}
        for finding in self._warnings:
            found.setdefault(finding.kind, []).append(finding.where)
        return found

    def revise(self, stream: str, fact: WorkItemRevised) -> None:
        """What a person changed here."""
        self._record(stream, fact, "me", NOW, command="UpdateWorkItem")

    def current_states(self) -> States:
        """What each stream adds up to; with what force it was completed depends on when."""
        states = {stream: asdict(fold_stream(stream, past)) for stream, past in self._streams.items()}
        return {
            stream: state
            | {"forced": None, "links": sorted((link.kind, link.to_id, link.note) for link in state["links"])}
            for stream, state in states.items()
        }

    def began(self, entity_id: str) -> datetime:
        return self._streams[f"work_item-{entity_id}"][0].occurred_at

    def times_rise(self) -> bool:
        pasts = self._streams.values()
        return all(a.occurred_at <= b.occurred_at for past in pasts for a, b in pairwise(past))

    def _neighbours(self) -> Neighbours:
        """Who has which id of the source."""
        prefix = len("work_item-")
        states = {stream[prefix:]: fold_stream(stream, past) for stream, past in self._streams.items()}
        return Neighbours(
            holder={
                ("external_id", f"{self._source}:{state.external_id}"): Holder(id=entity_id, label="")
                for entity_id, state in states.items()
            }
        )

    def _identify(self, external_id: str) -> str:
        return imported_id(LEDGER, self._source, external_id)


def differing(found: States, expected: States) -> list[str]:
    """In which fields two ledgers differ; empty where they are the same."""
    lines = [f"only one of them has {stream}" for stream in sorted(found.keys() ^ expected.keys())]
    for stream in sorted(found.keys() & expected.keys()):
        pairs = {name: (found[stream][name], value) for name, value in expected[stream].items()}
        lines += [f"{name} of {stream}: {one!r}, not {other!r}" for name, (one, other) in pairs.items() if one != other]
    return lines
