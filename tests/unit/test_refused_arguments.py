"""A refused argument is named with what it should be and what it is; a blank where no blank can be meant is none."""

from typing import Any

import click
import pytest

from ledger.codec import unstorable
from ledger.errors import Invalid
from ledger.problems import check, problem
from projections.cli.terminal.exits import wrong_use
from projections.operations.base import checked
from projections.operations.catalog import OPERATIONS
from tests.support.each import each

TASK = {"item_type": "task", "title": "t"}


def read(operation: str, arguments: dict[str, Any]) -> Any:
    return checked(OPERATIONS[operation].input, arguments)


@each(
    ("arguments", "sentence"),
    [
        ({"tags": "x, y"}, """tags: input should be an array like ["one", "two"], not 'x, y'"""),
        ({"tags": {"0": "x"}}, """tags: input should be an array like ["one", "two"], not an object"""),
        ({"metadata": [1]}, "metadata: input should be an object, not an array"),
        ({"estimate": "2h"}, "estimate: input should be a valid integer, not '2h'"),
        (
            {"due": "tomorrow"},
            "due: must be a day like 2026-12-15 or a time with its zone like 2026-12-15T12:00:00Z, not 'tomorrow'",
        ),
        ({"title": "x" * 201}, "title: must have at most 200 characters, not 201"),
        ({"detail": "perhaps"}, "detail: input should be a valid boolean, not 'perhaps'"),
        ({"by": "ada\x1b[2J"}, "by: must be a name of printable characters, not 'ada\\x1b[2J'"),
        ({"by": " "}, "by: must be a name of printable characters"),
        ({"by": "x" * 101}, "by: must have at most 100 characters, not 101"),
        ({"title": "  "}, "title: must not be blank"),
        ({"title": "\u200b \ufeff"}, "title: must not be blank"),
    ],
)
def test_a_refusal_names_what_it_should_be_and_what_it_is(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        read("create_work_item", TASK | arguments)

    assert caught.value.message == sentence


def test_the_words_that_are_allowed_are_a_list() -> None:
    with pytest.raises(Invalid) as caught:
        read("list_work_items", {"order": "newest"})

    (fault,) = caught.value.details["fields"]
    assert fault["allowed"] == ["updated", "created", "priority", "due", "tree", "relevance"]
    assert all(f"'{word}'" in fault["problem"] for word in fault["allowed"])


@each("blank", ["", " "])
@each("name", ["limit", "offset", "roots_only", "include_deleted"])
def test_a_blank_in_place_of_a_number_or_a_yes_or_no_is_none(name: str, blank: str) -> None:
    assert read("list_work_items", {name: blank}) == read("list_work_items", {})


@each(("word", "meant"), [("on", True), ("off", False), ("Y", True), ("n", False)])
def test_the_words_of_switches_are_read(word: str, meant: bool) -> None:
    assert read("list_work_items", {"roots_only": word}).roots_only is meant


def test_a_word_that_is_none_of_those_known_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        check([problem("status", "is no state of this ledger", "finsihed", allowed=["active", "completed"])])

    assert caught.value.message == "status: 'finsihed' is no state of this ledger"


def test_a_text_that_cannot_be_stored_is_named_by_what_it_holds() -> None:
    with pytest.raises(Invalid) as caught:
        check(unstorable({"title": "half \ud83d"}))

    assert caught.value.message == r"title: holds '\ud83d', which cannot be stored"


def test_a_text_in_place_of_a_number_is_refused_in_words_of_people() -> None:
    refused = wrong_use(click.BadParameter("'abc' is not a valid integer range.", param_hint="'--limit'"))

    assert refused["error"]["message"] == "invalid value for '--limit': 'abc' is no whole number"
