"""Times as programs write them into the cells of a table, in the language and the form that its user has chosen.

`12/Mar/24 9:41 AM`, `10/nov./25 4:51 p. m.`, `Jan/2/06`, `2024-03-12 09:41`, `Mon Mar 04 2024 10:11:12 GMT+0000 (UTC)`.
A date in digits alone says which part is the day only together with the others of its file.
"""

import re
import unicodedata
from collections.abc import Iterable

from ledger.importing.readers.words.written_time import WrittenTime, written_time

_MONTHS = (  # in English, Spanish, Portuguese, German, French, Italian, Dutch, Polish and Russian, without accents
    "jan ene janv gen sty янв",
    "feb fev fevr lut фев",
    "mar mrz mrt mars мар",
    "apr abr avr kwi апр",
    "may mai mei mag maj маи мая",
    "jun juin giu cze июн",
    "jul juil lug lip июл",
    "aug ago aou sie авг",
    "sep set wrz сен",
    "oct okt out ott paz окт",
    "nov lis ноя",
    "dec dic dez gru дек",
)
_NUMBER_OF_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_NUMBER_OF_MONTH |= {
    f"{name}月": number for number, name in enumerate([*"一二三四五六七八九十", "十一", "十二"], 1)
} | {f"{number}{sign}": number for number in range(1, 13) for sign in "月월"}
_MONTH = r"(?P<name>[^\W\d]{3,10}|[一二三四五六七八九十]{1,2}月|\d{1,2}[月월])"
_NAMED = re.compile(rf"(?P<day>\d{{1,2}})[/. -]+{_MONTH}\.?[/. -]+(?P<year>\d{{4}}|\d{{2}})(?!\d)")
_NAME_FIRST = re.compile(rf"{_MONTH}\.?[/. -]+(?P<day>\d{{1,2}})[/., -]+(?P<year>\d{{4}}|\d{{2}})(?![\d:])")
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4}) ?[年년.] ?(?P<month>\d{1,2}) ?[月월.] ?(?P<day>\d{1,2})(?: ?[日일]|\.|(?!\d))"
)
_DIGITS = re.compile(r"(?P<one>\d{1,2})(?P<sign>[/.-])(?P<other>\d{1,2})(?P=sign)(?P<year>\d{4}|\d{2})(?!\d)")
_WEEKDAY = re.compile(r"[^\W\d]{2,9}\.?,? (?=[^\W\d]{3,10}\.? \d|\d)")
_HALF_DAY = re.compile(r"\b([ap])\.?\s?m\.?(?=\s|$)", re.IGNORECASE)
_EASTERN_HALF = re.compile(
    r"(?:(?P<before>[上下]午|午[前後]|오[전후]) ?)?(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)"
    r"(?: ?(?P<behind>[上下]午|午[前後]|오[전후]))?"
)
_ZONE_IN_WORDS = re.compile(r"(?<=[+-]\d{4})\s*\([^()]*\)$")


def day_is_first(cells: Iterable[str]) -> bool | None:
    """Whether dates in digits have the day before the month, as far as all of them together show it.

    >>> day_is_first(["5/3/25", "5/13/25"]), day_is_first(["13/05/2025 10:00"]), day_is_first(["5/3/25"])
    (False, True, None)
    """
    found = [match for cell in cells if (match := _DIGITS.match(cell.strip())) and match["sign"] != "."]
    shown = {int(match["one"]) > 12 for match in found if int(match["one"]) > 12 or int(match["other"]) > 12}
    return shown.pop() if len(shown) == 1 else None


def cell_time(cell: str, *, day_first: bool | None = None) -> WrittenTime | None:
    """What a cell says that holds nothing but a time; None for any other.

    >>> ways = ("12/Mar/24 9:41 AM", "10/nov./25 4:51 p. m.", "Jan/2/06", "Mon Mar 04 2024 10:11:12 GMT+0100 (CET)")
    >>> [str(cell_time(way).at)[:16] for way in ways]
    ['2024-03-12 09:41', '2025-11-10 16:51', '2006-01-02 00:00', '2024-03-04 09:11']
    >>> ways = ("15/十二月/24 10:30 下午", "15/3월/24 오전 9:05", "2024年3月5日 09:41")
    >>> [str(cell_time(way).at)[:16] for way in ways]
    ['2024-12-15 22:30', '2024-03-15 09:05', '2024-03-05 09:41']
    >>> cell_time("12/Mar/24 9:41 AM").doubt, cell_time("20260101T101010Z").doubt, cell_time("5/3/25").problem
    ('no_zone', None, 'it does not say which number is the day and which the month')
    >>> cell_time("5/3/25", day_first=False).at.month, cell_time("soon"), cell_time("2024-03-12 and later")
    (5, None, None)
    """
    spelled = _EASTERN_HALF.sub(_half_behind, _HALF_DAY.sub(r"\1m", re.sub(r"\s+", " ", cell).strip()))
    spelled = _ZONE_IN_WORDS.sub("", _WEEKDAY.sub("", spelled, count=1) if _WEEKDAY.match(spelled) else spelled)
    time = written_time(_in_digits(spelled, day_first))
    if time is None or len(time.spelling) < len(_in_digits(spelled, day_first)):
        return None
    return time


def _half_behind(clock: re.Match[str]) -> str:
    """`下午 4:51` as `4:51 pm`; a time of day without such a word stays as it is."""
    half = clock["before"] or clock["behind"]
    return f"{clock['clock']} {'pm' if half[0] == '下' or half[-1] in '後후' else 'am'}" if half else clock[0]


def _in_digits(spelled: str, day_first: bool | None) -> str:
    """The same with the year first, where it is sure which part is which."""
    if named := _NAMED.match(spelled) or _NAME_FIRST.match(spelled):
        month = _month(named["name"])
        return f"{_year(named)}-{month:02}-{int(named['day']):02}{spelled[named.end() :]}" if month else spelled
    if first := _YEAR_FIRST.match(spelled):
        return f"{first['year']}-{int(first['month']):02}-{int(first['day']):02}{spelled[first.end() :]}"
    found = _DIGITS.match(spelled)
    if found is None:
        return spelled
    one, other = int(found["one"]), int(found["other"])
    is_day_first = True if found["sign"] == "." else day_first
    if is_day_first is None:
        return f"{one}/{other}/{_year(found)}{spelled[found.end() :]}"
    day, month = (one, other) if is_day_first else (other, one)
    return f"{_year(found)}-{month:02}-{day:02}{spelled[found.end() :]}"


def _year(found: re.Match[str]) -> int:
    year = int(found["year"])
    return year if len(found["year"]) == 4 else year + (2000 if year < 70 else 1900)


def _month(name: str) -> int | None:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if letter.isalpha())
    return _NUMBER_OF_MONTH.get(name) or _NUMBER_OF_MONTH.get(bare[:4]) or _NUMBER_OF_MONTH.get(bare[:3])
