"""docs/operations.md does what it says: its commands are run as they stand, in a home and on a server of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.embedded.binaries import find_binaries
from ledger.embedded.server_account import choose_account
from tests.support.cluster import free_port
from tests.support.guide import ROOT, Machine, blocks, paths
from tests.support.pooler import SETTINGS

pytestmark = pytest.mark.processes

GUIDE = ROOT / "docs" / "operations.md"
OLD = Path("/usr/lib/postgresql/15/bin")
TEAM = "A server for a team"
SEVERAL = "More than one database"
AT_WORK = (
    "For one person",
    "Moving a ledger to another database, and back",
    TEAM,
    "Many ledgers",
    SEVERAL,
    "The status file",
    "Rebuilding the read models",
    "Monitoring",
)
AWAY = "When the database is away"
BACKUP = ("Base backup and archived log", "One ledger, or a whole database as text", "The journal in the project")
TO_A_TIME = "The whole server, to a point in time"
FROM_JOURNAL = "What was lost, from a journal"
RESTORE = ("A database from `pg_dump`", "One ledger, from its export")
SERVER_UPGRADE = "PostgreSQL, on a server"
EMBEDDED_UPGRADE = "PostgreSQL, embedded"
NOT_RUN = [
    "the tests run on such an installation",
    "it names two hosts; the lab below does the same on loopback",
    ".ci/extra runs it",
    ".ci/extra runs it",
    "the tests serve on ports of their own, and ask two processes in turn",
    "it names two standbys; the tests ask a real one on loopback",
    "the tests run on such an installation",
]
ADMIN = "LEDGER_ADMIN_DSN=postgresql://ledger_admin@db.example.org/tracking"
TASK = "tracking-ledger call create_work_item item_type=task title="
SETUP = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
"""
Start = Callable[[Path], Machine]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a data folder of each version is made once, of which every server gets a copy."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def start(tmp_path: Path, made: Path) -> Iterator[Start]:
    """start(programs): a machine with a fresh server of those programs, which stands for the guide's."""
    account = choose_account(data=tmp_path / "none", root=tmp_path, programs=Path("/usr/bin"))
    if account.user is not None:
        pytest.skip("run by root where user namespaces are forbidden: PostgreSQL's own programs refuse root")
    machines: list[Machine] = []

    def make(programs: Path) -> Machine:
        port = free_port()
        machine = _machine(tmp_path, programs, port, account.prefix)
        machines.append(machine)
        data = made / "-".join(programs.parts[1:])
        if not data.exists():
            machine.run(f"{programs}/initdb -D {data} -U postgres -A trust --locale=C -E UTF8 -N # pg_ctl")
        machine.run(f'cp -a {data} "$PGDATA"')
        with (tmp_path / "postgresql" / "postgresql.conf").open("a") as settings:
            settings.write(SETUP.format(port=port))
        machine.run(f'{programs}/pg_ctl start -w -l "$PGDATA/server.log"')
        return machine

    yield make
    for machine in machines:
        machine.run("unset LEDGER_DSN; tracking-ledger doctor --stop-server")
        machine.run('pg_ctl stop -w -m immediate -D "$PGDATA"')


def test_a_person_and_a_team_set_it_up_and_work(start: Start) -> None:
    machine = start(_newest())

    follow(machine, "For one person", TEAM)
    machine.run("unset LEDGER_DSN; cd ~/project; tracking-ledger call create_vendor name=Acme")
    follow(machine, "Moving a ledger to another database, and back")
    assert "Acme" in machine.run("tracking-ledger vendors")
    machine.run("cd ~/team-project; export LEDGER_DSN=postgresql://team@db.example.org/tracking")
    follow(machine, "Many ledgers", "The status file", "Rebuilding the read models", "Monitoring", SEVERAL)
    assert "2 " in machine.run("tracking-ledger databases list | grep west")


def test_what_waited_and_met_others_is_brought_home_and_resolved(start: Start) -> None:
    machine = start(_newest())
    follow(machine, TEAM)
    machine.run(f"{TASK}First; tracking-ledger log >/dev/null")
    ref = machine.run("tracking-ledger ready --json | grep -o 'w-[0-9a-z]*' | head -1").strip()
    change = f"tracking-ledger call update_work_item id={ref} version=1 title="
    machine.run(f"LEDGER_HOME=~/another {change}Theirs")
    machine.run(f"LEDGER_DSN='host=127.0.0.1 port=1' {change}Mine", also=(6,))
    first, *others = commands_of(AWAY)
    conflict = machine.run("tracking-ledger sync; tracking-ledger conflicts", also=(8,))
    machine.words["x-7k3qd"] = next(word for word in conflict.split() if word.startswith("x-"))

    machine.run(first, also=(8,))
    for commands in others:
        machine.run(commands.replace("tracking-ledger rebuild", f"{ADMIN} tracking-ledger rebuild"))

    assert "Mine" in machine.run(f"tracking-ledger show {ref}")


def test_what_was_lost_comes_back_from_the_backup_from_a_journal_and_from_an_export(start: Start) -> None:
    machine = start(_newest())
    follow(machine, TEAM, BACKUP[0])
    machine.run(f"{TASK}Before")
    machine.words["2026-11-22 15:00:00+00"] = machine.run("date -u '+%F %T.%6N+00'").strip()
    machine.run(f"{TASK}After")
    follow(machine, *BACKUP[1:])
    machine.run("psql -d postgres -c 'SELECT pg_switch_wal()'")

    follow(machine, TO_A_TIME)
    assert recorded(machine) == 1
    follow(machine, FROM_JOURNAL)
    assert recorded(machine) == 2
    follow(machine, *RESTORE)
    assert "After" in machine.run("tracking-ledger ready")


@pytest.mark.skipif(not OLD.is_dir(), reason="PostgreSQL 15, which the guide starts from, is not on this machine")
def test_a_server_of_an_older_version_is_upgraded(start: Start) -> None:
    machine = start(OLD)
    follow(machine, TEAM)
    machine.run(f"{TASK}Before")

    follow(machine, SERVER_UPGRADE)

    assert "Before" in machine.run("tracking-ledger ready")
    assert "no difference" in machine.run("tracking-ledger verify")


@pytest.mark.skipif(not OLD.is_dir(), reason="PostgreSQL 15, which the guide starts from, is not on this machine")
def test_an_embedded_server_of_an_older_version_is_upgraded(start: Start) -> None:
    machine = start(_newest())
    before, after = commands_of(EMBEDDED_UPGRADE)
    machine.run(f"cd ~/own-project; export LEDGER_PGBIN={OLD}; tracking-ledger init; {TASK}Before")

    machine.run(before)
    machine.run("unset LEDGER_PGBIN")
    machine.run(after)

    assert "Before" in machine.run("tracking-ledger ready")
    assert f'"server_version": "{find_binaries(bin_folder=None, needed_major=None).major}.' in machine.run(
        "tracking-ledger doctor --json"
    )


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    run = {*AT_WORK, AWAY, *BACKUP, TO_A_TIME, FROM_JOURNAL, *RESTORE, SERVER_UPGRADE, EMBEDDED_UPGRADE}

    assert [block.not_run for block in blocks(GUIDE) if block.not_run] == NOT_RUN
    assert {block.section for block in blocks(GUIDE) if not block.not_run} == run


def test_the_poolers_settings_are_those_that_the_suite_goes_through() -> None:
    documented = GUIDE.read_text(encoding="utf-8").split("[pgbouncer]\n")[1].split("```")[0].splitlines()
    names = ("pool_mode", "default_pool_size", "max_client_conn", "max_prepared_statements", "ignore_startup")
    used = SETTINGS.format(host="", port="", folder="", size=8, statements=200).splitlines()

    assert [line for line in documented if line.startswith(names)] == [line for line in used if line.startswith(names)]


def commands_of(section: str) -> list[str]:
    return [block.commands for block in blocks(GUIDE) if block.section == section and not block.not_run]


def follow(machine: Machine, *sections: str) -> None:
    for section in sections:
        for commands in commands_of(section):
            machine.run(commands)


def recorded(machine: Machine) -> int:
    """How many events the database holds."""
    return int(machine.run("psql -d tracking -Atc 'SELECT count(*) FROM tracking_ledger.events'"))


def _newest() -> Path:
    return find_binaries(bin_folder=None, needed_major=None).folder


def _machine(root: Path, programs: Path, port: int, prefix: tuple[str, ...]) -> Machine:
    server = {"PGDATA": str(root / "postgresql"), "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres"}
    words = {
        "/srv/backups": str(root / "backups"),
        "/usr/lib/postgresql/18/bin": str(_newest()),
        "db.example.org": "127.0.0.1",
        "db2.example.org": "127.0.0.1",
    }
    machine = Machine(root, {**server, "PATH": paths(programs)}, words, prefix)
    for folder in ("project", "team-project", "own-project"):
        (machine.home / folder).mkdir()
    return machine
