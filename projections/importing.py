"""Brings a file of another tracker into the ledger as one command, and tells what became of every record of it."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from ledger.decider import Decided
from ledger.envelope import Submission, command_id_at
from ledger.finding import Finding
from ledger.importers import beads
from ledger.importers.reading import Identify, Reading, imported_id
from ledger.work_item.commands import ImportWorkItems
from ledger.work_item.importing import Plan, plan
from ledger.world import World
from projections.app import App

Read = Callable[[Path, Identify, datetime], Reading]
Report = dict[str, Any]
SOURCES: dict[str, Read] = {beads.SOURCE: beads.read}
MANY = 500  # events after which the planner should look at the tables again
EXAMPLES = 5  # of each warning


class Import(Struct, frozen=True, kw_only=True):
    """`source` is one of SOURCES. A dry run decides everything and records nothing."""

    source: str
    path: Path
    by: str | None = None
    dry_run: bool = False

    def run(self, app: App) -> Report:
        """All of the file in one append; the report names what is not taken. Invalid for a file of another kind."""
        started = time.perf_counter()
        known, ledger = _known(app, self.source), app.store.ledger
        identify = lru_cache(maxsize=None)(lambda id: known.get(id) or imported_id(ledger, self.source, id))
        reading = SOURCES[self.source](self.path, identify, app.clock())
        decision = _Decision()
        positions: tuple[int, ...] = ()
        command = ImportWorkItems(source=self.source, items=tuple(reading.items))
        if self.dry_run:
            decision(command, app.handler.world())
        elif reading.items:
            now = app.clock()
            submission = Submission(
                command=command, command_id=command_id_at(now, os.urandom(10)), by=app.actor(self.by), occurred_at=now
            )
            positions = app.handler.execute(submission, decision).positions
            if len(positions) > MANY:
                app.store.refresh_statistics()
        missing = known.keys() - {item.external_id for item in reading.items}
        return _report(reading, decision.made, missing) | {
            "dry_run": self.dry_run,
            "position": positions[-1] if positions else None,
            "elapsed_ms": round((time.perf_counter() - started) * 1000, 1),
        }


class _Decision:
    """The rule for an import, which remembers what it found when it was asked last: that is what was recorded."""

    def __init__(self) -> None:
        self.made = Plan(links_found=Counter(), links_taken=Counter(), warnings=[], not_taken=[])

    def __call__(self, command: ImportWorkItems, world: World) -> Decided:
        self.made = plan(command, world)
        return self.made.decided


def _known(app: App, source: str) -> dict[str, str]:
    """The ids of the things that came from this source before, by their ids there."""
    with app.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        entries = snapshot.ask("entries/of_relation", generation=generation, relation="external_id")
    prefix = f"{source}:"
    return {row["target"].removeprefix(prefix): row["id"] for row in entries if row["target"].startswith(prefix)}


def _report(reading: Reading, made: Plan, missing: Iterable[str]) -> Report:
    gone = [Finding("no_longer_in_the_file", external_id) for external_id in sorted(missing)]
    not_taken = [*reading.not_taken, *made.not_taken]
    taken = len(reading.items)
    return {
        "success": True,
        "found": reading.found,
        "taken": taken,
        "created": len(made.created),
        "changed": len(made.changed),
        "unchanged": taken - len(made.created) - len(made.changed),
        "events": len(made.decided),
        "links": {
            "found": made.links_found.total(),
            "taken": made.links_taken.total(),
            "by_kind": {
                word: {"found": found, "taken": made.links_taken[word]}
                for word, found in sorted(made.links_found.items())
            },
        },
        "warnings": [
            {"kind": kind, "count": len(where), "examples": where[:EXAMPLES]}
            for kind, where in _by_kind([*reading.warnings, *made.warnings, *gone])
        ],
        "not_taken": [{"kind": kind, "count": len(where), "where": where} for kind, where in _by_kind(not_taken)],
    }


def _by_kind(findings: Iterable[Finding]) -> list[tuple[str, list[str]]]:
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding.where)
    return sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
