"""Files of no grammar: boards, whose headings have a status below them, and lists below headings like `Next Steps`."""

from collections.abc import Iterator

from msgspec.structs import replace

from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry, entries, field_of
from ledger.importing.readers.legacy.kinds import is_about_state, kind_of, listed_state
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import Line, Section, plain, sections
from ledger.importing.readers.legacy.records.work_items import BOARD_FIELDS, GRAMMAR, Items, is_board_entry
from ledger.importing.readers.legacy.totals import without_totals
from ledger.values.states import Category

LONGEST_STEP = 4  # lines of a paragraph that is a next step
LISTS = ("vendors", "deployments", "enhancements", "work_items")  # kinds of sections that list records
NOTHING = ("none", "n/a", "tbd", "nothing")


def read(lines: list[Line], items: Items, legacy: LegacyFile) -> None:
    """A heading with a status, a type or a start below it is an item; so is each list item below a heading of state."""
    levels = [heading[0] for line in lines if (heading := line.heading)]
    found = list(sections(lines, 2 if 2 in levels else 1))
    titles = [section.title for section in found]
    for section in found:
        for part in [section] if listed_state(section.title, titles) is not None else parted(section):
            if (state := listed_state(part.title, titles)) is not None:
                read_list(part, state, items, legacy)
            else:
                _board(part.lines, part.title, part.number, items, legacy)


def parted(section: Section) -> Iterator[Section]:
    """A section of no kind, cut at the headings below it that announce a list of work, and where such a list ends."""
    part, begin, depth = section, 0, 0
    titles = [heading[1] for line in section.lines if (heading := line.heading)]
    for place, line in enumerate(section.lines):
        if (heading := line.heading) is None or (depth and heading[0] > depth):
            continue
        is_list = kind_of(heading[1]) in LISTS or listed_state(heading[1], titles) is not None
        if is_list or depth:
            yield replace(part, lines=section.lines[begin:place])
            part, begin, depth = Section(*heading, line.number, []), place + 1, heading[0] if is_list else 0
    yield replace(part, lines=section.lines[begin:])


def read_list(section: Section, state: Category, items: Items, legacy: LegacyFile) -> None:
    """The list below a heading that says how far its items are. Headings without fields only part it."""
    stray: list[Line] = []
    grammar = replace(GRAMMAR, is_group=_groups(section.lines).__contains__)
    found = list(without_totals(entries(section.lines, grammar, stray.append), legacy))
    at = legacy.moment({}, "list", section.title, section.number) if found else None
    groups = {entry.group for entry in found}
    for entry in found:
        items.take(entry, above=listed_state(entry.group, groups) or entry.group_state or state, at=at)
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


def _step(stray: list[Line]) -> WrittenEntry | None:
    """A next step that is written as a sentence and not as a list."""
    texts = [line.text for line in stray]
    if (
        not 0 < len(texts) <= LONGEST_STEP
        or any(line.code for line in stray)
        or texts[0].lower().strip("*_. ") in NOTHING
    ):
        return None
    return WrittenEntry(head=" ".join(texts), line=stray[0].number, is_list_item=True)


def _board(lines: list[Line], title: str, number: int, items: Items, legacy: LegacyFile) -> None:
    found = list(entries(lines, Grammar()))
    on_board = [one for one in found if one.is_heading and is_board_entry(one) and not is_about_state(one.head)]
    for entry in on_board:
        items.take(entry)
    if not on_board and title and any(line.text for line in lines):
        legacy.leave(number, title, lines)
    elif on_board:
        for entry in found:
            if entry.is_heading and entry not in on_board:
                legacy.refuse("heading_without_fields", entry.line, entry.head)
