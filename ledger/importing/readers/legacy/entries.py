"""The records of a section, whatever they are written as: list items, headings of their own, or rows of a table."""

import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from ledger.importing.readers.legacy.outline import LONGEST_RECORD, Line, plain

_FIELD = re.compile(
    r"(?:(?:\*\*|__)(?P<bold>[^*_:]{1,60}?)\s*(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)"
    r"|(?P<bare>[^\W\d][\w /()-]{0,39}?)\s*:(?!//))"
    r"\s*(?P<value>.*)$"
)
_CELLS = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--.*?-->")
_ASIDE = re.compile(r"[_*(]*(?:last |auto[ -]?)*(?:generated|updated|exported|as of)\b.*", re.IGNORECASE)
_TOTAL = re.compile(r"\s*:?(?:\*\*|__)?\s*:?\s*\(?\d*\)?\s*$")  # what follows a name that stands as a heading
_NOTHING = re.compile(r"[_*(]*(?:none|no |nothing|keine?\b|-+$|n/a)[^:]*$", re.IGNORECASE)


class Field(Struct):
    """One named value of an entry; `below` are the lines that belong to it."""

    name: str
    value: str
    line: int
    below: list[str] = []

    @property
    def whole(self) -> str:
        """The value with what stands below it, as one line."""
        return " ".join([self.value, *self.below]).strip()


class Entry(Struct):
    """One record as it is written. `head` is its first line's text, `indent` that line's, `group` the heading above.

    `fields` are its named values by their name in lower case, `below` all other lines that belong to it, `body` every
    line below the first as it stands in the file.
    """

    head: str
    line: int
    indent: int = 0
    group: str = ""
    last: int = 0
    is_heading: bool = False
    is_list_item: bool = False
    fields: dict[str, Field] = {}
    below: list[str] = []
    body: list[Line] = []

    def take(self, *names: str) -> Field | None:
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


def entries(
    lines: Iterable[Line],
    is_group: Callable[[str], bool],
    is_record: Callable[[str], bool],
    stray: Callable[[Line], None],
) -> Iterator[Entry]:
    """The entries of a section. A heading for which `is_group` holds names what follows, any other is an entry.

    A paragraph for which `is_record` holds is an entry too, and so is a list item below another entry; every other line
    that belongs to none goes to `stray`.
    """
    builder = _Builder(is_group, is_record, stray)
    for line in lines:
        builder.add(line)
    yield from builder.found


def split_long(texts: list[str]) -> tuple[list[str], list[str]]:
    """As many of the texts as make a record's length, and the rest."""
    size = 0
    for place, text in enumerate(texts):
        size += len(text)
        if size > LONGEST_RECORD:
            return texts[:place], texts[place:]
    return texts, []


class _Builder:
    def __init__(
        self, is_group: Callable[[str], bool], is_record: Callable[[str], bool], stray: Callable[[Line], None]
    ) -> None:
        self.found: list[Entry] = []
        self._is_group, self._is_record, self._stray = is_group, is_record, stray
        self._group = ""
        self._entry: Entry | None = None
        self._field: Field | None = None  # the last one
        self._field_indent = 0
        self._field_is_item = False
        self._columns: list[str] | None = None  # of the table we are in
        self._list_indent: int | None = None  # of the list items that are entries
        self._after_blank = False
        self._in_comment = False

    def add(self, line: Line) -> None:
        if self._is_comment(line):
            return
        if not line.text and not line.code:
            self._blank(line)
            return
        if len(line.text) > LONGEST_RECORD:
            self._stray(line)
        elif (heading := line.heading) is not None:
            self._heading(line, heading[1])
        elif line.text.startswith("|") and not line.code:
            self._row(line)
        elif line.is_rule:
            self._rule(line)
        elif (item := line.bullet) is not None:
            self._item(line, item)
        else:
            self._text(line)
        self._after_blank = line.is_rule

    def _is_comment(self, line: Line) -> bool:
        if line.code:
            return False
        inside = self._in_comment
        rest = _COMMENT.sub("", line.text)
        if "<!--" in rest:
            self._in_comment = True
        elif "-->" in rest:
            self._in_comment = False
        return inside or self._in_comment or (rest != line.text and not rest.strip())

    def _blank(self, line: Line) -> None:
        self._after_blank = True
        self._columns = None
        if self._entry is not None:
            self._entry.body.append(line)

    def _heading(self, line: Line, title: str) -> None:
        self._columns = None
        self._list_indent = None
        if self._is_group(plain(title)):
            self._group, self._entry = plain(title), None
        else:
            self._start(title, line, is_heading=True)

    def _start(self, head: str, line: Line, *, is_heading: bool = False, is_list_item: bool = False) -> Entry:
        entry = Entry(
            head=head,
            line=line.number,
            last=line.number,
            indent=line.indent,
            group=self._group,
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

    def _row(self, line: Line) -> None:
        cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line.text.strip().strip("|"))]
        if self._columns is None:
            self._columns = [plain(cell).lower() for cell in cells]
            self._entry = None
        elif not all(re.fullmatch(r":?-*:?", cell) for cell in cells):
            entry = self._start(cells[0], line)
            pairs = list(zip(self._columns, cells, strict=False))
            entry.fields = {name: Field(name, value, line.number) for name, value in pairs[1:] if value}
            entry.below = [cell for cell in cells[len(pairs) :] if cell]
            self._entry = None

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

    def _belongs(self, entry: Entry, line: Line, text: str) -> None:
        entry.last = line.number
        entry.body.append(line)
        named = field_of(text)
        if self._field is not None and self._is_below(self._field, line, named is not None):
            self._field.below.append(text)
        elif named and named[0].lower() not in entry.fields:
            self._field, self._field_indent = Field(*named, line.number), line.indent
            self._field_is_item = line.bullet is not None
            entry.fields[named[0].lower()] = self._field
        else:
            entry.below.append(text)

    def _is_below(self, field: Field, line: Line, is_named: bool) -> bool:
        """Whether a line belongs to the last field: it is indented below it, or a list under a name without value."""
        deeper = line.indent > self._field_indent + 1
        if not field.value:
            return deeper or (not self._field_is_item and line.bullet is not None)
        return deeper and not is_named

    def _text(self, line: Line) -> None:
        entry = self._entry
        if _ASIDE.fullmatch(line.text) and self._after_blank:
            return
        if entry is not None and (entry.is_heading or not self._after_blank or line.indent > entry.indent):
            self._belongs(entry, line, line.text)
        elif self._is_group(plain(_TOTAL.sub("", line.text))):
            self._group, self._entry = plain(_TOTAL.sub("", line.text)), None
        elif not line.code and self._is_record(plain(line.text)):
            self._start(line.text, line)
        elif not _NOTHING.match(line.text):
            self._stray(line)
