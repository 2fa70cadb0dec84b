"""What stands below an org heading: its times, its properties, the notes and the log of its drawers, its text."""

import re
import textwrap

from msgspec import Struct

STAMP = re.compile(r"[<\[](\d{4}-\d\d-\d\d)(?: [^\d\s>\]+-]+)?(?: (\d{1,2}:\d\d))?[^>\]]*[>\]]")
_PLANNED = re.compile(r"\b(DEADLINE|SCHEDULED|CLOSED):\s*(<%%\(.*?\)>|[<\[][^>\]]+[>\]])")
_PROPERTY = re.compile(r"\s*:([\w+-]+):\s*(.*)")
_NOTE = re.compile(r"\s*- Note taken on (\[[^\]]+\])\s*(?:\\\\)?\s*")
_ENTRY = re.compile(r"\s*(?:- |CLOCK:)")
_LOGGED = re.compile(  # what org writes below a heading itself, where it is not set to use a drawer
    r"\s*(?:- (?:State|Note taken on|CLOSING NOTE|Rescheduled from|New deadline from|Not scheduled, was"
    r"|Removed deadline, was|Refiled on)\b.*\[\d{4}-|CLOCK:\s*\[\d{4}-)"
)
_STATE = re.compile(r"\s*- State \"(?P<state>[^\"]+)\".*(?P<stamp>\[\d{4}-[^\]]+\])")
_DRAWERS = (":PROPERTIES:", ":LOGBOOK:")


class Note(Struct, frozen=True):
    stamp: str
    text: str


class OrgBody(Struct, frozen=True, kw_only=True):
    """`planned` and `properties` have all that is said under a name, in its order; notes are there oldest first."""

    planned: dict[str, list[str]] = {}
    properties: dict[str, list[str]] = {}
    notes: tuple[Note, ...] = ()
    log: list[str] = []
    text: str = ""

    def property(self, name: str) -> str | None:
        """The first value of a property, whose name has no case in org."""
        found = (one for own, values in self.properties.items() if own.upper() == name for one in values)
        return next((value for value in found if value), None)

    def entered(self, state: str) -> str | None:
        """When it came into a state last, by its log."""
        found = (match for line in self.log if (match := _STATE.match(line)) and match["state"] == state)
        return max((match["stamp"] for match in found), default=None)


def body_of(lines: list[str]) -> OrgBody:
    planned: dict[str, list[str]] = {}
    properties: dict[str, list[str]] = {}
    written: list[str] = []
    logged: list[str] = []
    drawer, loose = "", ""  # `loose` is what lines of a note begin with that stands in no drawer
    for line in lines:
        mark = line.strip().upper()
        if not drawer and mark in _DRAWERS:
            drawer = mark
        elif drawer and mark == ":END:":
            drawer = ""
        elif drawer == ":PROPERTIES:" and (found := _PROPERTY.fullmatch(line)):
            properties.setdefault(found[1], []).append(found[2].strip())
        elif drawer:
            logged.append(line)
        elif not written and _LOGGED.match(line):
            logged.append(line)
            loose = f"{line[: _depth(line)]}  " if line.rstrip().endswith("\\\\") else ""
        elif loose and line.startswith(loose) and line.strip():
            logged.append(line)
        elif not written and (stamps := _PLANNED.findall(line)) and not _PLANNED.sub("", line).strip():
            for name, stamp in stamps:
                planned.setdefault(name, []).append(stamp)
        elif written or line.strip():
            written.append(line)
            loose = ""
    notes, log = _log(logged)
    return OrgBody(planned=planned, properties=properties, notes=notes, log=log, text="\n".join(written).rstrip())


def _log(lines: list[str]) -> tuple[tuple[Note, ...], list[str]]:
    """Notes with a text, and all else as it is written. Org has the newest first."""
    notes: list[Note] = []
    log: list[str] = []
    for entry in _entries(lines):
        found = _NOTE.fullmatch(entry[0])
        text = textwrap.dedent("\n".join(entry[1:])).strip("\n").rstrip() if found else ""
        if found and text:
            notes.insert(0, Note(found[1], text))
        else:
            log += [line for line in entry if line.strip()]
    return tuple(notes), log


def _entries(lines: list[str]) -> list[list[str]]:
    """An entry ends where another one begins that stands no deeper: a note may hold a list of its own."""
    found: list[list[str]] = []
    for line in lines:
        if not found or (_ENTRY.match(line) and _depth(line) <= _depth(found[-1][0])):
            found.append([line])
        else:
            found[-1].append(line)
    return found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
