"""Changes of fields: found, applied, taken back."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Struct

from ledger.values.revision import Change, Changes, apply, difference, inverse

values = some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(max_size=5)
documents = some.recursive(
    values,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
)
present = documents.filter(lambda value: value is not None)
mappings = some.dictionaries(some.text(max_size=3), present, max_size=4)


class Leaf(Struct, frozen=True, kw_only=True):
    title: str | None = None
    counts: tuple[int, ...] = ()
    metadata: dict[str, Any] = {}
    answer: dict[str, Any] | None = None


leaves = some.builds(
    Leaf,
    title=some.none() | some.text(max_size=5),
    counts=some.lists(some.integers(0, 9), max_size=3).map(tuple),
    metadata=mappings,
)


def json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


@given(leaves, leaves)
def test_applying_the_difference_gives_what_was_wanted(state: Leaf, wanted: Leaf) -> None:
    gone = dict.fromkeys(state.metadata.keys() - wanted.metadata.keys())
    fields = msgspec.structs.asdict(wanted) | {"metadata": wanted.metadata | gone}

    assert json(apply(state, difference(state, fields))) == json(wanted)


@given(leaves, leaves)
def test_the_inverse_takes_changes_back(state: Leaf, wanted: Leaf) -> None:
    changes = difference(state, msgspec.structs.asdict(wanted))

    assert json(apply(apply(state, changes), inverse(changes))) == json(state)


@given(leaves, leaves)
def test_what_is_written_is_what_is_read(state: Leaf, wanted: Leaf) -> None:
    changes = difference(state, msgspec.structs.asdict(wanted))

    assert msgspec.json.decode(msgspec.json.encode(changes), type=Changes) == changes


@given(leaves)
def test_an_entity_does_not_differ_from_itself(state: Leaf) -> None:
    assert difference(state, msgspec.structs.asdict(state)) == {}


def test_only_named_fields_change() -> None:
    assert difference(Leaf(title="a", counts=(1,)), {"title": "b"}) == {"title": Change("a", "b")}


def test_mappings_change_key_by_key() -> None:
    leaf = Leaf(metadata={"kept": 1, "changed": 1, "removed": 1})

    changes = difference(leaf, {"metadata": {"changed": 2, "removed": None, "added": 3, "never there": None}})

    assert changes == {
        "metadata.changed": Change(1, 2),
        "metadata.removed": Change(old=1),
        "metadata.added": Change(new=3),
    }


def test_none_empties_lists_and_mappings() -> None:
    leaf = Leaf(title="a", counts=(1,), metadata={"a": 1})

    assert apply(leaf, difference(leaf, {"title": None, "counts": None, "metadata": None})) == Leaf()


def test_a_mapping_that_was_none_is_set_whole() -> None:
    leaf = Leaf()

    changes = difference(leaf, {"answer": {"a": 1}})

    assert changes == {"answer": Change(None, {"a": 1})}
    assert apply(leaf, changes) == Leaf(answer={"a": 1})


def test_true_is_not_one() -> None:
    assert difference(Leaf(metadata={"a": 1}), {"metadata": {"a": True}}) == {"metadata.a": Change(1, True)}


def test_a_list_is_the_same_as_the_tuple_of_its_items() -> None:
    assert difference(Leaf(counts=(1, 2)), {"counts": [1, 2]}) == {}


def test_a_key_may_hold_a_dot_or_be_empty() -> None:
    leaf = Leaf(metadata={"a.b": 1})

    assert apply(leaf, difference(leaf, {"metadata": {"a.b": 2, "": 3}})).metadata == {"a.b": 2, "": 3}


def test_a_field_of_a_newer_program_is_left_alone() -> None:
    assert apply(Leaf(title="a"), {"colour": Change("red", "blue"), "colours.red": Change(new=1)}) == Leaf(title="a")
