"""Times, event names and values in the words of a person, for the commands that are read and not parsed."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from operator import eq
from typing import Any
from uuid import UUID

from ledger.aggregates.work_item.state import SECRET_FIELDS
from ledger.values.moment import parse
from projections.cli.terminal.output import printable

Refs = dict[str, str]  # the reference of each id

EMPTY: tuple[Any, ...] = (None, "", [], {})
LONGEST = 60  # characters of a text between others
COMMON = 20  # characters that two long texts share, before the difference
UNITS = ((60, "second"), (60, "minute"), (24, "hour"), (14, "day"))
NOUNS = ("WorkItem", "Vendor", "Deployment", "Enhancement", "Configuration", "Command")
IMPLIED = ("category", "withdrawn")  # by the state, and by the name of the event
BY_ID = ("comments", "effort")  # fields whose entries have ids of their own, which say nothing to a reader
_LONG_UNIT = re.compile(r"(\d+) (second|minute|hour|day)s?")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)(\.\d*[1-9])?\.?0*Z")


def ago(value: str | None, now: datetime) -> str:
    """How long before `now` it was, up to two weeks; else the day.

    >>> [ago(time, datetime(2026, 11, 22, 15, tzinfo=UTC)) for time in ("2026-11-22T14:59:40Z", "2026-11-20T15:00:00Z")]
    ['just now', '2 days ago']
    >>> ago("2026-11-22T15:30:00Z", datetime(2026, 11, 22, 15, tzinfo=UTC)), ago(None, datetime.now(UTC))
    ('in 30 minutes', '-')
    """
    if not value:
        return "-"
    moment = parse(value)
    away = abs(now - moment)
    if away < timedelta(seconds=45):
        return "just now"
    count: float = away.total_seconds()
    for size, unit in UNITS:
        if round(count) < size:
            amount = f"{round(count)} {unit}{'s' if round(count) != 1 else ''}"
            return f"in {amount}" if moment > now else f"{amount} ago"
        count /= size
    return moment.astimezone(UTC).date().isoformat()


def short_ago(value: str | None, now: datetime) -> str:
    """The same for a column.

    >>> short_ago("2026-11-20T15:00:00Z", datetime(2026, 11, 22, 15, tzinfo=UTC))
    '2d ago'
    """
    return _LONG_UNIT.sub(lambda found: f"{found[1]}{found[2][0]}", ago(value, now))


def awaited(question: dict[str, Any] | None) -> str | None:
    """What an item waits for: a person's answer or review.

    >>> awaited({"whom": "ann"}), awaited({"whom": "lead", "completes": ["completed", "done"]})
    ('ann', 'review by lead')
    """
    if question is None:
        return None
    return f"review by {question['whom']}" if question.get("completes") else str(question["whom"])


def happened(event: str) -> str:
    """An event's name as it is said.

    >>> happened("WorkItemStatusChanged"), happened("CommentAdded")
    ('status changed', 'comment added')
    """
    noun = next((noun for noun in NOUNS if event.startswith(noun) and event != noun), "")
    return re.sub(r"(?<!^)(?=[A-Z])", " ", event.removeprefix(noun)).lower()


def changed(changes: Iterable[dict[str, Any]], refs: Refs) -> str:
    """What became of each field, in one line."""
    listed = [change for change in changes if change["field"] not in IMPLIED]
    return "; ".join(_change(change["field"], change["old"], change["new"], refs) for change in listed)


def ids_in(value: Any) -> Iterator[str]:
    """Every id that stands in a value, at any depth."""
    match value:
        case str() if _is_id(value):
            yield value
        case dict():
            for inner in value.values():
                yield from ids_in(inner)
        case list() | tuple():
            for inner in value:
                yield from ids_in(inner)


def cost_heading(sums: dict[str, Any]) -> str:
    """What a column of costs is called: with the currency, where the ledger has one."""
    return " ".join(filter(None, ("cost", sums.get("currency"))))


def in_words(value: Any, refs: Refs) -> str:
    """A value of any shape, short.

    >>> in_words({"kind": "blocks", "to_id": "i"}, {"i": "w-7k3qd"}), in_words([], {}), in_words("# Title\\nmore", {})
    ('blocks w-7k3qd', 'nothing', '# Title ...')
    >>> in_words({"by": "ann", "at": "2026-11-22", "minutes": 90}, {}), in_words({"by": "ann", "until": 5}, {})
    ('minutes 90', 'by ann, until 5')
    """
    match value:
        case _ if value in EMPTY or value == ():
            return "nothing"
        case str():
            return refs.get(value) or _cut(_TIME.sub(r"\1 \2 UTC", value))
        case {"text": str(words)}:
            return _cut(words)
        case {"kind": str(kind), "to_id": str(other)}:
            return f"{kind.replace('_', ' ')} {refs.get(other, other)}"
        case dict():
            stamps = ("by", "at") if "at" in value else ()  # as the event itself has them
            hidden = (*SECRET_FIELDS, *stamps)
            kept = {name: inner for name, inner in value.items() if name not in hidden and inner not in EMPTY}
            return _cut(", ".join(f"{name.replace('_', ' ')} {in_words(inner, refs)}" for name, inner in kept.items()))
        case list() | tuple():
            return ", ".join(in_words(inner, refs) for inner in value)
        case _:
            return printable(value)


def _change(field: str, old: Any, new: Any, refs: Refs) -> str:
    name, _, entry = field.partition(".")
    name = "reason" if name == "block_reason" else name.replace("_", " ").removesuffix(" id")
    name = f"{name} {_cut(printable(entry))}" if entry and name not in BY_ID else name
    if isinstance(old, list) or isinstance(new, list):
        before, after = old or [], new or []
        taken = [f"-{in_words(one, refs)}" for one in before if one not in after]
        return f"{name} {' '.join([*(f'+{in_words(one, refs)}' for one in after if one not in before), *taken])}"
    if old in EMPTY:
        return f"{name} {in_words(new, refs)}"
    return f"no {name}" if new in EMPTY else f"{name} {' -> '.join(_both(old, new, refs))}"


def _both(old: Any, new: Any, refs: Refs) -> tuple[str, str]:
    """Both values in words; where these are alike, exactly, and of long texts the part that differs."""
    before, after = in_words(old, refs), in_words(new, refs)
    if before != after:
        return before, after
    exact = [_exact(old, refs), _exact(new, refs)]
    if exact[0] == exact[1]:
        return before, after
    if all(line == _cut(line) for line in exact):
        return exact[0], exact[1]
    start = sum(1 for _ in takewhile(bool, map(eq, *exact)))
    begin = max(start - COMMON, exact[0].rfind("\n", 0, start) + 1)
    before, after = (f"{'... ' if begin else ''}{_cut(one[begin:])}" for one in exact)
    return (before, after) if before != after else (json.dumps(exact[0][begin:]), json.dumps(exact[1][begin:]))


def _exact(value: Any, refs: Refs) -> str:
    match value:
        case str():
            return refs.get(value) or _TIME.sub(r"\1 \2\3\4 UTC", value)
        case dict():
            kept = {name: inner for name, inner in value.items() if name not in SECRET_FIELDS}
            return ", ".join(f"{name.replace('_', ' ')} {_exact(inner, refs)}" for name, inner in kept.items())
        case list() | tuple():
            return ", ".join(_exact(inner, refs) for inner in value)
        case _:
            return printable(value)


def _cut(text: str) -> str:
    line = text.strip().partition("\n")[0].rstrip()
    if len(line) > LONGEST:
        return f"{line[: LONGEST - 4]} ..."
    return line if line == text.strip() else f"{line} ..."


def _is_id(value: str) -> bool:
    try:
        return len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False
