"""Small git repositories, written commit by commit as a `git fast-import` stream."""

import subprocess
from pathlib import Path

DAY = 86_400
START = 1_770_000_000  # seconds; 2 February 2026


class Repository:
    """Commits get one day each, so that times tell the order; `commit` answers a mark for others to have as parent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stream: list[bytes] = []
        self._marks = 0

    def commit(
        self,
        message: str | bytes,
        *parents: int,
        on: str = "main",
        author: str = "Ann",
        committer: str | None = None,
        at: int | None = None,
        committed: int | None = None,
    ) -> int:
        """`on` is the branch that stands here now."""
        self._marks += 1
        at = START + self._marks * DAY if at is None else at
        committed = at if committed is None else committed
        data = message.encode() if isinstance(message, str) else message
        lines = [
            f"commit refs/heads/{on}",
            f"mark :{self._marks}",
            f"author {author} <a@example.org> {at} +0100",
            f"committer {committer or author} <c@example.org> {committed} +0000",
            f"data {len(data)}",
        ]
        self._stream += ["\n".join(lines).encode(), data]
        self._stream += [f"{'merge' if place else 'from'} :{parent}".encode() for place, parent in enumerate(parents)]
        return self._marks

    def branch(self, name: str, at: int) -> None:
        self._stream.append(f"reset refs/heads/{name}\nfrom :{at}\n".encode())

    def remove(self, name: str) -> None:
        """The branch goes; what is merged of it stays."""
        self._stream.append(f"reset refs/heads/{name}\nfrom {'0' * 40}\n".encode())

    def write(self) -> "Repository":
        """Makes the folder a repository of these commits, with main checked out; an existing one is replaced."""
        self.folder.mkdir(parents=True, exist_ok=True)
        git(self.folder, "init", "--quiet", "--initial-branch=main")
        git(self.folder, "fast-import", "--quiet", "--force", stdin=b"\n".join([*self._stream, b""]))
        return self

    def hashes(self) -> dict[str, str]:
        """The hash of every commit by its subject."""
        lines = git(self.folder, "log", "--all", "--format=%H %s").splitlines()
        return {subject: hash for hash, _, subject in (line.partition(" ") for line in lines)}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=stdin, capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def commit_all(project: Path, message: str = "chore: keep the ledger") -> None:
    """Commits whatever lies in a project, which becomes a repository by it."""
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
        git(project, "-c", "user.name=ada", "-c", "user.email=ada@example.org", *arguments)
