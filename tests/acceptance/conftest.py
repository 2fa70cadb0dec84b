"""Assistants for the acceptance scenarios: each is a client with a server process of its own, as in real life."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ledger.settings import Settings
from tests.support.mcp_client import McpClient, served

Connect = Callable[[str], McpClient]


@pytest.fixture
def connect(settings: Settings) -> Iterator[Connect]:
    """connect("claude-code") -> a client of that name at the test's ledger."""
    with ExitStack() as open_until_the_end:
        yield lambda name: open_until_the_end.enter_context(served(settings, name=name))
