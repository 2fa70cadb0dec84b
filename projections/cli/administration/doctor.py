"""`doctor`: what is running where, what is wrong, and what to do."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec import to_builtins

from ledger import __version__
from ledger.aggregates.configuration.state import Webhook
from ledger.envelope import configuration_id
from ledger.errors import Diverged, LedgerError
from ledger.postgres.checkup import checkup
from ledger.postgres.connection.connect import embedded_server
from ledger.settings import ENVIRONMENT, Settings
from ledger.values.moment import parse, text
from projections.application.activity import FILE, Summary, lines, summaries
from projections.application.app import App
from projections.cli.administration import health_checks
from projections.cli.administration.health_checks import HealthFinding
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import (
    answer_json,
    duration,
    fields,
    heading,
    moment,
    printable,
    remark,
    say,
    size,
    table,
)
from projections.cli.warm.lifecycle import processes, stop
from projections.cli.warm.place import FOLDER
from projections.maintenance import rebuild
from projections.maintenance.webhooks.destinations import Destinations
from projections.questions import configuration, conflicts
from projections.questions.answers import Entity
from projections.questions.overviews.status import waiting_cycles

READABLE: dict[str, Callable[[Any], str]] = {
    "size": size,
    "longest_transaction": duration,
    "clock_ahead": lambda seconds: duration(seconds) if seconds >= 0 else f"-{duration(-seconds)}",
    "newest_ahead": duration,
    "newest_commit": lambda seconds: f"{duration(seconds)} ago",
    "last_contact": lambda value: _aged(value),
    "waiting_since": lambda value: _aged(value),
    "cycles": lambda cycles: "; ".join(", ".join(refs) for refs in cycles) or "none",
}


@click.command(cls=CliCommand)
@click.option(
    "--stop-server", is_flag=True, help="End the processes that wait for commands, and the embedded server if unused."
)
@pass_invocation
def doctor(invocation: Invocation, stop_server: bool) -> int:
    """What is running where, what is wrong, what to do.

    Exit code 5 when the database cannot be reached or used.
    """
    if stop_server:
        return _stop_server(invocation)
    findings: list[HealthFinding] = []
    database = _database(invocation.app, findings)
    head = database.get("position")
    parts = {
        "program": {"version": __version__, "process": os.getpid(), "warm_processes": processes(_warm(invocation))},
        "ledger": _answer_or_finding(findings, lambda: _ledger(invocation.app)),
        "database": database,
        **_replica(invocation.app, findings, head),
        "machine": _machine(invocation.app, findings, head),
        "environment": sorted(name for name in ENVIRONMENT if os.environ.get(name)),
        "activity": _activity(invocation.app),
    }
    findings = list(dict.fromkeys(findings))  # what is missing, every part misses
    answered = {**parts, "findings": [to_builtins(finding) for finding in findings]}
    if invocation.as_json:
        answer_json(answered)
    else:
        _print(parts, findings)
    return exits.UNAVAILABLE if any(finding.grave for finding in findings) else exits.DONE


def _stop_server(invocation: Invocation) -> int:
    server = embedded_server(invocation.settings)
    ended = stop(_warm(invocation))
    stopped = server.stop()
    running = server.is_running()
    if ended and not invocation.as_json:
        say(f"ended the warm process {printable(ended)}")
    if invocation.as_json:
        answer_json({"stopped": stopped, "running": running, "folder": str(server.root), "ended": ended})
    elif stopped:
        say(f"stopped the server in {server.root}")
    elif running:
        remark(f"the server in {server.root} is in use by others: end them, and repeat", style="yellow")
    else:
        say(f"no server runs in {server.root}")
    return exits.REFUSED if running else exits.DONE


def _warm(invocation: Invocation) -> Path:
    return embedded_server(invocation.settings).root / FOLDER


def _of_error(error: LedgerError, *, grave: bool = False) -> HealthFinding:
    return HealthFinding(code=error.code, what=error.message, next_step=error.next_step, grave=grave)


def _answer_or_finding(findings: list[HealthFinding], question: Callable[[], Entity]) -> Entity:
    try:
        return question()
    except LedgerError as error:
        findings.append(_of_error(error))
        return {}


def _ledger(app: App) -> Entity:
    known = app.identity
    return {"id": str(known.ledger), "name": known.name, "project": str(known.project), "working_files": str(app.home)}


def _database(app: App, findings: list[HealthFinding]) -> Entity:
    """What is known without asking the database, then what it says itself."""
    found = _given_server(app.settings) if app.settings.dsn else _embedded(app.settings)
    try:
        checked = checkup(app.database, app.identity.key, app.clock)
        with app.tables.snapshot() as snapshot:
            found |= {"position": snapshot.as_of.position, "conflicts": conflicts.open_count(snapshot)}
            wanted = configuration.webhooks(snapshot, configuration_id(app.identity.ledger))
            found["cycles"] = [[item["ref"] for item in cycle] for cycle in waiting_cycles(snapshot)]
    except Diverged as error:
        findings.append(_diverged(app, error))
        return found | {"answers": True}
    except LedgerError as error:
        is_away = error.code in ("unavailable", "outcome_unknown")
        is_silent = is_away and "sqlstate" not in error.details
        what = f"the database does not answer: {error.message}" if is_silent else error.message
        newer = {key: release for key, release in error.details.items() if key == "schema_release"}
        grave = is_away or bool(newer) or error.details.get("rule") == "unsuitable_database"
        findings.append(HealthFinding(code=error.code, what=what, next_step=error.next_step, grave=grave))
        findings.extend(health_checks.of_environment(app.settings.dsn) if is_away else [])
        return found | {"answers": not is_away} | newer
    findings.extend([*health_checks.of_database(checked), *health_checks.of_conflicts(found["conflicts"])])
    findings.extend(health_checks.of_cycles(found["cycles"]))
    findings.extend(health_checks.of_published_journal(found["position"], app.identity.project))
    findings.extend(health_checks.of_quota(found["position"], checked.most_events))
    findings.extend(_of_webhooks(app, wanted, found["position"]))
    answer: Entity = to_builtins(checked)
    return found | {"answers": True} | answer


def _of_webhooks(app: App, wanted: dict[str, Webhook], head: int) -> list[HealthFinding]:
    try:
        known = Destinations(app.home).all()
    except LedgerError as error:
        return [_of_error(error)]
    sent = {
        name: (webhook, known[webhook.id])
        for name, webhook in wanted.items()
        if webhook.id in known and not webhook.paused
    }

    def unsent(position: int) -> float:
        return next(app.store.read_all(position, position + 1)).recorded_at.timestamp()

    return list(health_checks.of_webhooks(sent, head, time.time(), unsent))


def _replica(app: App, findings: list[HealthFinding], head: int | None) -> dict[str, Entity]:
    """What the settings name beside the database, if they do; `head` is the database's position, if that answered."""
    replica = app.runtime.replica
    if replica is None:
        return {}
    try:
        state, journal = replica.state(), app.local.journal
        findings.extend(health_checks.of_replica(state, head, app.settings.read_seconds))
        common = min(state.position, journal.head.position)
        with replica.asking(common, common, journal.digest_at(common) or b""):
            return {
                "replica": {"answers": True, **to_builtins(state), "behind": health_checks.missing_events(state, head)}
            }
    except LedgerError as error:
        findings.append(
            HealthFinding(
                code="replica_unusable",
                what=f"no question is asked of a replica: {error.message}",
                next_step=error.next_step,
            )
        )
        return {"replica": {"answers": False}}


def _machine(app: App, findings: list[HealthFinding], head: int | None) -> Entity:
    """This machine's own copy: how far it is, what waits. `head` is the database's position, if that answered."""
    try:
        local = app.local
        findings.extend(health_checks.of_disk(app.home))
        reached, contact, oldest = local.journal.head.position, local.contact(), local.waiting_since()
        findings.extend(health_checks.of_machine(local, reached, head, oldest))
        return {
            "journal": reached,
            "behind": None if head is None else max(head - reached, 0),
            "last_contact": contact and text(contact),
            "waiting": local.waiting,
            "waiting_since": oldest and text(oldest),
        }
    except LedgerError as error:
        findings.append(_of_error(error))
        return {}


def _diverged(app: App, error: Diverged) -> HealthFinding:
    """What differs from which position on, and the ways out."""
    try:
        heads = rebuild.compare_heads(app)
    except LedgerError:
        return _of_error(error, grave=True)
    what = (
        f"journal and database are the same up to position {heads.common}; from there on the journal has"
        f" {heads.journal - heads.common} events and the database {heads.database - heads.common} others"
    )
    journal = "if the journal is right: `tracking-ledger rebuild --from-journal`; " * heads.journal_contains_database
    return HealthFinding(code=error.code, what=what, next_step=journal + health_checks.SET_ASIDE, grave=True)


def _given_server(settings: Settings) -> Entity:
    return {"kind": "given", "by": "LEDGER_DSN or --dsn"}  # the string itself may hold a password


def _embedded(settings: Settings) -> Entity:
    server = embedded_server(settings)
    files = {"folder": str(server.root), "log": str(server.log_file)}
    return {"kind": "embedded", **files, "was_running": server.is_running()}


def _activity(app: App) -> Entity:
    try:
        home: Path = app.home
    except (LedgerError, OSError):
        return {"file": None, "calls": []}
    return {"file": str(home / FILE), "calls": [to_builtins(summary) for summary in summaries(lines(home))]}


def _rounded(value: object) -> object:
    return round(value) if isinstance(value, float) and value >= 10 else value


def _readable(key: str, value: Any) -> object:
    """A number with its unit, a time with its age; the JSON keeps both as they are."""
    if value is None or key not in READABLE:
        return value
    return READABLE[key](value)


def _aged(value: str) -> str:
    return f"{moment(value)} UTC ({duration((datetime.now(UTC) - parse(value)).total_seconds())} ago)"


def _print(parts: dict[str, Any], findings: list[HealthFinding]) -> None:
    for name in ("program", "ledger", "database", *(["replica"] if "replica" in parts else []), "machine"):
        heading(name)
        fields((key.replace("_", " "), _readable(key, value)) for key, value in parts[name].items())
    if parts["environment"]:
        heading("settings from the environment")
        say(", ".join(parts["environment"]))
    if parts["activity"]["calls"]:
        heading("calls on this machine (milliseconds)")
        columns = Summary.__struct_fields__
        table(columns, ([_rounded(call[column]) for column in columns] for call in parts["activity"]["calls"]))
        remark(f"from {parts['activity']['file']}")
    heading("findings")
    for finding in findings:
        say(
            f"{'wrong' if finding.grave else 'look'}: {printable(finding.what)}",
            style="red" if finding.grave else "yellow",
        )
        say(f"      {printable(finding.next_step)}")
    if not findings:
        say("everything is fine", style="green")
