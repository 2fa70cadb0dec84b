"""Time zones as people write them behind a time of day: offsets, abbreviations, names of the time zone database.

An abbreviation that several zones have is known to be one, and means no offset.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

HOURS = {
    **dict.fromkeys(("Z", "UTC", "GMT", "UT", "ZULU", "WET"), 0.0),
    **dict.fromkeys(("CET", "MEZ", "WEST", "WAT"), 1.0),
    **dict.fromkeys(("CEST", "MESZ", "EET", "OEZ", "SAST", "CAT"), 2.0),
    **dict.fromkeys(("EEST", "OESZ", "MSK", "EAT", "TRT"), 3.0),
    **dict.fromkeys(("PKT", "UZT"), 5.0),
    **dict.fromkeys(("NPT",), 5.75),
    **dict.fromkeys(("WIB", "ICT"), 7.0),
    **dict.fromkeys(("HKT", "SGT", "AWST", "PHT", "WITA"), 8.0),
    **dict.fromkeys(("JST", "KST"), 9.0),
    **dict.fromkeys(("ACST",), 9.5),
    **dict.fromkeys(("AEST", "CHST"), 10.0),
    **dict.fromkeys(("ACDT",), 10.5),
    **dict.fromkeys(("AEDT",), 11.0),
    **dict.fromkeys(("NZST",), 12.0),
    **dict.fromkeys(("NZDT",), 13.0),
    **dict.fromkeys(("NDT",), -2.5),
    **dict.fromkeys(("BRT", "ART"), -3.0),
    **dict.fromkeys(("NST",), -3.5),
    **dict.fromkeys(("EDT",), -4.0),  # these eight as RFC 5322 has them
    **dict.fromkeys(("EST", "CDT"), -5.0),
    **dict.fromkeys(("CST", "MDT"), -6.0),
    **dict.fromkeys(("MST", "PDT"), -7.0),
    **dict.fromkeys(("PST", "AKDT"), -8.0),
    **dict.fromkeys(("AKST",), -9.0),
    **dict.fromkeys(("HST",), -10.0),
}
SEVERAL = {  # what more than one zone is called
    *("IST", "BST", "AST", "ADT", "AMT", "ECT", "GST", "SST", "WST", "MMT", "LMT", "PYT", "CLT", "COT", "GFT", "FKT"),
    *("SRT", "BT", "CT", "MT", "AT", "NT", "IDT", "BDT", "WIT", "MET", "MEST", "MSD"),
}
PLACES = {
    "ET": "America/New_York",
    "PT": "America/Los_Angeles",
    "EASTERN TIME": "America/New_York",
    "CENTRAL TIME": "America/Chicago",
    "MOUNTAIN TIME": "America/Denver",
    "PACIFIC TIME": "America/Los_Angeles",
}
AMERICAN = ("EASTERN", "CENTRAL", "MOUNTAIN", "PACIFIC")  # what stands alone behind a time is short for these
JOINED = ("EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT")
PHRASES = {
    "EASTERN STANDARD TIME": "EST",
    "EASTERN DAYLIGHT TIME": "EDT",
    "CENTRAL STANDARD TIME": "CST",
    "CENTRAL DAYLIGHT TIME": "CDT",
    "MOUNTAIN STANDARD TIME": "MST",
    "MOUNTAIN DAYLIGHT TIME": "MDT",
    "PACIFIC STANDARD TIME": "PST",
    "PACIFIC DAYLIGHT TIME": "PDT",
    "CENTRAL EUROPEAN TIME": "CET",
    "CENTRAL EUROPEAN STANDARD TIME": "CET",
    "CENTRAL EUROPEAN SUMMER TIME": "CEST",
    "COORDINATED UNIVERSAL TIME": "UTC",
    "UNIVERSAL TIME": "UTC",
    "GREENWICH MEAN TIME": "GMT",
    "JAPAN STANDARD TIME": "JST",
}
WORDS_TOO = {"CAT", "EAT", "MET", "ART", "WAT", "WIT", "AT", "BT", "ET", "PT", "CT", "MT", "NT", "WEST", "PHT"}
REGIONS = "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific|US|Canada|Brazil|Chile"
FARTHEST = 14.0  # hours
_OFFSET = re.compile(r"(?:UTC/GMT|UTC|GMT|UT|Z)?\s*([+−-]|plus|minus)\s*(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_ENDS = r"(?!\w|:\d)"
_ZONE = re.compile(
    rf"(?:(?:UTC/GMT|UTC|GMT|UT|Z)\s?(?:[+−-]|plus|minus)\s?\d{{1,2}}(?::?\d{{2}})?{_ENDS}"
    r"|(?:UTC|GMT)\s(?:plus|minus)\s[a-z]+"
    rf"|[+−-]\d{{1,2}}:\d{{2}}{_ENDS}|[+−-]\d{{4}}{_ENDS}|\+\d{{1,2}}(?![\w.]|:\d)"
    r"|[−-]\d{2}(?=\s*(?:$|[)\],;|]|:(?!\d)|[–—-]\s|PR\b|MR\b))"
    rf"|(?:{REGIONS})/[A-Z_]+(?:/[A-Z_]+)?(?:[+-]\d{{1,2}})?(?!\w)|[A-Z]{{3,5}}/[A-Z]{{3,5}}(?!\w)"
    r"|(?:[A-Z]+ ){1,3}TIME\b(?=\s*(?:$|[^\w\s]))|(?:ORTSZEIT|LOCALTIME)\b"
    rf"|(?:{'|'.join(AMERICAN)})(?=\s*(?:$|[^\w\s/]))|(?:{'|'.join(JOINED)})\b"
    r"|[A-Z]+(?: [A-Z]+)?(?=\))|[A-Z]{1,5}(?![\w/]))",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(r"\s(?:plus|minus)\s", re.IGNORECASE)  # UTC minus three
_MORE = re.compile(r"\s?[+−±-]\s?\d")


class UnknownZone(ValueError):
    """What is surely meant as a zone, and says no offset: why, and where it ends in its text."""

    def __init__(self, problem: str, end: int) -> None:
        super().__init__(problem)
        self.end = end


def zone_at(text: str, start: int) -> tuple[tzinfo, int] | None:
    """The zone that stands there, and where it ends; None if none does. Raises UnknownZone.

    >>> zone_at("09:00 CEST: x", 6), zone_at("09:00 UTC-05:30", 6)[1], zone_at("09:00 API fix", 6)
    ((datetime.timezone(datetime.timedelta(seconds=7200)), 10), 15, None)
    >>> [str(zone_at(f"9:00 AM {name}: x", 8)[0]) for name in ("Eastern", "Pacific", "EST5EDT")]
    ['America/New_York', 'America/Los_Angeles', 'EST5EDT']
    """
    found = _ZONE.match(text, start)
    if found is None:
        return None
    try:
        zone = _zone_of(found[0], text[found.end() :])
    except ValueError as problem:
        raise UnknownZone(str(problem), found.end()) from problem
    return (zone, found.end()) if zone is not None else None


def _zone_of(word: str, behind: str) -> tzinfo | None:
    if offset := _OFFSET.fullmatch(word):
        return _fixed(word, offset)
    if "/" in word:
        if all(name in HOURS or name in SEVERAL for name in word.split("/")):
            raise ValueError(f"{word} names several time zones")
        return _zone_called(word) if re.match(REGIONS, word, re.IGNORECASE) else None
    name = PHRASES.get(word.upper(), word.upper())
    if name in JOINED:
        return ZoneInfo(name)
    name += " TIME" if name in AMERICAN else ""
    if name in WORDS_TOO and not word.isupper():
        return None
    if name in PLACES:
        return ZoneInfo(PLACES[name])
    if name in HOURS and not _MORE.match(behind):
        return timezone(timedelta(hours=HOURS[name]))
    if name in HOURS or name in SEVERAL:
        raise ValueError(
            f"{word} is the name of several time zones" if name in SEVERAL else f"{word}{behind[:6]} is unclear"
        )
    if city := _cities().get(name.removesuffix(" TIME")) if name.endswith(" TIME") or behind.startswith(")") else None:
        return ZoneInfo(city)
    if _sounds_like_one(word, behind):
        raise ValueError(f"{word} is no time zone that is known")
    return None


def in_utc(local: datetime, zone: tzinfo) -> datetime:
    """A local time of a zone in UTC. Raises ValueError for one that its clocks showed twice, or never."""
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise ValueError(f"the clocks of {zone} were changed in that hour")
    return first.astimezone(UTC)


def _fixed(word: str, offset: re.Match[str]) -> tzinfo:
    hours, minutes = int(offset[2]), int(offset[3] or 0)
    if minutes > 59 or hours + minutes / 60 > FARTHEST:
        raise ValueError(f"{word} is farther from UTC than any time zone")
    return timezone((1 if offset[1].lower() in ("+", "plus") else -1) * timedelta(hours=hours, minutes=minutes))


def _zone_called(word: str) -> tzinfo:
    name = _names().get(word.lower())
    if name is None:
        raise ValueError(f"{word} is no name of the time zone database")
    return ZoneInfo(name)


@lru_cache
def _names() -> dict[str, str]:
    """The names of the time zone database by themselves in small letters; to list them reads its whole folder."""
    return {name.lower(): name for name in available_timezones()}


@lru_cache
def _cities() -> dict[str, str]:
    """The zones of places by the place's name in capitals: `NEW YORK`."""
    places = (zone for zone in sorted(_names().values()) if re.match(REGIONS.replace("|Etc", ""), zone))
    return {place.rpartition("/")[2].replace("_", " ").upper(): place for place in places}


def _sounds_like_one(word: str, behind: str) -> bool:
    """Words that end as zones do, and stand alone; `09:00 TEST run` is no zone."""
    alone = re.match(r"\s*(?:$|[^\w\s]|PR\b|MR\b)", behind) is not None
    return (
        bool(_IN_WORDS.search(word))
        or (alone and bool(re.fullmatch(r"[A-Z]{2,4}T", word)))
        or word.upper().endswith((" TIME", "ZEIT", "LOCALTIME"))
    )
