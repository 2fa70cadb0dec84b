"""Files of no grammar: boards, whose headings have a status below them, and lists below headings like `Next Steps`."""

from msgspec.structs import replace

from ledger.importing.readers.legacy.entries import Entry, Grammar, entries, field_of
from ledger.importing.readers.legacy.kinds import listed_state
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import Line, Section, plain, sections
from ledger.importing.readers.legacy.records.work_items import BOARD_FIELDS, GRAMMAR, Items, is_board_entry
from ledger.importing.readers.legacy.totals import without_totals
from ledger.values.states import Category

LONGEST_STEP = 4  # lines of a paragraph that is a next step
NOTHING = ("none", "n/a", "tbd", "nothing")


def read(lines: list[Line], items: Items, legacy: LegacyFile) -> None:
    """A heading with a status, a type or a start below it is an item; so is each list item below a heading of state."""
    levels = [heading[0] for line in lines if (heading := line.heading)]
    for section in sections(lines, 2 if 2 in levels else 1):
        if (state := listed_state(section.title)) is not None:
            read_list(section, state, items, legacy)
        else:
            _board(section.lines, section.title, section.number, items, legacy)


def read_list(section: Section, state: Category, items: Items, legacy: LegacyFile) -> None:
    """The list below a heading that says how far its items are. Headings without fields only part it."""
    stray: list[Line] = []
    grammar = replace(GRAMMAR, is_group=_groups(section.lines).__contains__)
    found = list(without_totals(entries(section.lines, grammar, stray.append), legacy))
    at = legacy.moment({}, "list", section.title, section.number) if found else None
    for entry in found:
        items.take(entry, above=listed_state(entry.group) or state, at=at)
    if not found and state == "planned" and (step := _step(stray)):
        items.take(step, above=state)
        return
    for line in stray:
        if line.number - 1 not in {other.number for other in stray}:
            legacy.warn("left_to_its_author", line.number, line.text[:80])


def _groups(lines: list[Line]) -> set[str]:
    """The headings that only name what follows: no field of an item stands below them."""
    groups = set()
    for place, line in enumerate(lines):
        below = next((other for other in lines[place + 1 :] if other.text), None)
        named = field_of(below.bullet or below.text) if below else None
        if line.heading and not (named and named[0].lower() in BOARD_FIELDS):
            groups.add(plain(line.heading[1]))
    return groups


def _step(stray: list[Line]) -> Entry | None:
    """A next step that is written as a sentence and not as a list."""
    texts = [line.text for line in stray]
    if (
        not 0 < len(texts) <= LONGEST_STEP
        or any(line.code for line in stray)
        or texts[0].lower().strip("*_. ") in NOTHING
    ):
        return None
    return Entry(head=" ".join(texts), line=stray[0].number, is_list_item=True)


def _board(lines: list[Line], title: str, number: int, items: Items, legacy: LegacyFile) -> None:
    found = list(entries(lines, Grammar()))
    on_board = [entry for entry in found if entry.is_heading and is_board_entry(entry)]
    for entry in on_board:
        items.take(entry)
    if not on_board and title and any(line.text for line in lines):
        legacy.leave(number, title, lines)
    elif on_board:
        for entry in found:
            if entry.is_heading and entry not in on_board:
                legacy.refuse("heading_without_fields", entry.line, entry.head)
