"""Connection strings as libpq reads them: one that nothing exported touches, and one with all that is exported."""

import os

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.libpq.environment import PLANNER, SERVICE, exported

DEFAULTS = {"sslcertmode": "allow", "min_protocol_version": "3.0", "max_protocol_version": "3.0"}  # not the empty word
NO_MODE = "?"  # no sslmode, so libpq reads all that there is and gives up before it looks for a server


def isolated(**given: str | int) -> str:
    """A connection string to which no variable or service adds anything. No password file counts either: the embedded
    server, which it is for, asks for no password.

    It overrides what is exported; the variables that no string overrides are taken out of the environment, see
    ledger.libpq.environment.
    """
    return make_conninfo("", **{**{name: default for _, name, default in exported_parts()}, **given})


def as_given(conninfo: str) -> str:
    """The same, with what was exported for it and has been taken out of the environment."""
    given = conninfo_to_dict(conninfo)
    if (service := exported(SERVICE)) and "service" not in given:
        given["service"] = service
    if planner := exported(PLANNER):
        given["options"] = f"-c geqo={planner} {effective(make_conninfo('', **given)).get('options', '')}".strip()
    return make_conninfo("", **given)


def effective(conninfo: str) -> dict[str, str]:
    """Every part as libpq uses it: from the string, else its service, else a variable, else its default; but sslmode.

    Raises psycopg.OperationalError where libpq cannot make sense of it.
    """
    tried = pq.PGconn.connect_start(make_conninfo(conninfo, sslmode=NO_MODE).encode())
    try:
        found = {option.keyword.decode(): option.val.decode() for option in tried.info if option.val}
        if not found:
            raise psycopg.OperationalError(tried.get_error_message())
        return found
    finally:
        tried.finish()


def exported_parts() -> list[tuple[str, str, str]]:
    """Each exported variable of libpq: its name, the part of a connection string, the part's value without it."""
    exported = [option for option in pq.Conninfo.get_defaults() if (option.envvar or b"").decode() in os.environ]
    parts = [(option.envvar, option.keyword.decode(), option.compiled) for option in exported]
    return [
        ((variable or b"").decode(), name, DEFAULTS.get(name, (default or b"").decode()))
        for variable, name, default in parts
        if name != "service"
    ]
