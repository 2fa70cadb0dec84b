"""`doctor`: what is running where, what is wrong, and what to do."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, to_builtins

from ledger import __version__
from ledger.errors import Diverged, LedgerError
from ledger.moment import text
from ledger.postgres.checkup import Checkup, checkup
from ledger.postgres.connect import embedded_server
from ledger.settings import ENVIRONMENT, Settings
from projections import rebuilding
from projections.activity import FILE, Summary, lines, summaries
from projections.app import App
from projections.cli import exits
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.output import answer_json, fields, heading, remark, say, shown, table

Thing = dict[str, Any]

_SET_ASIDE = (
    "if the database is right: `tracking-ledger rebuild --from-database` sets the journal aside under a new name and"
    " queues what only it held"
)


class Finding(Struct, frozen=True, kw_only=True):
    """Something to look at; `grave` findings keep the ledger from working."""

    what: str
    next_step: str
    grave: bool = False


@click.command(cls=Command)
@click.option("--stop-server", is_flag=True, help="Stop the embedded server, if nobody uses it.")
@pass_invocation
def doctor(invocation: Invocation, stop_server: bool) -> int:
    """What is running where, what is wrong, what to do.

    Ends with 5 when the database cannot be reached.
    """
    if stop_server:
        return _stop_server(invocation)
    findings: list[Finding] = []
    parts = {
        "program": {"version": __version__, "process": os.getpid()},
        "ledger": _asked(findings, lambda: _ledger(invocation.app)),
        "database": _database(invocation.app, findings),
        "machine": _machine(invocation.app, findings),
        "environment": sorted(name for name in ENVIRONMENT if os.environ.get(name)),
        "activity": _activity(invocation.app),
    }
    answered = {**parts, "findings": [to_builtins(finding) for finding in findings]}
    if invocation.as_json:
        answer_json(answered)
    else:
        _print(parts, findings)
    return exits.UNAVAILABLE if any(finding.grave for finding in findings) else exits.DONE


def _stop_server(invocation: Invocation) -> int:
    server = embedded_server(invocation.settings)
    stopped = server.stop()
    running = server.is_running()
    if invocation.as_json:
        answer_json({"stopped": stopped, "running": running, "folder": str(server.root)})
    elif stopped:
        say(f"stopped the server in {server.root}")
    elif running:
        remark(f"the server in {server.root} is in use by others: end them, and repeat", style="yellow")
    else:
        say(f"no server runs in {server.root}")
    return exits.REFUSED if running else exits.DONE


def _asked(findings: list[Finding], question: Callable[[], Thing]) -> Thing:
    try:
        return question()
    except LedgerError as error:
        findings.append(Finding(what=error.message, next_step=error.next_step))
        return {}


def _ledger(app: App) -> Thing:
    known = app.identity
    return {"id": str(known.ledger), "name": known.name, "project": str(known.project), "working_files": str(app.home)}


def _database(app: App, findings: list[Finding]) -> Thing:
    """What is known without asking the database, then what it says itself."""
    found = _given(app.settings) if app.settings.dsn else _embedded(app.settings)
    try:
        checked = checkup(app.database, app.identity.key)
        with app.tables.snapshot() as snapshot:
            found |= {"position": snapshot.as_of.position}
    except Diverged as error:
        findings.append(_diverged(app, error))
        return found | {"answers": True}
    except LedgerError as error:
        grave = error.code in ("unavailable", "outcome_unknown")
        what = f"the database does not answer: {error.message}"
        findings.append(Finding(what=what, next_step=error.next_step, grave=grave))
        return found | {"answers": False}
    findings.extend(_faults(checked))
    told: Thing = to_builtins(checked)
    return found | {"answers": True} | told


def _machine(app: App, findings: list[Finding]) -> Thing:
    """This machine's own copy: how far it is, what waits, and whether it is the database's history."""
    try:
        local = app.local
        damage = local.journal.damage
        found: Thing = {
            "journal": local.journal.head.position,
            "last_contact": (at := local.contact()) and text(at),
            "waiting": local.waiting,
        }
    except LedgerError as error:
        findings.append(Finding(what=error.message, next_step=error.next_step))
        return {}
    if damage is not None:
        findings.append(Finding(what=damage.message, next_step=_SET_ASIDE))
    return found


def _diverged(app: App, error: Diverged) -> Finding:
    """What differs from which position on, and the ways out."""
    try:
        standing = rebuilding.standing(app)
    except LedgerError:
        return Finding(what=error.message, next_step=error.next_step, grave=True)
    what = (
        f"journal and database are the same up to position {standing.common}; from there on the journal has"
        f" {standing.journal - standing.common} events and the database {standing.database - standing.common} others"
    )
    journal = "if the journal is right: `tracking-ledger rebuild --from-journal`; " * standing.journal_contains_database
    return Finding(what=what, next_step=journal + _SET_ASIDE, grave=True)


def _given(settings: Settings) -> Thing:
    return {"kind": "given", "by": "LEDGER_DSN or --dsn"}  # the string itself may hold a password


def _embedded(settings: Settings) -> Thing:
    server = embedded_server(settings)
    files = {"folder": str(server.root), "log": str(server.log_file)}
    return {"kind": "embedded", **files, "was_running": server.is_running()}


def _faults(checked: Checkup) -> Iterator[Finding]:
    if checked.superuser or checked.bypasses_row_security:
        what = "a superuser" if checked.superuser else "a role with BYPASSRLS"
        yield Finding(
            what=f"{checked.role} is {what}: row security does not bind it, so it sees every ledger of the database",
            next_step="connect as a plain role that was granted tracking_ledger_writer",
        )
    if not checked.member:
        yield Finding(
            what=f"{checked.role} is no member of this ledger",
            next_step="let its administrator add the role to ledger_members",
        )
    if not checked.migrated:
        yield Finding(
            what="the database's schema is not this program's", next_step="run any command with LEDGER_ADMIN_DSN set"
        )
    if checked.behind:
        names = ", ".join(checked.behind)
        yield Finding(what=f"read models behind the log: {names}", next_step="run `tracking-ledger replay`")
    if checked.state != "open":
        yield Finding(what=f"the ledger is {checked.state} in this database", next_step="use its successor")


def _activity(app: App) -> Thing:
    try:
        home: Path = app.home
    except (LedgerError, OSError):
        return {"file": None, "calls": []}
    return {"file": str(home / FILE), "calls": [to_builtins(summary) for summary in summaries(lines(home))]}


def _print(parts: dict[str, Any], findings: list[Finding]) -> None:
    for name in ("program", "ledger", "database", "machine"):
        heading(name)
        fields((key.replace("_", " "), value) for key, value in parts[name].items())
    if parts["environment"]:
        heading("settings from the environment")
        say(", ".join(parts["environment"]))
    if parts["activity"]["calls"]:
        heading("calls on this machine (milliseconds)")
        columns = Summary.__struct_fields__
        table(columns, ([call[column] for column in columns] for call in parts["activity"]["calls"]))
        remark(f"from {parts['activity']['file']}")
    heading("findings")
    for finding in findings:
        say(
            f"{'wrong' if finding.grave else 'look'}: {shown(finding.what)}", style="red" if finding.grave else "yellow"
        )
        say(f"      {shown(finding.next_step)}")
    if not findings:
        say("everything is fine", style="green")
