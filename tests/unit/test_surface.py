"""What a server shows of all operations."""

import pytest

from ledger.errors import Invalid
from mcp_adapter.toolsets import NOUNS, chosen, toolset_names
from projections.operations.catalog import OPERATIONS


def test_without_a_choice_everything_is_shown_in_the_order_of_the_catalog() -> None:
    assert list(chosen(OPERATIONS)) == list(OPERATIONS)


def test_every_operation_belongs_to_a_known_toolset() -> None:
    assert set(toolset_names(OPERATIONS)) <= set(NOUNS)


def test_a_toolset_shows_its_own_tools_and_what_every_conversation_begins_with() -> None:
    assert list(chosen(OPERATIONS, ["vendors"])) == [
        "create_vendor",
        "query_vendor_status",
        "update_vendor_status",
        "prime",
    ]


def test_read_only_wins_over_everything() -> None:
    shown = chosen(OPERATIONS, ["vendors", "work"], read_only=True)

    assert shown
    assert not any(operation.writes for operation in shown.values())


def test_an_unknown_toolset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        chosen(OPERATIONS, ["vendor"])

    assert "vendors" in refused.value.details["fields"][0]["allowed"]
