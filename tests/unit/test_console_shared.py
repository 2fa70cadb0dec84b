"""A page is made once for all who renew it at the same moment."""

import anyio
import pytest

from mcp_adapter.console.shared_pages import COMMAND_ID, RenderedPage, Shared


class Making:
    """Makes pages, slowly enough that others ask meanwhile, and counts them; the first `failing` times it fails."""

    def __init__(self, failing: int = 0) -> None:
        self.count = 0
        self._failing = failing

    async def __call__(self) -> RenderedPage:
        self.count += 1
        number = self.count
        await anyio.lowlevel.checkpoint()
        if number <= self._failing:
            raise ValueError("away")
        return RenderedPage(200, f"page {number}")


async def ask(shared: Shared, stamp: str, key: str, make: Making, texts: list[str]) -> None:
    texts.append((await shared.page(stamp, key, make)).text)


def test_browsers_that_ask_at_once_are_given_one_page_and_each_other_page_its_own() -> None:
    make, texts = Making(), list[str]()

    async def asked() -> None:
        shared = Shared()
        async with anyio.create_task_group() as group:
            for key in ("board", "board", "list", "board"):
                group.start_soon(ask, shared, "7", key, make, texts)

    anyio.run(asked)

    assert sorted(texts) == ["page 1", "page 1", "page 1", "page 2"]


def test_after_the_ledger_moved_a_page_is_made_anew() -> None:
    make, texts = Making(), list[str]()

    async def asked() -> None:
        shared = Shared()
        for stamp in ("7", "7", "8"):
            await ask(shared, stamp, "board", make, texts)

    anyio.run(asked)

    assert texts == ["page 1", "page 1", "page 2"]


def test_a_page_that_could_not_be_made_is_made_for_the_next_who_asks() -> None:
    make, texts = Making(failing=1), list[str]()

    async def asked() -> None:
        shared = Shared()
        with pytest.raises(ValueError, match="away"):
            await ask(shared, "7", "board", make, texts)
        await ask(shared, "7", "board", make, texts)

    anyio.run(asked)

    assert texts == ["page 2"]


def test_each_browser_has_command_ids_of_its_own() -> None:
    made = RenderedPage(200, f"{COMMAND_ID} {COMMAND_ID}")

    ids = [id for _ in range(2) for id in made.for_one_browser().split()]

    assert len({*ids, COMMAND_ID}) == 5
