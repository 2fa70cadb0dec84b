"""Scenario 6: a tree of five levels is read from its leaf, from its middle, and across a dependency."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.mcp_client import McpClient

Connect = Callable[[str], McpClient]

SESSION = {
    "token_budget": 200_000,
    "prompts_count": 3,
    "yaml_frontmatter": {"schema_version": "1.0"},
}
LEVELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("project", "Ledger", {"description": "Everything in one place"}),
    ("session", "First session", {"metadata": SESSION}),
    ("task", "Write the log", {}),
    ("task", "Append events", {}),
    ("task", "Check versions", {}),
)


@pytest.fixture
def assistant(connect: Connect) -> McpClient:
    return connect("claude-code")


@pytest.fixture
def tree(assistant: McpClient) -> list[str]:
    """The ids of project, session, task, subtask and sub-subtask."""
    ids: list[str] = []
    for kind, title, more in LEVELS:
        parent = {"parent_id": ids[-1]} if ids else {}
        ids.append(assistant.call("create_work_item", item_type=kind, title=title, **parent, **more)["id"])
    return ids


def test_the_leaf_shows_its_four_ancestors_root_first(assistant: McpClient, tree: list[str]) -> None:
    leaf = assistant.call("query_work_item", id=tree[4], include=["ancestors"])

    assert [ancestor["id"] for ancestor in leaf["ancestors"]] == tree[:4]
    assert [ancestor["title"] for ancestor in leaf["ancestors"]] == [title for _, title, _ in LEVELS[:4]]
    assert [ancestor["item_type"] for ancestor in leaf["ancestors"]] == ["project", "session", "task", "task"]
    assert leaf["parent_id"] == tree[3]


@pytest.mark.processes
def test_the_middle_shows_its_child_and_its_grandchild(assistant: McpClient, tree: list[str]) -> None:
    middle = assistant.call("query_work_item", id=tree[2], include=["ancestors", "descendants"])

    assert [(below["id"], below["depth"]) for below in middle["descendants"]] == [(tree[3], 1), (tree[4], 2)]
    assert [below["title"] for below in middle["descendants"]] == ["Append events", "Check versions"]
    assert [above["id"] for above in middle["ancestors"]] == tree[:2]


def test_max_depth_ends_the_descendants_at_that_level(assistant: McpClient, tree: list[str]) -> None:
    root = assistant.call("query_work_item", id=tree[0], include=["descendants"], max_depth=2)

    assert [below["id"] for below in root["descendants"]] == tree[1:3]


@pytest.mark.processes
def test_a_dependency_shows_the_other_s_title(assistant: McpClient, tree: list[str]) -> None:
    other = assistant.call("create_work_item", item_type="task", title="Choose a database")["id"]
    assistant.call("link_work_items", id=tree[4], kind="depends_on", to_id=other)

    (dependency,) = assistant.call("query_work_item", id=tree[4], include=["dependencies"])["dependencies"]
    (mirrored,) = assistant.call("query_work_item", id=other, include=["dependencies"])["dependencies"]

    assert (dependency["id"], dependency["title"]) == (other, "Choose a database")
    assert (mirrored["id"], mirrored["title"], mirrored["kind"]) == (tree[4], "Check versions", "blocks")
