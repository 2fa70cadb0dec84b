"""Cycles in what must come before what."""

from ledger.aggregates.work_item.rules.cycles import cycles


def test_a_tree_with_links_across_has_none() -> None:
    assert cycles({"child": "root", "other": "root"}, [("child", "other")]) == []


def test_items_that_block_one_another_are_one() -> None:
    assert cycles({}, [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == [["a", "b", "c"]]


def test_an_item_that_blocks_its_own_ancestor_is_one_with_all_between() -> None:
    assert cycles({"leaf": "middle", "middle": "root"}, [("leaf", "root")]) == [["leaf", "middle", "root"]]


def test_an_item_that_is_its_own_ancestor_is_one() -> None:
    assert cycles({"a": "b", "b": "a"}, []) == [["a", "b"]]


def test_an_ancestor_may_not_block_its_descendant() -> None:
    assert cycles({"child": "root"}, [("root", "child")]) == [["child", "root"]]


def test_a_tree_of_any_depth_is_walked() -> None:
    assert cycles({str(n + 1): str(n) for n in range(5000)}, []) == []
