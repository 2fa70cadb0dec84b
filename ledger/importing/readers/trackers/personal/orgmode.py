"""Org files: headings with a keyword such as TODO or DONE are tasks, below the task or project they stand under.

A task is known by its `:ID:`, else by its outline, the titles above it and its own. Times have no zone in org.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from ledger.importing.readers.reading import LONGEST_ID, Reading, text_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.trackers.personal.org_body import STAMP, OrgBody, body_of
from ledger.importing.readers.words.cell_time import cell_time
from ledger.importing.readers.words.status_words import category_of
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category

SOURCE = "org"
USUAL = (  # keywords that people set in Emacs and not in the file; behind the bar stand those that end a task
    "TODO NEXT STARTED DOING STRT INPROGRESS IN-PROGRESS WAITING WAIT HOLD SOMEDAY PROJ REVIEW"
    " | DONE CANCELLED CANCELED KILL"
)
MEANINGS: dict[str, Category] = {"STRT": "active", "WAIT": "waiting", "PROJ": "planned", "KILL": "dropped"}
RANKS = "ABCDE"
ARCHIVED, COMMENTED = "ARCHIVE", "COMMENT"  # the tag and the word of a tree that org leaves out of its lists
_KEYWORDS = re.compile(r"#\+(?:SEQ_TODO|TYP_TODO|TODO):\s*(.+)", re.IGNORECASE)
_FILE_TAGS = re.compile(r"#\+FILETAGS:\s*(.+)", re.IGNORECASE)
_HEADING = re.compile(r"(\*+)\s+(.*)")
_TAGS = re.compile(r"\s+:([\w@#%:]+):\s*$")
_RANK = re.compile(r"\[#([A-Z]|\d{1,2})\]\s*")
_COUNT = re.compile(r"\s*\[\d*(?:/\d*|%)\]")
_EFFORT = re.compile(r"(\d+):(\d\d)")


class Heading(Struct, kw_only=True):
    """A heading with what stands below it. `state` is None where it is no task; `above` are those it stands under."""

    line: int
    title: str
    state: str | None
    rank: str | None
    tags: list[str]
    above: list["Heading"]
    lines: list[str] = []
    body: OrgBody = OrgBody()
    key: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether it lies in a tree that is commented out or archived, which org leaves out of its lists."""
        tree = [*self.above, self]
        return ARCHIVED in self.tags or any(one.title.partition(" ")[0] == COMMENTED for one in tree)


def recognises(sample: Sample) -> bool:
    """Recognised by a heading with a keyword, in a file of that name or with another mark that only org has.

    A file that sets its own keywords is one too.
    """
    marked = sample.holds(r"^\*+ (?:TODO|NEXT|DONE|WAITING|STARTED)\b")
    is_org = sample.path.suffix == ".org" or sample.holds(r"(?i)^(?:#\+TITLE:|#\+TODO:|\s*:PROPERTIES:\s*$)")
    own = sample.holds(r"(?i)^#\+(?:SEQ_|TYP_)?TODO:\s*\S") and sample.holds(r"^\*+ \S")
    return (marked and is_org) or own


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    content = text_of(path).split("\n")
    words = [found[1] for line in content if (found := _KEYWORDS.match(line))] or [USUAL]
    begun = [keyword for line in words for keyword in _keywords(line)[0]]
    ended = [keyword for line in words for keyword in _keywords(line)[1]]
    shared = [
        tag for line in content if (found := _FILE_TAGS.match(line)) for tag in found[1].replace(":", " ").split()
    ]
    headings = list(_headings(content, begun + ended, shared))
    for heading in headings:
        heading.body = body_of(heading.lines)
    _name_preface(content[: headings[0].line - 1] if headings else content, reading)
    _give_keys(headings, reading)
    outlined = {id(above) for heading in headings if heading.state is not None for above in heading.above}
    for heading in headings:
        if heading.state is not None and heading.key:
            yield _Task(heading, ended, reading).item()
        elif heading.state is not None:
            left_out(reading, "no_id", f"line {heading.line}: {heading.state}")
        elif id(heading) not in outlined or any(map(str.strip, heading.lines)):
            left_out(reading, "document", f"line {heading.line}: {heading.title[:50]}")


read = reader(SOURCE, "org task", records)


def _name_preface(lines: list[str], reading: Reading) -> None:
    """Text above the first heading, which is not of any task; settings of the file are none."""
    numbers = [
        number for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith(("#", ":"))
    ]
    if numbers:
        left_out(reading, "document", f"line {numbers[0]}: {lines[numbers[0] - 1].strip()[:50]}")


def _keywords(line: str) -> tuple[list[str], list[str]]:
    """The keywords of tasks to be done and those that end one: behind the bar, or the last where no bar is.

    >>> _keywords("TODO(t) WAIT(w@/!) | DONE"), _keywords("A B C")
    ((['TODO', 'WAIT'], ['DONE']), (['A', 'B'], ['C']))
    """
    before, bar, behind = re.sub(r"\([^)]*\)", "", line).partition("|")
    words = before.split()
    return (words, behind.split()) if bar else (words[:-1], words[-1:])


def _headings(content: list[str], keywords: list[str], shared: list[str]) -> Iterator[Heading]:
    above: list[tuple[int, Heading]] = []
    for number, line in enumerate(content, 1):
        found = _HEADING.fullmatch(line.rstrip("\r"))
        if found is None:
            if above:
                above[-1][1].lines.append(line.rstrip("\r"))
            continue
        depth = len(found[1])
        above = [(other, heading) for other, heading in above if other < depth]
        heading = _heading(number, found[2], keywords, [one for _, one in above])
        if not above:
            heading.tags = [*shared, *heading.tags]
        above.append((depth, heading))
        yield heading


def _heading(line: int, words: str, keywords: list[str], above: list[Heading]) -> Heading:
    """
    >>> heading = _heading(1, "TODO [#A] Ship it [1/2] :home:web:", ["TODO"], [])
    >>> heading.state, heading.rank, heading.title, heading.tags
    ('TODO', 'A', 'Ship it', ['home', 'web'])
    """
    found = _TAGS.search(words)
    tags = [tag for tag in found[1].split(":") if tag] if found else []
    bare = words[: found.start()] if found else words
    first, _, rest = bare.partition(" ")
    state = first if first in keywords else None
    bare = rest.strip() if state else bare
    rank = _RANK.match(bare)
    title = _COUNT.sub("", bare[rank.end() :] if rank else bare).strip()
    inherited = above[-1].tags if above else []
    return Heading(
        line=line,
        title=title,
        state=state,
        rank=rank[1] if rank else None,
        tags=list(dict.fromkeys([*inherited, *tags])),
        above=above,
    )


def _give_keys(headings: list[Heading], reading: Reading) -> None:
    """Equal outlines are numbered in their order, and named where they are tasks."""
    times: Counter[str] = Counter()
    for heading in headings:
        outline = "/".join([*(one.title for one in heading.above), heading.title])[-LONGEST_ID // 2 :]
        key = heading.body.property("ID") or outline
        times[key] += 1
        heading.key = key if times[key] == 1 or not key else f"{key} #{times[key]}"
        if heading.key != key and heading.state is not None:
            reading.warnings.append(Finding("told_apart_by_order", f"line {heading.line}: {heading.title[:80]}"))


class _Task(Record):
    """One task on its way."""

    def __init__(self, heading: Heading, ended: list[str], reading: Reading) -> None:
        self._heading, self._body, self._ended = heading, heading.body, ended
        properties = {name: values if values[1:] else values[0] for name, values in heading.body.properties.items()}
        super().__init__(heading.key, properties, reading)

    def item(self) -> SourceItem:
        heading, body = self._heading, self._body
        word = heading.state or ""
        category = MEANINGS.get(word) or category_of(word)
        if word in self._ended and category not in FINISHED:
            category = "done"
        if heading.is_hidden and category not in FINISHED:
            category = "waiting"
        above = next((other for other in reversed(heading.above) if other.state is not None), None)
        outline = [other.title for other in heading.above]
        self.own |= {"outline": outline} if outline else {}
        self.own |= {"logbook": body.log} if body.log else {}
        if heading.rank:
            self.own["source_priority"] = heading.rank
        self.rest["tags"] = heading.tags
        return SourceItem(
            id=self.name,
            title=heading.title,
            status=word,
            category=category,
            description=body.text or None,
            priority=_rank(heading.rank) if heading.rank else None,
            tags=self.tags("tags").get("tags", ()),
            created_at=self._moment(body.property("CREATED"), "CREATED"),
            ended_at=self._ended_at() if word in self._ended or category in FINISHED else None,
            due=self._planned("DEADLINE"),
            not_before=self._planned("SCHEDULED"),
            estimate=self._effort(),
            links=(SourceLink(kind="parent", to=above.key, word="heading"),) if above else (),
            comments=tuple(
                SourceComment(text=note.text, at=self._moment(note.stamp, "LOGBOOK")) for note in body.notes
            ),
            more={name: value for name, value in self.rest.items() if value},
            kept=self.own,
        )

    def _moment(self, stamp: str | None, name: str) -> datetime | None:
        found = STAMP.search(stamp or "")
        time = cell_time(" ".join(filter(None, found.groups()))) if found else None
        if time is not None and time.doubt:
            self.warn(time.doubt, f": {name}")
        elif stamp and (time is None or time.at is None):
            self.warn("time_not_understood", f": {name}")
        return time.at if time else None

    def _stamp(self, name: str) -> str | None:
        """The last one counts, and all of them stay."""
        stamps = self._body.planned.get(name)
        if not stamps:
            return None
        self.rest[name] = stamps if stamps[1:] else stamps[0]
        return stamps[-1]

    def _ended_at(self) -> datetime | None:
        closed = self._moment(self._stamp("CLOSED"), "CLOSED")
        return closed or self._moment(self._body.entered(self._heading.state or ""), "LOGBOOK")

    def _planned(self, name: str) -> str | None:
        """A day where no time of day stands. All but a plain day, which says it whole, stays as it is written."""
        stamp = self._stamp(name)
        found = STAMP.search(stamp or "")
        if stamp is None or found is None or found[2]:
            moment = self._moment(stamp, name)
            return text(moment) if moment else None
        day = cell_time(found[1])
        if day is None or day.at is None:
            self.warn("time_not_understood", f": {name}")
            return None
        if re.fullmatch(r"<\S+( \S+)?>", stamp) and self.rest[name] == stamp:
            del self.rest[name]
        return found[1]

    def _effort(self) -> int | None:
        found = _EFFORT.fullmatch(self._body.property("EFFORT") or "")
        return int(found[1]) * 60 + int(found[2]) if found else None


def _rank(rank: str) -> int:
    """
    >>> _rank("B"), _rank("2"), _rank("Z"), _rank("10")
    (2, 2, 5, 5)
    """
    return max(1, min(5, int(rank))) if rank.isdecimal() else RANKS.find(rank) + 1 or 5
