"""Days and times of people's plans: `2026-12-15`, or a moment. A day is a day of UTC, and is kept as the day it is."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from ledger.values.moment import parse, text

Unit = Literal["day", "week", "month", "year"]
DAY = 10  # characters of a day
MOST_MINUTES = 5_256_000  # of an estimate: ten years
FIRST, LAST = "T00:00:00.000000Z", "T23:59:59.999999Z"  # moments of a day, as `moment.text` writes them


def planned(value: str) -> str:
    """A day, or a moment in UTC; ValueError for anything else.

    >>> planned("2026-12-15"), planned("2026-12-15T10:00:00+01:00")
    ('2026-12-15', '2026-12-15T09:00:00.000000Z')
    """
    value = value.strip()
    return date.fromisoformat(value).isoformat() if len(value) == DAY else text(parse(value))


def begins(value: str) -> str:
    """The first moment of what is planned."""
    return value + FIRST if len(value) == DAY else value


def ends(value: str) -> str:
    """The last moment of what is planned: what is due on a day is due until that day has ended."""
    return value + LAST if len(value) == DAY else value


def later(value: str, unit: Unit, count: int) -> str:
    """The same so many units later; the last day of a month that has no such day. ValueError beyond the year 9999.

    >>> later("2026-01-31", "month", 1), later("2026-12-15", "week", 2)
    ('2026-02-28', '2026-12-29')
    """
    return _written(_later(_read(value), unit, count), value)


def moved(value: str, before: str, after: str) -> str:
    """What is planned, as far from `after` as it was from `before`. ValueError outside the years 1 to 9999."""
    try:
        return _written(_read(value) + (_read(after) - _read(before)), value)
    except OverflowError as error:
        raise ValueError(f"{value} cannot be moved out of the years 1 to 9999") from error


def _later(moment: datetime, unit: Unit, count: int) -> datetime:
    try:
        match unit:
            case "day":
                return moment + timedelta(days=count)
            case "week":
                return moment + timedelta(weeks=count)
            case "month":
                return _in_month(moment, moment.year * 12 + moment.month - 1 + count)
            case "year":
                return _in_month(moment, (moment.year + count) * 12 + moment.month - 1)
    except OverflowError as error:
        raise ValueError(f"{moment:%Y-%m-%d} plus {count} {unit}s lies beyond the year 9999") from error


def _in_month(moment: datetime, months: int) -> datetime:
    year, month = months // 12, months % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _read(value: str) -> datetime:
    return parse(begins(value)).astimezone(UTC)


def _written(moment: datetime, like: str) -> str:
    return moment.date().isoformat() if len(like) == DAY else text(moment)
