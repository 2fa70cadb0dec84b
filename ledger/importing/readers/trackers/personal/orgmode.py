"""Org files: headings with a keyword such as TODO or DONE are tasks, below the task or project they stand under.

A task is known by its `:ID:`, else by its outline, the titles above it and its own. Times have no zone in org.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from ledger.importing.readers.reading import LONGEST_ID, Reading, text_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, reader
from ledger.importing.readers.words.cell_time import cell_time
from ledger.importing.readers.words.status_words import category_of
from ledger.importing.readers.words.written_time import WrittenTime
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
_KEYWORDS = re.compile(r"#\+(?:SEQ_TODO|TYP_TODO|TODO):\s*(.+)", re.IGNORECASE)
_FILE_TAGS = re.compile(r"#\+FILETAGS:\s*(.+)", re.IGNORECASE)
_HEADING = re.compile(r"(\*+)\s+(.*)")
_TAGS = re.compile(r"\s+:([\w@#%:]+):\s*$")
_RANK = re.compile(r"\[#([A-Z])\]\s*")
_COUNT = re.compile(r"\s*\[\d*(?:/\d*|%)\]")
_PLANNED = re.compile(r"\b(DEADLINE|SCHEDULED|CLOSED):\s*([<\[][^>\]]+[>\]])")
_STAMP = re.compile(r"[<\[](\d{4}-\d\d-\d\d)(?: [^\d\s>\]+-]+)?(?: (\d{1,2}:\d\d))?[^>\]]*[>\]]")
_PROPERTY = re.compile(r"\s*:([\w+-]+):\s*(.*)")
_NOTE = re.compile(r"\s*- Note taken on (\[[^\]]+\])\s*(?:\\\\)?\s*$")
_EFFORT = re.compile(r"(\d+):(\d\d)")


class Heading(Struct, kw_only=True):
    """A heading with what stands below it. `state` is None where it is no task; `above` are those it stands under."""

    line: int
    title: str
    state: str | None
    rank: str | None
    tags: list[str]
    above: list["Heading"]
    body: list[str] = []
    key: str = ""


def recognises(sample: Sample) -> bool:
    """By a heading with a keyword, in a file of that name or with another mark that only org has."""
    marked = sample.holds(r"^\*+ (?:TODO|NEXT|DONE|WAITING|STARTED)\b")
    is_org = sample.path.suffix == ".org" or sample.holds(r"^(?:#\+TITLE:|#\+TODO:|\s*:PROPERTIES:\s*$)")
    return marked and is_org


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    content = text_of(path).split("\n")
    words = [found[1] for line in content if (found := _KEYWORDS.match(line))] or [USUAL]
    begun = [keyword for line in words for keyword in _keywords(line)[0]]
    ended = [keyword for line in words for keyword in _keywords(line)[1]]
    shared = [tag for line in content if (found := _FILE_TAGS.match(line)) for tag in found[1].strip(": ").split(":")]
    headings = list(_headings(content, begun + ended, shared))
    _give_keys(headings)
    for heading in headings:
        if heading.state is not None:
            yield _Task(heading, ended, reading).item()
        elif any(map(str.strip, heading.body)):
            reading.not_taken.append(Finding("document", f"line {heading.line}: {heading.title[:50]}"))


read = reader(SOURCE, "org task", records)


def _keywords(line: str) -> tuple[list[str], list[str]]:
    """Those of tasks to be done and those that end one: behind the bar, or the last where no bar is.

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
                above[-1][1].body.append(line.rstrip("\r"))
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


def _give_keys(headings: list[Heading]) -> None:
    """Equal outlines are numbered in their order."""
    times: Counter[str] = Counter()
    for heading in headings:
        own = next((found[2] for line in heading.body if (found := _PROPERTY.fullmatch(line)) and found[1] == "ID"), "")
        key = own.strip() or "/".join([*(one.title for one in heading.above), heading.title])[-LONGEST_ID // 2 :]
        times[key] += 1
        heading.key = key if times[key] == 1 else f"{key} #{times[key]}"


class _Task(Record):
    """One task on its way."""

    def __init__(self, heading: Heading, ended: list[str], reading: Reading) -> None:
        super().__init__(heading.key, {}, reading)
        self._heading = heading
        self._ended = ended
        self._stamps: dict[str, str] = {}
        self._comments: list[SourceComment] = []

    def item(self) -> SourceItem:
        heading = self._heading
        word, text_below = heading.state or "", self._text()
        category = MEANINGS.get(word) or category_of(word)
        if word in self._ended and category not in FINISHED:
            category = "done"
        above = next((other for other in reversed(heading.above) if other.state is not None), None)
        outline = [other.title for other in heading.above]
        self.own |= {"outline": outline} if outline else {}
        if heading.rank:
            self.own["source_priority"] = heading.rank
        self.rest["tags"] = heading.tags
        created, ended = (
            self._moment(self.rest.get("CREATED"), "CREATED"),
            self._moment(self._stamps.get("CLOSED"), "CLOSED"),
        )
        return SourceItem(
            id=self.name,
            title=heading.title,
            status=word,
            category=category,
            description=text_below,
            priority=RANKS.find(heading.rank) + 1 or 5 if heading.rank else None,
            tags=self.tags("tags").get("tags", ()),
            created_at=created.at if created else None,
            ended_at=ended.at if ended else None,
            due=self._planned("DEADLINE"),
            not_before=self._planned("SCHEDULED"),
            estimate=self._effort(),
            links=(SourceLink(kind="parent", to=above.key, word="heading"),) if above else (),
            comments=tuple(self._comments),
            more={name: value for name, value in self.rest.items() if value},
            kept=self.own,
        )

    def _text(self) -> str | None:
        """What is left of the lines below the heading without times, properties and the log."""
        lines: list[str] = []
        logged: list[str] = []
        drawer = ""
        for line in self._heading.body:
            mark = line.strip().upper()
            if not drawer and mark in (":PROPERTIES:", ":LOGBOOK:"):
                drawer = mark
            elif drawer and mark == ":END:":
                drawer = ""
            elif drawer == ":PROPERTIES:" and (found := _PROPERTY.fullmatch(line)):
                self.rest[found[1]] = found[2].strip()
            elif drawer:
                logged.append(line)
            elif not lines and not line.strip():
                continue
            elif not lines and (stamps := _PLANNED.findall(line)) and not _PLANNED.sub("", line).strip():
                self._stamps |= dict(stamps)
            else:
                lines.append(line)
        self._take_notes(logged)
        return "\n".join(lines).rstrip() or None

    def _take_notes(self, logged: list[str]) -> None:
        """Notes of the log become comments, all else of it stays."""
        left: list[str] = []
        at: str | None = None
        said: list[str] = []
        for line in [*logged, "- "]:
            found = _NOTE.fullmatch(line)
            if line.lstrip().startswith(("- ", "CLOCK:")) and at is not None:
                moment = self._moment(at, "LOGBOOK")
                self._comments.append(SourceComment(text="\n".join(said).strip(), at=moment.at if moment else None))
                at = None
            if found:
                at, said = found[1], []
            elif at is not None:
                said.append(line.strip())
            elif line.strip(" -"):
                left.append(line)
        self._comments = [comment for comment in reversed(self._comments) if comment.text]  # org has the newest first
        if left:
            self.own["logbook"] = left

    def _moment(self, stamp: str | None, name: str) -> WrittenTime | None:
        found = _STAMP.search(stamp or "")
        time = cell_time(" ".join(filter(None, found.groups()))) if found else None
        if time is not None and time.doubt:
            self.warn(time.doubt, f": {name}")
        elif stamp and time is None:
            self.warn("time_not_understood", f": {name}")
        if stamp:
            self.rest[name] = stamp
        return time

    def _planned(self, name: str) -> str | None:
        """A day where no time of day stands; a repeater stays as it is written."""
        stamp = self._stamps.get(name)
        found = _STAMP.search(stamp or "")
        if stamp is None or found is None:
            return None
        if not found[2]:
            self.rest |= {name: stamp} if not re.fullmatch(r"[<\[]\S+( \S+)?[>\]]", stamp) else {}
            day = cell_time(found[1])
            return found[1] if day and day.at else None
        time = self._moment(stamp, name)
        return text(time.at) if time and time.at else None

    def _effort(self) -> int | None:
        found = _EFFORT.fullmatch(str(self.rest.get("Effort") or self.rest.get("EFFORT") or ""))
        return int(found[1]) * 60 + int(found[2]) if found else None
