"""Pages that many browsers renew at the same moment: each is made once for all that would be shown the same."""

from collections.abc import Awaitable, Callable, Hashable
from uuid import uuid4

import anyio
from msgspec import Struct

MOST = 100  # pages that are kept of one state of a ledger; what is more is made for each browser
COMMAND_ID = f"command-{uuid4()}"  # in a page, where each browser gets a command id of its own


class RenderedPage(Struct, frozen=True):
    """A page, with COMMAND_ID wherever a form begins."""

    status: int
    text: str

    def for_one_browser(self) -> str:
        """The text with command ids that no other browser has.

        >>> RenderedPage(200, f"{COMMAND_ID}, {COMMAND_ID}").for_one_browser().count("-")
        8
        """
        first, *others = self.text.split(COMMAND_ID)
        return first + "".join(f"{uuid4()}{other}" for other in others)


class Shared:
    """The pages of one ledger as it is at one stamp; at the next stamp they are forgotten."""

    def __init__(self) -> None:
        self._stamp = ""
        self._pages: dict[Hashable, _Page] = {}

    async def page(self, stamp: str, key: Hashable, make: Callable[[], Awaitable[RenderedPage]]) -> RenderedPage:
        """The page of this key, made after the ledger was at this stamp. Raises what making it raises."""
        if stamp != self._stamp:
            self._stamp, self._pages = stamp, {}
        if key not in self._pages and len(self._pages) >= MOST:
            return await make()
        page = self._pages.setdefault(key, _Page())
        async with page.lock:
            if page.made is None:
                page.made = await make()
            return page.made


class _Page:
    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.made: RenderedPage | None = None
