"""Text files are read in every form of Unicode; what is no text is named with its line and a way out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Invalid
from ledger.importing.readers.sample import sample_of
from ledger.importing.readers.text_lines import decoded, text_lines
from tests.support.each import each

FORMS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
TEXT = "# Project Status\r\n\r\n## Vendors\n- EPSON: operational ✅\n"
MARK = "\ufeff"


def read(path: Path) -> list[tuple[int, bytes]]:
    return list(text_lines(path, 1000))


@each("form", FORMS)
def test_a_text_is_the_same_in_every_form_of_unicode(tmp_path: Path, form: str) -> None:
    file = tmp_path / "status.md"
    file.write_bytes(TEXT.encode(form))

    assert read(file) == list(enumerate(TEXT.encode().splitlines(keepends=True), 1))
    assert sample_of(file).text == TEXT


@each("form", FORMS)
def test_lines_that_end_in_returns_only_are_lines(tmp_path: Path, form: str) -> None:
    file = tmp_path / "status.md"
    file.write_bytes(TEXT.replace("\r", "").replace("\n", "\r").encode(form))

    assert read(file) == list(enumerate(TEXT.replace("\r", "").encode().splitlines(keepends=True), 1))
    assert sample_of(file).text == TEXT.replace("\r", "")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\r")))
def test_a_byte_order_mark_says_what_a_text_is_kept_in(text: str) -> None:
    for form in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"):
        assert decoded((MARK + text).encode(form)) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\r")))
def test_a_text_in_utf_8_is_never_taken_for_another_form(text: str) -> None:
    assert decoded(text.encode()) == text


@each(
    ("content", "line", "problem", "way_out"),
    [
        (b"a\nb\0c\n", 2, "holds binary zeros", "name a text file"),
        ("a\nb\0\n".encode("utf-16"), 2, "holds binary zeros", "name a text file"),
        (b"a\nM\xfcller\n", 2, "byte 2 of the line is 0xFC, which is 'ü' in Windows-1252", "iconv -f WINDOWS-1252"),
        (b"a\n\x81\n", 2, "0x81, which is no letter in Windows-1252 either", "save it as UTF-8"),
        ("a\nbc".encode("utf-16") + b"\x00\xd8" + "d".encode("utf-16-le"), 2, "is not UTF-16", "save it as UTF-8"),
        ("a\nb".encode("utf-16")[:-1], 2, "is not UTF-16", "save it as UTF-8"),
        (b"a\n" + b"x" * 2000, 2, "is longer than 1,000 bytes", "name a file of the right format"),
    ],
)
def test_what_is_no_text_is_named_with_its_line_and_a_way_out(
    tmp_path: Path, content: bytes, line: int, problem: str, way_out: str
) -> None:
    file = tmp_path / "status.md"
    file.write_bytes(content)

    with pytest.raises(Invalid) as refused:
        read(file)

    assert f"{file}, line {line} " in refused.value.message
    assert problem in refused.value.message
    assert refused.value.next_step is not None
    assert way_out in refused.value.next_step
