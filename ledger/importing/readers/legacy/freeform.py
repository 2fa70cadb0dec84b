"""Files of no grammar: boards, whose headings have a status below them, and lists below headings like `Next Steps`."""

from ledger.importing.readers.legacy.entries import entries
from ledger.importing.readers.legacy.outline import Line, plain, sections
from ledger.importing.readers.legacy.told import Telling
from ledger.importing.readers.legacy.words import moment
from ledger.importing.readers.legacy.work_items import Items, is_board_entry, state_of


def read(lines: list[Line], items: Items, telling: Telling) -> None:
    """A heading with a status, a type or a start below it is an item; so is each list item below a heading of state."""
    levels = [heading[0] for line in lines if (heading := line.heading)]
    for section in sections(lines, 2 if 2 in levels else 1):
        if (status := state_of(section.title)) is not None:
            _list(section.lines, section.title, status, items, telling)
        else:
            _board(section.lines, section.title, section.number, items, telling)


def _list(lines: list[Line], title: str, status: str, items: Items, telling: Telling) -> None:
    found = moment(title)
    for entry in entries(lines, lambda _: False, lambda _: False, lambda _: None):
        items.take(entry, status=status, at=found[0] if found else None)


def _board(lines: list[Line], title: str, number: int, items: Items, telling: Telling) -> None:
    found = list(entries(lines, lambda _: False, lambda _: False, lambda _: None))
    on_board = [entry for entry in found if entry.is_heading and is_board_entry(entry)]
    for entry in on_board:
        items.take(entry)
    if not on_board and title and any(line.text for line in lines):
        telling.warn("left_to_its_author", number, plain(title)[:80])
    elif on_board:
        for entry in found:
            if entry.is_heading and entry not in on_board:
                telling.refuse("heading_without_fields", entry.line, entry.head)
