"""Moments as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ledger.values.moment import EPOCH, microseconds, parse, text
from tests.support.each import each

moments = some.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 12, 31),
    timezones=some.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(moments)
def test_a_moment_survives_its_text(moment: datetime) -> None:
    assert parse(text(moment)) == moment


@given(moments, moments)
def test_the_texts_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (text(one) < text(other)) == (one < other)


@given(moments)
def test_every_text_has_the_same_width_and_says_utc(moment: datetime) -> None:
    assert len(text(moment)) == 27
    assert text(moment).endswith("Z")


@given(moments)
def test_microseconds_count_from_1970(moment: datetime) -> None:
    assert EPOCH + timedelta(microseconds=microseconds(moment)) == moment


@each(
    "spelling",
    [
        "2026-11-22T15:00:00Z",
        "2026-11-22t15:00:00z",
        "2026-11-22T16:00:00+01:00",
        "2026-11-22T15:00:00.000Z",
        "2026-11-22 15:00:00+00:00",
    ],
)
def test_every_spelling_of_rfc_3339_is_read(spelling: str) -> None:
    assert parse(spelling) == datetime(2026, 11, 22, 15, tzinfo=UTC)


@each(
    "spelling",
    ["", "yesterday", "2026-11-22", "2026-11-22T15:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_moment_is_refused(spelling: str) -> None:
    with pytest.raises(ValueError):
        parse(spelling)
