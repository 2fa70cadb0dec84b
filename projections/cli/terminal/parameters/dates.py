"""Days, times and lengths as people write them: `fri`, `+3d`, `tomorrow 5pm`, `2026-12-15`; `90m`, `1h30`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from ledger.values.dates import DAY, planned
from ledger.values.moment import text

EXAMPLES = "fri, +3d, tomorrow 17:00, in 2 weeks, dec 15, 2026-12-15"
ORDERS = ("MDY", "DMY")  # in which people write day and month
_WORDS = re.compile(r"[\w\s+:,./-]{1,60}")
_WEEKS = re.compile(r"\+?(\d{1,3}) ?w")
_MINUTES_OR_MONTHS = re.compile(r"[+-]?\d+ ?m")
_YEAR_FIRST = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})(?!\d)")
_NUMBERS = re.compile(r"(\d+)(?:[-/. ](\d+))?(?:[-/. ](\d+))?\.?")
_CLOCK = re.compile(r"(?:at )?(?:\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?|\d{1,2} ?[ap]m|noon|midnight)")
YEARS = 50  # from now that a day may lie whose year is not written in full
_LENGTH = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,7})m?)?")


class When(click.ParamType[str, str]):
    """A day, or a time by this machine's clock. An empty text stays empty."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            return ""
        try:
            return written(value, datetime.now())
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WhenTyped(When):
    """The same, kept as it was typed: a saved view keeps the word `today`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        super().convert(value, param, ctx)
        return str(value)


class PastMoment(click.ParamType[str, str]):
    """A moment that was, in UTC: a weekday is the last one; of a day its noon by this machine's clock, or now."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        now = datetime.now()
        try:
            day = written(value, now, past=True)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if len(day) > DAY:
            return day
        noon = datetime.fromisoformat(day).replace(hour=12)
        return text((now if noon.date() == now.date() else noon).astimezone(UTC))


class Length(click.ParamType[int | str, str]):
    """Whole minutes of work; what a day of work is, is known by no clock. An empty text stays empty."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if not value.strip():
            return ""
        found = _LENGTH.fullmatch(value.replace(" ", "").lower())
        if found is None:
            self.fail(f"{value} is no length of time: write it like 90, 90m, 2h or 1h30", param, ctx)
        return int(found[1] or 0) * 60 + int(found[2] or 0)


def written(value: str, now: datetime, *, past: bool = False) -> str:
    """A day or a moment, as `ledger.values.dates.planned` writes them, counted from `now` by this machine's clock.

    ValueError for what is no date, and for what can be two. A weekday is the next one, a day without a year the next;
    in the `past` the last.
    """
    value = value.strip().lower()
    try:
        return planned(value.upper())
    except ValueError:
        read = [_read(value, order, now, past=past) for order in ORDERS]
    found = list(dict.fromkeys(one for one in read if one is not None))
    if not found or (None in read and not _NUMBERS.fullmatch(value)):
        raise ValueError(f"{value} is no date: write it like {EXAMPLES}")
    if len(found) > 1:
        raise ValueError(f"{value} can be {' or '.join(found)}: write the one that is meant")
    return found[0]


def _read(value: str, order: str, now: datetime, *, past: bool) -> str | None:
    from dateparser.date import DateDataParser  # only here: it takes longer to import than a command may take

    numbers = _NUMBERS.fullmatch(value)
    if not _WORDS.fullmatch(value) or _MINUTES_OR_MONTHS.fullmatch(value) or _is_no_day(value, numbers):
        return None
    weeks = _WEEKS.fullmatch(value)
    settings = {
        "DATE_ORDER": order,
        "PREFER_LOCALE_DATE_ORDER": False,
        "PREFER_DATES_FROM": "past" if past else "future",
        "RELATIVE_BASE": now,
        "RETURN_TIME_AS_PERIOD": True,
    }
    asked = f"in {weeks[1]} weeks" if weeks else value
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(asked)
    if found.date_obj is None:
        return None
    if numbers and (found.period == "time" or not _is_of(numbers, found.date_obj, now)):
        return None
    if found.period == "time":
        at = _at_clock(found.date_obj, now, past=past) if _CLOCK.fullmatch(value) else found.date_obj
        return text(at.astimezone(UTC))
    if found.period in ("month", "year"):  # of which it says a day only if it counts from today
        strict = {**settings, "REQUIRE_PARTS": ["day"]}
        if DateDataParser(languages=["en"], settings=strict).get_date_data(asked).date_obj is None:
            return None
    return found.date_obj.isoformat()[:DAY]


def _is_no_day(value: str, numbers: re.Match[str] | None) -> bool:
    """Whether numbers can be no day, of which a reader would make one by taking them in another order."""
    if year_first := _YEAR_FIRST.match(value):
        try:
            date(*map(int, year_first.groups()))
        except ValueError:
            return True
    if numbers is None or numbers[3] is not None:
        return False
    return len(numbers[1]) <= 2 if numbers[2] is None else max(len(numbers[1]), len(numbers[2])) > 2


def _is_of(numbers: re.Match[str], day: date, now: datetime) -> bool:
    """Whether a day has the numbers that were written, each where a day can have it; a short year is one of these."""
    written = sorted(int(number) for number in numbers.groups() if number is not None)
    if written == sorted([day.day, day.month, day.year]):
        return True
    is_near = abs(day.year - now.year) <= YEARS
    return is_near and written in (sorted([day.day, day.month]), sorted([day.day, day.month, day.year % 100]))


def _at_clock(at: datetime, now: datetime, *, past: bool) -> datetime:
    """The next time that a clock shows it, or the last one: which day that is, is not left to who reads the words."""
    moment = datetime.combine(now.date(), at.time(), at.tzinfo)
    if past:
        return moment - timedelta(days=1) if moment > now else moment
    return moment + timedelta(days=1) if moment <= now else moment
