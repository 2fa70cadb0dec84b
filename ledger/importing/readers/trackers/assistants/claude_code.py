"""Claude Code's own tasks: a folder for each list, `~/.claude/tasks/LIST/`, and in it a file for each task, `7.json`.

A task is known by its list and number. The files say no times.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ledger.aggregates.work_item.commands import Stated
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading, inside
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample, names_in, sample_of
from ledger.importing.readers.source_item import SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text.json_text import as_storable, document, repeated_fields
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding

SOURCE = "claude-code"
MOST_LISTS = 100  # folders looked into to know what a folder is
ALWAYS = {  # what is written of every task
    "title": "subject",
    "description": "description",
    "status": "status",
    "links": "blockedBy",
}
_TASK = re.compile(r"\d+\.json")


def recognises(sample: Sample) -> bool:
    """Recognised by the words of a task in a numbered file, in the folder itself or in one of those in it."""
    if not sample.is_folder:
        return False
    folders = [sample.path, *(sample.path / name for name in sorted(sample.names)[:MOST_LISTS] if name.endswith("/"))]
    return any(_is_task(next(iter(_files(folder, sample_of(folder).names)), None)) for folder in folders)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    if not path.is_dir():
        raise unreadable(path, None, "is no folder of Claude Code's tasks", "name ~/.claude/tasks or a list in it")
    names = names_in(path)
    lists = [path] if _files(path, names) else [path / name for name in sorted(names) if (path / name).is_dir()]
    if not any(_files(folder, names_in(folder)) for folder in lists):
        raise unreadable(path, None, "holds no task of Claude Code", "name ~/.claude/tasks or a list in it")
    for folder in lists:
        yield from _list(folder, path, reading)


read = reader(SOURCE, "Claude Code task", records)


def _list(folder: Path, root: Path, reading: Reading) -> Iterator[SourceItem]:
    name = folder.resolve().name
    found: dict[str, Fields] = {}
    for file in _files(folder, names_in(folder)):
        try:
            inside(root, file.relative_to(root))
            whole, _ = document(file)
        except Invalid as error:
            left_out(reading, "cannot_be_read", f"{file.name} of {name}: {error.message}")
            continue
        record, problems = as_storable(whole)
        where = f"{name}/{file.stem}"
        reading.not_taken += [
            Finding("repeated_field", f"{where}: {as_storable(path)[0]}") for path in repeated_fields(whole)
        ]
        reading.warnings += [Finding(kind, f"{where}: {path}") for kind, path in problems]
        if not isinstance(record, dict) or not record.keys() & {"subject", "status"}:
            left_out(reading, "not_an_issue", where)
            continue
        number = str(record.get("id") or file.stem)
        if found.setdefault(number, record) is not record:
            left_out(reading, "repeated_id", f"{where} ({name}/{number})")
    held: dict[str, list[str]] = {}  # the blockers of each, as those name it that block it
    for number, record in found.items():
        for other in _numbers(record.get("blocks")):
            held.setdefault(other, []).append(number)
    for number, record in found.items():
        record.pop("id", None)
        yield _Task(f"{name}/{number}", record, reading).item(name, held.get(number, []), found.keys())


class _Task(Record):
    """One task on its way."""

    def item(self, name: str, held: list[str], present: Any) -> SourceItem:
        record = self.rest
        unstated = frozenset(ours for ours, name in ALWAYS.items() if name not in record)
        blockers = dict.fromkeys([*_numbers(record.pop("blockedBy", [])), *held])
        absent = [other for other in _numbers(record.pop("blocks", [])) if other not in present]
        if absent:
            record["blocks"] = absent
            self.warn("link_kept_as_text", f" -> {', '.join(absent)}")
        self.own["source_list"] = {"name": name}
        links = [SourceLink(kind="depends_on", to=f"{name}/{other}", word="blockedBy") for other in blockers]
        return SourceItem(
            id=self.name,
            title=self.text("subject") or "",
            status=self.text("status") or "",
            description=self.text("description"),
            assignee=self.text("owner"),
            links=tuple(links),
            stated=Stated(without=unstated),
            more={name: value for name, value in record.items() if value not in (None, "", [], {})},
            kept=self.own,
        )


def _files(folder: Path, names: Iterable[str]) -> list[Path]:
    tasks = filter(_TASK.fullmatch, names)
    return [folder / name for name in sorted(tasks, key=lambda name: int(name[:-5]))]


def _is_task(file: Path | None) -> bool:
    if file is None:
        return False
    sample = sample_of(file)
    return sample.holds(r'"subject"\s*:\s*"') and sample.holds(r'"(?:blockedBy|activeForm|status)"\s*:')


def _numbers(given: Any) -> list[str]:
    return [str(one) for one in given if isinstance(one, (str, int))] if isinstance(given, list) else []
