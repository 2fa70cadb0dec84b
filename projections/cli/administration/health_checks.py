"""What `doctor` finds to be wrong, and from which number on: monitoring need only watch these."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from ledger import __version__
from ledger.aggregates.configuration.state import Webhook
from ledger.libpq.diagnosis import Variables, variables
from ledger.postgres.checkup import Checkup
from ledger.postgres.migrate import upgrade_to
from ledger.postgres.replica import ReplicaState
from ledger.values.moment import text
from projections.application import clones
from projections.cli.terminal.output import duration
from projections.local_copy.working_files import WorkingFiles
from projections.maintenance.webhooks.destinations import Destination

CONNECTIONS = 0.8  # of those that the server allows
QUOTA = 0.9  # of the events that a ledger may have
TRANSACTION = 3600  # seconds that one may stay open
PROBE = "doctor"
PROBED = 64 * 1024  # bytes: what a few commands leave in the journal and its tables
CYCLES = 10  # that are named; when one of those is opened, others are
CLOCK = 60  # seconds that two clocks may differ
BEHIND = 10_000  # events that a machine's journal may lack
FAILING = 900  # seconds that a webhook may fail
WAITING = timedelta(minutes=15)  # that a command may wait while the database answers

SET_ASIDE = (
    "if the database is right: `tracking-ledger rebuild --from-database` sets the journal aside under a new name and"
    " queues what only it held"
)


class HealthFinding(Struct, frozen=True, kw_only=True):
    """Something to look at; `grave` findings keep the ledger from working. `code` is a stable word, as errors have."""

    code: str
    what: str
    next_step: str
    grave: bool = False


def of_database(checked: Checkup) -> Iterator[HealthFinding]:
    """What is wrong with the server, with the role of this connection, and with the ledger there."""
    yield from _of_role(checked)
    yield from _of_ledger(checked)
    yield from _of_server(checked)
    yield from _of_clocks(checked)


def of_environment(dsn: str | None) -> Iterator[HealthFinding]:
    """Variables of the environment that may keep the given server, which was not reached, from being reached."""
    found = variables(dsn) if dsn else Variables(present=(), decisive=())
    if found.decisive:
        names = " and ".join(found.decisive)
        yield HealthFinding(
            code="variable_in_the_way",
            what=f"{names} in the environment keeps the server from being reached: without it the server answers",
            next_step=f"unset {names}, or say what is right in LEDGER_DSN, which takes precedence",
        )
    elif found.present:
        yield HealthFinding(
            code="variables_complete_dsn",
            what=f"the environment completes LEDGER_DSN: {', '.join(found.present)}",
            next_step="see that they are meant for this server, or unset them",
        )


def of_conflicts(waiting: int) -> Iterator[HealthFinding]:
    if waiting:
        yield HealthFinding(
            code="conflicts_wait",
            what=f"{waiting} conflicts wait for a decision",
            next_step="see `tracking-ledger conflicts`",
        )


def of_published_journal(position: int | None, project: Path) -> Iterator[HealthFinding]:
    """A clone of a project whose journal is committed, on a machine that has nothing of the ledger."""
    if position == 0 and clones.is_in_project(project):
        yield HealthFinding(code="journal_in_project", what=clones.NOT_HERE, next_step=clones.BRING_BACK)


def of_cycles(cycles: Sequence[Sequence[str]]) -> Iterator[HealthFinding]:
    """Unfinished items that wait for each other, by their references; only an import records such links."""
    for refs in cycles[:CYCLES]:
        yield HealthFinding(
            code="items_wait_for_each_other",
            what=f"{', '.join(refs)} wait for each other: none of them can begin",
            next_step=f"see `tracking-ledger show {refs[0]}`, then take a link away, as in `link A blocks B --remove`",
        )


def of_webhooks(
    found: dict[str, tuple[Webhook, Destination]], head: int, now: float, unsent: Callable[[int], float]
) -> Iterator[HealthFinding]:
    """What is wrong with the webhooks that this machine sends, by name.

    `now` is in seconds since 1970, `head` the log's position. `unsent` answers when the event after a position was
    recorded.
    """
    for name, (webhook, destination) in sorted(found.items()):
        if destination.parked is not None:
            yield HealthFinding(
                code="webhook_parked",
                what=f"the webhook {name} to {webhook.host} was given up at position {destination.position}:"
                f" {destination.parked}",
                next_step=f"check its receiver, then `tracking-ledger webhook resume {name}`, or delete it",
            )
        elif (failing := destination.failing) is not None and now - failing.since > FAILING:
            yield HealthFinding(
                code="webhook_fails",
                what=f"the webhook {name} to {webhook.host} failed {failing.attempts} times in a row,"
                f" {head - destination.position} events wait: {failing.why}",
                next_step=f"check its receiver, then `tracking-ledger webhook resume {name}` tries it at once",
            )
        elif failing is None and destination.position < head and now - unsent(destination.position) > FAILING:
            yield HealthFinding(
                code="webhook_waits",
                what=f"no process sends the webhook {name} to {webhook.host}:"
                f" {head - destination.position} events wait for {duration(now - unsent(destination.position))}",
                next_step="let `tracking-ledger serve` or `tracking-ledger webhook send --watch` run on this machine",
            )


def of_replica(state: ReplicaState, head: int | None, allowed: float) -> Iterator[HealthFinding]:
    """`head` is the database's position, None while that does not answer; `allowed` seconds a replica may be behind."""
    if not state.follows:
        yield HealthFinding(
            code="replica_promoted",
            what="the replica follows no server: it was promoted, or LEDGER_READ_DSN names a primary",
            next_step="name standbys of LEDGER_DSN in LEDGER_READ_DSN, or unset it",
        )
    elif (missing := missing_events(state, head)) and (state.newest_commit or 0) > allowed:
        yield HealthFinding(
            code="replica_behind",
            what=f"the replica lacks {missing} events, its newest commit is {state.newest_commit} s old",
            next_step="see on the standby whether replay is paused or waits, and in its log whether it is connected",
        )


def missing_events(state: ReplicaState, head: int | None) -> int | None:
    """How many events of the database a replica does not have."""
    return None if head is None else max(head - state.position, 0)


def of_disk(home: Path) -> Iterator[HealthFinding]:
    """What is wrong with the folder of the working files; a file is written there to find out."""
    probe = home / f"{PROBE}.{os.getpid()}"
    try:
        try:
            with probe.open("wb", buffering=0) as file:
                file.write(bytes(PROBED))
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        yield HealthFinding(
            code="disk_unusable",
            what=f"{home} cannot be written: {error.strerror or error}; while the database is away this machine knows"
            " less, and can queue nothing",
            next_step="free space on its disk or correct its permissions, or choose another folder with LEDGER_HOME",
        )


def of_machine(local: WorkingFiles, reached: int, head: int | None, oldest: datetime | None) -> Iterator[HealthFinding]:
    """What is wrong with a journal that reached a position; `head` is the database's, None while it is away."""
    if local.journal.damage is not None:
        yield HealthFinding(code="journal_damaged", what=local.journal.damage.message, next_step=SET_ASIDE)
    yield from _of_outbox(local)
    if head is None:
        return
    if head - reached > BEHIND:
        yield HealthFinding(
            code="journal_behind",
            what=f"the journal is {head - reached} events behind the database",
            next_step=f"see that {local.home} can be written; the next commands bring it up to date",
        )
    if oldest is not None and datetime.now(UTC) - oldest > WAITING:
        yield HealthFinding(
            code="writes_wait",
            what=f"{local.waiting} commands wait since {text(oldest)}, and the database answers",
            next_step="`tracking-ledger sync` sends them, or says what stops them",
        )


def _of_outbox(local: WorkingFiles) -> Iterator[HealthFinding]:
    newer, damaged = (
        [fault.line for fault in local.faults if fault.is_newer == is_newer] for is_newer in (True, False)
    )
    if newer:
        yield HealthFinding(
            code="outbox_newer",
            what=f"lines in {local.outbox.file} that only a newer program understands: {_listed(newer)}",
            next_step="upgrade tracking-ledger on this machine: nothing that waits here is sent before",
        )
    if damaged:
        yield HealthFinding(
            code="outbox_damaged",
            what=f"damaged lines in {local.outbox.file}: {_listed(damaged)}",
            next_step="restore the file from a backup, or let the rest go on with `tracking-ledger sync --set-aside`",
        )


def _listed(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines))


def of_quota(position: int, most: int | None) -> Iterator[HealthFinding]:
    if most is not None and position >= QUOTA * most:
        yield HealthFinding(
            code="quota_near",
            what=f"the ledger has {position} events of the {most} that it may have",
            next_step="ask the owner of the database for a higher limit: `tracking-ledger ledgers quota`",
        )


def _of_role(checked: Checkup) -> Iterator[HealthFinding]:
    if checked.superuser or checked.bypasses_row_security:
        what = "a superuser" if checked.superuser else "a role with BYPASSRLS"
        yield HealthFinding(
            code="row_security_bypassed",
            what=f"{checked.role} is {what}: row security does not bind it, so it sees every ledger of the database",
            next_step="connect as a plain role that was granted tracking_ledger_writer",
        )
    if not checked.member:
        yield HealthFinding(
            code="not_a_member",
            what=f"{checked.role} is not a member of this ledger",
            next_step="let one of its members run `tracking-ledger ledgers allow`",
        )


def _of_ledger(checked: Checkup) -> Iterator[HealthFinding]:
    if not checked.migrated:
        yield HealthFinding(
            code="not_migrated",
            what="the database's schema is not this program's",
            next_step="run any command with LEDGER_ADMIN_DSN set",
        )
    if _numbers(checked.schema_release) > _numbers(__version__):
        yield HealthFinding(
            code="newer_program_beside",
            what=f"a newer program, {checked.schema_release}, has changed this database's functions:"
            f" this one, {__version__}, uses them as far as it knows them",
            next_step=upgrade_to(checked.schema_release),
        )
    if checked.behind:
        names = ", ".join(checked.behind)
        yield HealthFinding(
            code="read_models_behind",
            what=f"read models behind the log: {names}",
            next_step="run `tracking-ledger replay`",
        )
    if checked.state != "open":
        yield HealthFinding(
            code="ledger_not_open",
            what=f"the ledger is {checked.state} in this database",
            next_step="use its successor",
        )


def _of_clocks(checked: Checkup) -> Iterator[HealthFinding]:
    if abs(checked.clock_ahead) > CLOCK:
        side = "ahead of" if checked.clock_ahead > 0 else "behind"
        yield HealthFinding(
            code="clocks_differ",
            what=f"this machine's clock is {duration(abs(checked.clock_ahead))} {side} the database's: what is written"
            " here is dated by it, and so are words like today",
            next_step="set this machine's clock, or that of the database's machine, if that is the wrong one",
        )
    if checked.newest_ahead > CLOCK:
        yield HealthFinding(
            code="newest_event_ahead",
            what=f"the newest event lies {duration(checked.newest_ahead)} ahead of the database's clock, which was set"
            " back or is that of another server: until it has caught up, the ledger's time stands still, and a claim"
            " ends that much later",
            next_step="set the clock of the database's machine; give back claims with `tracking-ledger stop`",
        )


def _numbers(release: str) -> list[int]:
    return [int(part) for part in release.split(".")]


def _of_server(checked: Checkup) -> Iterator[HealthFinding]:
    if checked.connections > CONNECTIONS * checked.max_connections:
        yield HealthFinding(
            code="connections_taken",
            what=f"{checked.connections} of {checked.max_connections} connections are taken",
            next_step="put PgBouncer in between, or raise max_connections",
        )
    if (checked.longest_transaction or 0) > TRANSACTION:
        yield HealthFinding(
            code="old_transaction",
            what=f"a transaction has been open for {checked.longest_transaction} s: nothing is cleaned up meanwhile",
            next_step="find it in pg_stat_activity by xact_start, and end it with pg_terminate_backend",
        )
    if checked.archiving == "failing":
        yield HealthFinding(
            code="archive_fails",
            what="the archive of the server's log fails: its disk fills, and a restore ends where the archive does",
            next_step="read the server's log, check archive_command and the space where it writes",
        )
