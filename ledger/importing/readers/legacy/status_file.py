"""A status file, whichever grammar it is kept in, or mixes: each section is read by what its heading says it is.

Sections of no known grammar are the author's own words: they are named and left alone. In the sections that are
ours every line is part of a record, or is reported with its number.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from ledger.aggregates.configuration.state import ContextType
from ledger.importing.readers.legacy import freeform
from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry, entries
from ledger.importing.readers.legacy.kinds import announced, kind_of, listed_state, sounds_like_records
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.markdown_lines import lines_of, unclosed_fence
from ledger.importing.readers.legacy.outline import Line, Section, plain
from ledger.importing.readers.legacy.outline import sections as cut
from ledger.importing.readers.legacy.records import deployments, enhancements, sessions, vendors, work_items
from ledger.importing.readers.legacy.totals import without_totals
from ledger.importing.readers.legacy.words import VENDOR_STATUSES
from ledger.importing.readers.reading import ANY_KIND, Identify, Reading, text_of
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import unreadable
from ledger.importing.readers.words.written_state import key
from ledger.importing.readers.words.written_time import written_time

LONGEST_LINE = 1_000_000  # characters; a file with longer ones is no status file
DEEPEST = 3  # level of a heading that can be a section
_OUR_REPORT = re.compile(
    r"^<!-- tracking-ledger: begin ([0-9a-f]{16}).*?^<!-- tracking-ledger: end \1 -->", re.MULTILINE | re.DOTALL
)
_OURS = re.compile(r"^<!-- tracking-ledger: ids|\A# Status of .*\n+As of position \d+", re.MULTILINE)
NAMES = (".project_status.md", "project_status.md")
OF_ONE = {"pr", "pull request", "commit", "commit hash", "hash", "date", "deployed"}  # fields of one deployment
FEWEST_WORDS = 4  # of a sentence
_NOTE = re.compile(
    r"\[\^[^\]]+\]:|(?:notes?|n\.?b\.?|legend|hint|remarks?|hinweis|legende|anmerkung)\W*:", re.IGNORECASE
)
PARTED = ("vendors", "enhancements", "work_items", "context")  # kinds whose records have no parts of other kinds
CONTEXTS: tuple[str, ...] = get_args(ContextType)


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """Everything that the file says of vendors, deployments, enhancements, sessions and work items.

    Invalid for a file that is no text, or that says nothing of them. Headings that announce records where none are
    become `failures`.
    """
    whole = text_of(path)
    text = _without_our_report(whole)
    if _OURS.search(text):
        raise unreadable(
            path,
            None,
            "is a report that a tracking ledger wrote",
            "carry the ledger over: there `tracking-ledger export -o FILE`, here `tracking-ledger import events FILE`",
        )
    lines = lines_of(text)
    for line in lines:
        if len(line.text) > LONGEST_LINE:
            raise unreadable(path, line.number, f"is longer than {LONGEST_LINE:,} characters")
    legacy = LegacyFile(
        reading=Reading(), identify=identify, at=_own_time(lines) or imported_at, imported_at=imported_at
    )
    ours = _OUR_REPORT.search(whole)
    if ours:
        legacy.warn("our_own_report", whole.count("\n", 0, ours.start()) + 1, "what `status --write` keeps there")
    if text.strip() or not ours:
        _File(path, text, lines, legacy).read()
    if not ours and not legacy.reading.entities and not legacy.reading.failures:
        raise unreadable(path, None, *_nothing_found(text, legacy.reading))
    return legacy.reading


def recognises(sample: Sample) -> bool:
    """A file of the documented name, or with our report in it, or whose headings announce records as these files do."""
    if sample.is_folder or "\0" in sample.text:
        return False
    if sample.path.name.lower() in NAMES or _OUR_REPORT.search(sample.text):
        return True
    lines = lines_of(_without_our_report(sample.text))
    headings = [line.heading[1] for line in lines if line.heading and line.heading[0] <= DEEPEST]
    kinds = {kind for title in headings if (kind := kind_of(title)) is not None}
    return len(kinds) > 1 or any(announced(title).records for title in headings if kind_of(title) is not None)


def is_only_our_report(sample: Sample) -> bool:
    """Whether nothing stands beside the report that this program keeps there."""
    return bool(_OUR_REPORT.search(sample.text)) and not _without_our_report(sample.text).strip()


def _section_level(headings: list[tuple[int, str]]) -> int:
    """The level at which most kinds of sections stand, the higher one of equals; 0 if there are none."""
    kinds: dict[int, set[str]] = {}
    for level, title in headings:
        if level <= DEEPEST and (kind := kind_of(title)) is not None:
            kinds.setdefault(level, set()).add(kind)
    return max(kinds, key=lambda level: (len(kinds[level]), -level), default=0)


def _without_our_report(text: str) -> str:
    """The part that this program keeps in a status file between its marks is not what its author wrote: blank lines."""
    return _OUR_REPORT.sub(lambda found: "\n" * found[0].count("\n"), text)


def _own_time(lines: list[Line]) -> datetime | None:
    """The time in the first heading, where there is one: when the file was generated."""
    for line in lines:
        if heading := line.heading:
            found = written_time(heading[1]) if heading[0] == 1 else None
            return found.at if found else None
    return None


class _File:
    def __init__(self, path: Path, text: str, lines: list[Line], legacy: LegacyFile) -> None:
        self._path, self._lines, self._legacy = path, lines, legacy
        self._raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._items = work_items.Items(legacy)
        self._titles: list[str] = []

    def read(self) -> None:
        if fence := unclosed_fence(self._lines):
            self._legacy.refuse("fence_not_closed", fence.number, fence.text)
        level = _section_level([heading for line in self._lines if (heading := line.heading)])
        if level:
            found = _with_sessions_whole(list(cut(self._lines, level)))
            self._titles = [section.title for section in found]
            for section in found:
                for part in _parted(section):
                    self._section(part)
        else:
            freeform.read(self._lines, self._items, self._legacy)

    def _section(self, section: Section) -> None:
        kind, reading = kind_of(section.title), self._legacy.reading
        if kind is None:
            self._other(section)
            return
        before, missed, self._legacy.kind = reading.entities, len(reading.not_taken), kind
        read: dict[str, Callable[[Section], None]] = {
            "vendors": self._vendors,
            "deployments": self._deployments,
            "enhancements": self._enhancements,
            "sessions": self._sessions,
            "work_items": self._work_items,
            "context": self._context,
        }
        vendors_before = len(reading.vendors)
        read[kind](section)
        self._compare(section, reading.entities - before, len(reading.not_taken) - missed, vendors_before)
        self._legacy.kind = ANY_KIND

    def _other(self, section: Section) -> None:
        """A section of no kind: a list of work where its heading says how far that is, else its author's own words."""
        if (state := listed_state(section.title, self._titles)) is not None:
            freeform.read_list(section, state, self._items, self._legacy)
        elif len(parts := list(freeform.parted(section))) > 1:
            for part in parts:
                self._section(part)
        elif sounds_like_records(section):
            self._legacy.refuse("section_not_understood", section.number, plain(section.title))
        elif section.level and any(line.text for line in section.lines):
            self._legacy.leave(section.number, section.title, section.lines)

    def _compare(self, section: Section, found: int, missed: int, vendors_before: int) -> None:
        """A heading that announces records above none is a failure; one that counts them wrongly is a known trait."""
        heading, where = announced(section.title), section.number
        if heading.records and not found and (missed or not heading.at_most):
            self._legacy.reading.failures.append(
                f"{self._path}, line {where}: {plain(section.title)!r} announces {heading.records} records,"
                " and none can be read below it"
            )
        if heading.records is not None and (
            found + missed > heading.records or (found < heading.records and not heading.at_most)
        ):
            self._legacy.warn(
                "count_disagrees", where, f"{plain(section.title)!r} announces {heading.records}, lists {found}"
            )
        if heading.operational is not None:
            listed = self._legacy.reading.vendors[vendors_before:]
            operational = sum(vendor.fields.get("status") == "operational" for vendor in listed)
            if operational != heading.operational:
                self._legacy.warn(
                    "count_disagrees", where, f"{heading.operational} called operational, {operational} are"
                )

    def _stray(self, line: Line) -> None:
        """A line that belongs to no record: a sentence is its author's, anything else may be a record."""
        if line.code or _is_sentence(line.text):
            self._legacy.warn("left_to_its_author", line.number, line.text[:80])
        else:
            self._legacy.refuse("line_not_understood", line.number, line.text)

    def _records(self, section: Section, grammar: Grammar) -> Iterator[WrittenEntry]:
        return without_totals(entries(section.lines, grammar, self._stray), self._legacy)

    def _vendors(self, section: Section) -> None:
        announcement = announced(section.title)
        heading = (
            section.title
            if announcement.operational is None or announcement.operational == announcement.records
            else ""
        )
        said = key(plain(heading)) if any(word in key(plain(heading)) for word in VENDOR_STATUSES) else ""
        if "production capabilities" in key(heading):  # which lists those that are operational
            said = "operational"
        for entry in self._records(section, vendors.GRAMMAR):
            vendors.take(entry, said, self._legacy)

    def _deployments(self, section: Section) -> None:
        whole = _as_one(section)
        if whole is not None:
            deployments.take(whole, self._legacy)
            return
        for entry in self._records(section, deployments.GRAMMAR):
            deployments.take(entry, self._legacy)

    def _enhancements(self, section: Section) -> None:
        for entry in self._records(section, enhancements.GRAMMAR):
            enhancements.take(entry, self._legacy)

    def _work_items(self, section: Section) -> None:
        found = list(self._records(section, work_items.GRAMMAR))
        groups = {entry.group for entry in found}
        for entry in found:
            above = listed_state(entry.group, groups) or entry.group_state
            self._items.take(entry, above=above or listed_state(section.title))

    def _sessions(self, section: Section) -> None:
        for found in sessions.written(section.lines):
            if isinstance(found, Line):
                self._stray(found)
            else:
                sessions.take(found, self._raw, self._legacy)

    def _context(self, section: Section) -> None:
        """A setting of the ledger, not a record: it is reported, to be set by hand."""
        text = " ".join(line.text for line in section.lines if line.text and not line.is_rule)
        context = next((word for word in CONTEXTS if word in key(plain(text)).split()), None)
        self._legacy.warn("context_type", section.number, context or plain(text)[:80] or "nothing")


def _with_sessions_whole(found: list[Section]) -> list[Section]:
    """A prompt may have headings of its own: what stands between two sessions belongs to the first of them."""
    whole: list[Section] = []
    for section in found:
        if whole and kind_of(whole[-1].title) == "sessions" and _holds_sessions(section):
            heading = Line(section.number, 0, f"{'#' * section.level} {section.title}")
            whole[-1] = replace(whole[-1], lines=[*whole[-1].lines, heading, *section.lines])
        else:
            whole.append(section)
    return whole


def _parted(section: Section) -> Iterator[Section]:
    """A section cut at deeper headings of another kind, of which it may hold no records."""
    part, begin, kind = section, 0, kind_of(section.title)
    for place, line in enumerate(section.lines):
        if kind not in PARTED:
            break
        other = kind_of(line.heading[1]) if line.heading else None
        if line.heading and other not in (None, kind, "context"):
            yield replace(part, lines=section.lines[begin:place])
            part, begin, kind = Section(*line.heading, line.number, []), place + 1, other
    yield replace(part, lines=section.lines[begin:])


def _holds_sessions(section: Section) -> bool:
    """Whether a section of no known kind holds further sessions."""
    places = range(len(section.lines))
    return kind_of(section.title) is None and any(sessions.is_session(section.lines, place) for place in places)


def _as_one(section: Section) -> WrittenEntry | None:
    """The section as a single record, if its fields stand right below its heading and not several in it."""
    found = entries(section.lines, Grammar(is_record=deployments.is_record))
    every = list(found)
    records = [entry for entry in every if deployments.is_record(plain(entry.head))]
    if _are_several(every) or len(records) > 1 or (records and _is_plural(section.title)):
        return None
    first = records[0].line if records else 0
    head = Line(first or section.number, 0, "# " + (records[0].head if records else section.title))
    lines = (_heading_as_field(line) for line in section.lines if line.number != first)
    whole = next(entries([head, *lines], Grammar()))
    if records:
        return whole
    if not OF_ONE & whole.fields.keys():
        return None
    whole.head = ""
    return whole


def _are_several(found: list[WrittenEntry]) -> bool:
    """Whether headings below are deployments themselves: by their time, or by the fields of two of them."""
    headings = [entry for entry in found if entry.is_heading]
    dated = any(written_time(plain(entry.head)) for entry in headings)
    return dated or sum(bool(OF_ONE & entry.fields.keys()) for entry in headings) > 1


def _is_sentence(text: str) -> bool:
    """Words that end as a sentence does, and no number: a record has one. A note may have it."""
    text = text.lstrip("*_>(† ")
    if _NOTE.match(text):
        return True
    ends = text.rstrip("'\"”)*_")[-1:] in (*".!?:",)
    return ends and text[:1].isalpha() and not re.search(r"\d", text) and len(text.split()) >= FEWEST_WORDS


def _is_plural(title: str) -> bool:
    return "deployments" in title.lower()


def _heading_as_field(line: Line) -> Line:
    return Line(line.number, line.indent, f"**{plain(line.heading[1])}:**") if line.heading else line


def _nothing_found(text: str, reading: Reading) -> tuple[str, str]:
    """What is wrong with a file in which nothing was found, and what to do about it."""
    if not text.strip():
        return "is empty: there is nothing to import", "name a file with something in it"
    first = f" (not understood: {reading.not_taken[0].where})" if reading.not_taken else ""
    return (
        f"holds no vendors, deployments, enhancements, sessions or work items that can be read{first}",
        "give its sections headings like `Vendors`, `Active Work Items` or `Next Steps`; docs/exchange.md lists them",
    )
