"""A point in the past as people type it: a position, a version, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ledger.values.moment import text

_AGO = re.compile(r"(\d{1,5}) ?(minutes?|hours?|days?|weeks?|min|m|h|d|w)( ago)?")
_LENGTHS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_WORDS = {"yesterday": "1d", "last week": "1w", "last hour": "1h"}


class Point(click.types.StringParamType):
    """Passes on what an operation reads itself; how long ago becomes the time that it was."""

    name = "point"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return point(super().convert(value, param, ctx), datetime.now(UTC))


def point(typed: str, now: datetime) -> str:
    """
    >>> [point(typed, datetime(2026, 11, 22, 15, tzinfo=UTC)) for typed in ("2h", "Yesterday", "3 days ago")]
    ['2026-11-22T13:00:00.000000Z', '2026-11-21T15:00:00.000000Z', '2026-11-19T15:00:00.000000Z']
    >>> [point(typed, datetime(2026, 11, 22, 15, tzinfo=UTC)) for typed in ("120", "v3", "d-7k3qd", "2026-11-20")]
    ['120', 'v3', 'd-7k3qd', '2026-11-20']
    """
    match = _AGO.fullmatch(_WORDS.get(typed.strip().lower(), typed.strip().lower()))
    return text(now - int(match[1]) * _LENGTHS[match[2][0]]) if match else typed


POINT = Point()
