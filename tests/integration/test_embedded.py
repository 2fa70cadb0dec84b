"""The embedded server keeps its promises under real faults: real processes, real kill -9."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
import pytest

from ledger.embedded import server as module
from ledger.embedded.server import EmbeddedServer
from ledger.errors import Unavailable
from tests.support.waits import until

pytestmark = pytest.mark.processes

PROJECT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
ENSURE = """
import sys
from pathlib import Path
from ledger.embedded.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), start_timeout=60)
server.ensure()
print((server.data / "postmaster.pid").read_text().split()[0], flush=True)
"""
ENSURE_AND_STAY = ENSURE + "sys.stdin.read()\n"


def binaries_are_open() -> bool:
    """Whether any account can reach the server's programs."""
    folder = EmbeddedServer(Path("unused")).binaries.folder.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


@pytest.fixture
def make_server() -> Iterator[Callable[..., EmbeddedServer]]:
    """Makes servers that are gone when the test is."""
    made: list[EmbeddedServer] = []

    def make(root: Path, **options: Any) -> EmbeddedServer:
        made.append(EmbeddedServer(root, **options))
        return made[-1]

    yield make
    for server in made:
        end_server(server)


@pytest.fixture
def new_server(make_server: Callable[..., EmbeddedServer], tmp_path: Path) -> EmbeddedServer:
    """One that has never been started: its data folder is yet to be made."""
    return make_server(tmp_path / "ledger")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServer:
    """One that was started and stopped."""
    server = EmbeddedServer(tmp_path_factory.mktemp("made") / "ledger")
    server.ensure()
    server.stop()
    return server


@pytest.fixture
def server_in(make_server: Callable[..., EmbeddedServer], made: EmbeddedServer) -> Callable[[Path], EmbeddedServer]:
    """Makes servers with such a data folder: initdb takes the most of a core that a first start takes."""

    def server_in(root: Path) -> EmbeddedServer:
        root.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", made.root, root], check=True)
        return make_server(root)

    return server_in


@pytest.fixture
def server(server_in: Callable[[Path], EmbeddedServer], tmp_path: Path) -> EmbeddedServer:
    return server_in(tmp_path / "ledger")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every account can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_server_accepts_and_keeps_what_it_acknowledges(server: EmbeddedServer) -> None:
    server.ensure()

    settings = (
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "data_checksums",
        "listen_addresses",
        "max_connections",
    )
    assert [ask(server, f"SHOW {name}") for name in settings] == ["on", "on", "on", "on", "", "200"]
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"


def test_only_its_user_can_enter_the_folders_of_data_and_socket(server: EmbeddedServer) -> None:
    server.ensure()

    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (server.data, server.socket_folder)] == [
        0o700,
        0o700,
    ]


def test_ensure_costs_milliseconds_when_the_server_runs(server: EmbeddedServer) -> None:
    server.ensure()

    assert any(seconds_of(server.ensure) < 0.05 for _ in range(300)), (
        "not once, on a machine that does other things too"
    )


def test_four_processes_that_start_cold_at_once_share_one_server(new_server: EmbeddedServer) -> None:
    starters = [python(ENSURE, new_server.root) for _ in range(4)]

    answers = [starter.communicate(timeout=60) for starter in starters]

    assert {starter.returncode for starter in starters} == {0}, answers
    assert len({process_id for process_id, _ in answers}) == 1


def test_four_threads_that_start_cold_at_once_share_one_server(new_server: EmbeddedServer) -> None:
    failures: list[Exception] = []
    threads = [threading.Thread(target=note_failure, args=(new_server.ensure, failures)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert new_server.is_running()


def test_a_server_outlives_the_process_that_started_it_even_by_kill_9(server: EmbeddedServer) -> None:
    starter, process_id = python_that_stays(server)

    starter.kill()
    starter.communicate()
    server.ensure()

    assert postmaster(server) == process_id
    assert ask(server, "SELECT 1") == 1


def test_ctrl_c_in_the_terminal_of_its_starter_does_not_reach_the_server(server: EmbeddedServer) -> None:
    starter, process_id = python_that_stays(server)

    os.killpg(starter.pid, signal.SIGINT)
    starter.communicate()

    assert server.is_running()
    assert os.getsid(process_id) != starter.pid


def test_a_starter_killed_in_the_middle_of_initdb_leaves_no_half_made_folder(new_server: EmbeddedServer) -> None:
    starter = python(ENSURE, new_server.root)
    until(lambda: any(new_server.root.glob("data.new-*/PG_VERSION")))

    starter.kill()
    starter.communicate()
    new_server.ensure()

    assert ask(new_server, "SELECT 1") == 1
    assert ask(new_server, "SELECT count(*) FROM pg_database") == 3


def test_committed_rows_are_there_after_the_server_was_killed(server: EmbeddedServer) -> None:
    server.ensure()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS number")

    os.kill(postmaster(server), signal.SIGKILL)
    server.ensure()

    assert ask(server, "SELECT count(*) FROM kept") == 100


def test_a_killed_server_is_not_started_twice_by_processes_that_come_at_once(server: EmbeddedServer) -> None:
    server.ensure()

    os.kill(postmaster(server), signal.SIGKILL)
    starters = [python(ENSURE, server.root) for _ in range(3)]
    answers = [starter.communicate(timeout=60) for starter in starters]

    assert {starter.returncode for starter in starters} == {0}, answers
    assert len({process_id for process_id, _ in answers}) == 1


def test_lock_files_that_name_a_living_stranger_neither_stop_a_start_nor_harm_the_stranger(
    server: EmbeddedServer,
) -> None:
    server.ensure()
    lock_files = [server.data / "postmaster.pid", server.socket_folder / ".s.PGSQL.5432.lock"]
    version_conflict = [file.read_text().partition("\n")[2] for file in lock_files]
    os.kill(postmaster(server), signal.SIGKILL)
    with subprocess.Popen(["sleep", "100"], cwd=server.data) as stranger:
        for file, rest in zip(lock_files, version_conflict, strict=True):
            file.write_text(f"{stranger.pid}\n{rest}")

        server.ensure()

        assert ask(server, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_an_empty_pid_file_of_a_crash_does_not_stop_a_start(server: EmbeddedServer) -> None:
    server.ensure()
    server.stop()
    (server.data / "postmaster.pid").touch()

    server.ensure()

    assert server.is_running()


def test_a_frozen_server_is_reported_and_no_second_one_is_started(
    server: EmbeddedServer, make_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.ensure()
    process_id = postmaster(server)
    impatient = make_server(server.root, start_timeout=0.5)
    monkeypatch.setattr(module, "PING_SECONDS", 0.2)

    os.kill(process_id, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="accepts no connections") as refusal:
            impatient.ensure()
    finally:
        os.kill(process_id, signal.SIGCONT)

    assert process_id in refusal.value.details["processes"]
    assert postmaster(server) == process_id


def test_a_server_whose_socket_was_removed_can_be_stopped_and_started(server: EmbeddedServer) -> None:
    server.ensure()
    (server.socket_folder / ".s.PGSQL.5432").unlink()

    stopped = server.stop()
    server.ensure()

    assert stopped
    assert server.is_running()


@pytest.mark.parametrize("name", ['it\'s "a" $HOME `id` \\ ü', "a,b"])
def test_any_folder_name_will_do(make_server: Callable[..., EmbeddedServer], open_folder: Path, name: str) -> None:
    server = make_server(open_folder / name)

    server.ensure()

    assert ask(server, "SELECT 1") == 1
    assert server.log_file.exists()
    assert (server.root in server.socket_folder.parents) == ("," not in name), "for libpq a comma ends the path"


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder_until_it_is_stopped(
    server_in: Callable[[Path], EmbeddedServer], tmp_path: Path
) -> None:
    server = server_in(tmp_path / ("x" * 60) / ("y" * 60))

    server.ensure()

    assert ask(server, "SELECT 1") == 1
    assert server.root not in server.socket_folder.parents
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert server.stop()
    assert not server.socket_folder.exists()


def test_a_short_folder_open_to_others_is_not_used(server_in: Callable[[Path], EmbeddedServer], tmp_path: Path) -> None:
    server = server_in(tmp_path / ("x" * 60) / ("y" * 60))
    server.socket_folder.mkdir()
    server.socket_folder.chmod(0o777)

    with pytest.raises(Unavailable, match="belongs to another user or is open to others"):
        server.ensure()


def test_a_server_is_found_in_a_folder_that_was_moved(
    server: EmbeddedServer, make_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server.ensure()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    moved = make_server(server.root.rename(tmp_path / "moved"))

    moved.ensure()

    assert ask(moved, "SELECT number FROM kept") == 7


def test_a_setting_of_the_person_survives_a_restart(server: EmbeddedServer) -> None:
    server.ensure()
    with connect(server) as connection:
        connection.execute("ALTER SYSTEM SET work_mem = '7MB'")
    server.stop()

    server.ensure()

    assert ask(server, "SHOW work_mem") == "7MB"


def test_a_data_folder_of_another_major_version_is_refused_naming_both(new_server: EmbeddedServer) -> None:
    new_server.data.mkdir(parents=True)
    (new_server.data / "PG_VERSION").write_text("12\n")

    with pytest.raises(Unavailable, match=r"made by PostgreSQL 12, but on this machine there is: .*1[5-9]") as refusal:
        new_server.ensure()

    assert "PostgreSQL 12" in refusal.value.next_step
    assert [file.name for file in new_server.data.iterdir()] == ["PG_VERSION"]


def test_a_given_bin_folder_without_a_server_is_refused_and_nothing_else_is_taken(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "ledger", bin_folder=tmp_path)

    with pytest.raises(Unavailable, match=f"no PostgreSQL server 15 or newer in {tmp_path}"):
        server.ensure()


def test_a_data_folder_with_other_files_in_it_is_left_alone(new_server: EmbeddedServer) -> None:
    new_server.data.mkdir(parents=True)
    (new_server.data / "letter.txt").write_text("dear")

    with pytest.raises(Unavailable, match="is no PostgreSQL data folder"):
        new_server.ensure()

    assert (new_server.data / "letter.txt").read_text() == "dear"


def test_a_root_that_cannot_be_a_folder_is_refused_naming_path_and_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match=r"ledger \(LEDGER_PGDATA\)") as refusal:
        EmbeddedServer(tmp_path / "file" / "ledger").ensure()

    assert "LEDGER_PGDATA" in refusal.value.next_step


def test_a_start_that_fails_says_what_the_log_says_last(server: EmbeddedServer) -> None:
    server.ensure()
    server.stop()
    with (server.data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")

    with pytest.raises(Unavailable, match="unrecognized configuration parameter"):
        server.ensure()


def test_conninfo_leads_libpq_to_the_socket_whatever_the_environment_says(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGHOST": "nowhere.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1"}.items():
        monkeypatch.setenv(name, value)
    server.ensure()
    with connect(server) as connection:
        connection.execute('CREATE ROLE "o\'hara \\ x" LOGIN')

    with psycopg.connect(server.conninfo("o'hara \\ x", "postgres")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("o'hara \\ x",)


def test_stop_refuses_while_another_client_is_connected(server: EmbeddedServer) -> None:
    server.ensure()

    with connect(server) as connection:
        stopped = server.stop()

        assert not stopped
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stop_ends_every_process_and_says_false_when_there_is_none(new_server: EmbeddedServer) -> None:
    before_first_use = new_server.stop()
    new_server.ensure()

    answers = [before_first_use, new_server.stop(), new_server.stop()]

    assert answers == [False, True, False]
    assert not new_server.is_running()
    assert existing(new_server) == []


@pytest.mark.skipif(not AS_ROOT, reason="the other tests already run as a normal user")
def test_a_normal_user_gets_a_server(open_folder: Path, make_server: Callable[..., EmbeddedServer]) -> None:
    home = folder_of_nobody(open_folder)
    server = make_server(home / "ledger")

    answer = as_nobody(ENSURE, server.root)

    assert answer.returncode == 0, answer.stderr
    assert psutil.Process(int(answer.stdout)).uids().effective == home.stat().st_uid
    assert ask(server, "SELECT 1") == 1  # root shares the server of the folder's owner


@pytest.mark.skipif(not AS_ROOT, reason="only root can be another user")
def test_a_normal_user_without_the_right_to_write_is_refused_naming_path_and_setting(open_folder: Path) -> None:
    answer = as_nobody(ENSURE, open_folder / "ledger")

    assert f"cannot keep an embedded server in {open_folder}/ledger (LEDGER_PGDATA)" in answer.stderr
    assert "Unavailable" in answer.stderr


@pytest.mark.skipif(not AS_ROOT, reason="only root must leave its account")
@pytest.mark.skipif(not binaries_are_open(), reason="the binaries lie in a folder that other accounts may not enter")
def test_root_without_user_namespaces_runs_the_server_as_another_account(
    open_folder: Path, make_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without_unshare(open_folder))
    server = make_server(open_folder / "ledger")

    server.ensure()

    assert psutil.Process(postmaster(server)).uids().effective == server.data.stat().st_uid != 0
    assert ask(server, "SELECT 1") == 1
    assert server.stop()


@pytest.mark.skipif(not AS_ROOT, reason="only root must leave its account")
def test_root_is_refused_rather_than_a_private_folder_opened(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without_unshare(open_folder))
    private = open_folder / "private"
    private.mkdir(mode=0o700)

    with pytest.raises(Unavailable, match="does not run as root"):
        EmbeddedServer(private / "ledger").ensure()

    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def python(code: str, root: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def python_that_stays(server: EmbeddedServer) -> tuple[subprocess.Popen[str], int]:
    """A process, leader of its own session, that has started the server; and the server's process id."""
    starter = python(ENSURE_AND_STAY, server.root, start_new_session=True)
    assert starter.stdout is not None
    return starter, int(starter.stdout.readline())


def as_nobody(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    import pwd

    nobody = pwd.getpwnam("nobody")
    paths = os.pathsep.join([str(PROJECT), *(path for path in sys.path if "site-packages" in path)])
    identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": paths, "HOME": str(root.parent)}
    options: dict[str, Any] = {
        "env": environment,
        "cwd": "/",
        "text": True,
        "capture_output": True,
        "timeout": 60,
        **identity,
    }
    # a root's Python in a private home is out of reach, the system's may be of another version: take one that works
    for interpreter in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3"):
        try:
            if subprocess.run([interpreter, "-c", "import psycopg, psutil, ledger"], **options).returncode == 0:
                return subprocess.run([interpreter, "-c", code, str(root)], **options)
        except OSError:
            continue
    pytest.skip("nobody can run no Python that has the dependencies")


def folder_of_nobody(parent: Path) -> Path:
    import pwd

    nobody = pwd.getpwnam("nobody")
    home = parent / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return home


def path_without_unshare(parent: Path) -> str:
    tools = parent / "tools"
    tools.mkdir()
    for tool in ("test", "true", "sleep"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    return str(tools)


def connect(server: EmbeddedServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.conninfo("postgres", "postgres"), connect_timeout=10, autocommit=True)


def ask(server: EmbeddedServer, question: LiteralString) -> object:
    with connect(server) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def existing(server: EmbeddedServer) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, FileNotFoundError):  # one that ends meanwhile has a name longer than a folder
            if process.name() == "postgres" and process.cwd() == str(server.data):
                found.append(process.pid)
    return found


def end_server(server: EmbeddedServer) -> None:
    """Stops it in order, else by force: after a failed test, clients may still be connected."""
    try:
        server.stop()
    except Unavailable as problem:
        print(problem)
    for process_id in existing(server):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(process_id, signal.SIGKILL)
    until(lambda: not existing(server))
    if server.root not in server.socket_folder.parents and server.socket_folder.exists():
        for file in server.socket_folder.iterdir():
            file.unlink()
        server.socket_folder.rmdir()


def note_failure(action: Callable[[], None], failures: list[Exception]) -> None:
    try:
        action()
    except Exception as failure:
        failures.append(failure)


def seconds_of(action: Callable[[], None]) -> float:
    before = time.perf_counter()
    action()
    return time.perf_counter() - before
