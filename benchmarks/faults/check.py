"""The checker: receipts against what is recorded, in one pass. Pure: it names every answer that was not true."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.faults.workload import IN_PEACE, Receipt
from ledger import __version__
from ledger.aggregates.conflict.decider import conflict_stream
from ledger.aggregates.work_item.events import (
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
    WorkItemCreated,
    WorkItemRevised,
)
from ledger.catalog import fact_of
from ledger.codec import schema_of
from ledger.envelope import Fact, RecordedEvent
from ledger.values.moment import parse

LAB = "lab"  # who makes what all clients write to
REFUSED = (
    "not_found",
    "version_conflict",
    "not_unique",
    "refused",
    "invalid",
    "command_id_reused",
)
NEWER_NEEDED = "newer_program_needed"  # what an older version says beside what a newer one has migrated
OPEN = ("lost", "outcome_unknown")  # may have happened
NOTHING = ("unavailable", NEWER_NEEDED, "unchanged", "none_left", "withdrawn")
CRASH = re.compile(r"^Traceback .*\n(?: .*\n)+\S.*", re.MULTILINE)
KNOWN = ("committed", "queued", "conflict", "withdrawn", "unchanged", *REFUSED, *OPEN, *NOTHING, "answered")


class Evidence(Struct, kw_only=True):
    """What a run leaves behind. `journals` and the rest are of each machine after it has drained and followed;
    `rows_equal` is of the database first. `errors` is what the clients wrote to standard error, `upgraded_at` when a
    newer version of the program first came."""

    receipts: list[Receipt]
    log: list[RecordedEvent] = []
    journals: list[list[RecordedEvent]] = []
    waiting: list[int] = []
    faulty_lines: list[int] = []
    rows_equal: list[bool] = []
    errors: str = ""
    upgraded_at: float | None = None
    failures: list[str] = []


class Anomaly(Struct, frozen=True, kw_only=True):
    """`kind` is one of a few words; `text` tells it to a person."""

    kind: str
    text: str


def anomalies(evidence: Evidence) -> list[Anomaly]:
    found = [*_of_the_log(evidence), *_of_machines(evidence)]
    attempts: dict[str, list[Receipt]] = defaultdict(list)
    events: dict[UUID, list[RecordedEvent]] = defaultdict(list)
    for event in evidence.log:
        events[event.command_id].append(event)
    for receipt in sorted(evidence.receipts, key=lambda receipt: receipt.ended):
        found += [*_of_an_answer(receipt), *_of_versions(receipt, evidence.upgraded_at)]
        if receipt.command_id is not None:
            attempts[receipt.command_id].append(receipt)
    for command, receipts in attempts.items():
        found += _of_a_command(command, receipts, events.get(UUID(command), []))
    found += _of_reads(evidence.receipts)
    found += _of_order(evidence.receipts)
    found += _of_claims(evidence.log)
    asked = {UUID(command) for command in attempts}
    found += [
        Anomaly(kind="recorded and never asked for", text=f"command {command} at position {recorded[0].position}")
        for command, recorded in events.items()
        if command not in asked and recorded[0].by != LAB
    ]
    found += [Anomaly(kind="crash", text=crash) for crash in CRASH.findall(evidence.errors)]
    return found + [Anomaly(kind="fault of the run", text=text) for text in evidence.failures]


def _of_the_log(evidence: Evidence) -> Iterator[Anomaly]:
    positions = [event.position for event in evidence.log]
    if positions != list(range(1, len(positions) + 1)):
        yield Anomaly(kind="not dense", text=f"positions end at {positions[-1:]}, {len(positions)} events")
    seen = set()
    for event in evidence.log:
        if (event.command_id, event.n) in seen:
            yield Anomaly(kind="doubled", text=f"command {event.command_id} at position {event.position}")
        seen.add((event.command_id, event.n))


def _of_machines(evidence: Evidence) -> Iterator[Anomaly]:
    for number, journal in enumerate(evidence.journals):
        if journal != evidence.log:
            yield Anomaly(kind="journal differs", text=f"of machine {number}: {len(journal)} of {len(evidence.log)}")
    for number, waiting in enumerate(evidence.waiting):
        if waiting:
            yield Anomaly(kind="not drained", text=f"{waiting} wait on machine {number}")
    for number, lines in enumerate(evidence.faulty_lines):
        if lines:
            yield Anomaly(kind="damaged outbox", text=f"{lines} lines on machine {number}")
    for number, is_equal in enumerate(evidence.rows_equal):
        if not is_equal:
            yield Anomaly(kind="read models differ", text="of the database" if not number else f"machine {number - 1}")


def _of_an_answer(receipt: Receipt) -> Iterator[Anomaly]:
    answer: dict[str, Any] = receipt.answer or {}
    code = receipt.code
    if code not in KNOWN:
        yield _about(receipt, "crash" if code == "internal" else "strange answer")
    if code == "queued" and not isinstance(answer.get("place"), int):
        yield _about(receipt, "false queued")
    if code == "committed" and not isinstance(answer.get("position"), int):
        yield _about(receipt, "false committed")
    if code == "outcome_unknown" and "command_id" not in answer["error"]["details"]:
        yield _about(receipt, "unknown without its id")
    if code == "lost" and receipt.ended - receipt.begun > 39:
        yield _about(receipt, "silence")
    if receipt.ended_itself:
        yield _about(receipt, f"crash: the process {receipt.ended_itself}")
    if receipt.step.endswith(IN_PEACE) and code in (*OPEN, "unavailable"):
        yield _about(receipt, f"{code} although nothing is broken")
    if receipt.step == "invalid" and code not in (*REFUSED, "unavailable", "lost", NEWER_NEEDED):
        yield _about(receipt, "unknown of nothing" if code == "outcome_unknown" else "accepted what is invalid")
    if receipt.step == "unchanged" and receipt.is_certain and code in ("queued", "committed"):
        yield _about(receipt, f"false {code}")
    if receipt.step in ("read", "read_of_machine", "update", "unchanged") and code == "not_found":
        yield _about(receipt, "read-your-writes")
    if receipt.step in ("update", "unchanged") and receipt.is_certain and code in ("version_conflict", "refused"):
        yield _about(receipt, "false refusal")


def _of_versions(receipt: Receipt, upgraded_at: float | None) -> Iterator[Anomaly]:
    """Only an older version says that a newer one is needed, and only once there is one."""
    if receipt.code != NEWER_NEEDED:
        return
    if upgraded_at is None or receipt.ended < upgraded_at or receipt.version != __version__:
        yield _about(receipt, "newer program asked for")


def _of_a_command(command: str, receipts: list[Receipt], events: list[RecordedEvent]) -> Iterator[Anomaly]:
    codes = [receipt.code for receipt in receipts]
    streams = {event.stream_id for event in events}
    ended = "nowhere" if not events else "conflict" if streams == {conflict_stream(UUID(command))} else "recorded"
    positions = {event.position for event in events}
    for receipt in receipts:
        if receipt.code == "committed" and receipt.answer is not None:
            if ended == "nowhere":
                yield _about(receipt, "acknowledged lost")
            elif receipt.answer["position"] not in positions:
                yield _about(receipt, "false committed")
        if receipt.code == "queued" and ended == "nowhere":
            yield _about(receipt, "acknowledged lost")
    title = next((event for event in map(_title, events) if event), None)
    if title and receipts[0].title and title != receipts[0].title:
        yield _about(receipts[0], f"recorded as {title}")
    if ended == "conflict" and codes[0] == "queued" and receipts[0].step == "update" and receipts[0].is_certain:
        yield _about(receipts[-1], "conflict with none")
    if ended == "recorded" and all(code in (*REFUSED, *NOTHING) for code in codes):
        yield _about(receipts[-1], "false refusal")
    known = ""
    for receipt in receipts:
        if known and receipt.code in REFUSED:
            yield _about(receipt, f"repetition refused after {known}")
        if known in ("committed", "queued") and receipt.code == "unavailable" and not _names_a_file(receipt):
            yield _about(receipt, f"repetition not answered after {known}")
        if known == "committed" and receipt.code in ("queued", "outcome_unknown", "unchanged"):
            yield _about(receipt, f"{receipt.code} after committed")
        if receipt.code in ("committed", "queued") or (receipt.code == "outcome_unknown" and ended == "recorded"):
            known = "committed" if known == "committed" else receipt.code


def _names_a_file(receipt: Receipt) -> bool:
    """Whether it is this machine's own disk that cannot be read: a new process has nothing else to answer from."""
    return receipt.answer is not None and "file" in receipt.answer["error"]["details"]


def _of_reads(receipts: list[Receipt]) -> Iterator[Anomaly]:
    for receipt in receipts:
        if receipt.step != "read" or not receipt.is_certain or receipt.code != "answered" or receipt.answer is None:
            continue
        if receipt.title is not None and receipt.answer["title"] != receipt.title:
            yield _about(receipt, "read-your-writes")


def _of_order(receipts: list[Receipt]) -> Iterator[Anomaly]:
    """What one client changed of its own item stands in the log in the order of its answers."""
    newest: dict[str, int] = {}
    for receipt in sorted(receipts, key=lambda receipt: receipt.ended):
        if receipt.step == "update" and receipt.code == "committed" and receipt.answer and receipt.entity:
            if not receipt.answer.get("repeated") and receipt.answer["position"] < newest.get(receipt.entity, 0):
                yield _about(receipt, "recorded before an earlier one")
            newest[receipt.entity] = max(receipt.answer["position"], newest.get(receipt.entity, 0))


def _of_claims(log: list[RecordedEvent]) -> Iterator[Anomaly]:
    """Nothing is in two hands at once, by the time of the log."""
    holders: dict[str, tuple[str, datetime]] = {}
    for event in log:
        match _fact_of(event):
            case WorkItemClaimed(token_digest=holder, until=until):
                held = holders.get(event.stream_id)
                if held and held[0] != holder and event.recorded_at < held[1]:
                    yield Anomaly(kind="claimed twice", text=f"{event.stream_id} at position {event.position}")
                holders[event.stream_id] = holder, parse(until)
            case WorkItemClaimRenewed(until=until) if event.stream_id in holders:
                holders[event.stream_id] = holders[event.stream_id][0], parse(until)
            case WorkItemClaimReleased():
                holders.pop(event.stream_id, None)


def _fact_of(event: RecordedEvent) -> Fact:
    """What the newer version has recorded is as today's but for the number of its schema (see versions.py)."""
    return fact_of(replace(event, schema=min(event.schema, schema_of(event.type))))


def _title(event: RecordedEvent) -> str | None:
    match _fact_of(event):
        case WorkItemCreated(title=title):
            return title
        case WorkItemRevised(changes=changes) if "title" in changes:
            return str(changes["title"].new)
    return None


def _about(receipt: Receipt, kind: str) -> Anomaly:
    said = receipt.answer and receipt.answer.get("error", receipt.answer)
    command = f" {receipt.command_id}" if receipt.command_id else ""
    who = f"client {receipt.client} ({receipt.kind})"
    text = f"{who}, {receipt.step}: {receipt.tool}{command} {receipt.arguments} -> {said}"
    return Anomaly(kind=kind, text=f"{text} ({receipt.ended - receipt.begun:.2f} s, ended {receipt.ended:.2f})")
