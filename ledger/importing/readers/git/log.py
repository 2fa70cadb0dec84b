"""The commits of a git repository, children before parents, as one stream from one `git log`.

No message can be larger than LONGEST_MESSAGE in memory.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from msgspec import Struct

from ledger.importing.readers.git_output import git_output

LONGEST_MESSAGE = 64 * 2**10  # bytes; what stands beyond is left out
CHUNK = 2**20
FIELDS = ("%H", "%P", "%an", "%at", "%cn", "%ct", "%D", "%B")  # none can hold a NUL
USUAL = ("main", "master", "trunk")  # names of a default branch, where the repository names none
GRAFTED = "grafted"  # git's own word for a commit at the edge of a shallow clone

_LOG = (
    *("log", "--topo-order", "-z", "--format=" + "%x00".join(FIELDS), "--encoding=UTF-8"),
    *("--no-color", "--no-patch", "--no-ext-diff", "--no-textconv", "--no-notes", "--no-show-signature"),
    *("--no-mailmap", "--decorate=full", "--decorate-refs=refs/heads/*", "--decorate-refs=refs/remotes/*"),
    *("--decorate-refs=HEAD", "--exclude=refs/stash", "--exclude=refs/notes/*", "--exclude=refs/original/*", "--all"),
)
_REFS = ("for-each-ref", "--format=%(HEAD)%00%(refname)%00%(symref)", "refs/heads", "refs/remotes")


class Commit(Struct, frozen=True, kw_only=True):
    """One commit. Times are seconds since 1970 as git has them; `branches` are those whose tip it is, without remote.

    `landing` says that it is the tip of the default branch, `checked_out` which of them HEAD is on; `whole` is false
    for a message that was cut, `readable` for one that is not UTF-8.
    """

    hash: str
    parents: tuple[str, ...] = ()
    author: str = ""
    authored: int | None = None
    committer: str = ""
    committed: int | None = None
    branches: tuple[str, ...] = ()
    landing: bool = False
    checked_out: str | None = None
    grafted: bool = False
    message: str = ""
    whole: bool = True
    readable: bool = True


def commits(repository: Path) -> Iterator[Commit]:
    """Every commit that a branch, a tag or HEAD reaches. Invalid for a folder that is no repository or cannot be read.

    The default branch is the one the remote calls so, else main, master or trunk, else what is checked out.
    """
    default = _default_branch(repository)
    with git_output(repository, _LOG) as output:
        fields = _fields(output)
        while len(record := tuple(islice(fields, len(FIELDS)))) == len(FIELDS):
            yield _commit(record, default)


def moment(seconds: int | None) -> datetime | None:
    """The time git has, if it is one that a calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _default_branch(repository: Path) -> frozenset[str]:
    """The full names of the refs at whose tips work has landed."""
    with git_output(repository, _REFS) as output:
        lines = [line.split("\0") for line in output.read().decode(errors="replace").splitlines()]
    names = {name for _, name, symbolic in lines if not symbolic}
    lines.sort(key=lambda line: line[1] != "refs/remotes/origin/HEAD")
    remote = [symbolic for _, _, symbolic in lines if symbolic]
    usual = [f"{place}{name}" for name in USUAL for place in ("refs/heads/", "refs/remotes/origin/")]
    current = [name for star, name, _ in lines if star == "*"]
    chosen = next((name for name in (*remote, *usual, *current) if name in names), None)
    if chosen is None:
        return frozenset({"HEAD"})
    return frozenset({chosen, f"refs/heads/{_short(chosen)}"})


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := output.read(CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
        rest = rest[: LONGEST_MESSAGE + 1]


def _commit(record: tuple[bytes, ...], default: frozenset[str]) -> Commit:
    hash, parents, author, authored, committer, committed, refs, message = record
    text = message[:LONGEST_MESSAGE].decode(errors="replace")
    names = _names(refs) if refs else ()
    return Commit(
        hash=hash.decode(),
        parents=tuple(parents.decode().split()),
        author=author.decode(errors="replace"),
        authored=_integer(authored),
        committer=committer.decode(errors="replace"),
        committed=_integer(committed),
        branches=tuple(dict.fromkeys(_short(name) for name in names if name.startswith("refs/"))) if names else (),
        landing=bool(names) and not default.isdisjoint(names),
        checked_out=_checked_out(refs),
        grafted=GRAFTED in names,
        message=text,
        whole=len(message) <= LONGEST_MESSAGE,
        readable="\ufffd" not in text or "\ufffd".encode() in message,
    )


def _names(refs: bytes) -> tuple[str, ...]:
    """`HEAD -> refs/heads/main, refs/remotes/origin/main`: no ref has a blank in its name."""
    names = (name for part in refs.decode(errors="replace").split(", ") for name in part.split(" -> "))
    return tuple(name for name in names if not name.endswith("/HEAD"))


def _checked_out(refs: bytes) -> str | None:
    head = next((part for part in refs.split(b", ") if part.startswith(b"HEAD -> ")), None)
    return _short(head.removeprefix(b"HEAD -> ").decode(errors="replace")) if head else None


def _short(ref: str) -> str:
    """
    >>> _short("refs/heads/feature/search"), _short("refs/remotes/origin/feature/search")
    ('feature/search', 'feature/search')
    """
    place, name = ref.removeprefix("refs/").split("/", 1)
    return name.split("/", 1)[-1] if place == "remotes" else name


def _integer(seconds: bytes) -> int | None:
    try:
        return int(seconds)
    except ValueError:
        return None
