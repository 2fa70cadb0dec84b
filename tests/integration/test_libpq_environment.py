"""What is exported for other servers: the embedded one never hears of it, a given one as libpq's users expect."""

import json
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from psycopg import pq

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.libpq import environment
from ledger.libpq.conninfo import as_given
from ledger.libpq.ping import ping
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import APPLICATION, DATABASE
from ledger.settings import Settings
from projections.cli.main import cli
from projections.cli.terminal import exits
from tests.support.http_client import COMMAND
from tests.support.waits import SECONDS

pytestmark = pytest.mark.processes

MANY = 1100  # open files
EXPORTED = {
    "PGSERVICE": "nope",
    "PGSERVICEFILE": "/nonexistent/service",
    "PGSYSCONFDIR": "/nonexistent",
    "PGPASSFILE": "/dev/null",
    "PGPASSWORD": "wrong",
    "PGHOST": "elsewhere.example",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGDATABASE": "nowhere",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGCLIENTENCODING": "no such encoding",
    "PGDATESTYLE": "no such style",
    "PGTZ": "No/Where",
    "PGGEQO": "perhaps",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "perhaps",
    "PGCHANNELBINDING": "require",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "nobody",
    "PGREQUIRESSL": "1",
    "PGSSLMODE": "bogus",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLCERTMODE": "require",
    "PGSSLROOTCERT": "/nonexistent/root.crt",
    "PGSSLMINPROTOCOLVERSION": "bogus",
    "PGGSSENCMODE": "require",
    "PGMINPROTOCOLVERSION": "bogus",
    "PGMAXPROTOCOLVERSION": "bogus",
    "PGCONNECT_TIMEOUT": "never",
    "PGDATA": "/nonexistent",
}


@pytest.fixture(autouse=True)
def nothing_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_taken", {})


@pytest.mark.parametrize("name", EXPORTED)
def test_the_embedded_server_is_reached_whatever_is_exported(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, EXPORTED[name])
    environment.take_variables()

    with Session.connect(server.conninfo(APPLICATION, DATABASE), autocommit=True) as connection:
        assert connection.execute("SELECT session_user::text").fetchall() == [(APPLICATION,)]
    assert server.is_running()


def test_the_embedded_server_is_made_and_used_with_everything_exported(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    identity.create(project)
    own = {"LEDGER_PGDATA": str(tmp_path / "postgres"), "LEDGER_HOME": str(tmp_path / "home")}
    own["LEDGER_COMMAND_SECONDS"] = "60"  # a first start on a busy machine
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command, variables = [*COMMAND, *arguments], {**inherited, **EXPORTED, **own}
        return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)

    try:
        created = run("--json", "call", "create_work_item", "item_type=task", "title=x")

        assert '"outcome": "committed"' in created.stdout, created.stdout + created.stderr
    finally:
        run("doctor", "--stop-server")


@pytest.fixture
def service(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service file that leads to the tests' server."""
    file = tmp_path / "services"
    file.write_text(f"[ours]\nhost={server.socket_folder}\nport=5432\nuser={APPLICATION}\noptions=-c work_mem=1MB\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    monkeypatch.setenv("PGSERVICE", "ours")
    environment.take_variables()


def shown(conninfo: str, *settings: str) -> list[Any]:
    with Session.connect(conninfo, autocommit=True) as connection:
        return [connection.execute("SELECT current_setting(%s)", [name]).fetchall()[0][0] for name in settings]


@pytest.mark.usefixtures("service")
def test_a_given_server_is_found_by_a_service_that_is_exported() -> None:
    assert shown(as_given(f"dbname={DATABASE}"), "work_mem", "DateStyle", "TimeZone") == ["1MB", "ISO, MDY", "UTC"]


@pytest.mark.usefixtures("service")
def test_a_service_in_the_string_goes_before_one_that_is_exported() -> None:
    with pytest.raises(Exception, match="other"):
        shown(as_given(f"service=other dbname={DATABASE}"), "work_mem")


def test_a_given_server_is_found_by_variables_and_takes_their_options(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", str(server.socket_folder))
    monkeypatch.setenv("PGUSER", APPLICATION)
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=2MB -c statement_timeout=1")
    monkeypatch.setenv("PGGEQO", "off")
    monkeypatch.setenv("PGAPPNAME", "nightly")
    environment.take_variables()

    found = shown(as_given(f"dbname={DATABASE}"), "work_mem", "statement_timeout", "geqo", "application_name")

    assert found == ["2MB", "0", "off", "nightly"]


def test_what_is_exported_is_left_alone_in_a_program_that_uses_this_as_a_library(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")

    assert shown(server.conninfo(APPLICATION, DATABASE), "TimeZone") == ["UTC"]
    assert os.environ["PGTZ"] == "Asia/Kathmandu"
    assert ping(server.conninfo(APPLICATION, DATABASE)) == 0


def test_doctor_names_the_variable_that_keeps_a_given_server_away(
    settings: Settings, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGREQUIREAUTH", "scram-sha-256")
    monkeypatch.setenv("PGAPPNAME", "nightly")
    monkeypatch.setenv("PGUSER", APPLICATION)

    found = diagnosed(settings, f"host={server.socket_folder} dbname={DATABASE}", monkeypatch)

    assert "PGREQUIREAUTH in the environment keeps" in found
    assert "PGAPPNAME" not in found


def test_doctor_names_a_service_that_is_nowhere_defined(
    settings: Settings, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSERVICE", "nope")
    environment.take_variables()

    assert "PGSERVICE in the environment keeps" in diagnosed(
        settings, server.conninfo(APPLICATION, DATABASE), monkeypatch
    )


def test_doctor_names_what_completes_the_address_of_a_server_that_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "/nonexistent")

    assert "the environment completes LEDGER_DSN: PGHOST" in diagnosed(settings, f"dbname={DATABASE}", monkeypatch)


def diagnosed(settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `doctor` finds."""
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", dsn)
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    assert result.exit_code == exits.UNAVAILABLE, result.output
    return " ".join(finding["what"] for finding in json.loads(result.stdout)["findings"])


@pytest.mark.parametrize("command", [["status"], ["call", "create_vendor", "name=Acme"], ["ready"], ["init"], ["sync"]])
def test_a_database_of_another_encoding_says_so_in_every_command(
    settings: Settings, latin: str, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", latin)

    result = CliRunner().invoke(cli, command)

    assert result.exit_code == exits.REFUSED, result.output
    assert "the database's encoding is LATIN1, UTF8 is needed" in result.stderr


def test_a_server_is_pinged_by_a_process_with_very_many_open_files(dsn: str) -> None:
    """As `serve` with a thousand clients has them: `select` takes no descriptor above 1023."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[0] < 2 * MANY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MANY, limits[1]))
    held = [os.dup(0) for _ in range(MANY)]
    try:
        answered = ping(dsn, SECONDS)
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert answered == pq.Ping.OK


@pytest.fixture(scope="module")
def latin(server: EmbeddedServer) -> Iterator[str]:
    with Session.connect(server.conninfo("postgres", "postgres"), autocommit=True) as administrator:
        administrator.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        yield server.conninfo(APPLICATION, "latin")
        administrator.execute("DROP DATABASE latin")
