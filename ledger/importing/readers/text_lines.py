"""The lines of a text file as UTF-8, whichever form of Unicode it is kept in; what is no text is named with its line.

PowerShell's `>` writes UTF-16, editors put a byte order mark in front: both say by themselves what they are.
"""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ledger.errors import Invalid

LARGEST_FILE = 96 * 2**20  # bytes; one import is one statement, and a JSON array in PostgreSQL ends at 256 MB
SAMPLE = 4096  # bytes by which a form without a mark is known
UTF_8 = "utf-8"
_MARKS = (  # UTF-32 before UTF-16, whose mark begins alike
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", UTF_8),
)
_ZEROS = (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1))  # width, letter


def encoding_of(start: bytes) -> tuple[str, int]:
    """The form of Unicode that a file's first bytes show, and the length of its mark. UTF-8 unless they show another.

    >>> encoding_of("a".encode("utf-16")), encoding_of("ab".encode("utf-32-be")), encoding_of(b"ab")
    (('utf-16-le', 2), ('utf-32-be', 0), ('utf-8', 0))
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    sample = start[:SAMPLE]
    for encoding, width, place in _ZEROS:
        letters = sample[place::width]
        others = [sample[other::width] for other in range(width) if other != place]
        if letters and 0 not in letters and all(other.count(0) * 2 > len(other) for other in others):
            return encoding, 0
    return UTF_8, 0


def decoded(start: bytes) -> str:
    """The beginning of a file as text, whatever stands in it."""
    encoding, mark = encoding_of(start)
    text = start[mark:].decode(encoding, errors="replace")
    return text.replace("\r", "\n") if _has_returns_only(text.encode(errors="replace")) else text


def text_lines(path: Path, longest: int) -> Iterator[tuple[int, bytes]]:
    """Number and UTF-8 of every line, with the end that it has in the file.

    Invalid for a file that is no text, with the line that shows it, and for a line of more than `longest` bytes. A
    device or a pipe, which might never end, is not opened.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise unreadable(path, None, "cannot be read: it is a folder" if path.is_dir() else "is no ordinary file")
        with path.open("rb") as file:
            yield from _lines(path, file, longest)
    except OSError as error:
        raise unreadable(path, None, f"cannot be read: {error.strerror or error}") from error


def unreadable(
    path: Path, line: int | None, problem: str, next_step: str = "name a file of the right format"
) -> Invalid:
    """Why nothing of a file was recorded, and what to do about it."""
    where = f"{path}, line {line}" if line else str(path)
    return Invalid(
        f"{where} {problem}",
        next_step=f"{next_step}; nothing was recorded",
        fields=[{"field": "file", "problem": problem, "value": str(path), "line": line}],
    )


def _lines(path: Path, file: IO[bytes], longest: int) -> Iterator[tuple[int, bytes]]:
    encoding, mark = encoding_of(file.read(SAMPLE))
    file.seek(mark)
    if encoding != UTF_8:
        file = io.BytesIO(_as_utf8(path, file.read(LARGEST_FILE + 1), encoding))
    begin = file.tell()
    returns_only = _has_returns_only(file.read(SAMPLE))
    file.seek(begin)
    if returns_only:
        file = io.BytesIO(file.read(LARGEST_FILE + 1).replace(b"\r", b"\n"))
    for number, line in enumerate(iter(lambda: file.readline(longest + 1), b""), 1):
        if len(line) > longest:
            raise unreadable(path, number, f"is longer than {longest:,} bytes")
        if b"\0" in line:
            raise unreadable(path, number, "holds binary zeros: it is not a text", "name a text file")
        _check_utf8(path, number, line)
        yield number, line


def _has_returns_only(start: bytes) -> bool:
    """Whether lines end as on the first Macintoshes, which some spreadsheets still write."""
    return b"\r" in start.rstrip(b"\r") and b"\n" not in start


def _as_utf8(path: Path, content: bytes, encoding: str) -> bytes:
    name = encoding[:6].upper()
    if len(content) > LARGEST_FILE:
        raise unreadable(path, None, f"is {name} and larger than {LARGEST_FILE:,} bytes", _conversion(path, name))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, errors="replace").count("\n") + 1
        raise unreadable(
            path, line, f"is not {name}, as the lines before it are: {error.reason}", "save it as UTF-8"
        ) from error
    return text.encode()


def _check_utf8(path: Path, number: int, line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise unreadable(
            path,
            number,
            f"is not UTF-8: byte {error.start + 1} of the line is 0x{byte:02X}, which is {_in_windows(byte)}",
            _conversion(path, "WINDOWS-1252"),
        ) from None


def _in_windows(byte: int) -> str:
    letter = bytes([byte]).decode("cp1252", errors="ignore")
    return f"{letter!r} in Windows-1252" if letter else "no letter in Windows-1252 either"


def _conversion(path: Path, encoding: str) -> str:
    new = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return f"save it as UTF-8, for example by `iconv -f {encoding} -t UTF-8 {path} > {new}`, and import that"
