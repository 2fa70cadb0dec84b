"""Where a warm process listens, and what a command must have in common with it.

A command's own process imports this before anything else, so it imports next to nothing.
"""

import os
import socket
import sys
import zlib
from collections.abc import Iterator, Mapping

FOLDER = "warm"  # beside the data of the embedded server
LOG = "log"
CODE = ("ledger", "projections")
BESIDE = "sql"  # in a checkout; an installed program has it in `ledger`
# what Python, the C library and the driver look at while they start or are loaded
AT_START = (
    *("PYTHON", "LC_", "LANG", "TZ", "HOME"),
    *("LD_", "MALLOC_", "GLIBC_", "LOCPATH", "NLSPATH", "PSYCOPG_", "OPENSSL_"),
)
NAMESPACES = ("mnt", "net", "pid", "user", "uts", "ipc")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_CREDENTIALS = 12  # bytes: process, user, group


def folder(environment: Mapping[str, str] = os.environ) -> str:
    """The folder of the sockets. Where it is follows from where the embedded server is, so the two go together."""
    given = environment.get("LEDGER_PGDATA", "").strip()
    data = environment.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")
    root = os.path.expanduser(given) if given else os.path.join(data, "tracking-ledger", "postgres")
    return os.path.join(os.path.realpath(root), FOLDER)


def key() -> bytes:
    """All that a forked process cannot take over from the command that it runs: what was loaded, and by whom.

    Raises OSError where the system does not say it.
    """
    with open("/proc/self/limits", encoding="ascii") as file:
        limits = file.read()
    namespaces = [os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES]
    users = (os.getresuid(), os.getresgid(), sorted(os.getgroups()), os.getpriority(os.PRIO_PROCESS, 0))
    root = os.stat("/")
    parts = (sys.version, _variables(os.environ), users, limits, namespaces, root.st_dev, root.st_ino, *_code())
    return repr(parts).encode("utf-8", "surrogateescape")


def is_current(before: bytes) -> bool:
    """Whether a process of this key may still run commands; not while its program is replaced."""
    try:
        return key() == before
    except OSError:
        return False


def name(of: bytes) -> str:
    """The socket's name in the folder. The process compares the whole key, so two of one name do no harm."""
    return f"{zlib.crc32(of):08x}"


def needed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a warm process is started with; a command brings its own."""
    return {name: environment[name] for name in environment if name.startswith(AT_START)}


def opened(path: str) -> int:
    """A descriptor of the folder. Raises OSError if it is another user's, or open to others."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        os.close(descriptor)
        raise PermissionError(f"{path} belongs to another user, or is open to others")
    return descriptor


def address(directory: int, name: str) -> str:
    """The path of a socket in an open folder, however long the folder's own is."""
    return f"/proc/self/fd/{directory}/{name}"


def connected(directory: int, name: str, seconds: float) -> socket.socket:
    """A connection to the process that listens there. Raises OSError if there is none of this user."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(address(directory, name))
        peer(connection)
    except OSError:
        connection.close()
        raise
    return connection


def peer(connection: socket.socket) -> int:
    """The process at the other end. Raises OSError if it is another user's."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
    process, user = (int.from_bytes(credentials[at : at + 4], sys.byteorder) for at in (0, 4))
    if user != os.geteuid():
        raise PermissionError(f"process {process} belongs to user {user}")
    return process


def _variables(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(needed(environment).items())


def _code() -> Iterator[object]:
    """The interpreter, the folders of libraries, and each file of the program."""
    yield _state(os.stat(sys.executable))
    for place in sys.path:
        if place.endswith("-packages") and os.path.isdir(place):
            yield place, os.stat(place).st_mtime_ns
    for package in CODE:
        yield sorted(_files(os.path.join(ROOT, package)))
    if os.path.isdir(beside := os.path.join(ROOT, BESIDE)):
        yield sorted(_files(beside))


def _files(path: str) -> Iterator[tuple[str, object]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                yield entry.path, _state(entry.stat())


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino
