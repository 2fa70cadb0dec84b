"""Front matter, read as the text it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.importing.readers.text.front_matter import DEEPEST, BrokenYaml, parse, split
from tests.support.each import each


@each(
    ("written", "read"),
    [
        ("20:08:07", "20:08:07"),
        ("1.10", "1.10"),
        ("2026-03-01", "2026-03-01"),
        ("0755", "0755"),
        ("1e3", "1e3"),
        ("yes", "yes"),
        ("'12'", "12"),
        ("12", 12),
        ("-3", -3),
        ("true", True),
        ("~", None),
        ("", None),
        ("[a, 'b', 3]", ["a", "b", 3]),
        ("{x: {y: 1}}", {"x": {"y": 1}}),
        ("!!python/object/apply:os.system [id]", ["id"]),
    ],
)
def test_a_value_is_what_is_written(written: str, read: Any) -> None:
    assert parse(f"key: {written}") == {"key": read}


@each(
    ("text", "problem", "line"),
    [
        ("a: 1\nb: [", "is not YAML", 3),
        ("a: 1\na: 2", "twice", 2),
        ("- a", "no mapping", 1),
        ("a: &x [1]\nb: [*x, *x]", "alias", 2),
        ("a: " + "[" * 31 + "]" * 31, "deeper than 30 levels", 1),
        ("a: " + "{b: " * 31 + "}" * 31, "deeper than 30 levels", 1),
        ("a: 1\n--- \nb: 2", "second", 2),
        ("? [a]\n: 1", "no text", 1),
        ("a: \0", "is not YAML", 1),
        ("a" * 300_000, "characters", 1),
    ],
)
def test_a_broken_text_is_refused_with_its_line(text: str, problem: str, line: int) -> None:
    with pytest.raises(BrokenYaml, match=problem) as caught:
        parse(text)

    assert caught.value.line == line


@each("levels", [100, 1_000, 100_000])
def test_a_text_of_any_depth_is_refused_whichever_of_the_parser_and_our_rule_is_first(levels: int) -> None:
    with pytest.raises(BrokenYaml) as caught:
        parse("a: " + "[" * levels)

    assert caught.value.line == 1


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    found = parse("a: " + "[" * DEEPEST + "]" * DEEPEST)["a"]

    for _ in range(DEEPEST - 1):
        (found,) = found
    assert found == []


def test_a_fence_that_is_never_closed_is_refused() -> None:
    with pytest.raises(BrokenYaml, match="no closing"):
        split("---\nid: 1\n")


def test_windows_line_ends_do_not_change_what_is_read() -> None:
    head, body, _ = split("---\r\nid: TASK-1\r\n---\r\n\r\nbody\r\n")

    assert (parse(head or ""), body.strip()) == ({"id": "TASK-1"}, "body")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text), dict)
    except BrokenYaml as error:
        assert error.line >= 1
