"""What can be asked of vendors over time: their test runs, their last good version, and who broke since a point."""

from collections.abc import Iterable
from datetime import datetime

from ledger.aggregates.deployment.decider import CATEGORY as DEPLOYMENT
from ledger.aggregates.vendor.decider import CATEGORY
from ledger.aggregates.vendor.events import VendorCreated, VendorTestsReported
from ledger.aggregates.vendor.state import Vendor
from ledger.catalog import fact_of, states_of
from ledger.envelope import RecordedEvent, stream_id
from ledger.store import EventStore
from ledger.values.moment import text
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.tables.contract import Snapshot


def test_runs(events: list[RecordedEvent]) -> list[Entity]:
    """Every run, the newest first: its counts, the version that was tested, when, by whom, of which deployment."""
    states: list[Vendor] = states_of(events[0].stream_id, events) if events else []
    taken_back = _undone(events)
    runs = [
        {
            "version": event.version,
            "at": text(event.occurred_at),
            "by": event.by,
            "passing": results.passing,
            "total": results.total,
            "skipped": results.skipped,
            "extractor_version": state.extractor_version,
            "status": state.status,
            "deployment_id": state.tested_deployment_id,
            **({"undone": True} if str(event.command_id) in taken_back else {}),
        }
        for event in events
        if _is_run(event) and (results := (state := states[_version_after(events, event)]).test_results) is not None
    ]
    return sorted(runs, key=lambda run: (run["at"], run["version"]), reverse=True)


test_runs.__test__ = False  # type: ignore[attr-defined]  # pytest would take the name for a test


def last_good(events: list[RecordedEvent], breaking: RecordedEvent | None = None) -> Entity | None:
    """The newest state known to be good: a run in which every test that was not skipped passed, which is `tested`, or
    else the newest state that was called operational; None without either.

    Of a break, by default the one that the vendor is in, the newest that was before it: by when it happened, not by
    when it was recorded.
    """
    breaking = breaking or _present_break(events)
    before = [event for event in _kept(events) if breaking is None or _precedes(event, breaking)]
    runs = {run["version"]: run for run in test_runs(events)}
    tested = [event for event in before if event.version in runs and _passed(runs[event.version])]
    states: list[Vendor] = states_of(events[0].stream_id, events) if events else []
    good = tested or [event for event in before if states[event.version].status == "operational"]
    if not good:
        return None
    newest = max(good, key=_when)
    version = states[_version_after(events, newest)].extractor_version
    return {
        "extractor_version": version,
        "at": text(newest.occurred_at),
        "version": newest.version,
        "tested": bool(tested),
    }


def _passed(run: Entity) -> bool:
    passed = (run["passing"] or 0) + (run["skipped"] or 0)
    return bool(run["total"] and run["passing"] and passed == run["total"] and "undone" not in run)


def _when(event: RecordedEvent) -> tuple[datetime, int]:
    return event.occurred_at, event.version


def _precedes(event: RecordedEvent, breaking: RecordedEvent) -> bool:
    return event.command_id != breaking.command_id and event.occurred_at <= breaking.occurred_at


def _present_break(events: list[RecordedEvent]) -> RecordedEvent | None:
    """The event since which the vendor is broken; None if it is not."""
    states: list[Vendor] = states_of(events[0].stream_id, events) if events else []
    if not events or states[-1].status != "broken":
        return None
    found = None
    for event in reversed(_stated(events)):
        if states[event.version].status != "broken":
            break
        found = event
    return found


def last_statement(events: list[RecordedEvent], *, status: bool, run: bool) -> RecordedEvent | None:
    """The newest change of the status, or report of a run, whichever is asked for.

    The creation is none: it says what was known when it was recorded, not since when.
    """
    states: list[Vendor] = states_of(events[0].stream_id, events) if events else []
    reported = [
        event
        for event in _stated(events[1:])
        if (status and states[event.version].status != states[event.version - 1].status)
        or (run and isinstance(fact_of(event), VendorTestsReported))
    ]
    return max(reported, key=_when, default=None)


def broken_since(log: EventStore, snapshot: Snapshot, position: int) -> list[Entity]:
    """The vendors that became broken after a position, the latest first, with how they are now.

    One that was new, or whose status was unknown, did not become broken.
    """
    changed = entities.rows(CATEGORY, snapshot.ask("vendors/changed_since", since=position))
    streams = [stream_id(CATEGORY, row.id) for row in changed]
    pasts = log.read_streams(streams).events if streams else {}
    refs = references(snapshot, CATEGORY, [row.id for row in changed])
    found: list[Entity] = []
    for row in changed:
        events = pasts[stream_id(CATEGORY, row.id)]
        breaking = _breaking(events, position)
        if breaking is not None:
            found.append(
                {
                    "id": row.id,
                    "ref": refs[row.id],
                    "name": row.state.name,
                    "status": row.state.status,
                    "broke_at": text(breaking.occurred_at),
                    "position": breaking.position,
                    "by": breaking.by,
                    "deployment_id": _tested_deployment(events, breaking),
                    "last_good": last_good(events, breaking),
                }
            )
    return with_deployments(snapshot, sorted(found, key=lambda vendor: -vendor["position"]))


def with_deployments(snapshot: Snapshot, lines: list[Entity]) -> list[Entity]:
    """Each of the lines with the `deployment` of its `deployment_id`, {ref, pr_title, pr_number}; None without one."""
    ids = [line["deployment_id"] for line in lines if line["deployment_id"]]
    named = entities.with_fields(snapshot, DEPLOYMENT, ids, "pr_title", "pr_number")
    shown = {
        entity_id: {name: value for name, value in found.items() if name != "id"} for entity_id, found in named.items()
    }
    return [line | {"deployment": shown.get(line["deployment_id"])} for line in lines]


def _breaking(events: list[RecordedEvent], position: int) -> RecordedEvent | None:
    """The newest event after the position by which an operational vendor became broken."""
    states: list[Vendor] = states_of(events[0].stream_id, events)
    for event in reversed(events):
        before, after = states[event.version - 1], states[event.version]
        if event.position > position and before.status == "operational" and after.status == "broken":
            return event
    return None


def _tested_deployment(events: list[RecordedEvent], breaking: RecordedEvent) -> str | None:
    """The deployment that was tested by the run that the breaking command reports."""
    facts = [fact_of(event) for event in events if event.command_id == breaking.command_id]
    return next((fact.deployment_id for fact in facts if isinstance(fact, VendorTestsReported)), None)


def _is_run(event: RecordedEvent) -> bool:
    fact = fact_of(event)
    return isinstance(fact, VendorTestsReported) or (isinstance(fact, VendorCreated) and fact.test_results is not None)


def _version_after(events: list[RecordedEvent], run: RecordedEvent) -> int:
    """The version at the end of the run's command: what the same command says of the vendor belongs to the run."""
    return max(event.version for event in events if event.command_id == run.command_id)


def _kept(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """The events whose commands were not taken back."""
    taken_back = _undone(events)
    return [event for event in events if str(event.command_id) not in taken_back]


def _stated(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """The events that say when something happened. An undo does not: it happens when a mistake is found."""
    return [event for event in _kept(events) if getattr(fact_of(event), "undoes", None) is None]


def _undone(events: Iterable[RecordedEvent]) -> set[str]:
    """The commands that are taken back, as of the newest event: an undo that was undone itself does not count."""
    taken_back: set[str] = set()
    for event in reversed(list(events)):
        undoes = getattr(fact_of(event), "undoes", None)
        if undoes is not None and str(event.command_id) not in taken_back:
            taken_back.add(undoes)
    return taken_back
