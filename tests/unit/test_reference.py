"""Short references to entities."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from ledger.values.reference import LETTERS, SHORTEST, brief, encode, parse, shorten, shortest_range
from projections.questions.references import all_references
from tests.support.each import each

categories = some.sampled_from(sorted(LETTERS))
ENTITY = UUID("7d444840-9dc0-41d1-b245-5ffdce74fad2")


@given(categories, some.uuids(), some.lists(some.uuids(), max_size=3))
def test_a_short_reference_always_means_its_entity(category: str, entity_id: UUID, others: list[UUID]) -> None:
    meant = parse(shorten(category, str(entity_id), map(str, others)))

    assert meant is not None
    assert meant[0] == category
    assert meant[1] <= entity_id <= meant[2]


@given(some.uuids(), some.sets(some.integers(0, 2**128 - 1).map(lambda number: UUID(int=number)), max_size=20))
def test_a_short_reference_means_no_other_entity(entity_id: UUID, others: set[UUID]) -> None:
    meant = parse(shorten("work_item", str(entity_id), map(str, others)))

    assert meant is not None
    assert not [other for other in others - {entity_id} if meant[1] <= other <= meant[2]]


@given(some.integers(0, 2**128 - 1), some.integers(0, 127))
def test_two_ids_that_differ_in_one_bit_are_told_apart(number: int, bit: int) -> None:
    entity_id, other = UUID(int=number), UUID(int=number ^ (1 << bit))

    meant = parse(shorten("vendor", str(entity_id), [str(other)]))

    assert meant is not None
    assert not meant[1] <= other <= meant[2]


@given(categories, some.uuids(), some.integers(SHORTEST, 26))
def test_every_longer_prefix_works(category: str, entity_id: UUID, length: int) -> None:
    meant = parse(f"{LETTERS[category]}-{encode(str(entity_id))[:length]}")

    assert meant is not None
    assert meant[1] <= entity_id <= meant[2]


@given(some.uuids(), some.uuids())
def test_references_sort_as_the_ids_do(one: UUID, other: UUID) -> None:
    assert (encode(str(one)) < encode(str(other))) == (one < other)


@given(some.uuids(), some.uuids())
def test_whatever_begins_with_the_same_five_characters_is_in_the_shortest_range(one: UUID, other: UUID) -> None:
    lowest, highest = shortest_range(str(one))

    assert (encode(str(one), SHORTEST) == encode(str(other), SHORTEST)) == (lowest <= str(other) <= highest)
    assert encode(lowest, SHORTEST) == encode(str(one), SHORTEST) == encode(highest, SHORTEST)


def test_alone_an_entity_needs_five_characters() -> None:
    assert shorten("work_item", str(ENTITY), []) == f"w-{encode(str(ENTITY))[:5]}"


def test_a_brief_reference_is_accepted() -> None:
    meant = parse(brief("deployment", str(ENTITY)))

    assert meant is not None
    assert meant[1] <= ENTITY <= meant[2]


def test_what_people_misread_is_read_as_what_was_meant() -> None:
    assert parse("W-OIL00") == parse("w-01100")


@each("text", ["", "hello", "w-7k3q", "q-7k3qd", "w-7k3qu", "w7k3qd", f"w-{'0' * 27}", str(ENTITY)])
def test_other_texts_are_no_references(text: str) -> None:
    assert parse(text) is None


def test_of_all_ids_each_is_told_apart_by_those_beside_it() -> None:
    ids = sorted(
        [
            "7d444840-9dc0-41d1-b245-5ffdce74fad2",
            "7d444841-0000-4000-8000-000000000000",
            "00000000-0000-4000-8000-000000000000",
        ]
    )

    refs = all_references("vendor", ids)

    assert refs == {entity_id: shorten("vendor", entity_id, ids) for entity_id in ids}
    assert all_references("vendor", []) == {}
