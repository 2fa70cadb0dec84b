"""A status file's bytes: the generated part between its two markers, and the author's, which is kept byte for byte.

A marker carries a digest of what stands between the two, so no text of an author can be taken for the generated part:
not a marker in a code fence, not a quoted one, not an old copy without its other half. Whatever is left in doubt is
refused, because guessing could lose the author's words.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from msgspec import Struct

from ledger.errors import Refused

NAME = ".project_status.md"  # unless the settings name another file
MOST = 20  # markers in one file

_MARKER = re.compile(
    rb"^(?:\xef\xbb\xbf)?(<!-- tracking-ledger: (begin|end) ([0-9a-f]{16})(?:; [^\r\n]*)? -->)\r?$", re.MULTILINE
)
_FENCE = re.compile(rb"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins
_HINT = b"; made by `tracking-ledger status --write`: write your own text before or after it"


def path_in(project: Path, chosen: Path | None) -> Path:
    """Where the status file of a project is: at the path that the settings name, else in its folder."""
    return project / (chosen or NAME)


class Part(Struct, frozen=True, kw_only=True):
    """The generated part: the bytes from `start` to `end`, markers included; `text` is what stands between them.

    `proven` means that it was not changed since it was written.
    """

    start: int
    end: int
    text: bytes
    proven: bool


def with_report(file: bytes, report: str) -> bytes:
    """The file with this report as its generated part: in the old one's place, else below everything else.

    Raises Refused when it is in doubt which part of the file that is.
    """
    if file.startswith(_WIDE):
        raise _in_doubt("it is UTF-16, and the report is UTF-8", "convert it to UTF-8")
    part = generated(file)
    before = file[: part.start] if part else _closed(file)
    after = file[part.end :] if part else _newline(file)
    return before + _marked(report, _newline(file)) + after


def generated(file: bytes) -> Part | None:
    """The generated part of the file; None if it has none. Raises Refused when that is in doubt."""
    found = _markers(file)
    parts = [
        Part(start=begin.start(1), end=end.end(1), text=text, proven=_digest(text) == begin[3])
        for begin, end in combinations(found, 2)
        if (begin[2], end[2]) == (b"begin", b"end") and begin[3] == end[3]
        for text in [file[begin.end() + 1 : end.start()]]
    ]
    if not found:
        return None
    proven = [part for part in parts if part.proven]
    if len(proven) == 1:
        return proven[0]
    if len(found) == 2 and len(parts) == 1:
        return parts[0]
    lines = ", ".join(str(file.count(b"\n", 0, marker.start()) + 1) for marker in found)
    raise _in_doubt(
        f"the markers in its lines {lines} are not one beginning and its own end",
        "delete the markers, and what they enclose if it is an old report; the next write adds a new part",
    )


def report_in(file: bytes) -> str | None:
    """The text of the generated part, as `parse.py` reads it; None if the file has none."""
    part = generated(file)
    return None if part is None else part.text.replace(b"\r\n", b"\n").decode("utf-8", "replace")


def _marked(report: str, newline: bytes) -> bytes:
    text = report.encode()
    digest = _digest(text)
    begin = b"<!-- tracking-ledger: begin " + digest + _HINT + b" -->\n"
    return (begin + text + b"<!-- tracking-ledger: end " + digest + b" -->").replace(b"\n", newline)


def _digest(text: bytes) -> bytes:
    """The same whichever line ends a checkout gives the file."""
    return sha256(text.replace(b"\r\n", b"\n")).hexdigest()[:16].encode()


def _closed(file: bytes) -> bytes:
    """The file, ready for a new part below it: after an empty line, if there is anything."""
    newline = _newline(file)
    if file in (b"", BOM_UTF8):
        return file
    return file + (b"" if file.endswith(b"\n") else newline) + newline


def _newline(file: bytes) -> bytes:
    """The line end that the file's first line has."""
    return b"\r\n" if file.partition(b"\n")[0].endswith(b"\r") else b"\n"


def _markers(file: bytes) -> list[re.Match[bytes]]:
    """The lines that look like markers, but for those in a code fence. Raises Refused for more than a person writes."""
    fences = list(_fences(file))
    found = [one for one in _MARKER.finditer(file) if not any(start < one.start() < end for start, end in fences)]
    if len(found) > MOST:
        raise _in_doubt(f"it has {len(found)} markers of a generated part", "delete those that are not in use")
    return found


def _fences(file: bytes) -> Iterator[tuple[int, int]]:
    """Where code fences begin and end; one that is never closed encloses nothing."""
    opened: re.Match[bytes] | None = None
    for fence in _FENCE.finditer(file):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]):
            yield opened.start(), fence.end()
            opened = None


def _in_doubt(why: str, next_step: str) -> Refused:
    return Refused(
        f"the status file stays as it is: {why}", next_step=next_step, rule="status_file_is_in_doubt", items=[]
    )
