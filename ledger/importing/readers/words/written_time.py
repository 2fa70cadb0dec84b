"""Times as people write them: a date in one of several ways, perhaps with a time of day, perhaps with its zone.

What is not certain is never made up: a zone that says no offset, a date that is two dates leave the time empty.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from ledger.importing.readers.words.time_zones import UnknownZone, in_utc, zone_at

Doubt = Literal["no_time_of_day", "no_zone"]

_ISO = re.compile(r"\b(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)")
_BASIC = re.compile(r"\b(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?=T\d{4})")
_DOTS = re.compile(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\b")
_SLASHES = re.compile(r"\b(?P<one>\d{1,2})/(?P<other>\d{1,2})/(?P<year>\d{4})\b")
_MONTHS = (
    "jan|january|januar|feb|february|februar|mar|march|märz|apr|april|may|mai|jun|june|juni|jul|july|juli|aug|august|"
    "sep|sept|september|oct|october|okt|oktober|nov|november|dec|december|dez|dezember"
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<name>{_MONTHS})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?(?: of)?[ -](?P<name>{_MONTHS})\.?,?[ -](?P<year>\d{{4}})\b",
    re.IGNORECASE,
)
_DATES = (_ISO, _BASIC, _DOTS, _MONTH_FIRST, _DAY_FIRST, _SLASHES)
_SHORT_MONTHS = ("jan", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez")
_NUMBER_OF_MONTH = {name: number for number, names in enumerate(_SHORT_MONTHS, 1) for name in names.split()}
_BETWEEN = re.compile(r"(?:[\s,@|·_]|[(\[](?=\d)|T(?=\d)|\bat\b|\bum\b|[-–—](?=\s))*", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?!:?\d)|[.h](?P<minute_too>\d{2})(?=\s?(?:Uhr|h\b|[ap]\.?m\b)|\b(?!\.\d))|(?=\s?(?:Uhr|[ap]\.?m\b)))"
    r"|(?P<digits>\d{4}(?:\d{2})?)(?=\s?(?:Z|UTC|GMT|[+-]\d{4})\b))"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?(?:\s?(?:Uhr|h|o['’]clock)\b)?",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"\s?(?P<sign>-|–|—|\bto\b|\bbis\b|\buntil\b)\s?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?![\d:])", re.I)
_BEFORE_ZONE = re.compile(r"\s?,?\s?[(\[]?\s?")
_BEHIND_ZONE = re.compile(r"\s?[)\]]|\[[\w/+-]{1,40}\]")  # the second as in 2026-07-01T09:00:00+02:00[Europe/Berlin]


class WrittenTime(Struct, frozen=True, kw_only=True):
    """`at` is None where the time is not certain, and `problem` says why. `doubt` tells what was not stated.

    `spelling` is all of the text that belongs to it. A time without a time of day is the day's beginning, one without a
    zone is taken as UTC.
    """

    spelling: str
    at: datetime | None = None
    doubt: Doubt | None = None
    problem: str | None = None


def written_time(text: str) -> WrittenTime | None:
    """The first date in a text, with the time of day behind it; None where no date is.

    >>> day = written_time("2025-01-15 - PR #7")
    >>> str(day.at), day.doubt, day.spelling
    ('2025-01-15 00:00:00+00:00', 'no_time_of_day', '2025-01-15')
    >>> [str(written_time(one).at) for one in ("2026-07-01 09:00 CEST: x", "November 2, 2025 @ 11:38 AM PST")]
    ['2026-07-01 07:00:00+00:00', '2025-11-02 19:38:00+00:00']
    >>> written_time("2026-07-01 09:00 IST: x").problem, written_time("07/01/2026").problem
    ('IST is the name of several time zones', 'it does not say which number is the day and which the month')
    """
    found = next((match for pattern in _DATES if (match := pattern.search(text))), None)
    if found is None:
        return None
    place = _skipped(_BETWEEN, text, found.end())
    clock, end = (_CLOCK.match(text, place) if place > found.end() else None), found.end()
    try:
        day, before = _day(found), None
        if clock is None and place > end and (before := zone_at(text, place)):  # 2026-07-01 CEST 09:00
            clock = _CLOCK.match(text, _skipped(_BETWEEN, text, before[1]))
        if clock is None:
            return WrittenTime(spelling=text[found.start() : end], at=day.replace(tzinfo=UTC), doubt="no_time_of_day")
        end = clock.end()
        local = day + _of_day(clock)
        end = _end_of_range(text, clock)
        zone = before or zone_at(text, _skipped(_BEFORE_ZONE, text, end))
        if zone is None:
            return WrittenTime(spelling=text[found.start() : end], at=local.replace(tzinfo=UTC), doubt="no_zone")
        end = _skipped(_BEHIND_ZONE, text, max(zone[1], end))
        return WrittenTime(spelling=text[found.start() : end], at=in_utc(local, zone[0]))
    except (ValueError, OverflowError) as problem:
        end = _skipped(_BEHIND_ZONE, text, problem.end) if isinstance(problem, UnknownZone) else end
        return WrittenTime(spelling=text[found.start() : end], problem=str(problem))


def _skipped(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _day(found: re.Match[str]) -> datetime:
    parts = found.groupdict()
    if "one" in parts:
        one, other = int(parts["one"]), int(parts["other"])
        if one == other or (one > 12) != (other > 12):
            return _date(parts["year"], min(one, other) if one > 12 or other > 12 else one, max(one, other))
        raise ValueError("it does not say which number is the day and which the month")
    month = int(parts["month"]) if "month" in parts else _NUMBER_OF_MONTH[parts["name"].lower()[:3]]
    return _date(parts["year"], month, int(parts["day"]))


def _date(year: str, month: int, day: int) -> datetime:
    try:
        return datetime(int(year), month, day)
    except ValueError as error:
        raise ValueError("no calendar has that day") from error


def _of_day(clock: re.Match[str]) -> timedelta:
    digits = clock["digits"]
    hour = int(digits[:2] if digits else clock["hour"])
    minute = int(digits[2:4] if digits else clock["minute"] or clock["minute_too"] or 0)
    second = int(digits[4:] or 0) if digits else int(clock["second"] or 0)
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{clock[0].strip()} is no time of day")
        hour = hour % 12 + (12 if clock["half"].lower() == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{clock[0].strip()} is no time of day")
    microseconds = int((clock["fraction"] or "0")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microseconds)


def _end_of_range(text: str, clock: re.Match[str]) -> int:
    """Where a range of times ends, of which the first counts.

    `09:00-05:00` is an offset, `09:00-10:00` may be either.
    """
    until = _UNTIL.match(text, clock.end())
    if until is None or clock["digits"]:
        return clock.end()
    if until["sign"] == "-" and not _is_range(text, clock, until):
        return clock.end()
    return until.end()


def _is_range(text: str, clock: re.Match[str], until: re.Match[str]) -> bool:
    begins = (int(clock["hour"]), int(clock["minute"] or clock["minute_too"] or 0))
    if clock["second"] or text[clock.start() - 1] in "Tt" or (int(until["hour"]), int(until["minute"])) <= begins:
        return False
    if int(until["hour"]) > 12:
        return True
    if zone_at(text, _skipped(_BEFORE_ZONE, text, until.end())) is None:
        raise UnknownZone(f"{until[0].strip()} may be an offset or the end of a range", until.end())
    return True
