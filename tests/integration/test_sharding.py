"""Every key and every statement carries the ledger, so that the tables could be distributed by it."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.resources import folder

WHOLE = {"ledgers", "migrations"}  # tables of the database, not of a ledger: one row a ledger, one a migration
REFERENCE = r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?(?:tracking_ledger\.)?({})\b(?:\s+(?:AS\s+)?(\w+))?"
NO_ALIAS = {
    "where",
    "on",
    "order",
    "select",
    "limit",
    "cross",
    "left",
    "set",
    "values",
    "join",
    "using",
    "group",
    "union",
}


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_dsn) as connection:
        yield connection


def tables(owner: psycopg.Connection) -> set[str]:
    rows = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'tracking_ledger'").fetchall()
    return {row[0] for row in rows}


def statements() -> list[Path]:
    root = folder("sql")
    questions = [path for path in root.glob("questions/*/*.sql") if not path.name.endswith(".sqlite.sql")]
    return [*questions, *root.glob("functions/*.sql")]


def test_every_key_begins_with_the_ledger(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT t.relname, i.relname, (SELECT a.attname FROM pg_attribute a"
        " WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0])"
        " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
        " JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'tracking_ledger' AND x.indisunique"
    ).fetchall()

    assert {(table, index) for table, index, first in rows if first != "ledger_id" and table != "migrations"} == set()
    assert tables(owner) - {table for table, _, _ in rows} == set()


def test_no_key_leads_from_one_table_to_another(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace"
        " WHERE n.nspname = 'tracking_ledger' AND contype = 'f'"
    ).fetchall()

    assert found == []


def test_every_statement_names_the_ledger_of_every_table_it_reads(owner: psycopg.Connection) -> None:
    wanted = tables(owner) - WHOLE | {"things"}
    missing = [
        f"{path.parent.name}/{path.name}: {table}"
        for path in statements()
        for table, alias in _references(path, wanted)
        if not _bound(path, alias or table)
    ]

    assert missing == []


def _references(path: Path, tables: set[str]) -> Iterator[tuple[str, str | None]]:
    for match in re.finditer(REFERENCE.format("|".join(sorted(tables))), _code(path), re.IGNORECASE):
        alias = match[2]
        yield match[1].lower(), None if alias is None or alias.lower() in NO_ALIAS else alias


def _bound(path: Path, name: str) -> bool:
    """The alias is compared by its ledger, or the only table of a statement without aliases."""
    code = _code(path)
    return (
        re.search(rf"\b{name}\.ledger_id\b", code) is not None or re.search(r"(?<![.\w])ledger_id\b", code) is not None
    )


def _code(path: Path) -> str:
    """Without comments, and without the insertion of whole rows, which have their ledger in them."""
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return re.sub(r"INSERT INTO \w+ SELECT \* FROM unnest\(v_\w+\)", "", text)
