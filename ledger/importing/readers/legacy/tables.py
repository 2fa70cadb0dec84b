"""The tables of a markdown text, in every way people write them: with pipes around them or without, with a head or not.

A pipe in a cell is written `\\|`, or stands in marked code.
"""

import re

from msgspec.structs import replace

from ledger.importing.readers.legacy.outline import Line, TableRow, plain

_COLUMNS = """
    #, id, no, nr, number, name, vendor, vendors, title, task, tasks, item, work item, enhancement, feature, details,
    description, notes, note, comment, comments, status, state, done, progress, priority, prio, quarter, target, due,
    date, target quarter, time, when, deployed, pr, pull request, commit, hash, sha, tests, test results, passing,
    total, skipped, formats, format, version, manifest, owner, assignee, type, parent, branch, created, started,
    completed, finished, updated, environment, env, compliance, category, key, field, property, value
"""
COLUMNS = frozenset(name.strip() for name in _COLUMNS.split(","))  # by which a first row is a head without a rule
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_GRID = re.compile(r"\+[-=+:\s]*[-=][-=+:\s]*\+")
_PIPE = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_MARKED_CODE = re.compile(r"(`+)(?:(?!\1).)*?\1(?!`)")


def with_tables(lines: list[Line]) -> list[Line]:
    """The same lines; those of tables say so."""
    found, place = list(lines), 0
    while place < len(lines):
        end = _end_of_table(lines, place)
        found[place:end] = _table(lines[place:end])
        place = max(end, place + 1)
    return found


def cells_of(text: str, columns: int = 0) -> tuple[str, ...]:
    """The cells of a row of a table of so many columns, if that is known.

    Pipes in marked code and at the ends of the row divide only where it has as many cells as its table needs then.

    >>> cells_of("| Alpha \\\\| Co | `a|b` |"), cells_of("a | b |"), cells_of("| `a | b` |", 2)
    (('Alpha | Co', '`a|b`'), ('a', 'b'), ('`a', 'b`'))
    """
    spared = _MARKED_CODE.sub(lambda code: code[0].replace("|", "\0"), text)
    ways = [_split(spared), _split(text), _PIPE.split(spared), _PIPE.split(text)]
    chosen = next((cells for cells in ways if len(cells) == columns), ways[0])
    return tuple(_BREAK.sub(" ", cell).strip().replace("\\|", "|").replace("\0", "|") for cell in chosen)


def _split(text: str) -> list[str]:
    text = text.strip()
    ends = text.endswith("|") and not text.endswith("\\|")
    return _PIPE.split(text.removeprefix("|")[: -1 if ends else None])


def _end_of_table(lines: list[Line], start: int) -> int:
    """Where the table that begins there ends; the same place where none begins."""
    if not _may_be_row(lines[start]):
        return start
    below = lines[start + 1] if start + 1 < len(lines) else None
    headed = below is not None and _is_rule(below) and not _is_frame(lines[start]) and lines[start].bullet is None
    end = start
    while end < len(lines) and _may_be_row(lines[end]) and (headed or _is_framed(lines[end])):
        if end > start and lines[end].bullet is not None:
            break
        end += 1
    return end


def _table(lines: list[Line]) -> list[Line]:
    """The head is what stands above a rule, or a first row of nothing but names of columns."""
    rules = [place for place, line in enumerate(lines) if _is_rule(line) and "=" not in line.text]
    rules = [place for place, line in enumerate(lines) if "=" in line.text and _is_frame(line)] or rules
    first = next((place for place, line in enumerate(lines) if not _is_frame(line)), None)
    if first is None:
        return [replace(line, frame=True) for line in lines]
    width = len(cells_of(lines[rules[0]].text)) if rules and not _GRID.fullmatch(lines[rules[0]].text) else 0
    head = cells_of(lines[first].text, width)
    names = [plain(cell).lower() for cell in head]
    is_headed = first + 1 in rules or (any(names) and all(name in COLUMNS for name in names if name))
    columns = tuple(names) if is_headed else ()
    return [
        replace(line, frame=True)
        if _is_frame(line) or (is_headed and place == first)
        else replace(line, row=TableRow(cells_of(line.text, len(columns)), columns))
        for place, line in enumerate(lines)
    ]


def _may_be_row(line: Line) -> bool:
    if line.code or line.comment or line.heading is not None:
        return False
    return _PIPE.search(line.text) is not None or _is_frame(line)


def _is_framed(line: Line) -> bool:
    return line.text.startswith("|") or _GRID.fullmatch(line.text) is not None


def _is_rule(line: Line) -> bool:
    return not line.code and "|" in line.text and _RULE.fullmatch(line.text) is not None


def _is_frame(line: Line) -> bool:
    return _is_rule(line) or (not line.code and _GRID.fullmatch(line.text) is not None)
