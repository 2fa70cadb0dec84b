"""Every setting that a role may have of its own, and values of it that no program expects."""

from typing import Any

import psycopg

# a library that cannot be loaded keeps every client of the server out
LIBRARIES = {"local_preload_libraries", "session_preload_libraries", "dynamic_library_path"}
MOST = 3  # values of one setting
SETTABLE = (
    "SELECT name, vartype, boot_val, min_val, max_val, enumvals FROM pg_settings"
    " WHERE context IN ('user', 'superuser') ORDER BY name"
)
WORDS = {
    "DateStyle": ("German", "SQL, DMY", "Postgres, MDY"),
    "TimeZone": ("Asia/Kathmandu", "America/St_Johns"),
    "client_encoding": ("LATIN1", "SQL_ASCII", "EUC_JP"),
    "search_path": ("shadows, pg_catalog", "", "nowhere"),
    "commit_delay": ("1000",),  # microseconds; with the largest value each commit takes a tenth of a second
    # the largest values let one hash table take all memory, and the kernel then ends the server
    "work_mem": ("64", "16MB"),
    "hash_mem_multiplier": ("1", "8"),
}
SHADOWS = """
    CREATE SCHEMA shadows;
    GRANT USAGE ON SCHEMA shadows TO PUBLIC;
    CREATE FUNCTION shadows.never(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR shadows.= (FUNCTION = shadows.never, LEFTARG = uuid, RIGHTARG = uuid);
    CREATE FUNCTION shadows.pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 0';
    CREATE FUNCTION shadows.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''epoch''::timestamptz';
"""


def values(administrator: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """By name: the other position of a switch, the ends of a number, the other words of a list."""
    administrator.execute("DO $$ BEGIN END $$")  # PL/pgSQL has settings as well, once it is loaded
    return {
        name: [value for value in _hostile(name, kind, least, most, allowed) if value != usual][:MOST]
        for name, kind, usual, least, most, allowed in administrator.execute(SETTABLE).fetchall()
        if name not in LIBRARIES
    }


def _hostile(name: str, kind: str, least: str | None, most: str | None, allowed: list[str] | None) -> tuple[str, ...]:
    if kind == "bool":
        return ("on", "off")
    if kind == "enum":
        return tuple(allowed or ())
    if kind in ("integer", "real") and name not in WORDS:
        return tuple(dict.fromkeys((str(least), "1", str(most))))
    return WORDS.get(name, ("", "nonsense"))
