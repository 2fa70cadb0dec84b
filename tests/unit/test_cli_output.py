"""Tables as a terminal of any width shows them, and as a file keeps them."""

import io
import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from projections.cli.terminal import output

LONG = "a title that is much longer than the terminal that has to show it is wide"
CODES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(*arguments: Any, columns: int = 40, environment: dict[str, str] | None = None, **named: Any) -> str:
    """What `table` prints on a terminal so many columns wide."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        for name, value in {"COLUMNS": str(columns), "TERM": "xterm", **(environment or {})}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", terminal := Terminal())
        output.table(*arguments, **named)
    return terminal.getvalue()


def drawn(*arguments: Any, **named: Any) -> list[str]:
    return CODES.sub("", printed(*arguments, **named)).split("\n")


def test_a_column_that_may_be_cut_keeps_one_line() -> None:
    lines = drawn(("ref", "title", "status"), [("w-7k3qd", LONG, "active")], cut=("title",))

    assert lines[:-1] == ["ref      title                    status", "w-7k3qd  a title that is much...  active"]


def test_another_column_is_folded_between_words() -> None:
    lines = drawn(("ref", "title"), [("w-7k3qd", LONG)])

    assert lines[1:-1] == [
        "w-7k3qd  a title that is much longer",
        "         than the terminal that has to",
        "         show it is wide",
    ]


def test_what_is_no_terminal_gets_every_row_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ref", "title"), [("w-7k3qd", LONG * 10)], cut=("title",))

    assert capsys.readouterr().out.splitlines()[1] == f"w-7k3qd  {LONG * 10}"


def test_a_column_without_a_value_and_a_table_without_rows_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ref", "for", "title"), [("w-1", None, "a"), ("w-2", "", "b")])
    output.table(("ref", "title"), [])

    assert capsys.readouterr().out.splitlines() == ["ref  title", "w-1  a", "w-2  b"]


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_is_left_out_where_it_is_not_wanted(variable: str, value: str) -> None:
    coloured = printed(("status",), [("blocked",)])
    plain = printed(("status",), [("blocked",)], environment={variable: value})

    assert "\x1b[33m" in coloured
    assert "\x1b" not in plain


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(min_value=40, max_value=120),
    st.booleans(),
)
@example([["\u0301" + "a" * 60] * 3], 40, False)  # a mark that has nothing to stand on
def test_no_line_is_wider_than_the_terminal_and_no_text_of_a_cell_is_a_control(
    rows: list[list[str]], columns: int, cut: bool
) -> None:
    lines = drawn(("one", "two", "three"), rows, cut=("one", "two") if cut else (), columns=columns)

    assert all(cell_len(line) <= columns for line in lines)
    assert not any(unicodedata.category(letter) == "Cc" for line in lines for letter in line)
