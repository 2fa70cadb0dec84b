"""The records of a section, whatever they are written as: list items, headings of their own, or rows of a table."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from ledger.importing.readers.legacy.outline import LONGEST_RECORD, Line, TableRow, plain
from ledger.importing.readers.legacy.words import is_total
from ledger.importing.readers.words.written_state import signed, state_of
from ledger.values.states import Category

_FIELD = re.compile(
    r"(?:(?:\*\*|__)(?P<bold>[^*_:：]{1,60}?)\s*(?:[:：]\s*(?:\*\*|__)|(?:\*\*|__)\s*[:：])"
    r"|(?P<bare>[^\W\d][\w /()-]{0,39}?)\s*[:：](?!//))"
    r"\s*(?P<value>.*)$"
)
_ASIDE = re.compile(r"[_*(]*(?:last |auto[ -]?)*(?:generated|updated|exported|as of)\b.*", re.IGNORECASE)
_TOTAL = re.compile(r"\s*:?(?:\*\*|__)?\s*:?\s*\(?\d*\)?\s*$")  # what follows a name that stands as a heading
_NOTHING = re.compile(r"[_*(]*(?:none|no |nothing|keine?\b|-+$|n/a)[^:]*$", re.IGNORECASE)


FIELD_NAMES = ("field", "property", "key", "attribute", "item", "what", "")
FIELD_VALUES = ("value", "values", "details", "detail", "")
_NO_NAMES = """
    #, id, no, nr, no., number, status, state, done, progress, priority, prio, quarter, target, target quarter, due,
    date, time, when, owner, assignee, type, notes, note, pr, commit, commit hash, hash, sha, tests, test results,
    environment, env, compliance, version, deployed, deployed at, pull request, mr, formats, started, created,
    completed, updated
"""
STATES = {"status", "state", "progress"}  # columns that say how far a record is
STATUS = ("statut", "estado", "état", "статус", "stato", "ステータス", "状態", "状态", "상태")  # in other languages
NO_NAMES = frozenset(("", *(name.strip() for name in _NO_NAMES.split(","))))  # columns in which no name stands


def _known(name: str) -> str:
    """The name by which a field is found."""
    return "status" if name.lower() in STATUS else name.lower()


class WrittenField(Struct):
    """One named value of an entry; `below` are the lines that belong to it."""

    name: str
    value: str
    line: int
    below: list[str] = []

    @property
    def full_text(self) -> str:
        """The value with what stands below it, as one line."""
        return " ".join([self.value, *self.below]).strip()


class WrittenEntry(Struct):
    """One record as it is written. `head` is its first line's text, `indent` that line's, `group` the heading above,
    whose signs say `group_state`.

    `fields` are its named values by their name in lower case, `below` all other lines that belong to it, `code` the
    places among these of what stands in blocks of code, `body` every line below the first as it stands in the file.
    """

    head: str
    line: int
    indent: int = 0
    group: str = ""
    group_state: Category | None = None
    last: int = 0
    is_heading: bool = False
    is_list_item: bool = False
    is_row: bool = False
    is_without_head: bool = False  # a row of a table whose columns have no names
    fields: dict[str, WrittenField] = {}
    below: list[str] = []
    code: set[int] = set()
    body: list[Line] = []

    @property
    def prose(self) -> list[str]:
        """The lines that belong to it but for blocks of code."""
        return [text for place, text in enumerate(self.below) if place not in self.code]

    @property
    def blocks(self) -> str:
        return "\n".join(text for place, text in enumerate(self.below) if place in self.code)

    def take(self, *names: str) -> WrittenField | None:
        """The first of these fields that is there, taken out."""
        for name in names:
            if name in self.fields:
                return self.fields.pop(name)
        return None


def field_of(text: str) -> tuple[str, str] | None:
    """Name and value of a line like `**Status**: active`.

    >>> field_of("**Status:** active"), field_of("Commit: `84b0fb4`"), field_of("https://x")
    (('Status', 'active'), ('Commit', '`84b0fb4`'), None)
    """
    found = _FIELD.match(text)
    if not found:
        return None
    return (found["bold"] or found["bare"]).strip(), found["value"].strip()


class Grammar(Struct, frozen=True):
    """How the records of a kind are written: which headings only name what follows, which lines are records wherever
    they stand, and in which columns of a table a record's name stands."""

    is_group: Callable[[str], bool] = lambda _: False
    is_record: Callable[[str], bool] = lambda _: False
    names: Collection[str] = ()


def entries(
    lines: Iterable[Line], grammar: Grammar, stray: Callable[[Line], None] = lambda _: None
) -> Iterator[WrittenEntry]:
    """The entries of a section. A heading that names no group is an entry, and so is a list item.

    What is below an entry belongs to it, unless the grammar says that it is a record. A line that belongs to none goes
    to `stray`.
    """
    builder = _Builder(grammar, stray)
    for line in lines:
        builder.add(line)
    yield from builder.found


def _says_state(cell: str) -> bool:
    """Whether a cell of a column without a name is a state: a word for one, or what begins with a sign."""
    state = state_of(cell)
    return state is not None and (state.category is not None or not re.match(r"[\w\x00-\xff]*\w", cell))


def split_long(texts: list[str]) -> tuple[list[str], list[str]]:
    """As many of the first texts as make a record's length; and the rest."""
    size = 0
    for place, text in enumerate(texts):
        size += len(text)
        if size > LONGEST_RECORD:
            return texts[:place], texts[place:]
    return texts, []


class _Builder:
    def __init__(self, grammar: Grammar, stray: Callable[[Line], None]) -> None:
        self.found: list[WrittenEntry] = []
        self._is_group, self._is_record, self._names = grammar.is_group, grammar.is_record, grammar.names
        self._stray = stray
        self._group = ""
        self._group_state: Category | None = None
        self._entry: WrittenEntry | None = None
        self._field: WrittenField | None = None  # the last one
        self._field_indent = 0
        self._field_is_item = False
        self._list_indent: int | None = None  # of the list items that are entries
        self._after_blank = False
        self._code_until = self._code_indent = 0  # the last line of the block of code we are in, its first one's indent
        self._code_is_stray = False

    def add(self, line: Line) -> None:
        if line.comment:
            return
        if line.is_blank or line.underline:
            self._blank(line)
            return
        if len(line.text) > LONGEST_RECORD:
            self._stray(line)
        elif (heading := line.heading) is not None:
            self._heading(line, heading[1])
        elif line.row is not None or line.frame:
            self._table(line)
        elif line.is_rule:
            self._rule(line)
        elif (item := line.bullet) is not None:
            self._item(line, item)
        else:
            self._text(line)
        self._after_blank = line.is_rule

    def _blank(self, line: Line) -> None:
        self._after_blank = True
        if self._entry is not None:
            self._entry.body.append(line)

    def _heading(self, line: Line, title: str) -> None:
        self._list_indent = None
        if self._is_group(plain(title)):
            self._begin_group(title)
        else:
            self._start(title, line, is_heading=True)

    def _begin_group(self, title: str) -> None:
        self._group, self._group_state, self._entry = plain(title), signed(title), None

    def _start(self, head: str, line: Line, *, is_heading: bool = False, is_list_item: bool = False) -> WrittenEntry:
        entry = WrittenEntry(
            head=head,
            line=line.number,
            last=line.number,
            indent=line.indent,
            group=self._group,
            group_state=self._group_state,
            is_heading=is_heading,
            is_list_item=is_list_item,
        )
        self._entry, self._field = entry, None
        self.found.append(entry)
        return entry

    def _rule(self, line: Line) -> None:
        """It ends a list; below a heading it is part of the text."""
        if self._entry is not None and self._entry.is_heading:
            self._entry.body.append(line)
        else:
            self._entry = None

    def _table(self, line: Line) -> None:
        """A row is a record of its own, unless its table is part of one: below an item, or of names and values."""
        entry = self._entry
        if entry is not None and (self._is_below_item(entry, line) or self._is_of_fields(entry, line)):
            entry.last = line.number
            entry.body.append(line)
            self._part(entry, line)
        elif line.row is not None:
            self._record(line, line.row)
            self._entry = None
        elif entry is not None and not entry.is_heading:
            self._entry = None

    def _is_below_item(self, entry: WrittenEntry, line: Line) -> bool:
        return entry.is_list_item and line.indent > entry.indent + 1

    def _is_of_fields(self, entry: WrittenEntry, line: Line) -> bool:
        """Whether it is a row or the frame of a table of names and values, below a heading."""
        if not entry.is_heading or line.row is None:
            return False
        head = line.row.columns
        return len(head) == 2 and head[0] in FIELD_NAMES and head[1] in FIELD_VALUES

    def _part(self, entry: WrittenEntry, line: Line) -> None:
        cells = line.row.cells if line.row else ()
        if len(cells) == 2 and _known(plain(cells[0])) not in entry.fields and self._is_of_fields(entry, line):
            name = plain(cells[0])
            entry.fields[_known(name)] = WrittenField(name, cells[1], line.number)
        else:
            entry.below.append(line.text)

    def _record(self, line: Line, row: TableRow) -> None:
        place = self._place_of_name(row)
        entry = self._start("" if place is None else row.cells[place], line)
        entry.is_row, entry.is_without_head = True, not row.columns
        for number, cell in enumerate(row.cells):
            name = _known(row.columns[number]) if number < len(row.columns) else ""
            if not cell or number == place:
                continue
            if not name and not STATES & {*map(_known, row.columns), *entry.fields} and _says_state(cell):
                name = "status"
            if name and name not in entry.fields:
                entry.fields[name] = WrittenField(name, cell, line.number)
            else:
                entry.below.append(cell)

    def _place_of_name(self, row: TableRow) -> int | None:
        """The column that is called as names are; else the first that is not called as something else is."""
        columns = [_known(name) for name in row.columns[: len(row.cells)]]
        if not row.columns:
            return next((place for place, cell in enumerate(row.cells) if re.search(r"[^\W\d]", plain(cell))), 0)
        called = [place for place, name in enumerate(columns) if name in self._names]
        others = [place for place, name in enumerate(columns) if name not in NO_NAMES] if called or self._names else []
        return next(iter([*called, *others]), None)

    def _item(self, line: Line, item: str) -> None:
        entry = self._entry
        nested = self._list_indent is not None and line.indent > self._list_indent + 1
        own = self._is_record(plain(item)) and field_of(item) is None
        if entry is not None and (entry.is_heading or nested) and not own:
            self._belongs(entry, line, item)
            return
        if not nested:
            self._list_indent = line.indent
        self._start(item, line, is_list_item=True)

    def _belongs(self, entry: WrittenEntry, line: Line, text: str) -> None:
        entry.last = line.number
        entry.body.append(line)
        if line.code:
            self._block(entry, line)
            return
        named = field_of(text)
        if self._field is not None and self._is_below(self._field, line, named is not None):
            self._field.below.append(text)
        elif named and _known(named[0]) not in entry.fields:
            self._field, self._field_indent = WrittenField(*named, line.number), line.indent
            self._field_is_item = line.bullet is not None
            entry.fields[_known(named[0])] = self._field
        else:
            entry.below.append(text)

    def _block(self, entry: WrittenEntry, line: Line) -> None:
        """A line of a block of code, which is text whatever it says."""
        if line.number != self._code_until + 1:
            self._code_indent = line.indent
        self._code_until, self._code_is_stray = line.number, False
        entry.code.add(len(entry.below))
        entry.below.append(" " * (line.indent - self._code_indent) + line.text)

    def _is_below(self, field: WrittenField, line: Line, is_named: bool) -> bool:
        """Whether a line belongs to the last field: it is indented below it, or a list under a name without value."""
        deeper = line.indent > self._field_indent + 1
        if not field.value:
            return deeper or (not self._field_is_item and line.bullet is not None)
        return deeper and not is_named

    def _text(self, line: Line) -> None:
        entry = self._entry
        if _ASIDE.fullmatch(line.text) and self._after_blank:
            return
        if line.code and self._code_is_stray and line.number == self._code_until + 1:
            self._code_until = line.number
        elif entry is not None and self._begins_a_record(entry, line):
            self._start(line.text, line)
        elif entry is not None and (entry.is_heading or not self._after_blank or line.indent > entry.indent):
            self._belongs(entry, line, line.text)
        elif line.code:
            self._stray_code(line)
        elif self._is_group(plain(_TOTAL.sub("", line.text))):
            self._begin_group(_TOTAL.sub("", line.text))
        elif self._is_record(plain(line.text)):
            self._start(line.text, line)
        elif not _NOTHING.match(line.text):
            self._stray(line)

    def _begins_a_record(self, entry: WrittenEntry, line: Line) -> bool:
        """Whether a line is no part of the record above it, which is a line like it and in no list."""
        if entry.is_heading or entry.is_list_item or entry.is_row or line.code or line.indent > entry.indent:
            return False
        named = field_of(line.text)
        is_sum = named is not None and not entry.fields and is_total(named[0])
        return is_sum or self._is_record(plain(line.text))

    def _stray_code(self, line: Line) -> None:
        """A block of code that belongs to no record is its author's: its first line says so for all of it."""
        self._code_until, self._code_is_stray = line.number, True
        self._stray(line)
