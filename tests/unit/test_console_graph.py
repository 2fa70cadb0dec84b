"""The drawing of what must come before what."""

from hypothesis import given
from hypothesis import strategies as some

from mcp_adapter.console.graph import draw

ids = some.sampled_from("abcdefgh")
edges = some.lists(some.tuples(ids, ids), max_size=20)


def test_each_item_lies_right_of_what_it_waits_for_and_the_longest_chain_is_named() -> None:
    drawing = draw("abcd", [("a", "b"), ("b", "c"), ("a", "d")])

    at = {box.id: box.x for box in drawing.boxes}
    assert at["a"] < at["b"] < at["c"]
    assert at["a"] < at["d"]
    assert drawing.critical == ("a", "b", "c")
    assert [line[-1] for line in drawing.lines] == [True, True, False]


def test_items_that_wait_for_nothing_and_are_waited_for_by_nothing_are_not_drawn() -> None:
    assert draw("ab", []).boxes == ()


@given(edges)
def test_any_edges_are_drawn_without_two_boxes_in_one_place(given: list[tuple[str, str]]) -> None:
    drawing = draw("abcdefgh", given)

    places = [(box.x, box.y) for box in drawing.boxes]
    assert len(set(places)) == len(places)
    assert {box.id for box in drawing.boxes} == {id for edge in given for id in edge}
    assert len(drawing.lines) == len(set(given))
