"""`databases`: those of the directory, among which ledgers are placed."""

from contextlib import closing

import click
import msgspec

from ledger.postgres import directory
from ledger.postgres.connection.connect import connect
from projections.cli.terminal.invocation import CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, say, table


@click.group("databases", cls=CliGroup)
def group() -> None:
    """The databases in which the ledgers of this directory are placed.

    The database of the settings is the directory. NAME is a service of libpq: its section in ~/.pg_service.conf on
    each machine says where that database is. `directory` is the directory's own.
    """


@group.command("list")
@pass_invocation
def list_(invocation: Invocation) -> None:
    """The databases of the directory, and how many ledgers lie in each."""
    with closing(connect(invocation.settings)) as database:
        known = directory.databases(database)
    if invocation.as_json:
        answer_json({"databases": [msgspec.to_builtins(one) for one in known]})
        return
    table(("database", "ledgers", "takes new ones"), ((one.name, one.ledgers, _yes(one.takes_new)) for one in known))


@group.command()
@click.argument("name")
@click.option("--closed", is_flag=True, help="No new ledger is placed there unless `--in` names it.")
@pass_invocation
def add(invocation: Invocation, name: str, closed: bool) -> None:
    """Add the database NAME to the directory, with the ledgers that it already has.

    Its schema is made or migrated, by the role of LEDGER_ADMIN_DSN. Repeat it to change whether it takes new ledgers,
    or to take in ledgers that were made there without the directory.
    """
    count = directory.add(invocation.settings, name, takes_new=not closed)
    if invocation.as_json:
        answer_json({"database": name, "takes_new": not closed, "ledgers": count})
        return
    say(f"{printable(name)} is a database of this directory, with {count} ledgers")


@group.command()
@click.argument("name")
@pass_invocation
def remove(invocation: Invocation, name: str) -> None:
    """Remove the database NAME from the directory. No ledger of the directory may be left in it."""
    directory.remove(invocation.settings, name)
    if invocation.as_json:
        answer_json({"database": name, "removed": True})
        return
    say(f"{printable(name)} is no database of this directory any more")


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
