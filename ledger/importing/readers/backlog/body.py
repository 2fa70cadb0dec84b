"""The body of a Backlog.md file: sections under known headings, checklists and comments between HTML comments.

A section ends at the next known heading; any other heading is part of its text. Between BEGIN and END no heading
counts. What none of the known forms describes is kept as it stands.
"""

import re
from typing import Any

from msgspec import Struct

TEXTS = ("description", "implementation plan", "implementation notes", "final summary")
CHECKLISTS = {"acceptance criteria": "acceptance", "definition of done": "definition_of_done"}
COMMENTS = "comments"
DELIMITER = "---"
_HEADING = re.compile(r"##\s+(\S.*?)\s*#*")
_MARK = re.compile(r"<!--\s*(?:SECTION:)?(\w+):(BEGIN|END)\s*-->")
_ENTRY = re.compile(r"[-*] \[([ xX])\] (?:#(\d+) )?(\S.*)")
_FIELD = re.compile(r"([A-Za-z_]+):\s*(.*)")


class Section(Struct, frozen=True, kw_only=True):
    """A known heading, in lower case, and the lines below it without the HTML comments that enclose them."""

    heading: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


class Body(Struct, kw_only=True):
    """`before` is what stands above the first known heading, `more` what a checklist says beside its entries."""

    before: str = ""
    texts: dict[str, str] = {}
    checklists: dict[str, list[tuple[bool, str]]] = {}
    comments: list[dict[str, Any]] = []
    more: dict[str, str] = {}


def body_of(text: str) -> Body:
    """A section that comes twice is one text; so it is with a checklist."""
    before, sections = _sections(text.split("\n"))
    body = Body(before=before)
    for section in sections:
        if section.heading in CHECKLISTS:
            _take_checklist(section, body)
        elif section.heading == COMMENTS:
            body.comments += _comments(section.lines)
        elif section.text:
            known = body.texts.get(section.heading)
            body.texts[section.heading] = f"{known}\n\n{section.text}" if known else section.text
    return body


def _sections(lines: list[str]) -> tuple[str, list[Section]]:
    before: list[str] = []
    sections: list[Section] = []
    current, inside = before, ""
    for line in lines:
        mark, heading = _MARK.fullmatch(line.strip()), _known_heading(line)
        if mark and mark[1] != "COMMENT":
            inside = mark[1] if mark[2] == "BEGIN" else ""
        elif heading and not inside:
            sections.append(Section(heading=heading, lines=[]))
            current = sections[-1].lines
        else:
            current.append(line.rstrip())
    return "\n".join(before).strip(), sections


def _known_heading(line: str) -> str | None:
    found = _HEADING.fullmatch(line.rstrip())
    name = found[1].lower().removesuffix(" (optional)") if found else ""
    return name if name in TEXTS or name in CHECKLISTS or name == COMMENTS else None


def _take_checklist(section: Section, body: Body) -> None:
    entries = body.checklists.setdefault(section.heading, [])
    more = []
    for line in section.lines:
        entry = _ENTRY.fullmatch(line.strip())
        if entry:
            entries.append((entry[1] != " ", entry[3].strip()))
        elif line.strip():
            more.append(line)
    if more:
        body.more[section.heading] = "\n".join(more)


def _comments(lines: list[str]) -> list[dict[str, Any]]:
    """Between COMMENT marks, as the first versions wrote them, or between `---` lines, each after its fields.

    Whatever is neither is a comment of nobody known.
    """
    if not any(_MARK.fullmatch(line.strip()) for line in lines):
        return _delimited(lines)
    found: list[list[str]] = [[]]
    for line in lines:
        if _MARK.fullmatch(line.strip()):
            found.append([])
        else:
            found[-1].append(line)
    return [_comment(block) for block in found if "\n".join(block).strip()]


def _delimited(lines: list[str]) -> list[dict[str, Any]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == DELIMITER:
            parts.append([])
        else:
            parts[-1].append(line)
    pairs = zip(parts[::2], [*parts[1::2], []], strict=False)  # fields, text, fields, text, ... and what is left
    return [_comment([*fields, "", *text]) for fields, text in pairs if "\n".join([*fields, *text]).strip()]


def _comment(lines: list[str]) -> dict[str, Any]:
    """Its fields, then a blank line, then its text."""
    block = "\n".join(lines).strip().split("\n")
    blank = block.index("") if "" in block else 0
    fields = [_FIELD.fullmatch(line) for line in block[:blank]]
    if not all(fields):
        return {"text": "\n".join(block)}
    return {field[1].lower(): field[2] for field in fields if field} | {"text": "\n".join(block[blank:]).strip()}
