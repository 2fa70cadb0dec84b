"""Times as people write them: understood with their zone, or left empty with the reason."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from ledger.importing.readers.words.written_time import written_time
from tests.support.each import each
from tests.support.markdown_shapes import UNCERTAIN, ZONES

NINE = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
DAYS = [
    "2026-07-01",
    "2026/7/1",
    "01.07.2026",
    "July 1, 2026",
    "1 July 2026",
    "1st of July 2026",
    "1. Juli 2026",
    "Jul 1st, 2026",
]
CLOCKS = [
    " 09:00",
    "T09:00",
    ", 09:00:00",
    " at 9:00 AM",
    " 9am",
    " @ 9:00 a.m.",
    " um 9 Uhr",
    " 09.00 Uhr",
    " (09:00",
    " - 09:00",
]


@each("day", DAYS)
@each("clock", CLOCKS)
def test_a_time_without_a_zone_is_utc_and_says_so(day: str, clock: str) -> None:
    clock = clock if day.startswith("2026-") else clock.replace("T", " ")
    found = written_time(f"{day}{clock}")

    assert found is not None
    assert (found.at, found.doubt, found.spelling) == (NINE, "no_zone", f"{day}{clock}")


@each("zone", ZONES)
@each("behind", ["", ": PR #1 one", " - PR #1", ", then more", " PR #1"])
def test_a_zone_behind_the_time_counts_in_whichever_way_it_is_written(zone: str, behind: str) -> None:
    if zone.endswith("Time") and behind == " PR #1":
        behind = ": PR #1"

    found = written_time(f"2026-07-01 09:00 {zone}{behind}")

    assert found is not None
    assert (found.at, found.doubt, found.problem) == (NINE - timedelta(hours=ZONES[zone]), None, None)
    assert found.spelling == f"2026-07-01 09:00 {zone}"


@each("zone", UNCERTAIN)
def test_a_zone_that_says_no_offset_leaves_the_time_empty_with_the_reason(zone: str) -> None:
    found = written_time(f"2026-07-01 09:00 {zone}: PR #1")

    assert found is not None
    assert (found.at, found.spelling) == (None, f"2026-07-01 09:00 {zone}")
    assert found.problem is not None
    assert zone.split("/")[0] in found.problem


@each("words", ["API fix", "TEST run", "met with Bob", "PR #1", "src/app", "art direction", "3 tests"])
def test_words_behind_a_time_are_no_zone(words: str) -> None:
    found = written_time(f"2026-07-01 09:00 {words}")

    assert found is not None
    assert (found.at, found.doubt, found.spelling) == (NINE, "no_zone", "2026-07-01 09:00")


@each(
    ("text", "at"),
    [
        ("2026-07-01 09:00-11:30 CEST", NINE - timedelta(hours=2)),
        ("2026-07-01 09:00–10:00", NINE),
        ("2026-07-01 09:00 to 10:00 UTC", NINE),
        ("2026-07-01 09:00-05:00", NINE + timedelta(hours=5)),
        ("2026-07-01T09:00-10:00", NINE + timedelta(hours=10)),
        ("2026-07-01 09:00-10:00", None),
        ("2026-07-01T09:00:00+02:00[Europe/Berlin]", NINE - timedelta(hours=2)),
        ("2026-11-01 01:30 America/New_York", None),
        ("2026-03-29 02:30 Europe/Berlin", None),
        ("2026-01-01 09:00 Europe/Berlin", datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ("20260701T0900Z", NINE),
        ("13/07/2026 09:00Z", NINE + timedelta(days=12)),
        ("03/04/2026", None),
        ("2026-02-30", None),
        ("2026-07-01 25:00 UTC", None),
        ("9999-12-31 23:00 EST", None),
    ],
)
def test_ranges_offsets_changed_clocks_and_days_that_are_none(text: str, at: datetime | None) -> None:
    found = written_time(text)

    assert found is not None
    assert found.at == at
    assert (found.problem is None) == (at is not None)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_every_rfc_3339_time_is_itself(moment: datetime, offset: int) -> None:
    written = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))

    found = written_time(f"deployed {written.isoformat()} as planned")

    assert found is not None
    assert (found.at, found.spelling) == (written, written.isoformat())


@given(st.text(max_size=40), st.sampled_from(["2026-07-01 09:00 ", "2026-07-01 ", "07/01/2026 09:00"]))
def test_whatever_stands_behind_a_date_is_read(text: str, date: str) -> None:
    found = written_time(date + text)

    assert found is not None
    assert found.spelling in date + text
