"""A directory of ledgers with further databases beside it, all on the tests' server, named by a service file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import identity
from ledger.libpq.conninfo import effective
from ledger.postgres import directory
from ledger.postgres.connection.connect import APPLICATION
from ledger.settings import Settings


class Services:
    """A service file, to which `name` adds a database."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "services.conf"
        monkeypatch.setenv("PGSERVICEFILE", str(self._file))

    def name(self, name: str, conninfo: str) -> None:
        parts = {**conninfo_to_dict(conninfo), "user": APPLICATION}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in parts.items()))


class Directory(Struct, frozen=True):
    """The settings of its own database, and those of the others by name."""

    given: Settings
    others: dict[str, Settings]

    def project(self, name: str) -> Settings:
        """A new project with a ledger that is placed when it is first opened."""
        folder = self.given.project / f"{name}-{uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        identity.create(folder, name)
        return replace(self.given, project=folder)


def made(
    folder: Path, new_database: Callable[[], str], services: Services, *names: str, closed: bool = True
) -> Directory:
    """A directory that takes no ledgers itself, if it is `closed`, and databases of these names."""
    owner = new_database()
    given = Settings(
        project=folder / "projects",
        dsn=make_conninfo(owner, user=APPLICATION),
        admin_dsn=owner,
        home=folder / "home",
        pgdata=folder / "unused",
        by="tester",
    )
    for name in names:
        services.name(name, new_database())
        directory.add(given, name, takes_new=True)
    if closed:
        directory.add(given, directory.DIRECTORY, takes_new=False)
    return Directory(given, {name: directory.in_service(given, name) for name in names})


@contextmanager
def away(admin_dsn: str, *settings: Settings) -> Iterator[None]:
    """These databases end all their connections and take no others meanwhile."""
    names = [effective(str(one.dsn))["dbname"] for one in settings]
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:

        def let(allowed: str) -> None:
            for name in names:
                administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
                )

        let("false")
        try:
            yield
        finally:
            let("true")
