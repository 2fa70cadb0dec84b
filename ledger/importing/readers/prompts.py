"""A folder of session prompts: markdown files with YAML front matter, or with bold header lines where there is none.

Every file becomes a session, or is named with the reason why not. It is known by its path, from the project's folder
if the prompts lie in one, else from the folder that was named.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.aggregates.work_item.commands import Attribution, ImportedItem
from ledger.codec import unstorable
from ledger.errors import Invalid
from ledger.identity import FOLDER as LEDGER_FOLDER
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.entries import field_of
from ledger.importing.readers.legacy.outline import plain
from ledger.importing.readers.legacy.records.session_fields import session_fields
from ledger.importing.readers.reading import LONGEST_ID, Identify, Reading, none_taken, take, text_of
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text.front_matter import BrokenYaml, parse, split
from ledger.importing.readers.text_lines import LARGEST_FILE, decoded, unreadable
from ledger.values.finding import Finding
from ledger.values.states import FINISHED

SOURCE = "prompts"
NO_HOLDER = "unknown (prompts)"
ENDINGS = (".md", ".markdown", ".mdown", ".mkd")
NO_MARKDOWN = "no_markdown"
MOST_FILES = 20_000
HEADER_LINES = 30  # lines at the top of a file among which its bold header lines stand
LONGEST_NAME = 100  # characters of an author's name
AUTHORS = ("author", "created_by", "by")
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_IN_FENCES = re.compile(r"^(```|~~~).*?^\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
_BETWEEN = re.compile(r"\s+\|\s+(?=\*\*|__)")


def recognises(sample: Sample) -> bool:
    """A folder of markdown files only says so by nothing; one of which most begin with a date of a session does."""
    if not sample.is_folder:
        return False
    files = [name for name in sample.names if name.lower().endswith(ENDINGS)]
    return any(_has_session_date(sample.path / name) for name in sorted(files)[:20])


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All files below a folder, or one file. Links to elsewhere are not followed."""
    reading = Reading()
    folder = path if path.is_dir() else path.parent
    root = _root(folder)
    size = 0
    for file in _files(path, reading):
        reading.found += 1
        name = _name(file, folder, root)
        size += _size(file)
        if size > LARGEST_FILE or reading.found > MOST_FILES:
            raise unreadable(file, None, "lies beyond what one import takes: name a folder with fewer files")
        try:
            _Prompt(file, name, identify, imported_at, reading).take()
        except BrokenYaml as error:
            reading.not_taken.append(Finding("broken_front_matter", f"{name}, line {error.line}: {error.problem}"))
        except Invalid as error:
            problem = error.message.removeprefix(str(file)).strip(", ")
            reading.not_taken.append(Finding("cannot_be_read", f"{name}: {problem[:200]}"))
    if not reading.found:
        raise unreadable(path, None, "holds no markdown file")
    if not reading.items:
        raise none_taken(path, "prompt", reading)
    return reading


class _Prompt:
    def __init__(self, file: Path, name: str, identify: Identify, imported_at: datetime, reading: Reading) -> None:
        self._file, self._name, self._identify = file, name, identify
        self._imported_at, self._reading = imported_at, reading

    def take(self) -> None:
        if unstorable(self._name) or len(self._name) > LONGEST_ID:
            self._refuse("unstorable", ascii(self._name)[:LONGEST_ID])
            return
        text = text_of(self._file)
        if not text.strip():
            self._refuse("empty", self._name)
            return
        front, header, body = _parts(text)
        stated = front if front is not None else header
        fields, at, state = session_fields(self._title(body), stated, body, self._warn)
        metadata = fields["metadata"]
        if front is None:
            metadata.pop("yaml_frontmatter", None)
            metadata |= {"header": header} if header else {}
        metadata |= {"prompt_path": self._name, "sha256": hashlib.sha256(self._file.read_bytes()).hexdigest()}
        if unstorable(fields):
            self._refuse("unstorable", self._name)
            return
        if at is None:
            self._warn("no_creation_time", "")
        elif at > self._imported_at:
            self._warn("time_in_the_future", at.isoformat())
        created = Attribution(by=_author(stated), at=min(at or self._imported_at, self._imported_at))
        item = ImportedItem(
            id=self._identify(self._name),
            external_id=self._name,
            fields=fields,
            created=created,
            changed=Attribution(by=created.by, at=self._imported_at),
            settled=created if state is not None and state.category in FINISHED else None,
            vendors=_names(stated.get("vendors_affected")),
            **words.of_item(state),
        )
        take(self._reading, item, self._imported_at)

    def _title(self, body: str) -> str:
        found = _TITLE.search(_IN_FENCES.sub("", body))
        return plain(found[1]) if found else self._file.stem

    def _warn(self, kind: str, what: str) -> None:
        self._reading.warnings.append(Finding(kind, f"{self._name}: {what}" if what else self._name))

    def _refuse(self, kind: str, where: str) -> None:
        self._reading.not_taken.append(Finding(kind, where))


def _parts(text: str) -> tuple[dict[str, Any] | None, dict[str, Any], str]:
    """Front matter (None if there is none), bold header lines where it is missing, and the body."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    front, body, _ = split(unified)
    if front is not None:
        return _front_matter(front), {}, body
    header: dict[str, Any] = {}
    for line in unified.split("\n")[:HEADER_LINES]:
        if line.startswith("##") or (header and re.fullmatch(r"\s*(?:-{3,}|\*{3,}|_{3,})\s*", line)):
            break
        for part in _BETWEEN.split(line.strip().removeprefix("- ").removeprefix("* ")):
            named = field_of(part) if part.startswith(("**", "__")) else None
            if named and named[1]:
                header.setdefault(re.sub(r"\W+", "_", named[0].lower()).strip("_"), plain(named[1]))
    return None, header, unified


def _front_matter(text: str) -> dict[str, Any]:
    try:
        return parse(text)
    except BrokenYaml as error:
        raise BrokenYaml(error.problem, error.line + 1) from error  # counted from the opening fence


def _files(path: Path, reading: Reading) -> Iterator[Path]:
    """Markdown files in the order of their paths; everything else is named."""
    if not path.is_dir():
        yield path
        return
    home = path.resolve()
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reading.not_taken.append(Finding("cannot_be_read", f"{folder}: {error.strerror or error}"))
            continue
        inside = [Path(one.path) for one in found if one.is_dir(follow_symlinks=False) and one.name != ".git"]
        waiting += reversed(inside)
        yield from (Path(one.path) for one in found if _is_ours(one, path, home, reading))


def _is_ours(entry: os.DirEntry[str], path: Path, home: Path, reading: Reading) -> bool:
    name = ascii(str(Path(entry.path).relative_to(path)))[1:-1]
    if entry.is_dir(follow_symlinks=False):
        return False
    if entry.is_symlink():
        kind = _kind_of_link(Path(entry.path), home)
        reading.not_taken.append(Finding(kind, name))
        return False
    if not entry.name.lower().endswith(ENDINGS):
        reading.not_taken.append(Finding(NO_MARKDOWN, name))
        return False
    return True


def _kind_of_link(link: Path, home: Path) -> str:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # nothing there, or a loop
        return "link_to_nothing"
    if target.is_dir():
        return "link_to_a_folder"
    return "link_to_another_file" if target.is_relative_to(home) else "path_leaves_the_folder"


def _root(folder: Path) -> Path | None:
    """The project around a folder: where its ledger or its repository is."""
    resolved = folder.resolve()
    for parent in (resolved, *resolved.parents):
        if (parent / LEDGER_FOLDER).is_dir() or (parent / ".git").exists():
            return parent
    return None


def _name(file: Path, folder: Path, root: Path | None) -> str:
    inside = folder.resolve() / file.relative_to(folder)
    return inside.relative_to(root if root is not None else folder.resolve()).as_posix()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # reading it will say why


def _author(fields: dict[str, Any]) -> str:
    named = next(
        (fields[name] for name in AUTHORS if isinstance(fields.get(name), str) and fields[name].strip()), NO_HOLDER
    )
    return str(named).strip()[:LONGEST_NAME]


def _names(value: Any) -> tuple[str, ...]:
    given = re.split(r"[,;]", value) if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(name.strip() for name in given if isinstance(name, str) and name.strip()))


def _has_session_date(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            start = decoded(opened.read(4096))
    except OSError:
        return False
    return re.match(r"---\s*\n(?:.*\n)*?session_(?:date|id|time)\s*:", start) is not None
