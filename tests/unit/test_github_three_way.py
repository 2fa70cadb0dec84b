"""The rule of a synchronisation by itself: what is taken, what is sent, what conflicts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ledger.settings import Policy
from projections.transfer.github.rules.three_way import merge
from tests.support.each import each
from tests.support.examples import examples

SCALARS = some.sampled_from(["a", "b", "c", None])
SETS = some.frozensets(some.sampled_from("abcd"))
SIDES = some.fixed_dictionaries({"title": SCALARS, "labels": SETS})


def always(policy: Policy) -> Any:
    return lambda field: policy


@each(
    ("base", "ours", "theirs", "take", "send", "conflicts"),
    [
        ("a", "a", "b", {"title": "b"}, {}, set()),
        ("a", "b", "a", {}, {"title": "b"}, set()),
        ("a", "b", "b", {}, {}, set()),
        ("a", "b", "c", {}, {}, {"title"}),
    ],
)
def test_what_one_side_changed_goes_to_the_other(
    base: str, ours: str, theirs: str, take: Any, send: Any, conflicts: set[str]
) -> None:
    found = merge({"title": base}, {"title": ours}, {"title": theirs}, always("ask"))

    assert (found.take, found.send, found.conflicts) == (take, send, conflicts)


@pytest.mark.parametrize(("policy", "take", "send"), [("github", "c", None), ("ledger", None, "b")])
def test_a_policy_decides_for_one_side(policy: Policy, take: str | None, send: str | None) -> None:
    found = merge({"title": "a"}, {"title": "b"}, {"title": "c"}, always(policy))

    assert (found.take.get("title"), found.send.get("title"), found.conflicts) == (take, send, frozenset())


def test_a_set_takes_the_members_that_either_side_added_or_left_out() -> None:
    base, ours, theirs = frozenset("ax"), frozenset("axb"), frozenset("ac")

    found = merge({"labels": base}, {"labels": ours}, {"labels": theirs}, always("ask"))

    assert (found.take["labels"], found.send["labels"]) == (frozenset("abc"), frozenset("abc"))


def test_a_field_that_one_side_cannot_say_is_left_alone() -> None:
    found = merge({"title": "a", "parent": None}, {"title": "a", "parent": "x"}, {"title": "a"}, always("ask"))

    assert (found.take, found.send, found.conflicts) == ({}, {}, frozenset())


@given(base=SIDES, ours=SIDES, theirs=SIDES, policy=some.sampled_from(["ask", "github", "ledger"]))
@examples(200)
def test_done_on_both_sides_they_agree_but_for_what_conflicts(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], policy: Policy
) -> None:
    found = merge(base, ours, theirs, always(policy))
    here, there = ours | found.take, theirs | found.send

    again = merge(base, here, there, always(policy))

    assert {field for field in here if here[field] != there[field]} == found.conflicts
    assert (again.take, again.send, again.conflicts) == ({}, {}, found.conflicts)
    assert policy == "ask" or not found.conflicts


@given(base=SIDES, ours=SIDES, theirs=SIDES)
@examples(200)
def test_both_sides_are_alike_for_the_rule(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    one, other = merge(base, ours, theirs, always("ask")), merge(base, theirs, ours, always("ask"))

    assert (one.take, one.send) == (other.send, other.take)
    assert (one.agreed, one.conflicts) == (other.agreed, other.conflicts)


@given(base=SIDES, ours=SIDES, theirs=SIDES)
@examples(200)
def test_what_was_done_on_one_side_only_is_finished_by_a_repetition(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    """As after an end between sending and recording: the base is the old one, GitHub has what was sent."""
    found = merge(base, ours, theirs, always("ask"))

    again = merge(base, ours, theirs | found.send, always("ask"))

    assert (again.take, again.send) == (found.take, {})
