"""A question as it is sent: with the conditions of the filters that are given, and without those of the others.

In the file each stands as `(CAST(%(tag)s AS text) IS NULL OR item.id IN (SELECT ...))`. Sent like that, no plan could
begin with what a filter looks for: PostgreSQL makes no join of a subquery below an OR, not even where its other side is
false, and SQLite uses no index below it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

FILTER = re.compile(r"\(CAST\(%\((\w+)\)s AS \w+\) IS NULL OR ")
BRACKET = re.compile(r"[()]")
KEPT = 1_000  # texts: a client may combine filters as it likes


def has_filters(text: str) -> bool:
    return bool(_filters(text))


def filtering(text: str, given: Mapping[str, Any]) -> frozenset[str]:
    """The filters that are given.

    >>> filtering("(CAST(%(tag)s AS text) IS NULL OR a = %(tag)s)", {"tag": ""})
    frozenset({'tag'})
    """
    return frozenset(name for name in _filters(text) if given[name] is not None)


@lru_cache(KEPT)
def with_filters(text: str, given: frozenset[str]) -> str:
    """The question with the conditions of these filters; the others hold of everything.

    >>> with_filters("WHERE (CAST(%(tag)s AS text) IS NULL OR a = (%(tag)s)) AND b", frozenset({"tag"}))
    'WHERE (a = (%(tag)s)) AND b'
    >>> with_filters("WHERE (CAST(%(tag)s AS text) IS NULL OR a = (%(tag)s)) AND b", frozenset())
    'WHERE TRUE AND b'
    """
    return "".join(_parts(text, given))


@cache
def _filters(text: str) -> tuple[str, ...]:
    return tuple(FILTER.findall(text))


def _parts(text: str, given: frozenset[str]) -> Iterator[str]:
    while found := FILTER.search(text):
        end = _end(text, found.end())
        yield text[: found.start()]
        yield f"({text[found.end() : end]})" if found[1] in given else "TRUE"
        text = text[end + 1 :]
    yield text


def _end(text: str, begins: int) -> int:
    """Where the bracket closes within which a place lies."""
    depth = 1
    for bracket in BRACKET.finditer(text, begins):
        depth += 1 if bracket[0] == "(" else -1
        if not depth:
            return bracket.start()
    raise ValueError(f"a bracket is not closed: {text[begins:][:100]}")
