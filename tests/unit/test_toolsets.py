"""What a server answers and lists of all operations."""

import pytest

from ledger.errors import Invalid
from mcp_adapter.capabilities.toolsets import offered
from projections.operations.catalog import OPERATIONS

MOST = 24  # tools that an assistant is shown without asking for more


def listed(*toolsets: str, read_only: bool = False) -> list[str]:
    """The names of what is listed, in the order of the list."""
    offer = offered(OPERATIONS, toolsets, read_only=read_only)
    return [name for name in offer.operations if name in offer.listed]


def test_without_a_choice_everything_is_answered_in_the_order_of_the_catalog() -> None:
    assert list(offered(OPERATIONS).operations) == ["create_ledger", *OPERATIONS]


def test_without_a_choice_at_most_two_dozen_tools_are_listed_and_the_contract_s_ten_are_among_them() -> None:
    assert len(listed()) <= MOST
    assert listed()[:10] == list(OPERATIONS)[:10], "a new operation stands behind the first ten of _MODULES"


def test_every_operation_is_listed_on_request() -> None:
    assert listed("all") == list(OPERATIONS)
    assert {name for operation in OPERATIONS.values() for name in listed(operation.toolset)} == set(OPERATIONS)


def test_a_toolset_shows_its_own_tools_and_what_every_conversation_begins_with() -> None:
    *own, last = listed("vendors")

    assert last == "prime"
    assert {"create_vendor", "query_vendor_status", "update_vendor_status"} <= set(own)
    assert {OPERATIONS[name].toolset for name in own} == {"vendors"}
    assert set(offered(OPERATIONS, ["vendors"]).operations) == {*listed("vendors"), "create_ledger"}


def test_read_only_wins_over_everything() -> None:
    offer = offered(OPERATIONS, ["vendors", "work"], read_only=True)

    assert offer.operations
    assert not any(operation.writes for operation in offer.operations.values())


def test_an_unknown_toolset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        offered(OPERATIONS, ["vendor"])

    assert "vendors" in refused.value.details["fields"][0]["allowed"]
