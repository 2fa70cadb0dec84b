"""Days, times and lengths as people write them on the command line."""

from datetime import datetime

import click
import pytest

from ledger.values.moment import text
from projections.cli.terminal.parameters.dates import Length, When, written
from tests.support.each import each

NOW = datetime(2026, 11, 29, 5, 40)  # a Sunday


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-12-15", "2026-12-15"),
        (" 2026-12-15 ", "2026-12-15"),
        ("today", "2026-11-29"),
        ("Tomorrow", "2026-11-30"),
        ("yesterday", "2026-11-28"),
        ("fri", "2026-12-04"),
        ("friday", "2026-12-04"),
        ("next friday", "2026-12-04"),
        ("sunday", "2026-12-06"),
        ("+3d", "2026-12-02"),
        ("3d", "2026-12-02"),
        ("-3d", "2026-11-26"),
        ("+2w", "2026-12-13"),
        ("in 2 weeks", "2026-12-13"),
        ("next week", "2026-12-06"),
        ("in a month", "2026-12-29"),
        ("dec 15", "2026-12-15"),
        ("15 Dec", "2026-12-15"),
        ("jan 5", "2027-01-05"),
        ("15/12/2026", "2026-12-15"),
        ("15.12.2026", "2026-12-15"),
        ("05/05/2027", "2027-05-05"),
    ],
)
def test_a_day_is_read_as_a_person_means_it(said: str, day: str) -> None:
    assert written(said, NOW) == day


@each(
    ("said", "day"),
    [
        ("yesterday", "2026-11-28"),
        ("fri", "2026-11-27"),
        ("3 days ago", "2026-11-26"),
        ("nov 20", "2026-11-20"),
        ("dec 15", "2025-12-15"),
    ],
)
def test_a_day_that_was_is_the_last_one(said: str, day: str) -> None:
    assert written(said, NOW, past=True) == day


@each(
    ("said", "local"),
    [
        ("tomorrow 9am", datetime(2026, 11, 30, 9)),
        ("fri 17:00", datetime(2026, 12, 4, 17)),
        ("in 3 hours", datetime(2026, 11, 29, 8, 40)),
        ("2026-12-15 17:00", datetime(2026, 12, 15, 17)),
    ],
)
def test_a_time_is_one_by_the_machines_clock(said: str, local: datetime) -> None:
    assert written(said, NOW) == text(local.astimezone())


@each(
    ("said", "past", "local"),
    [
        ("17:00", False, datetime(2026, 12, 1, 17)),
        ("5pm", True, datetime(2026, 11, 30, 17)),
        ("noon", False, datetime(2026, 12, 1, 12)),
        ("20:30", False, datetime(2026, 11, 30, 20, 30)),
        ("20:30", True, datetime(2026, 11, 29, 20, 30)),
    ],
)
def test_a_time_alone_is_the_next_or_the_last_one_also_where_a_month_ends(
    said: str, past: bool, local: datetime
) -> None:
    assert written(said, datetime(2026, 11, 30, 19), past=past) == text(local.astimezone())


@each(
    "said",
    [
        "2026-13-01",
        "2026-13-01 10:00",
        "2026-31-12",
        "2026/13/01",
        "13-13",
        "26-13-01",
        "2026-13",
        "13/2026",
        "12.24",
        "15",
    ],
)
def test_numbers_that_are_no_day_are_not_read_in_another_order(said: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        written(said, NOW)


def test_a_year_in_full_may_lie_as_far_away_as_it_is_meant() -> None:
    assert written("15.12.2999", NOW) == "2999-12-15"


def test_two_numbers_of_which_one_is_no_month_are_the_day_that_they_can_be() -> None:
    assert [written(said, NOW) for said in ("01-13", "24.12.", "24/12", "2026-3-4")] == [
        "2027-01-13",
        "2026-12-24",
        "2026-12-24",
        "2026-03-04",
    ]


def test_a_time_that_names_its_zone_is_one_of_that_zone() -> None:
    assert written("2026-12-15T10:00:00+01:00", NOW) == "2026-12-15T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("said", "first", "second"),
    [("03/04", "2027-03-04", "2027-04-03"), ("3/4/2027", "2027-03-04", "2027-04-03")],
)
def test_what_can_be_two_days_is_refused_with_both(said: str, first: str, second: str) -> None:
    with pytest.raises(ValueError, match=f"can be {first} or {second}"):
        written(said, NOW)


@each("said", ["soon", "may", "2027", "12", "a", "31 nov", "2026-02-30", "3m", "w-7k3qd", "in 99999 years", "\x1b[31m"])
def test_what_is_no_day_is_refused_with_examples(said: str) -> None:
    with pytest.raises(ValueError, match="is no date: write it like fri"):
        written(said, NOW)


@each(("said", "minutes"), [("90", 90), ("90m", 90), ("2h", 120), ("1h30", 90), ("1h 30m", 90), ("", "")])
def test_a_length_is_kept_in_minutes(said: str, minutes: object) -> None:
    assert Length().convert(said, None, None) == minutes


@each("said", ["2d", "an hour", "-5", "1.5h"])
def test_a_length_that_no_clock_knows_is_refused(said: str) -> None:
    with pytest.raises(click.BadParameter, match="90m, 2h or 1h30"):
        Length().convert(said, None, None)


def test_an_empty_day_stays_empty_so_that_an_edit_can_empty_the_field() -> None:
    assert When().convert("", None, None) == ""
