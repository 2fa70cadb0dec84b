"""`ledgers`: the ledgers of the database, and who may use them."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from msgspec import to_builtins
from msgspec.structs import replace

from ledger import identity
from ledger.errors import NotFound
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import connect, open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.ledgers import ARCHIVED, MOVING, Known
from ledger.postgres.moving import alone
from projections.application.known_projects import forget as forget_project
from projections.cli.administration.moving import move
from projections.cli.terminal import every_ledger
from projections.cli.terminal.invocation import Group, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, printable, remark, say, table
from projections.read_models.catalog import SHAPES

NAME_LENGTH = identity.NAME_LENGTH


@click.group("ledgers", cls=Group)
def group() -> None:
    """The ledgers of this database: one for each project.

    LEDGER is an id, the beginning of one, or a name. Without LEDGER it is that of the project.
    """


@group.command("list")
@click.option("--all", "also_archived", is_flag=True, help="Archived ones too.")
@pass_invocation
def list_(invocation: Invocation, also_archived: bool) -> None:
    """Which ledgers this role may use, and where each stands."""
    database = _database(invocation)
    known = [ledger for ledger in ledgers.overview(database) if also_archived or not ledger.archived]
    if invocation.as_json:
        answer_json({"ledgers": [to_builtins(ledger) for ledger in known]})
        return
    table(("id", "name", "state", "position", "last event (UTC)", "members"), (_row(ledger) for ledger in known))


@group.command()
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@pass_invocation
def create(invocation: Invocation, name: str, folder: Path | None) -> None:
    """Make a ledger called NAME, for the project in FOLDER if you name one.

    Without FOLDER it prints the .ledger/ledger.json that a project needs to use it.
    """
    database = _database(invocation)
    name = _checked(name)
    if folder is not None:
        made = identity.create(folder.expanduser().absolute(), name)
        ledger, name = made.key, made.name
    else:
        ledger = uuid4()
    created = open_ledger(database, ledger, name, SHAPES)
    if invocation.as_json:
        answer_json({"ledger": str(ledger), "name": name, "created": created})
        return
    say(f"{'created' if created else 'there is already'} ledger {ledger} ({printable(name)})")
    if folder is None:
        remark(f"put this into .ledger/{identity.FILE} of its project, and commit it:")
        say(json.dumps({"ledger": str(ledger), "name": name}))


@group.command()
@click.argument("ledger")
@pass_invocation
def forget(invocation: Invocation, ledger: str) -> None:
    """Leave LEDGER out of what --all-ledgers shows. A command in its project brings it back."""
    meant = every_ledger.find(invocation, ledger)
    forget_project(meant.key, invocation.settings)
    remark(f"{printable(meant.name)} in {printable(meant.folder)} is left out")


@group.command()
@click.argument("ledger")
@click.argument("name")
@pass_invocation
def rename(invocation: Invocation, ledger: str, name: str) -> None:
    """Call LEDGER by another NAME. A name is only shown; what belongs together is known by the id."""
    database = _database(invocation)
    known, name = ledgers.find(database, ledger), _checked(name)
    ledgers.rename(database, known.id, name)
    own = _own(invocation)
    if own is not None and own.key == known.id:
        identity.rewrite(replace(own, name=name))
    _done(invocation, known, {"name": name}, f"{known.id} is called {printable(name)} now")


@group.command()
@click.argument("ledger", required=False)
@pass_invocation
def archive(invocation: Invocation, ledger: str | None) -> None:
    """Close LEDGER and leave it out of the list. It can still be read, and opened again."""
    database = _database(invocation)
    known = _meant(invocation, database, ledger)
    head, digest = ledgers.close(database, known.id, ARCHIVED)
    fields = {"state": "closed", "reason": ARCHIVED, "position": head, "digest": digest.hex()}
    _done(invocation, known, fields, f"archived {known.id} ({printable(known.name)}) at position {head}")


@group.command("open")
@click.argument("ledger", required=False)
@click.option("--gone", is_flag=True, help="It was left on its way to a database that will never come back.")
@pass_invocation
def open_(invocation: Invocation, ledger: str | None, gone: bool) -> None:
    """Open LEDGER again that was archived, or that an interrupted move left closed."""
    database = _database(invocation)
    known = _meant(invocation, database, ledger)
    if gone:
        with alone(database, known.id):
            ledgers.reopen(database, known.id, MOVING)
    else:
        ledgers.reopen(database, known.id, ARCHIVED)
    _done(invocation, known, {"state": "open"}, f"{known.id} ({printable(known.name)}) is open")


@group.command()
@click.argument("ledger")
@click.argument("role")
@pass_invocation
def allow(invocation: Invocation, ledger: str, role: str) -> None:
    """Let the database role ROLE use LEDGER, and so all its members."""
    database = _database(invocation)
    known = ledgers.find(database, ledger)
    ledgers.allow(database, known.id, role)
    _done(invocation, known, {"allowed": role}, f"{printable(role)} may use {known.id} ({printable(known.name)})")


@group.command()
@click.argument("ledger")
@click.argument("role")
@pass_invocation
def deny(invocation: Invocation, ledger: str, role: str) -> None:
    """Let the database role ROLE no longer use LEDGER. No role can take away its own access."""
    database = _database(invocation)
    known = ledgers.find(database, ledger)
    ledgers.deny(database, known.id, role)
    _done(invocation, known, {"denied": role}, f"{printable(role)} may not use {known.id} ({printable(known.name)})")


group.add_command(move)


def _database(invocation: Invocation) -> Database:
    """The database of the settings; no ledger of it is opened."""
    database = connect(invocation.settings)
    click.get_current_context().call_on_close(database.close)
    return database


def _meant(invocation: Invocation, database: Database, word: str | None) -> Known:
    return ledgers.find(database, word if word is not None else str(identity.find(invocation.settings.project).key))


def _own(invocation: Invocation) -> identity.Identity | None:
    try:
        return identity.find(invocation.settings.project)
    except NotFound:
        return None


def _checked(name: str) -> str:
    if not name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        raise click.BadParameter(f"a name has 1 to {NAME_LENGTH} printable characters", param_hint="NAME")
    return name.strip()


def _row(ledger: Known) -> tuple[object, ...]:
    state = f"{ledger.state} ({ledger.reason})" if ledger.reason else ledger.state
    last = moment(ledger.head_at.isoformat()) if ledger.head_at else "-"
    return ledger.id, ledger.name, state, ledger.head, last, ", ".join(ledger.members)


def _done(invocation: Invocation, known: Known, fields: dict[str, Any], sentence: str) -> None:
    if invocation.as_json:
        answer_json({"ledger": str(known.id), "name": known.name} | fields)
    else:
        say(sentence)
