"""Sessions inside a status file: a heading, a block of YAML, and the text of the prompt up to the next session."""

import re
from collections.abc import Iterator

from msgspec import Struct

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import Line, plain
from ledger.importing.readers.legacy.records.session_fields import session_fields
from ledger.importing.readers.reading import take as keep
from ledger.importing.readers.text.front_matter import BrokenYaml, parse
from ledger.values.states import FINISHED

NEAR = 8  # lines below a heading among which its YAML begins
_SESSION = re.compile(r"(?:inline )?session\b", re.IGNORECASE)
_KEY = re.compile(r"[\"']?[^\W\d][\w -]*[\"']?\s*:")
_FENCES = re.compile(r"-{3,}|`{3,}\s*ya?ml|~{3,}\s*ya?ml", re.IGNORECASE)


class WrittenSession(Struct, frozen=True):
    """One session as it stands in the file: its heading, and the lines below."""

    title: str
    heading: Line
    lines: list[Line]


def is_session(lines: list[Line], place: int) -> bool:
    """Whether a heading stands there that begins a session: YAML follows at once, or it says so and of when."""
    heading = lines[place].heading
    if heading is None or heading[0] < 2:
        return False
    below = [line.text for line in lines[place + 1 : place + NEAR] if line.text][:2]
    if len(below) == 2 and _FENCES.fullmatch(below[0]) and _KEY.match(below[1]):
        return True
    return bool(_SESSION.match(plain(heading[1])) and re.search(r"\d", heading[1]))


def written(lines: list[Line]) -> Iterator[WrittenSession | Line]:
    """The sessions among the lines, and the lines before the first that are not blank.

    A heading below the rank of the first session's is part of a prompt.
    """
    current: WrittenSession | None = None
    rank = 0
    for place, line in enumerate(lines):
        heading = line.heading
        if heading and (not rank or heading[0] <= rank) and is_session(lines, place):
            if current is not None:
                yield current
            rank = rank or heading[0]
            current = WrittenSession(heading[1], line, [])
        elif current is not None:
            current.lines.append(line)
        elif line.text and not line.is_rule:
            yield line
    if current is not None:
        yield current


def take(session: WrittenSession, raw: list[str], legacy: LegacyFile) -> None:
    """`raw` are all lines of the file as they are."""
    line = session.heading.number
    try:
        front, body_lines = _front_matter(session.lines, raw)
        front_matter = parse(front) if front is not None else None
    except BrokenYaml as error:
        legacy.refuse("broken_front_matter", line + error.line, f"{plain(session.title)}: {error.problem}")
        return
    legacy.reading.found += 1
    title = plain(session.title)
    name = str((front_matter or {}).get("session_id") or title)
    fields, at, state = session_fields(
        title, front_matter, "\n".join(body_lines).strip("\n"), lambda kind, more: legacy.warn(kind, line, more)
    )
    metadata = fields["metadata"]
    begun = legacy.moment(metadata, "session_date", title, line) if at is None else at
    external_id = legacy.name("item", name, line)
    created = legacy.attribution(begun)
    item = ImportedItem(
        id=legacy.identify(external_id),
        external_id=external_id,
        fields=fields,
        created=created,
        changed=created,
        settled=created if state is not None and state.category in FINISHED else None,
        **words.of_item(state),
    )
    keep(legacy.reading, item, legacy.imported_at)


def _front_matter(lines: list[Line], raw: list[str]) -> tuple[str | None, list[str]]:
    """The YAML between the first two fences, and what follows it; no YAML, and everything, if there is none."""
    start = next((place for place, line in enumerate(lines) if line.text), None)
    if start is None or not _FENCES.fullmatch(lines[start].text):
        return None, [raw[line.number - 1] for line in lines]
    close = "---" if lines[start].text.startswith("-") else lines[start].text[:3]
    for place, line in enumerate(lines[start + 1 :], start + 1):
        if line.text.startswith(close) and not line.text.strip("-`~"):
            inside = [raw[one.number - 1] for one in lines[start + 1 : place]]
            indent = min((len(text) - len(text.lstrip()) for text in inside if text.strip()), default=0)
            front = "\n".join(text[indent:].expandtabs(2) for text in inside)
            return front, [raw[one.number - 1] for one in lines[place + 1 :]]
    raise BrokenYaml(f"its front matter has no closing {close}", lines[start].number - lines[0].number + 1)
