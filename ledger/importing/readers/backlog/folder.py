"""The files of a Backlog.md folder: which of them are records, and what its configuration says."""

import os
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import Invalid
from ledger.importing.readers.reading import LONGEST_ID, Reading, inside, text_of
from ledger.importing.readers.text.front_matter import BrokenYaml, parse, split
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text.json_text import Problem, as_storable
from ledger.importing.readers.text_lines import LARGEST_FILE, unreadable
from ledger.values.finding import Finding

CONFIGS = ("config.yml", "config.yaml", "backlog.config.yml")
INSIDE = ("backlog", ".backlog")  # where a project keeps the folder
STATUSES = ("To Do", "In Progress", "Done")  # of a folder that configures none
FIRST_PREFIX = "TASK"  # of every folder, until one could choose
DOCUMENTS = "docs"
KINDS = {"milestones": "milestone", "decisions": "decision", "drafts": "draft"}  # any other folder holds tasks
_ID = re.compile(r"([A-Za-z]+)-(\d+(?:\.\d+)*)")
_RECORD = re.compile(r"([A-Za-z]+-\d+(?:\.\d+)*)\b")  # how the files of records are called
_AT_SIGN = re.compile(r"^((?:assignee|reporter):[ \t]*)(@.*|\[[^\]\n]*\])[ \t]*$", re.MULTILINE)


class Setup(Struct, frozen=True, kw_only=True):
    """What the folder's configuration says of its words."""

    statuses: tuple[str, ...]
    prefix: str


class File(Struct, frozen=True, kw_only=True):
    """A file that is a record, at `place` in the folder. `key` is its id in one spelling, also that of another file
    where this one was `put_aside`. `names` are those of all its fields, empty ones too.
    """

    place: PurePosixPath
    kind: str
    key: str
    fields: Fields
    names: frozenset[str]
    body: str
    problems: list[Problem]
    put_aside: bool = False


def root_of(path: Path) -> Path:
    """The folder itself, or the one that a project keeps in it."""
    return next((path / name for name in INSIDE if is_backlog(path / name)), path)


def is_backlog(folder: Path) -> bool:
    return any((folder / name).is_file() for name in CONFIGS) or (folder / "tasks").is_dir()


def setup_of(root: Path, path: Path) -> Setup:
    """Reads the configuration, of which only these two entries are read: the rest need not be YAML for Backlog.md."""
    file = next((folder / name for folder in (root, path) for name in CONFIGS if (folder / name).is_file()), None)
    settings: Fields = {}
    for line, entry in _entries(text_of(file) if file else ""):
        try:
            settings |= parse(entry)
        except BrokenYaml as error:
            raise unreadable(file or root, line + error.line - 1, error.problem) from error
    statuses, prefix = settings.get("statuses"), settings.get("task_prefix")
    return Setup(
        statuses=tuple(map(str, statuses)) if isinstance(statuses, list) and statuses else STATUSES,
        prefix=prefix.upper() if isinstance(prefix, str) else FIRST_PREFIX,
    )


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """The entries that matter, each with its first line's number and the indented lines below it."""
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(("statuses:", "task_prefix:")):
            below = takewhile(lambda other: other.startswith((" ", "-", "\t")), lines[number:])
            yield number, "\n".join([line, *below])


def files_of(root: Path, reading: Reading) -> Iterator[File]:
    """Every record that can be taken. Of files with one id the first is it, the others were put aside before.

    Backlog.md gives the id of an archived task again. Two files that say the same time of creation are one task.
    """
    seen: dict[str, set[str]] = {}
    size = 0
    for place in sorted(_places(root, reading), key=_rank):
        reading.found += 1
        try:
            content = text_of(inside(root, place))
            size += len(content)
            file = _file(place, content)
        except Invalid as error:
            reading.not_taken.append(Finding("cannot_be_read", _without_folder(error.message, root)))
            seen.setdefault(_id_in_name(place), set())
            continue
        except BrokenYaml as error:
            reading.not_taken.append(Finding("broken_front_matter", f"{place}, line {error.line + 1}: {error.problem}"))
            seen.setdefault(_id_in_name(place), set())
            continue
        if size > LARGEST_FILE:
            raise unreadable(root, None, f"holds more than {LARGEST_FILE:,} bytes: that is more than one import takes")
        if isinstance(file, str):
            reading.not_taken.append(Finding(file, str(place)))
            continue
        created, others = str(file.fields.get("created_date", "")).strip(), seen.get(file.key)
        if others and (created in others or "" in (created, *others)):
            reading.not_taken.append(Finding("repeated_id", f"{place} ({file.key})"))
            continue
        seen.setdefault(file.key, set()).add(created)
        yield file if others is None else replace(file, put_aside=True)


def canonical(spelled: str) -> str:
    """An id as it compares.

    >>> canonical("task-007.01")
    'TASK-7.1'
    """
    found = _ID.fullmatch(spelled.strip())
    if found is None:
        return spelled.strip().upper()
    return f"{found[1].upper()}-{'.'.join(str(int(part)) for part in found[2].split('.'))}"


def _id_in_name(place: PurePosixPath) -> str:
    """The id that the name of a file tells, which cannot be read otherwise."""
    found = _RECORD.match(place.name)
    return canonical(found[1]) if found else place.name


def _places(root: Path, reading: Reading) -> Iterator[PurePosixPath]:
    """Every markdown file below the folder. Links to folders are not followed, so no cycle is walked."""

    def refuse(error: OSError) -> None:
        where = Path(error.filename).relative_to(root).as_posix() if error.filename else str(root)
        if Path(error.filename or root) == root:
            raise unreadable(root, None, f"cannot be read: {error.strerror or error}") from error
        reading.not_taken.append(Finding("cannot_be_read", f"{where}: {error.strerror or error}"))

    for folder, folders, names in os.walk(root, onerror=refuse):
        here = Path(folder)
        for name in sorted(folders):
            if (here / name).is_symlink():
                where = (here / name).relative_to(root).as_posix()
                reading.not_taken.append(Finding("link_to_a_folder", where))
        for name in names:
            place = PurePosixPath((here / name).relative_to(root).as_posix())
            if name.endswith(".md"):
                yield place
            elif _RECORD.match(name):
                reading.not_taken.append(Finding("no_markdown", str(place)))


def _without_folder(message: str, root: Path) -> str:
    return message.replace(f"{root}{os.sep}", "", 1)


def _rank(place: PurePosixPath) -> tuple[bool, bool, str]:
    return "archive" in place.parts, "completed" in place.parts, str(place)


def _file(place: PurePosixPath, content: str) -> File | str:
    """The record that a file is, or why it is none."""
    head, body, _ = split(content)
    if DOCUMENTS in place.parts[:-1]:
        return "document"
    if head is None:
        return "no_front_matter" if _RECORD.match(place.name) else "document"
    parsed = parse(_AT_SIGN.sub(_quoted, head.replace("\r\n", "\n")))
    fields = {name: value for name, value in parsed.items() if value not in (None, [], "")}
    fields, problems = as_storable(fields)
    spelled = fields.get("id")
    if not isinstance(spelled, (str, int)) or not str(spelled).strip():
        return "no_id"
    if len(str(spelled)) > LONGEST_ID:
        return "id_too_long"
    kind = next((KINDS[part] for part in place.parts[:-1] if part in KINDS), "task")
    key = canonical(str(spelled))
    fields |= {"id": str(spelled).strip()}
    names = frozenset(parsed)
    return File(place=place, kind=kind, key=key, fields=fields, names=names, body=body, problems=problems)


def _quoted(found: re.Match[str]) -> str:
    """`assignee: @ann` is no YAML, and Backlog.md writes it."""
    value = found[2]
    if not value.startswith("["):
        return f"{found[1]}{_in_quotes(value)}"
    names = [name.strip() for name in value.strip("[]").split(",") if name.strip()]
    return f"{found[1]}[{', '.join(_in_quotes(name) if name.startswith('@') else name for name in names)}]"


def _in_quotes(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
