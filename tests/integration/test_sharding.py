"""Every key and every statement carries the ledger, so that the tables could be distributed by it."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.resources import folder

pytestmark = pytest.mark.processes

WHOLE = {"ledgers", "migrations", "databases"}  # tables of the database, not of a ledger: a row each
REFERENCE = (
    r"(?:\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+|,\s*)(?:ONLY\s+)?(?:tracking_ledger\.)?({})\b(?!\s*\()"
    r"(?:\s+(?:AS\s+)?(\w+))?"
)
NO_ALIAS = re.compile(
    "as|cross|for|full|group|inner|join|left|limit|natural|offset|on|order|returning|right|select|set|union|using"
    "|values|when|where",
    re.IGNORECASE,
)
PLANTED = {
    "no ledger at all": "SELECT e.data FROM events e WHERE e.position = 1",
    "only one of two tables": "SELECT 1 FROM events e JOIN vendors v ON v.id = e.stream_id WHERE e.ledger_id = $1",
    "a table after a comma": "SELECT 1 FROM events e, vendors v WHERE e.ledger_id = $1 AND v.id = e.stream_id",
    "named and not compared": "SELECT e.ledger_id FROM events e ORDER BY e.position",
    "once of twice": "SELECT 1 FROM events e WHERE e.ledger_id = $1 UNION ALL SELECT 1 FROM events e WHERE e.n = 1",
    "another statement's": "DELETE FROM entries WHERE ledger_id = $1; DELETE FROM entries WHERE generation = 1",
    "an update": "UPDATE projections p SET behind_after = 1 WHERE p.projection = 'vendors'",
}


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_dsn) as connection:
        yield connection


def tables(owner: psycopg.Connection) -> set[str]:
    rows = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'tracking_ledger'").fetchall()
    return {row[0] for row in rows}


def test_every_key_begins_with_the_ledger(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT t.relname, i.relname, (SELECT a.attname FROM pg_attribute a"
        " WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0])"
        " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
        " JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'tracking_ledger' AND x.indisunique"
    ).fetchall()

    assert {(table, index) for table, index, first in rows if first != "ledger_id" and table not in WHOLE} == set()
    assert tables(owner) - {table for table, _, _ in rows} == set()


def test_no_key_leads_from_one_table_to_another(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace"
        " WHERE n.nspname = 'tracking_ledger' AND contype = 'f'"
    ).fetchall()

    assert found == []


def test_every_statement_compares_the_ledger_of_every_table_it_reads(owner: psycopg.Connection) -> None:
    wanted = tables(owner) - WHOLE | {"things"}

    missing = {f"{path.parent.name}/{path.name}": unbound(path.read_text(encoding="utf-8"), wanted) for path in files()}

    assert {name: found for name, found in missing.items() if found} == {}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_statement_that_forgets_the_ledger_is_found(planted: str, owner: psycopg.Connection) -> None:
    assert unbound(PLANTED[planted], tables(owner))


def files() -> list[Path]:
    root = folder("sql")
    questions = [path for path in root.glob("questions/*/*.sql") if not path.name.endswith(".sqlite.sql")]
    return [*questions, *root.glob("functions/*.sql"), *root.glob("moving/*.sql")]


def unbound(text: str, tables: set[str]) -> list[str]:
    """Tables, by their alias if they have one, that are read more often than their ledger is compared."""
    return [
        name
        for statement in _code(text).split(";")
        for name, (times, aliased) in _references(statement, tables).items()
        if times > _comparisons(statement, name, aliased)
    ]


def _references(statement: str, tables: set[str]) -> dict[str, tuple[int, bool]]:
    """How often each is read, and whether by an alias."""
    found: Counter[tuple[str, bool]] = Counter()
    for match in re.finditer(REFERENCE.format("|".join(sorted(tables))), statement, re.IGNORECASE):
        alias = match[2] if match[2] and not NO_ALIAS.fullmatch(match[2]) else None
        found[alias or match[1].lower(), alias is not None] += 1
    return {name: (times, aliased) for (name, aliased), times in found.items()}


def _comparisons(statement: str, name: str, aliased: bool) -> int:
    qualified = rf"\b{name}\.ledger_id\s*=|=\s*{name}\.ledger_id\b"
    plain = r"(?<![.\w])ledger_id\s*=|\(ledger_id,"  # also of the columns of an INSERT
    return len(re.findall(qualified if aliased else f"{qualified}|{plain}", statement))


def _code(text: str) -> str:
    """Without comments, the columns of a made-up table, and the insertion of whole rows, which have their ledger."""
    text = re.sub(r"--[^\n]*", "", text)
    text = re.sub(r"AS \w+ \([^)]*\)", "", text)
    return re.sub(r"INSERT INTO \w+ SELECT \* FROM unnest\(v_\w+\)", "", text)
