"""Assistants for the acceptance scenarios: each is a client with a server of its own, as in real life.

Where what two processes do to each other is what counts, the server is a process; elsewhere it is a thread.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ledger.settings import Settings
from tests.support.mcp_client import McpClient, served, server_process

Connect = Callable[[str], McpClient]


@pytest.fixture
def connect(settings: Settings) -> Iterator[Connect]:
    """connect("claude-code") -> a client of that name at the test's ledger."""
    with ExitStack() as open_until_the_end:
        yield lambda name: open_until_the_end.enter_context(served(settings, name=name))


@pytest.fixture
def connect_process(settings: Settings) -> Iterator[Connect]:
    """The same with a process."""
    with ExitStack() as open_until_the_end:
        yield lambda name: open_until_the_end.enter_context(server_process(settings, name=name))
