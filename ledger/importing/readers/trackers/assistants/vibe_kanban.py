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
from ledger.importing.readers.text.json_text import as_storable
from ledger.importing.readers.text_lines import unreadable

SOURCE = "vibe-kanban"
MAGIC = "SQLite format 3\0"
NEEDED = {"id", "project_id", "title", "status", "created_at"}  # columns of its tasks
ATTEMPTS = ("workspaces", "task_attempts")  # how newer and older versions call the attempts at a task
ABOVE = ("parent_workspace_id", "parent_task_attempt", "parent_task_id")
_UUID_BYTES = 16

Fields = dict[str, Any]


def recognises(sample: Sample) -> bool:
    """By the first bytes of the file, and the columns of its table of tasks."""
    if not sample.text.startswith(MAGIC):
        return False
    try:
        with closing(_opened(sample.path)) as database:
            return _columns(database, "tasks") >= NEEDED
    except sqlite3.Error:
        return False


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    if not path.is_file():
        raise unreadable(path, None, "cannot be read: it is no file", "name vibe-kanban's db.sqlite or db.v2.sqlite")
    try:
        with closing(_opened(path)) as database:
            if not _columns(database, "tasks") >= NEEDED:
                raise unreadable(path, None, "holds no table of vibe-kanban's tasks")
            tasks, projects, attempts = (_rows(database, name) for name in ("tasks", "projects", _attempts(database)))
    except sqlite3.Error as error:
        raise unreadable(path, None, f"cannot be read as a SQLite database: {error}") from error
    names = {str(project.get("id")): project.get("name") for project in projects}
    task_of = {str(attempt.get("id")): str(attempt.get("task_id")) for attempt in attempts}
    branches = {str(attempt.get("task_id")): attempt.get("branch") for attempt in attempts}
    for place, task in enumerate(tasks, 1):
        number = task.pop("id", None)
        if isinstance(number, str):
            task["branch"] = branches.get(number)
            task["project"] = names.get(str(task.get("project_id")))
            yield _Task(number, task, reading).item(task_of)
        else:
            left_out(reading, "no_id", f"row {place} of tasks")


read = reader(SOURCE, "vibe-kanban task", records)


class _Task(Record):
    """One task on its way."""

    def item(self, task_of: dict[str, str]) -> SourceItem:
        rest = self.rest
        above = next((str(rest[column]) for column in ABOVE if rest.get(column)), None)
        parent = task_of.get(above, above) if above else None
        links = (SourceLink(kind="parent", to=parent, word="attempt"),) if parent and parent != self.name else ()
        return SourceItem(
            id=self.name,
            title=self.text("title") or "",
            status=self.text("status") or "",
            description=self.text("description"),
            created_at=self._moment("created_at"),
            changed_at=self._moment("updated_at"),
            links=links,
            more={name: value for name, value in rest.items() if value not in (None, "")},
            kept=self.own,
        )

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
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[0] for row in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _attempts(database: sqlite3.Connection) -> str:
    return next((name for name in ATTEMPTS if _columns(database, name)), ATTEMPTS[0])


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
