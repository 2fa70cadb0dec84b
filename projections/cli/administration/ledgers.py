"""`ledgers`: the ledgers of the database or directory, and who may use them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from msgspec import to_builtins
from msgspec.structs import replace

from ledger import identity
from ledger.errors import NotFound
from ledger.postgres import directory, ledgers
from ledger.postgres.connection.connect import connect, open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.ledgers import ARCHIVED, MOVING, KnownLedger
from ledger.postgres.log_copy import moving_lock
from ledger.settings import Settings
from projections.application.known_projects import forget as forget_project
from projections.cli.administration.move import move
from projections.cli.terminal import every_ledger
from projections.cli.terminal.invocation import CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, printable, remark, say, table
from projections.read_models.catalog import SHAPES

NAME_LENGTH = identity.NAME_LENGTH


@click.group("ledgers", cls=CliGroup)
def group() -> None:
    """The ledgers of this database: one for each project.

    LEDGER is an id, the beginning of one, or a name. Without LEDGER it is that of the project.
    """


@group.command("list")
@click.option("--with-archived", "also_archived", is_flag=True, help="Archived ledgers too.")
@pass_invocation
def list_(invocation: Invocation, also_archived: bool) -> None:
    """The ledgers that this role may use, and the position of each."""
    found = directory.overview(invocation.settings, _database(invocation))
    known = [one for one in found if also_archived or not one.ledger.archived]
    if invocation.as_json:
        answer_json({"ledgers": [{**to_builtins(one.ledger), "database": one.database} for one in known]})
        return
    several = len({one.database for one in known}) > 1
    headings = ("id", "name", "state", "position", "last event (UTC)", "members")
    table((*headings, *["database"] * several), ((*_row(one.ledger), *[one.database] * several) for one in known))


@group.command()
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--in",
    "place",
    metavar="DATABASE",
    help="The database of the directory for it (default: the one with the fewest ledgers).",
)
@pass_invocation
def create(invocation: Invocation, name: str, folder: Path | None, place: str | None) -> None:
    """Make a ledger called NAME, for the project in FOLDER if you name one; a missing folder is made.

    Without FOLDER it prints the .ledger/ledger.json that a project needs to use it.
    """
    database = _database(invocation)
    name = _checked(name)
    directory.require(database, place)
    if folder is not None:
        made = identity.create(folder.expanduser().absolute(), name)
        ledger, name = made.key, made.name
    else:
        ledger = uuid4()
    found = directory.place(database, ledger, name, place)
    if found != directory.DIRECTORY:
        database = _opened(directory.in_service(invocation.settings, found))
    created = open_ledger(database, ledger, name, SHAPES)
    if invocation.as_json:
        answer_json({"ledger": str(ledger), "name": name, "created": created, "database": found})
        return
    where = "" if found == directory.DIRECTORY else f" in {found}"
    say(f"{'created' if created else 'there is already'} ledger {ledger} ({printable(name)}){where}")
    if folder is None:
        remark(f"put this into .ledger/{identity.FILE} of its project, and commit it:")
        say(json.dumps({"ledger": str(ledger), "name": name}))


@group.command()
@click.argument("ledger")
@pass_invocation
def forget(invocation: Invocation, ledger: str) -> None:
    """Leave LEDGER out of what --all shows, until a command runs in its project again."""
    chosen = every_ledger.find(invocation, ledger)
    forget_project(chosen.key, invocation.settings)
    remark(f"{printable(chosen.name)} in {printable(chosen.folder)} is left out")


@group.command()
@click.argument("ledger")
@click.argument("name")
@pass_invocation
def rename(invocation: Invocation, ledger: str, name: str) -> None:
    """Give LEDGER the name NAME. It is only displayed: a ledger is known by its id."""
    name = _checked(name)
    known = _everywhere(invocation, ledger, lambda database, id: ledgers.rename(database, id, name))
    own = _own(invocation)
    if own is not None and own.key == known.id:
        identity.rewrite(replace(own, name=name))
    _done(invocation, known, {"name": name}, f"{known.id} is called {printable(name)} now")


@group.command()
@click.argument("ledger", required=False)
@pass_invocation
def archive(invocation: Invocation, ledger: str | None) -> None:
    """Close LEDGER and leave it out of the list. It can still be read, and opened again."""
    database, known = _chosen(invocation, ledger)
    head, digest = ledgers.close(database, known.id, ARCHIVED)
    fields = {"state": "closed", "reason": ARCHIVED, "position": head, "digest": digest.hex()}
    _done(invocation, known, fields, f"archived {known.id} ({printable(known.name)}) at position {head}")


@group.command("open")
@click.argument("ledger", required=False)
@click.option("--gone", is_flag=True, help="Open one that was being moved to a database that will not come back.")
@pass_invocation
def open_(invocation: Invocation, ledger: str | None, gone: bool) -> None:
    """Open LEDGER again after it was archived, or after an interrupted move left it closed."""
    database, known = _chosen(invocation, ledger)
    if gone:
        with moving_lock(database, known.id):
            ledgers.reopen(database, known.id, MOVING)
    else:
        ledgers.reopen(database, known.id, ARCHIVED)
    _done(invocation, known, {"state": "open"}, f"{known.id} ({printable(known.name)}) is open")


@group.command()
@click.argument("ledger")
@click.argument("role")
@pass_invocation
def allow(invocation: Invocation, ledger: str, role: str) -> None:
    """Let the database role ROLE, and all its members, use LEDGER."""
    known = _everywhere(invocation, ledger, lambda database, id: ledgers.allow(database, id, role))
    _done(invocation, known, {"allowed": role}, f"{printable(role)} may use {known.id} ({printable(known.name)})")


@group.command()
@click.argument("ledger")
@click.argument("role")
@pass_invocation
def deny(invocation: Invocation, ledger: str, role: str) -> None:
    """Stop letting the database role ROLE use LEDGER. No role can take away its own access."""
    known = _everywhere(invocation, ledger, lambda database, id: ledgers.deny(database, id, role))
    _done(invocation, known, {"denied": role}, f"{printable(role)} may not use {known.id} ({printable(known.name)})")


@group.command()
@click.argument("ledger")
@click.argument("events", required=False, type=click.IntRange(min=0))
@click.option("--none", "unlimited", is_flag=True, help="Remove the limit.")
@pass_invocation
def quota(invocation: Invocation, ledger: str, events: int | None, unlimited: bool) -> None:
    """Limit LEDGER to EVENTS events, counting those that it already has; without EVENTS show the limit.

    Only the owner of the schema sets it (LEDGER_ADMIN_DSN). What is recorded stays readable, and more is refused.
    """
    here = _database(invocation)
    _, known = _chosen(invocation, ledger, here)
    if unlimited and events is not None:
        raise click.BadParameter("give a number or --none, not both", param_hint="EVENTS")
    most = known.most_events
    if unlimited or events is not None:
        seen = ledgers.head(here, known.id)
        elsewhere = directory.settings_elsewhere(invocation.settings, seen.reason, seen.successor)
        ledgers.set_quota(elsewhere or invocation.settings, known.id, events)
        most = events
    limit = "no limit" if most is None else f"may have {most}"
    sentence = f"{known.id} ({printable(known.name)}) has {known.head} event{'s' * (known.head != 1)} and {limit}"
    _done(invocation, known, {"events": known.head, "most_events": most}, sentence)


group.add_command(move)


def _database(invocation: Invocation) -> Database:
    """The database of the settings; no ledger of it is opened."""
    return _opened(invocation.settings)


def _opened(settings: Settings) -> Database:
    database = connect(settings)
    click.get_current_context().call_on_close(database.close)
    return database


def _chosen(invocation: Invocation, word: str | None, here: Database | None = None) -> tuple[Database, KnownLedger]:
    """The ledger, and the database in which it lies."""
    here = here or _database(invocation)
    word = word if word is not None else str(identity.find(invocation.settings.project).key)
    there, known = directory.find(invocation.settings, here, word)
    if there is not here:
        click.get_current_context().call_on_close(there.close)
    return there, known


def _everywhere(invocation: Invocation, word: str, change: Callable[[Database, UUID], None]) -> KnownLedger:
    """Changes what the ledger's database and the directory both say of it."""
    here = _database(invocation)
    there, known = _chosen(invocation, word, here)
    change(there, known.id)
    if there is not here:
        change(here, known.id)
    return known


def _own(invocation: Invocation) -> identity.Identity | None:
    try:
        return identity.find(invocation.settings.project)
    except NotFound:
        return None


def _checked(name: str) -> str:
    if not name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        raise click.BadParameter(f"a name has 1 to {NAME_LENGTH} printable characters", param_hint="NAME")
    return name.strip()


def _row(ledger: KnownLedger) -> tuple[object, ...]:
    state = f"{ledger.state} ({ledger.reason})" if ledger.reason else ledger.state
    last = moment(ledger.head_at.isoformat()) if ledger.head_at else "-"
    head = ledger.head if ledger.most_events is None else f"{ledger.head} of {ledger.most_events}"
    return ledger.id, ledger.name, state, head, last, ", ".join(ledger.members)


def _done(invocation: Invocation, known: KnownLedger, fields: dict[str, Any], sentence: str) -> None:
    if invocation.as_json:
        answer_json({"ledger": str(known.id), "name": known.name} | fields)
    else:
        say(sentence)
