"""A standby promoted without all that the primary had acknowledged: found, named, and led out of as documented."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger import identity
from ledger.postgres.connection.connect import connect
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.cluster import Node
from tests.support.waits import until

pytestmark = pytest.mark.processes


@pytest.fixture
def nodes() -> Iterator[tuple[Node, Node]]:
    """A primary, and a standby that no commit waits for."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="tl-loss-", dir=memory if os.access(memory, os.W_OK) else "/tmp") as folder:
        Path(folder).chmod(0o755)
        primary, standby = Node(Path(folder), "one"), Node(Path(folder), "two")
        primary.initialise()
        primary.start()
        connect(Settings(project=Path(folder), pgdata=Path(folder) / "unused", dsn=primary.conninfo)).close()
        with psycopg.connect(primary.conninfo, autocommit=True) as administrator:
            administrator.execute("CREATE ROLE team LOGIN")
            administrator.execute("GRANT tracking_ledger_writer TO team")
        standby.copy_of(primary)
        standby.start()
        yield primary, standby
        primary.destroy()
        standby.destroy()


def test_a_standby_promoted_without_what_was_acknowledged_is_closed_until_the_journal_gives_it_back(
    nodes: tuple[Node, Node], tmp_path: Path
) -> None:
    primary, standby = nodes
    identity.create(tmp_path)
    dsn = make_conninfo(
        "", host="127.0.0.1,127.0.0.1", port=f"{primary.port},{standby.port}", user="team", dbname="postgres"
    )
    app = App(Settings(project=tmp_path, home=tmp_path / "home", pgdata=tmp_path / "unused", dsn=dsn, by="tester"))
    create(app, "Kept")
    until(lambda: replayed(standby) == 1)
    standby.stop()
    acknowledged = create(app, "Acknowledged and lost")
    until(app.sync.follow)

    primary.destroy()
    standby.start()
    standby.promote()
    until(lambda: reason(standby) == "diverged" or not create(app, "Meanwhile"))
    later = create(app, "Later")
    read = OPERATIONS["list_work_items"].perform(app, {})
    app.close()
    rebuilt = command(tmp_path, dsn, standby, "rebuild", "--from-journal")
    command(tmp_path, dsn, standby, "sync")
    verified = command(tmp_path, dsn, standby, "verify")

    assert (acknowledged["outcome"], later["outcome"]) == ("committed", "queued")
    assert "database_diverged" in read["warnings"]
    assert {item["title"] for item in read["items"]} >= {"Kept", "Acknowledged and lost", "Later"}
    assert (rebuilt.returncode, verified.returncode) == (0, 0), rebuilt.stderr + verified.stderr
    titles = recorded(tmp_path, dsn)
    assert titles[:2] == ["Kept", "Acknowledged and lost"]
    assert titles.count("Later") == 1


def create(app: App, title: str) -> dict[str, Any]:
    return OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})


def recorded(project: Path, dsn: str) -> list[str]:
    app = App(Settings(project=project, home=project / "again", pgdata=project / "unused", dsn=dsn))
    try:
        return [msgspec.json.decode(event.data)["title"] for event in app.store.read_all()]
    finally:
        app.close()


def replayed(node: Node) -> int:
    return int(asked(node, "SELECT count(*) FROM tracking_ledger.events"))


def reason(node: Node) -> str | None:
    return asked(node, "SELECT reason FROM tracking_ledger.ledgers")  # type: ignore[no-any-return]


def asked(node: Node, question: str) -> Any:
    with psycopg.connect(node.conninfo) as connection:
        return connection.execute(question).fetchall()[0][0]


def command(project: Path, dsn: str, node: Node, *words: str) -> "subprocess.CompletedProcess[str]":
    """As an administrator gives it."""
    environment = {
        **os.environ,
        "LEDGER_PROJECT": str(project),
        "LEDGER_HOME": str(project / "home"),
        "LEDGER_DSN": dsn,
        "LEDGER_ADMIN_DSN": node.conninfo,
    }
    program = [sys.executable, "-c", "from projections.cli.main import main; main()", *words]
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=False)
