"""Commands that the warm process runs end, answer and work as those that start by themselves."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from projections.application.activity import FILE, lines
from projections.cli.warm import lifecycle, place
from tests.support import forked
from tests.support.terminal import Terminal, usual_signals
from tests.support.waits import until, until_ended

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command starts by itself"),
]

ROOT = Path(__file__).parents[2]
PROGRAM = "from projections.cli.program import program\nprogram()\n"
HURRIED = f"from projections.cli.warm import client\nclient.SECONDS = 0.3\n{PROGRAM}"  # for one that is frozen
SECONDS = 60


class Commands:
    """Runs the console script on the embedded server, in a project of its own."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.sockets = server.root / place.FOLDER
        self.project, self.home = folder / "project", folder / "home"
        self.project.mkdir()
        identity.create(self.project)
        self.script = folder / "tracking-ledger"
        self.script.write_text(PROGRAM)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        self.environment = kept | {
            "PYTHONPATH": str(ROOT),
            "LEDGER_PGDATA": str(server.root),
            "LEDGER_HOME": str(self.home),
            "LEDGER_BY": "tester",
        }

    def begin(self, *words: str, cwd: Path | None = None, **how: Any) -> subprocess.Popen[str]:
        """A command whose input stays open."""
        variables = self.environment | how.pop("env", {})
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | how
        words = (sys.executable, str(self.script), *words)
        job = {"process_group": 0, "preexec_fn": usual_signals}  # of this session, so that it can be stopped
        return subprocess.Popen(words, env=variables, cwd=cwd or self.project, text=True, **job, **streams)

    def run(self, *words: str, input: str = "", **how: Any) -> tuple[int, str, str]:
        """Exit code and both outputs of a command; it must be run by the warm process."""
        with self.begin(*words, **how) as process:
            out, errors = process.communicate(input, SECONDS)
        assert self.last_process() != process.pid
        return process.returncode, out, errors

    def run_alone(self, *words: str, **variables: str) -> tuple[int, str, str]:
        """As `run`, of a command that starts by itself."""
        with self.begin(*words, env=variables) as process:
            out, errors = process.communicate("", SECONDS)
        assert self.last_process() == process.pid
        return process.returncode, out, errors

    def last_process(self) -> int:
        """Which one wrote the newest line of the activity log."""
        (folder,) = (file.parent for file in self.home.rglob(FILE))
        return list(lines(folder))[-1].pid

    def add(self, title: str) -> str:
        return self.run("add", title)[1].split()[0]

    def listening(self) -> int:
        """How many sockets there are: each is there once its process has loaded the program."""
        return sum(file.is_socket() and not file.suffix for file in self.sockets.iterdir())

    def warm(self) -> list[int]:
        return lifecycle.processes(self.sockets)

    def stop(self) -> None:
        until_ended(*map(psutil.Process, lifecycle.stop(self.sockets)))


@pytest.fixture(scope="module")
def on_one_server(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    commands = Commands(server, tmp_path_factory.mktemp("warm"))
    yield commands
    commands.stop()


@pytest.fixture
def commands(on_one_server: Commands) -> Commands:
    """With one warm process, which a command started, whatever the test before it has left."""
    while len(on_one_server.warm()) != 1:  # one that a command of that test has started may come only now
        on_one_server.stop()
        with on_one_server.begin("list") as process:
            process.communicate("", SECONDS)
        until(lambda: len(on_one_server.warm()) >= 1)
    return on_one_server


@pytest.fixture
def ref(commands: Commands) -> str:
    return commands.add("Some words")


LINES = (
    "show {ref}",
    "show {ref} --json",
    "show w-00000",
    "show w-00000 --json",
    "list --tag nothing",
    "list --nonsense",
    "search words",
    "history {ref} --json",
    "log --json",
    "vendors --json",
    "edit {ref}",
    "edit {ref} -p 9",
    "start -",
    "call no_such_operation",
)


@pytest.mark.parametrize("words", LINES)
def test_a_command_answers_and_ends_as_one_that_starts_by_itself(commands: Commands, ref: str, words: str) -> None:
    given = words.format(ref=ref).split()
    alone = forked.run(*given, env=commands.environment, cwd=commands.project)

    with commands.begin(*given) as process:
        out, errors = process.communicate("", SECONDS)

    assert (process.returncode, out, errors) == (alone.returncode, alone.stdout, alone.stderr)


def test_a_command_has_its_own_folder_variables_mask_input_and_descriptors(commands: Commands, ref: str) -> None:
    inner = commands.project / "inner"
    inner.mkdir()
    reading, writing = os.pipe()
    os.write(writing, b'[{"op": "create", "item_type": "task", "title": "Through a descriptor"}]')
    os.close(writing)

    code, out, errors = commands.run(*("edit", "-", "-p", "2"), input=ref, cwd=inner, env={"LEDGER_BY": "another"})
    given = commands.run("bulk", f"/dev/fd/{reading}", pass_fds=[reading])
    os.close(reading)
    commands.run("status", "--html", "--output", "report.html", cwd=inner, umask=0o027)

    assert (code, errors) == (0, "") and ref in out
    assert given[0] == 0
    assert commands.run("log", "--json")[1].count('"another"') == 1
    assert (inner / "report.html").stat().st_mode & 0o777 == 0o640


def test_a_command_whose_reader_has_gone_ends_by_the_signal_for_it(commands: Commands, ref: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with commands.begin("list", stdout=writing) as process:
        os.close(writing)
        _, errors = process.communicate("", SECONDS)

    assert (process.returncode, errors) == (-signal.SIGPIPE, "")


def test_ctrl_c_and_ctrl_z_reach_the_command(commands: Commands, ref: str) -> None:
    with commands.begin("done", "-") as process:
        child = running(commands, process)
        os.kill(process.pid, signal.SIGTSTP)
        until(lambda: child.status() == psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        os.kill(process.pid, signal.SIGCONT)
        until(lambda: child.status() == psutil.STATUS_SLEEPING)
        os.kill(process.pid, signal.SIGINT)
        process.wait(SECONDS)
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (130, "\n")


def test_a_terminal_is_seen_with_its_width(commands: Commands, ref: str) -> None:
    terminal = Terminal(
        sys.executable, str(commands.script), "list", env=commands.environment | {"COLUMNS": "30"}, cwd=commands.project
    )
    try:
        assert terminal.shows("...")
    finally:
        terminal.close()


def test_a_killed_command_leaves_nothing_that_runs(commands: Commands) -> None:
    with commands.begin("done", "-") as process:
        child = running(commands, process)
        process.kill()

        until(lambda: not child.is_running())


def test_a_command_whose_warm_process_is_killed_says_that_its_end_is_unknown(commands: Commands) -> None:
    ref = commands.add("Kept")
    with commands.begin("done", "-") as process:
        running(commands, process)
        (warm,) = commands.warm()
        os.kill(warm, signal.SIGKILL)
        _, errors = process.communicate(ref, SECONDS)

    stale = set(commands.sockets.iterdir())
    shown = commands.run_alone("show", ref)  # nothing listens: it starts by itself, and the next process with it
    until(commands.warm)
    assert (process.returncode, errors[:8]) == (7, "unknown:")
    assert "completed" in shown[1]
    assert set(commands.sockets.iterdir()) == stale


def test_a_frozen_warm_process_runs_nothing_when_it_wakes(commands: Commands) -> None:
    (warm,) = map(psutil.Process, commands.warm())
    warm.suspend()
    commands.script.write_text(HURRIED)
    try:
        commands.run_alone("add", "Only once")
    finally:
        warm.resume()
        commands.script.write_text(PROGRAM)

    until_ended(warm)
    with commands.begin("list", "--json") as process:  # warm or alone: the next one may have seen the old one wake
        out, _ = process.communicate("", SECONDS)
    assert out.count("Only once") == 1


def test_a_command_that_is_asked_to_starts_by_itself(commands: Commands) -> None:
    assert commands.run_alone("list", LEDGER_WARM="off")[0] == 0


def test_a_folder_that_others_may_enter_is_not_used(commands: Commands) -> None:
    commands.sockets.chmod(0o755)
    try:
        assert commands.run_alone("list")[0] == 0
    finally:
        commands.sockets.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_refused_and_believed_neither(commands: Commands) -> None:
    until(commands.listening)
    name = next(file.name for file in commands.sockets.iterdir() if file.is_socket() and not file.suffix)
    directory = place.opened(str(commands.sockets))

    address = place.address(directory, name)

    def as_another(ask: Callable[[], object]) -> str:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                os.setuid(65534)
                os.write(writing, repr(ask()).encode())
            except BaseException as error:
                os.write(writing, repr(error).encode())
            os._exit(0)
        os.waitpid(process, 0)
        os.close(writing)
        with open(reading) as said:  # noqa: PTH123
            return said.read()

    def greeting() -> bytes:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        return connection.recv(10)

    commands.sockets.chmod(0o755)
    (commands.sockets / name).chmod(0o777)
    try:
        believed, answered = as_another(lambda: place.connected(directory, name, 5)), as_another(greeting)
    finally:
        commands.sockets.chmod(0o700)
        os.close(directory)
    assert "belongs to user 0" in believed
    assert answered == "b''"


def test_the_warm_process_has_one_thread_and_nothing_open_but_its_socket(commands: Commands) -> None:
    (warm,) = commands.warm()
    folder = commands.sockets

    def opened() -> list[str]:
        files = Path(f"/proc/{warm}/fd")
        try:
            return sorted(str(file.readlink()).partition(":")[0] for file in files.iterdir())
        except FileNotFoundError:  # closed meanwhile
            return []

    until(lambda: opened() == ["/dev/null", "/dev/null", str(folder), str(folder / place.LOG), "socket"])

    assert psutil.Process(warm).num_threads() == 1
    assert (folder / place.LOG).read_bytes() == b""


def test_what_is_loaded_for_another_surrounding_is_not_used(commands: Commands) -> None:
    (warm,) = commands.warm()

    commands.run_alone("list", TZ="Asia/Tokyo")
    until(lambda: commands.listening() == 2)
    code, _, _ = commands.run("list", env={"TZ": "Asia/Tokyo"})

    assert code == 0
    assert warm in commands.warm()


def test_doctor_names_the_warm_processes_and_they_end_when_they_are_stopped(commands: Commands) -> None:
    warm = commands.warm()
    shown = forked.run("doctor", "--json", env=commands.environment, cwd=commands.project)

    stopped = lifecycle.stop(commands.sockets)
    until_ended(*map(psutil.Process, warm))

    assert json.loads(shown.stdout)["program"]["warm_processes"] == warm == stopped
    assert commands.warm() == []


def running(commands: Commands, command: subprocess.Popen[str]) -> psutil.Process:
    """The forked process, once it reads its input."""
    assert command.stdin is not None
    command.stdin.write("\n")
    command.stdin.flush()
    until(lambda: int.from_bytes(fcntl.ioctl(command.stdin, termios.FIONREAD, bytes(4)), sys.byteorder) == 0)
    (warm,) = commands.warm()
    (child,) = [child for child in psutil.Process(warm).children() if _has_a_group(child.pid)]
    return child


def _has_a_group(process: int) -> bool:
    """Whether it runs a command; others only see whether one listens, and end at once."""
    try:
        return os.getpgid(process) == process
    except ProcessLookupError:
        return False
