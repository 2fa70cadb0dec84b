"""The YAML between two `---` lines at the head of a markdown file, read as the text it is.

Only null, true, false and plain whole numbers are anything but text: `20:08:07` is no base-60 number, `1.10` no float,
`2026-03-01` no date object, `0755` no octal number. An alias is refused, because nine of them make gigabytes.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

FENCE = "---"
LARGEST = 256 * 2**10  # characters
DEEPEST = 30  # levels of nesting
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser where the wheel has it: ten times faster
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a character, as JSON writes two for one; the C parser refuses them


class BrokenYaml(ValueError):
    """`line` counts from 1, in the text that was given."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def split(text: str) -> tuple[str | None, str, int]:
    """The front matter (None if there is none), the body, and the body's first line number.

    >>> split("---\\nid: 1\\n---\\nbody")
    ('id: 1', 'body', 4)
    """
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return None, text, 1
    for place, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:place]), "\n".join(lines[place + 1 :]), place + 2
    raise BrokenYaml(f"its front matter has no closing {FENCE}", 1)


def parse(text: str) -> dict[str, Any]:
    """The mapping that a YAML text is; an empty text is an empty one. Raises BrokenYaml for anything else."""
    if len(text) > LARGEST:
        raise BrokenYaml(f"has {len(text):,} characters of YAML, more than {LARGEST:,}", 1)
    try:
        return _mapping(yaml.parse(text, Loader=yaml.SafeLoader if _HALF.search(text) else _LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenYaml(f"is not YAML: {error.problem or error.context}", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise BrokenYaml(f"is not YAML: {error}", 1) from error


def _mapping(events: Iterator[Any]) -> dict[str, Any]:
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            found: dict[str, Any] = _value(event, events, 0)
            _end(events)
            return found
        if not isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.StreamEndEvent)):
            if isinstance(event, yaml.ScalarEvent) and event.value == "":
                return {}
            raise BrokenYaml("is no mapping of names to values", _line(event))
    return {}


def _end(events: Iterator[Any]) -> None:
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            raise BrokenYaml("holds a second YAML document", _line(event))


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    line = _line(event)
    if depth > DEEPEST:
        raise BrokenYaml(f"is nested deeper than {DEEPEST} levels", line)
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event.value) if event.implicit[0] else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(inner, events, depth + 1) for inner in _until(yaml.SequenceEndEvent, events)]
    if isinstance(event, yaml.MappingStartEvent):
        return _pairs(events, depth)
    raise BrokenYaml("uses a YAML alias (`*name`): write the value out", line)


def _pairs(events: Iterator[Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in _until(yaml.MappingEndEvent, events):
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise BrokenYaml("has a key that is no text", line)
        if event.value in found:
            raise BrokenYaml(f"names {event.value[:50]!a} twice", line)
        found[event.value] = _value(next(events), events, depth + 1)
    return found


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, end):
            return
        yield event


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    return int(text) if _WHOLE.fullmatch(text) else text
