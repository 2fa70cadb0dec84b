"""Subscriptions to resources: which clients have them, and the one look a second by which they hear of changes.

The era with a handshake subscribes a session to addresses one by one, the other one listens with a request that stays
open. Both hear which address changed, never what. Without listeners there is no look.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
import mcp.types as wire
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated, ToolsListChanged
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from ledger.envelope import stream_id
from ledger.errors import LedgerError
from mcp_adapter.callers.caller import CallerOf, Context
from mcp_adapter.capabilities.resources import RESOURCE_KINDS
from projections.application.app import App
from projections.questions.log.as_of import is_position
from projections.questions.lookup import find

EVERY = 1.0  # seconds between two looks
STREAMS = 256  # requests that may stay open to listen
MOST = 1_000  # addresses that handshake sessions may watch in one ledger; the oldest make room
SCANNED = 1_000  # events that one look tells apart; after more of them every address counts as changed

log = logging.getLogger(__name__)


class NotifiedSession(Protocol):
    """The part of the SDK's session that a notification needs."""

    async def send_resource_updated(self, uri: str) -> None: ...


class LedgerSubscribers:
    """Who wants to hear of the changes of one ledger."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._bus = InMemorySubscriptionBus()
        self.listening = ListenHandler(self._bus, max_subscriptions=STREAMS)
        self._listened: dict[str, int] = {}  # address -> open requests that listen to it
        self._sessions: dict[tuple[str, str], NotifiedSession] = {}  # (session, address)
        self._position: int | None = None

    async def listen(
        self, context: Context, params: wire.SubscriptionsListenRequestParams
    ) -> wire.SubscriptionsListenResult:
        await self._begin()
        uris = params.notifications.resource_subscriptions or []
        for uri in uris:
            self._listened[uri] = self._listened.get(uri, 0) + 1
        try:
            return await self.listening(context, params)
        finally:
            for uri in uris:
                self._listened[uri] -= 1
                if not self._listened[uri]:
                    del self._listened[uri]

    async def subscribe(self, session: str, uri: str, subscriber: NotifiedSession) -> None:
        await self._begin()
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[session, uri] = subscriber

    def unsubscribe(self, session: str, uri: str) -> None:
        self._sessions.pop((session, uri), None)

    async def tools_changed(self) -> None:
        await self._bus.publish(ToolsListChanged())

    async def look(self) -> None:
        """Notifies the subscribers of addresses that changed since the last look."""
        uris = {*self._listened, *(uri for _, uri in self._sessions)}
        if not uris:
            self._position = None
            return
        try:
            changed = await anyio.to_thread.run_sync(self._changed, uris)
        except LedgerError:  # the database is away: what changed is reported when it is back
            return
        for uri in changed & self._listened.keys():
            await self._bus.publish(ResourceUpdated(uri=uri))
        for (session, uri), subscriber in list(self._sessions.items()):
            if uri in changed:
                await self._notify(session, uri, subscriber)

    async def _begin(self) -> None:
        """What happens from here on is sent to the subscriber."""
        if self._position is None:
            with suppress(LedgerError):  # the database is away: the first look that reaches it is the beginning
                await anyio.to_thread.run_sync(self._changed, set[str]())

    async def _notify(self, session: str, uri: str, subscriber: NotifiedSession) -> None:
        try:
            with anyio.fail_after(EVERY):
                await subscriber.send_resource_updated(uri)
        except Exception:  # a session that went away or does not read must not keep the others from hearing
            log.info("a session stopped listening to %s", uri.partition("/")[0])
            self.unsubscribe(session, uri)

    def _changed(self, uris: set[str]) -> set[str]:
        with self._app.tables.snapshot() as snapshot:
            head = snapshot.as_of.position
        self._app.runtime.remember_position(head)  # a subscriber reads the change, also from a replica
        since, self._position = self._position, head
        if since is None or head <= since:
            return set()
        if head - since > SCANNED:
            return uris
        streams = {event.stream_id for event in self._app.store.read_all(since, head)}
        return {uri for uri in uris if self._touched(uri, streams, since, head)}

    def _touched(self, uri: str, streams: set[str], since: int, head: int) -> bool:
        for resource_kind in RESOURCE_KINDS:
            name = resource_kind.name_in(uri)
            if name == "":
                return True
            if name is not None and resource_kind.name == "log":
                return is_position(name) and since < int(name) <= head
            if name is not None:
                return any(stream in streams for stream in self._streams(name))
        return False

    def _streams(self, name: str) -> Iterator[str]:
        try:
            yield stream_id(*find(self._app.tables, name))
        except LedgerError:  # nothing is called so (yet): nothing of it can have changed
            return


class Subscriptions:
    """The handlers of subscriptions for every ledger that is served, and the loop that looks."""

    def __init__(self, caller_of: CallerOf) -> None:
        self._caller_of = caller_of
        self._watched: dict[Path, LedgerSubscribers] = {}
        self._looking = anyio.Lock()

    async def listen(
        self, context: Context, params: wire.SubscriptionsListenRequestParams
    ) -> wire.SubscriptionsListenResult:
        return await self._of(context).listen(context, params)

    async def subscribe(self, context: Context, params: wire.SubscribeRequestParams) -> wire.EmptyResult:
        await self._of(context).subscribe(_session(context), params.uri, context.session)
        return wire.EmptyResult()

    async def unsubscribe(self, context: Context, params: wire.UnsubscribeRequestParams) -> wire.EmptyResult:
        self._of(context).unsubscribe(_session(context), params.uri)
        return wire.EmptyResult()

    async def keep_looking(self) -> None:
        """Looks once a second. Several transports may begin it; one of them looks at a time."""
        async with self._looking:
            while True:
                await anyio.sleep(EVERY)
                async with anyio.create_task_group() as looks:  # a database that is away keeps no other's news waiting
                    for watched in self._watched.values():
                        looks.start_soon(watched.look)

    def close(self) -> None:
        """Ends the requests that listen, each with its proper last answer."""
        for watched in self._watched.values():
            watched.listening.close()

    async def tools_changed(self, context: Context) -> None:
        """Notifies the caller and all listeners that the list of tools has changed."""
        if context.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
            await context.session.send_tool_list_changed()
        await self._of(context).tools_changed()

    def _of(self, context: Context) -> LedgerSubscribers:
        app = self._caller_of(context).app
        if app.settings.project not in self._watched:
            self._watched[app.settings.project] = LedgerSubscribers(app)
        return self._watched[app.settings.project]


def _session(context: Context) -> str:
    """The name of a session over HTTP; a pipe has one session."""
    request = context.request
    return "" if request is None else request.headers.get("mcp-session-id", "")
