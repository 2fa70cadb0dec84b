"""The bytes of a status file: the report's part, and the author's, kept byte for byte."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as some

from ledger.errors import Refused
from projections.reports.marked_section import generated, report_in, with_report
from tests.support.each import each

REPORT, NEXT = "# Status of it\n\nAs of position 7.\n", "# Status of it\n\nAs of position 8.\n"
COPY = with_report(b"", REPORT)
BEGIN, END = COPY.splitlines(keepends=True)[0], COPY.splitlines()[-1] + b"\n"
LOOKALIKES = [
    b"<!-- tracking-ledger: begin -->\n",
    b"<!-- tracking-ledger: end -->\n",
    b"> " + BEGIN,
    b"    " + END,
    b"see `" + BEGIN.strip() + b"`\n",
    b"```\n" + COPY + b"```\n",
    b"~~~~ md\n" + BEGIN + b"```\n~~~\n" + END + b"~~~~\n",
    BEGIN,
    END,
]
authors = some.lists(some.sampled_from([*LOOKALIKES, b"\r\n", b"\t", b"text", b"\n", b"\xff\x00"]) | some.binary()).map(
    b"".join
)
HOSTILE = [
    b"",
    b"text",
    b"text\n",
    b"a\r\nb\r\n",
    b"a\r\nb",
    b"\xef\xbb\xbftext",
    b"\xef\xbb\xbf",
    b"a\tb\x00\xff",
    b"a\rb",
]


@given(authors)
@example(b"")
@example(b"\xff\xfe")
@example(b"\xbf")
def test_whatever_an_author_wrote_is_kept_byte_for_byte(author: bytes) -> None:
    try:
        assume(generated(author) is None)
        first = with_report(author, REPORT)
    except Refused:
        return  # then the file stays as it is

    second = with_report(first, NEXT)

    assert first.startswith(author)
    assert second.startswith(author)
    assert report_in(second) == NEXT
    assert with_report(second, REPORT) == first


@each("lookalike", LOOKALIKES)
@each("place", ["above", "below"])
def test_a_text_that_looks_like_a_marker_is_the_authors(lookalike: bytes, place: str) -> None:
    above, below = (b"Mine.\n" + lookalike, b"\n") if place == "above" else (b"", b"\n" + lookalike + b"Mine.")

    file = with_report(above + COPY + below, NEXT)

    assert file.startswith(above)
    assert file.endswith(below)
    assert report_in(file) == NEXT


@each("author", HOSTILE)
def test_what_stands_on_both_sides_stays(author: bytes) -> None:
    above = author if not author or author.endswith(b"\n") else author + b"\n"
    below = b"\n" + author

    file = with_report(above + COPY + below, NEXT)

    assert (file[: len(above)], file[-len(below) :], report_in(file)) == (above, below, NEXT)


def test_the_first_report_comes_below_all_that_was_there() -> None:
    assert with_report(b"# Notes\n\nBy hand.", REPORT) == b"# Notes\n\nBy hand.\n\n" + COPY


def test_the_line_ends_of_the_file_are_those_of_the_report() -> None:
    file = with_report(b"By hand.\r\n", REPORT)

    assert b"\n" not in file.replace(b"\r\n", b"")
    assert report_in(file) == REPORT


def test_a_checkout_that_changes_line_ends_leaves_the_report_proven() -> None:
    part = generated(COPY.replace(b"\n", b"\r\n"))

    assert part is not None
    assert part.proven


def test_the_same_report_gives_the_same_file() -> None:
    assert with_report(with_report(b"By hand.", REPORT), REPORT) == with_report(b"By hand.", REPORT)


def test_an_edited_report_is_known_as_such() -> None:
    part = generated(COPY.replace(b"n 7", b"n seven"))

    assert part is not None
    assert not part.proven


@each(
    "file",
    [
        b"text\n" + BEGIN,
        END + b"text\n",
        END + BEGIN,
        BEGIN + BEGIN + END.replace(b"end", b"END"),
        BEGIN.replace(BEGIN[28:44], b"0" * 16) + b"text\n" + END,
        COPY + b"\n" + COPY,
        BEGIN + b"x\n" + BEGIN + b"y\n" + END + END,
        b"\xff\xfe" + "text".encode("utf-16-le"),
        BEGIN * 30,
    ],
)
def test_a_file_whose_markers_are_in_doubt_is_refused(file: bytes) -> None:
    with pytest.raises(Refused) as refused:
        with_report(file, NEXT)

    assert refused.value.details["rule"] == "status_file_is_in_doubt"
    assert refused.value.next_step
