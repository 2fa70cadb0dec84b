"""Issues that Jira exports as CSV, with all fields or some, from its cloud or a server, also separated by tabs.

A column stands there once for each value: `Labels,Labels,Comment,Comment`. The parent is the key in `Parent key`, a key
or a number in `Parent`, a number in `Parent id`, or the key in `Custom field (Epic Link)`. Times are those of the clock
of the user who exported them, in the form which that user has set, and no zone is said.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.cells import CellRecord, Dates
from ledger.importing.readers.text.csv_table import CsvRow, has_header, table_of
from ledger.importing.readers.trackers.hosted.jira_names import LinkColumn, in_english, link_column
from ledger.importing.readers.words.status_words import category_of, plain
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category

SOURCE = "jira"
TIMES = ("Created", "Updated", "Resolved", "Due date", "Comment", "Start date", "Inferred due date")
PARENTS = ("Parent key", "Parent", "Parent id", "Custom field (Epic Link)", "Custom field (Parent Link)", "Epic Link")
PEOPLE = {
    name: (f"{name} Id", f"{name} id") for name in ("Assignee", "Reporter", "Creator", "Watchers", "Project lead")
}
PROJECTS = (
    "epic",
    "épica",
    "épico",
    "epopeya",
    "epos",
    "épopée",
    "эпик",
    "epik",
    "长篇故事",
    "史诗",
    "エピック",
    "에픽",
    "initiative",
    "iniciativa",
)  # types of what others lie below
DUPLICATES = ("duplicate", "duplicates")  # kinds of links whose outward end is the one that is given up
BLOCKS = ("blocks", "blocker", "blocked")  # kinds of links whose inward end waits for the outward one
UNRESOLVED = ("unresolved", "none", "sinresolver", "nichterledigt", "nonrisolto", "未解决", "未解決")
_COMMENT = re.compile(r"\s*([^;\n]{6,40});([^;\n]*);(.*)", re.DOTALL)
REFINING = ("Status Category", "Resolution")
SAID_BY = {
    "title": ("Summary",),
    "item_type": ("Issue Type",),
    "status": ("Status",),
    "description": ("Description",),
    "assignee": ("Assignee",),
    "priority": ("Priority",),
    "tags": ("Labels",),
    "due": ("Due date",),
    "not_before": ("Start date", "Custom field (Start date)"),
    "estimate": ("Original estimate",),
    "comments": ("Comment",),
    "parent_id": PARENTS,
    "metadata.source_updated_at": ("Updated",),
    "metadata.source_closed_at": ("Resolved",),
    **{f"links.{column}": (column,) for column in PARENTS},
}
_KEY = re.compile(r"[^\W\d_]\w*-\d+")


def is_header(names: list[str]) -> bool:
    found = set(map(in_english, names))
    return {"Issue key", "Summary"} <= found and bool(found & {"Status", "Issue Type", "Issue id"})


def recognises(sample: Sample) -> bool:
    """Recognised by the names of columns that every export has."""
    return has_header(sample, is_header)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    table = table_of(path, is_header, "a Jira export", reading)
    export = _Export([_in_english(row) for row in table.rows], set(map(in_english, table.names)))
    for row in export.rows:
        key = _key(row)
        if key:
            yield replace(_Issue(key, row, export, reading).item(), place=f"line {row.line}")
        else:
            left_out(reading, "no_id", f"line {row.line}")


read = reader(SOURCE, "Jira issue", records)


class _Export:
    """What one row may have to know of the others."""

    def __init__(self, rows: list[CsvRow], names: set[str]) -> None:
        self.rows = rows
        self.names = names
        self.links = _links_said_by(names)
        self.dates = Dates.of(rows, TIMES)
        self.keys = set(filter(None, map(_key, rows)))
        self.key_of = {number.strip(): key for row in rows if (key := _key(row)) for number in _cells(row, "Issue id")}
        self.people: dict[str, str] = {}
        self.blocked: dict[str, list[str]] = {}  # the blockers of each, as those name it that block it
        for row in rows:
            self._add_people(row)
            for column, cells in row.cells.items():
                link = link_column(column)
                if link and link.direction == "outward" and plain(link.kind) in BLOCKS:
                    for other in cells:
                        self.blocked.setdefault(other.strip(), []).append(_key(row))

    def _add_people(self, row: CsvRow) -> None:
        for name, ids in PEOPLE.items():
            names, numbers = _cells(row, name), [number for column in ids for number in _cells(row, column)]
            if len(names) == len(numbers):
                self.people |= dict(zip(numbers, names, strict=True))


def _links_said_by(names: set[str]) -> dict[str, list[str]]:
    """The columns that say a kind of link together. Who waits says so; of other links both ends tell."""
    columns = {name: found for name in names if (found := link_column(name))}
    columns_of: dict[str, list[str]] = {}
    for name, column in columns.items():
        if plain(column.kind) not in BLOCKS:
            ends = [(other, found.direction) for other, found in columns.items() if found.kind == column.kind]
            whole = {direction for _, direction in ends} == {"inward", "outward"}
            words = (column.kind, "duplicates") if plain(column.kind) in DUPLICATES else (column.kind,)
            columns_of |= {f"links.{word}": [other for other, _ in ends] for word in words} if whole else {}
        elif column.direction == "inward":
            columns_of |= {"links.depends_on": [name], "links.Blocks": [name]}
    return columns_of


class _Issue(CellRecord):
    """One issue on its way."""

    def __init__(self, key: str, row: CsvRow, export: _Export, reading: Reading) -> None:
        super().__init__(key, row, export.dates, reading)
        self._export = export
        self.several("Issue key")

    def item(self) -> SourceItem:
        kind = self.one("Issue Type") or ""
        if kind:
            self.own["source_type"] = kind
        status, category = self._word_and_category()
        created_at, changed_at = self.when("Created"), self.when("Updated")
        ended_at = self.when("Resolved")
        if ended_at is None and category in FINISHED:
            ended_at = self.when("Status Category Changed")
        return SourceItem(
            id=self.name,
            title=self.one("Summary") or "",
            status=status,
            category=category,
            item_type="project" if kind.casefold() in PROJECTS else "task",
            description=self.one("Description"),
            assignee=self.one("Assignee"),
            tags=self.labels(
                [label for cell in self.several("Labels") for label in re.split(r"[\s,]+", cell)], "Labels"
            ),
            created_at=created_at,
            created_by=self.one("Creator") or next(iter(self.look("Reporter")), None),
            changed_at=changed_at,
            ended_at=ended_at,
            due=self.planned("Due date"),
            not_before=self.planned("Start date", "Custom field (Start date)"),
            estimate=self._estimate(),
            links=tuple(self._links()),
            comments=self._comments() if "Comment" in self._export.names else None,
            **self.priority("Priority"),
            stated=self.stated(self._export.names, SAID_BY, all_of=self._export.links, refining=REFINING),
            more=self.rest,
            kept=self.own,
        )

    def _word_and_category(self) -> tuple[str, Category | None]:
        """The board's column decides; the word may say more, the resolution that it was given up."""
        word = self.one("Status") or ""
        category, board = category_of(word), category_of(next(iter(self.look("Status Category")), ""))
        resolution = next(iter(self.look("Resolution")), "")
        finer: dict[Category, tuple[Category, ...]] = {
            "planned": ("waiting", "review"),
            "active": ("waiting", "review"),
            "done": ("dropped",),
        }
        if board in finer and category not in finer[board]:
            category = board
        if category is None and resolution and plain(resolution) not in UNRESOLVED:
            category = "done"
        is_given_up = category == "done" and category_of(resolution) == "dropped"
        return word, "dropped" if is_given_up else category

    def _estimate(self) -> int | None:
        """Jira says seconds."""
        cell = next(iter(self.look("Original estimate")), "")
        if not cell.isdecimal() or int(cell) % 60:
            return None
        self.several("Original estimate")
        return int(cell) // 60 or None

    def _links(self) -> Iterator[SourceLink]:
        parent = None
        for column in PARENTS:
            other = self._other(column)
            if other and other != self.name and other != parent:
                yield SourceLink(kind="relates_to" if parent else "parent", to=other, word=column)
                parent = parent or other
        blockers = dict.fromkeys(self._export.blocked.get(self.name, ()))
        for column in list(self.rest):
            link = link_column(column)
            for other in map(str.strip, self.several(column)) if link else ():
                if link and plain(link.kind) not in BLOCKS:
                    yield from self._related(link, other)
                elif link and link.direction == "inward":
                    blockers[other] = None
                elif other not in self._export.keys:
                    self.rest.setdefault(column, []).append(other)
                    self.warn("link_kept_as_text", f" -> {other}")
        yield from (SourceLink(kind="depends_on", to=other, word="Blocks") for other in blockers)

    def _related(self, link: LinkColumn, other: str) -> Iterator[SourceLink]:
        """Both ends tell of a link, so the outward one counts where it is in the file."""
        if link.direction == "outward" and plain(link.kind) in DUPLICATES:
            yield SourceLink(kind="duplicates", to=other, word=link.kind)
        elif link.direction == "outward" or other not in self._export.keys:
            yield SourceLink(kind="relates_to", to=other, word=link.kind)

    def _other(self, column: str) -> str | None:
        """The key of the issue that a column names. A number that no row of the file explains stays as it is."""
        named = next(iter(self.look(column)), "").strip()
        key = self._export.key_of.get(named) or (named if _KEY.fullmatch(named) else None)
        if key:
            self.several(column)
        elif named and column in ("Parent", "Parent id"):
            self.unread.update(PARENTS)
            self.warn("link_kept_as_text", f" -> {named} ({column})")
        return key

    def _comments(self) -> tuple[SourceComment, ...]:
        return tuple(self._comment(cell) for cell in self.several("Comment"))

    def _comment(self, cell: str) -> SourceComment:
        """Its time and the id of its author stand before it; a text without them is one too."""
        found = _COMMENT.fullmatch(cell)
        at = self.at("Comment", found[1]) if found else None
        if found is None or at is None:
            return SourceComment(text=cell)
        author = found[2].strip()
        by = self._export.people.get(author, author) or None
        return SourceComment(text=found[3], by=by, at=at, id=f"{text(at)} {author}")


def _in_english(row: CsvRow) -> CsvRow:
    cells: dict[str, list[str]] = {}
    for name, values in row.cells.items():
        cells.setdefault(in_english(name), []).extend(values)
    return CsvRow(line=row.line, length=row.length, cells=cells)


def _cells(row: CsvRow, column: str) -> list[str]:
    return row.cells.get(column, [])


def _key(row: CsvRow) -> str:
    return next(iter(_cells(row, "Issue key")), "").strip()
