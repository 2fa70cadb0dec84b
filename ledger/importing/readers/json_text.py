"""JSON from outside: decoded so that nothing of a number or a text is changed on the way."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from ledger.importing.readers.reading import text_of
from ledger.importing.readers.text_lines import unreadable

_MANY_DIGITS = re.compile(rb"[0-9]{19}")
LARGEST_FLOAT = Decimal("1.7976931348623157e308")


class TooLarge(ValueError):
    """A number that would not come back as it was written."""


def decoded(line: bytes) -> Any:
    """The JSON of a line. A whole number beyond 64 bits is refused with TooLarge and not rounded."""
    return json.loads(line, parse_int=_whole) if _MANY_DIGITS.search(line) else msgspec.json.decode(line)


def document(path: Path) -> Any:
    """A file that is one JSON value; its fractions are Decimals, because a dotted id may be written as one: `29.10`.

    Invalid with the line for anything else.
    """
    content = text_of(path)
    try:
        return json.loads(content, parse_int=_whole, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise unreadable(path, error.lineno, f"is not JSON: {error.msg} (column {error.colno})") from error
    except TooLarge as error:
        raise unreadable(path, None, f"holds a number that cannot be kept: {error}") from error
    except RecursionError as error:
        raise unreadable(path, None, "is JSON nested too deep") from error


def plain(value: Any) -> Any:
    """A document's value with numbers in place of Decimals; one that no number can hold stays a text."""
    match value:
        case Decimal():
            return float(value) if abs(value) <= LARGEST_FLOAT else str(value)
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise TooLarge(f"{digits[:40]} has more than 64 bits")
    return int(digits)
