"""What an import of a reading records, and what is said of it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from ledger.aggregates.decider import LastPlan
from ledger.envelope import imported_id
from ledger.importing.commands import Import as ImportCommand
from ledger.importing.import_plan import ImportPlan, Tally
from ledger.importing.plan import plan
from ledger.importing.readers import prompts
from ledger.importing.readers.git import history
from ledger.importing.readers.reading import Identify, Reading
from ledger.importing.readers.trackers.hosted import github
from ledger.values.finding import Finding
from projections.application.view import LedgerView

Report = dict[str, Any]
NONE_KNOWN: Mapping[str, str] = MappingProxyType({})
MANY = 500  # events after which the planner should look at the tables again
EXAMPLES = 5  # of each warning
OLDER = "older_than_known"  # the kind of records that are left out because the ledger knows newer ones
DANGLING = "link_to_absent_id"  # the kind of links that are kept as text until what they name is there
NO_RECORD = {
    "document",
    github.PULL_REQUEST,
    history.NOTHING,
    prompts.NO_MARKDOWN,
}  # kinds of what is named, and is nothing to take


class ImportResult(Struct, frozen=True, kw_only=True):
    """What an import found to record, and where it stands in the log."""

    made: ImportPlan = msgspec.field(default_factory=ImportPlan)
    positions: tuple[int, ...] = ()


def record_reading(
    view: LedgerView,
    source: str,
    reading: Reading,
    *,
    by: str | None = None,
    dry_run: bool = False,
    older_wins: bool = False,
) -> ImportResult:
    """Records what is new in a reading; joins the transaction that this thread is in."""
    rule = LastPlan(plan, ImportPlan())
    command = ImportCommand(
        source=source,
        items=tuple(reading.items),
        vendors=tuple(reading.vendors),
        deployments=tuple(reading.deployments),
        enhancements=tuple(reading.enhancements),
        older_wins=older_wins,
    )
    if dry_run:
        rule(command, view.handler.world())
        return ImportResult(made=rule.made)
    if not reading.entities:
        return ImportResult()
    positions = view.record(command, by=by, decide=rule).positions
    return ImportResult(made=rule.made, positions=positions)


def known_ids(view: LedgerView, source: str) -> dict[str, str]:
    """The ids of the work items that came from this source before, by their ids there."""
    with view.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        entries = snapshot.ask("entries/of_relation", generation=generation, relation="external_id")
    prefix = f"{source}:"
    return {row["target"].removeprefix(prefix): row["id"] for row in entries if row["target"].startswith(prefix)}


def identified(view: LedgerView, source: str, known: dict[str, str]) -> Identify:
    """Leads from an id in the source to the id of its work item in the ledger, also of one that is not there yet."""
    ledger = view.store.ledger
    return lru_cache(maxsize=None)(lambda id: known.get(id) or imported_id(ledger, source, id))


def report(reading: Reading, brought: ImportResult, known: Mapping[str, str] = NONE_KNOWN) -> Report:
    """What a person and a script read of it; `known` are ids by their ids there that an earlier import brought."""
    made = brought.made
    present = made.present or {item.id for item in reading.items}
    missing = sorted(external_id for external_id, entity_id in known.items() if entity_id not in present)
    gone = [Finding("no_longer_in_the_file", external_id) for external_id in missing]
    not_taken = [*reading.not_taken, *made.not_taken]
    named = [{"kind": kind, "count": len(where), "where": where} for kind, where in _by_kind(not_taken)]
    tallies = made.tallies.values()
    repeated_record = sum(finding.kind in ("repeated_record", "repeated_id") for finding in made.not_taken)
    return {
        "success": True,
        "found": reading.found,
        "taken": (reading.entities if reading.taken is None else reading.taken) - repeated_record,
        "created": sum(tally.created for tally in tallies),
        "changed": sum(tally.changed for tally in tallies),
        "unchanged": sum(tally.unchanged for tally in tallies),
        "events": len(made.decided),
        "position": brought.positions[-1] if brought.positions else None,
        "by_category": {category: _counts(tally) for category, tally in sorted(made.tallies.items())},
        "links": _links(made),
        "warnings": [
            {"kind": kind, "count": len(where), "examples": where[:EXAMPLES]}
            for kind, where in _by_kind([*reading.warnings, *made.warnings, *gone])
            if kind != OLDER
        ],
        "older": [finding.where for finding in made.warnings if finding.kind == OLDER],
        "not_taken": [entry for entry in named if entry["kind"] not in {*NO_RECORD, DANGLING}],
        "dangling_links": [entry for entry in named if entry["kind"] == DANGLING],
        "nothing_to_record": [entry for entry in named if entry["kind"] in NO_RECORD],
    }


def _links(made: ImportPlan) -> dict[str, Any]:
    taken = made.links_taken
    by_kind = {word: {"found": found, "taken": taken[word]} for word, found in sorted(made.links_found.items())}
    return {"found": made.links_found.total(), "taken": taken.total(), "by_kind": by_kind}


def _counts(tally: Tally) -> dict[str, int]:
    counts: dict[str, int] = msgspec.to_builtins(tally)
    return counts


def _by_kind(findings: Iterable[Finding]) -> list[tuple[str, list[str]]]:
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding.where)
    return sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
