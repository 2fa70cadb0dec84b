"""Names that a message gives twice: it is refused, for nothing says which of the values is meant.

JSON allows it, and every reader of a message takes the last value without a word.
"""

import json
from typing import Any


class RepeatedName(Exception):
    """A message in which an object has this name more than once."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name} is given twice: give it once")
        self.text = text


def repeated_name(message: bytes) -> RepeatedName | None:
    """The first such name; None also for what is no JSON, which others refuse."""
    try:
        text = message.decode().removeprefix("\ufeff")
        _READING.decode(text)
    except _Found as found:
        return RepeatedName(found.name, text)
    except (ValueError, RecursionError):
        return None
    return None


class _Found(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Found(next(name for name in names if names.count(name) > 1))
    return found


_READING = json.JSONDecoder(object_pairs_hook=_names, parse_int=str, parse_float=str)
