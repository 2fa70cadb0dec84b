"""Which variables of the environment keep a server from being reached."""

import os
from collections.abc import Iterable

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.libpq.conninfo import as_given, exported_parts
from ledger.libpq.environment import SERVICE, exported
from ledger.libpq.session import Session

SERVICE_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR")  # say where a service is looked for
SECONDS = "2"  # for each try


class Variables(Struct, frozen=True, kw_only=True):
    """`present` complete the connection string; without the `decisive` ones among them the server answers."""

    present: tuple[str, ...]
    decisive: tuple[str, ...]


def variables(conninfo: str) -> Variables:
    """Which variables matter for a server that was not reached. Connects once without each, and once without all."""
    parts = _parts(conninfo)
    tries = [(name,) for name in parts] + [tuple(parts)] * (len(parts) > 1)
    decisive: tuple[str, ...] = next((names for names in tries if _answers(conninfo, parts, names)), ())
    files = [name for name in SERVICE_FILES if SERVICE in decisive and os.environ.get(name)]
    return Variables(present=tuple(parts), decisive=(*decisive, *files))


def _parts(conninfo: str) -> dict[str, tuple[str, str]]:
    """The part of the string that each variable completes, and the part's value without it."""
    given = conninfo_to_dict(conninfo)
    parts = {variable: (name, default) for variable, name, default in exported_parts() if name not in given}
    return parts | ({SERVICE: ("service", "")} if exported(SERVICE) and "service" not in given else {})


def _answers(conninfo: str, parts: dict[str, tuple[str, str]], without: Iterable[str]) -> bool:
    left_out = dict(parts[name] for name in without)
    with_service = conninfo if left_out.pop("service", None) is not None else as_given(conninfo)
    try:
        Session.connect(make_conninfo(with_service, connect_timeout=SECONDS, **left_out)).close()
    except psycopg.Error:
        return False
    return True
