"""Which lines of a markdown text stand in a fenced code block: there they are text, whatever they look like."""

import re
from collections.abc import Sequence

_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})(.*)", re.DOTALL)


def fenced(lines: Sequence[str]) -> list[bool]:
    """Whether each line belongs to a code block, the fences included.

    A fence is closed by one of the same sign that is at least as long and has no words behind it. One that is never
    closed begins no block, because a forgotten fence must not swallow the rest of a file.

    >>> fenced(["```md", "## Text", "~~~", "```", "## Heading", "~~~~ py"])
    [True, True, True, True, False, False]
    """
    found = [False] * len(lines)
    longest = _longest_closings(lines)
    place = 0
    while place < len(lines):
        opening = _FENCE.fullmatch(lines[place])
        if opening is not None and longest[place + 1].get(opening[1][0], 0) >= len(opening[1]):
            end = next(at for at in range(place + 1, len(lines)) if _closing(lines[at]).startswith(opening[1]))
            found[place : end + 1] = [True] * (end + 1 - place)
            place = end
        place += 1
    return found


def _closing(line: str) -> str:
    """The signs of a line that can close a block; an empty text for any other line."""
    stripped = line.strip()
    return stripped if len(stripped) >= 3 and stripped.strip(stripped[0]) == "" and stripped[0] in "`~" else ""


def _longest_closings(lines: Sequence[str]) -> list[dict[str, int]]:
    """The longest closing fence of each sign from each line on, and from the end: no fence is looked for in vain."""
    longest: list[dict[str, int]] = [{}]
    for line in reversed(lines):
        after, closing = longest[-1], _closing(line)
        longer = closing and len(closing) > after.get(closing[0], 0)
        longest.append(after | {closing[0]: len(closing)} if longer else after)
    return longest[::-1]
