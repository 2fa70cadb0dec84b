"""A test of many cases tries all of them, and says which failed."""

from pathlib import Path

import pytest

from tests.support.each import each


def test_all_cases_are_tried_and_each_that_fails_is_named_with_its_values() -> None:
    tried = []

    @each(("number", "word"), [(1, "one"), (2, "two"), (3, "three"), (4, "four")])
    def even(number: int, word: str) -> None:
        tried.append(word)
        assert number % 2 == 0

    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases failed") as failed:
        even()

    assert tried == ["one", "two", "three", "four"]
    assert [failure.__notes__ for failure in failed.value.exceptions] == [
        ["with number=1, word='one'"],
        ["with number=3, word='three'"],
    ]


def test_an_error_that_did_not_come_fails_its_case_alone() -> None:
    @each("text", ["1", "one"])
    def refused(text: str) -> None:
        with pytest.raises(ValueError):
            int(text)

    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases failed"):
        refused()


def test_a_case_with_an_id_is_named_by_it() -> None:
    @each("number", [1, 2], ids=["odd", "even"])
    def even(number: int) -> None:
        assert number % 2 == 0

    with pytest.raises(BaseExceptionGroup) as failed:
        even()

    assert failed.value.exceptions[0].__notes__ == ["with odd"]


def test_one_name_takes_each_case_as_it_is() -> None:
    seen = []

    @each("pair", [(1, 2), (3, 4)])
    def noted(pair: tuple[int, int]) -> None:
        seen.append(pair)

    noted()

    assert seen == [(1, 2), (3, 4)]


def test_cases_of_two_tables_are_tried_with_each_other() -> None:
    seen = []

    @each("number", [1, 2])
    @each("word", ["a", "b"])
    def noted(number: int, word: str) -> None:
        seen.append((number, word))

    noted()

    assert seen == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]


@each("name", ["a", "b"])
def test_each_case_has_a_folder_of_its_own(name: str, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text(name)


def test_no_case_at_all_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="no case"):
        each("number", [])


def test_an_id_too_few_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="1 ids for 2 cases"):
        each("number", [1, 2], ids=["one"])


def test_a_case_with_a_value_too_few_is_a_fault() -> None:
    with pytest.raises(ValueError, match="shorter"):
        each(("number", "word"), [(1,)])
