"""The database of vibe-kanban, a SQLite file: its tasks with their projects, and the branches that were made for them.

A task is known by its UUID. One that was begun from an attempt at another task lies below that one. The file is opened
for reading only.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger.importing.readers.reading import Reading, time_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text.json_text import as_storable
from ledger.importing.readers.text_lines import unreadable

SOURCE = "vibe-kanban"
MAGIC = "SQLite format 3\0"
NEEDED = {"id", "project_id", "title", "status", "created_at"}  # columns of its tasks
ATTEMPTS = ("workspaces", "task_attempts")  # how newer and older versions call the attempts at a task
ABOVE = ("parent_workspace_id", "parent_task_attempt", "parent_task_id")
ATTEMPT = ("workspace_id", "task_attempt_id")  # the columns of a merge that name the attempt
MERGED = {"metadata.merges": ("table merges", "table attempts")}
FILES = ("db.sqlite", "db.v2.sqlite")
MOST_TABLES = 8  # named of a database of another kind
WAIT = 2  # seconds for a program that writes at the moment
SAID_BY = {
    "title": ("title",),
    "status": ("status",),
    "description": ("description",),
    "parent_id": ABOVE,
    "links": ABOVE,
    "metadata.source_updated_at": ("updated_at",),
    "metadata.project": ("table projects",),
    "metadata.branch": ("table attempts",),
    "metadata.branches": ("table attempts",),
    **{f"metadata.{column}": ABOVE for column in ABOVE},
}
_UUID_BYTES = 16


def recognises(sample: Sample) -> bool:
    """Recognised by the first bytes of the file, and the columns of its table of tasks."""
    if not sample.text.startswith(MAGIC):
        return False
    try:
        with closing(_opened(sample.path)) as database:
            return sample.path.name in FILES or _columns(database, "tasks") >= NEEDED
    except sqlite3.Error:
        return sample.path.name in FILES  # as for one with other tables, its reader says why it cannot be read


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    if not path.is_file():
        raise unreadable(path, None, "cannot be read: it is no file", "name vibe-kanban's db.sqlite or db.v2.sqlite")
    try:
        with closing(_opened(path)) as database:
            _check_columns(database, path)
            board = _Board(database)
    except sqlite3.OperationalError as error:
        raise unreadable(
            path, None, f"cannot be read now: {error}", "end vibe-kanban, or import a copy of its database"
        ) from error
    except sqlite3.Error as error:
        raise unreadable(path, None, f"cannot be read as a SQLite database: {error}") from error
    for place, task in enumerate(board.tasks, 1):
        number = task.pop("id", None)
        if isinstance(number, str):
            yield _Task(number, task | board.more_of(number, task), reading).item(board)
        else:
            left_out(reading, "no_id", f"row {place} of tasks")


read = reader(SOURCE, "vibe-kanban task", records)


class _Board:
    """What one task may have to know of the others, of its project and of the attempts at it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        attempts = next((name for name in ATTEMPTS if _columns(database, name)), None)
        tables = {"projects": "projects", "attempts": attempts, "merges": "merges"}
        there = {name for name, table in tables.items() if table and _columns(database, table)}
        self.names = _columns(database, "tasks") | {f"table {name}" for name in there}
        self.tasks = _rows(database, "tasks")
        self._projects = {str(row.get("id")): row.get("name") for row in _rows(database, "projects")}
        made = sorted(_rows(database, attempts) if attempts else [], key=lambda row: str(row.get("created_at") or ""))
        self._branches: dict[str, list[str]] = {}
        for row in made:
            if row.get("branch"):
                self._branches.setdefault(str(row.get("task_id")), []).append(str(row["branch"]))
        self.task_of = {str(row.get("id")): str(row.get("task_id")) for row in made}
        self._merges: dict[str, list[Fields]] = {}
        for row in _rows(database, "merges"):
            attempt = next((row[column] for column in ATTEMPT if row.get(column)), None)
            fields = {name: value for name, value in row.items() if value is not None and name not in ("id", *ATTEMPT)}
            self._merges.setdefault(self.task_of.get(str(attempt), ""), []).append(fields)

    def more_of(self, number: str, task: Fields) -> Fields:
        """The branch of the newest attempt, those of all where they are several, and what came of them."""
        found = self._branches.get(number, [])
        return {
            "branch": found[-1] if found else None,
            "branches": found if found[1:] else None,
            "merges": self._merges.get(number),
            "project": self._projects.get(str(task.get("project_id"))),
        }


class _Task(Record):
    """One task on its way."""

    def item(self, board: _Board) -> SourceItem:
        rest = self.rest
        parent = self._parent(board)
        links = (SourceLink(kind="parent", to=parent, word="attempt"),) if parent and parent != self.name else ()
        return SourceItem(
            id=self.name,
            title=self.text("title") or "",
            status=self.text("status") or "",
            description=self.text("description"),
            created_at=self._moment("created_at"),
            changed_at=self._moment("updated_at"),
            links=links,
            stated=self.stated(board.names, SAID_BY, all_of=MERGED),
            more={name: value for name, value in rest.items() if value not in (None, "")},
            kept=self.own,
        )

    def _parent(self, board: _Board) -> str | None:
        """The task whose attempt is named. An attempt that is not in the file says nothing of it."""
        column = next((column for column in ABOVE if self.rest.get(column)), None)
        if column is None:
            return None
        above = str(self.rest[column])
        if above not in board.task_of and column != "parent_task_id":
            self.unread.update(ABOVE)
            self.warn("link_kept_as_text", f" -> {above} ({column})")
            return None
        return board.task_of.get(above, above)

    def _moment(self, column: str) -> Any:
        """SQLite's `datetime('now')`, which is UTC."""
        written = str(self.rest.get(column) or "")
        moment = time_of(f"{written.replace(' ', 'T')}Z") or time_of(written)
        if moment is not None:
            del self.rest[column]
        elif written:
            self.warn("time_not_understood", f": {column}")
        return moment


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT)


def _check_columns(database: sqlite3.Connection, path: Path) -> None:
    found = _columns(database, "tasks")
    if not found:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        there = [name for (name,) in tables]
        other = f": its tables are {', '.join(there[:MOST_TABLES])}" if there else ": it is empty"
        raise unreadable(
            path,
            None,
            f"holds no table `tasks` of vibe-kanban's{other}{', ...' if there[MOST_TABLES:] else ''}",
            "name its db.sqlite or db.v2.sqlite; a version or a fork with other tables is not known here",
        )
    if missing := NEEDED - found:
        raise unreadable(
            path,
            None,
            f"has a table of tasks without {', '.join(sorted(missing))}: it is of a version that is not known",
            "name the database of vibe-kanban that has its tasks",
        )


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[0] for row in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _rows(database: sqlite3.Connection, table: str) -> list[Fields]:
    """All rows of a table of those named above; none where it is not there."""
    if not _columns(database, table):
        return []
    found = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (the name is one of ours)
    names = [column[0] for column in found.description]
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in found]


def _plain(value: Any) -> Any:
    """A UUID as its text, other bytes in hexadecimal."""
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == _UUID_BYTES else value.hex()
    return as_storable(value)[0]
