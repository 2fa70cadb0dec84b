"""Tools: the list of them, and a call. Operations are synchronous, so each call runs in a worker thread."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import anyio
import mcp.types as wire
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult

from ledger.errors import Invalid, LedgerError, NoLedger
from mcp_adapter.callers.caller import Arguments, Caller, CallerOf, Context
from mcp_adapter.callers.workers import Workers
from mcp_adapter.capabilities.answers import ToolAnswer, answered, crashed, refused
from mcp_adapter.capabilities.registry import tool
from mcp_adapter.capabilities.toolsets import Offer
from mcp_adapter.capabilities.views import with_view
from projections.application.app import App
from projections.operations.base import Operation
from projections.operations.inputs import argument_values
from projections.operations.ledger_creation import unusable

BEAT = 1.0  # seconds between two notes that a call still runs


class Work(NamedTuple):
    """A call that is not begun: who carries it out, how, and whether it changes anything."""

    workers: Workers
    answer: Callable[[], ToolAnswer]
    writes: bool


class Tools:
    """The handlers of tools/list and tools/call."""

    def __init__(
        self,
        offer: Offer,
        caller_of: CallerOf,
        list_changed: Callable[[Context], Awaitable[None]],
        workers: Workers,
    ) -> None:
        self._operations = offer.operations
        self._shown = offer.listed
        self._first = offer.first
        self._caller_of = caller_of
        self._list_changed = list_changed
        self._showed_first = False  # since when the list is another if there is a ledger by now
        self._workers = workers

    async def list(self, context: Context, params: wire.PaginatedRequestParams | None) -> wire.ListToolsResult:
        one_page("tools", params)
        caller = self._caller_of(context)
        self._showed_first = bool(self._first) and not caller.app.has_ledger
        hidden = () if self._showed_first and unusable(caller.app.settings.project) is None else self._first
        shown = [name for name in self._listed if caller.may(self._operations[name]) and name not in hidden]
        listed = wire.ListToolsResult(tools=[with_view(self._listed[name], context) for name in shown])
        return listed.model_copy(update={"ttl_ms": 0}) if self._showed_first else listed  # it soon will be another

    @cached_property
    def _listed(self) -> dict[str, wire.Tool]:
        return {
            name: tool(operation) for name, operation in self._operations.items() if name in self._shown | self._first
        }

    async def call(self, context: Context, params: wire.CallToolRequestParams) -> wire.CallToolResult:
        if not self.has(params.name):
            raise MCPError(wire.INVALID_PARAMS, f"Unknown tool: {params.name[:100]}", {"known": [*self._operations]})
        caller, arguments = self._caller_of(context), params.arguments or {}
        result = await self._answer_noted(context, caller, params.name, arguments)
        if self._showed_first and caller.app.has_ledger:
            self._showed_first = False
            await self._list_changed(context)
        return result.result()

    @property
    def waits_for_ledger(self) -> bool:
        """Whether the next call may change what is listed, so that its client hears of it."""
        return self._showed_first

    def has(self, name: str) -> bool:
        return name in self._operations

    async def answer(self, caller: Caller, name: str, arguments: Arguments) -> ToolAnswer:
        """A cancelled read waits for nothing; a write that has begun is finished, so that it is done or not."""
        try:
            work = self.work(caller, name, arguments)
        except LedgerError as error:
            return refused(error)
        return await work.workers.run(work.answer, abandon_on_cancel=not work.writes)

    def work(self, caller: Caller, name: str, arguments: Arguments) -> Work:
        """What a call is to a worker. Raises Forbidden for what the caller may not do."""
        operation = self._operations[name]
        caller.check(operation, arguments)
        answer = partial(call, caller.seen, operation, arguments, can_create=bool(self._first))
        return Work(self._workers.of(caller.app.settings.dsn), answer, operation.writes)

    async def _answer_noted(self, context: Context, caller: Caller, name: str, arguments: Arguments) -> ToolAnswer:
        """Tells a client that asked for it that the call still runs."""
        progress = (context.meta or {}).get("progress_token")
        if progress is None:
            return await self.answer(caller, name, arguments)
        async with anyio.create_task_group() as group:
            group.start_soon(_beat, context, progress, name)
            result = await self.answer(caller, name, arguments)
            group.cancel_scope.cancel()
        return result


def call(
    seen: Callable[[], App], operation: Operation, arguments: Arguments, *, can_create: bool = False
) -> ToolAnswer:
    """Runs one operation on the ledger that `seen` answers. Whatever goes wrong is an answer."""
    try:
        app = seen()
        answer = operation.perform(app, arguments)
        return answered(answer, lambda limit: operation.perform(app, {**arguments, "limit": limit}))
    except NoLedger as error:
        return refused(_with_tool(error) if can_create else error)
    except LedgerError as error:
        return refused(error)
    except Exception:  # the client must get an answer, and the server must live on
        return crashed(operation.name)


def _with_tool(error: NoLedger) -> NoLedger:
    """What an assistant can do about a folder without a ledger, where a person would type a command."""
    folder = error.details["folder"]
    if unusable(Path(folder)) is not None:
        step = "have the server started with `--project FOLDER` that names the project's folder"
    else:
        step = f"call create_ledger with folder {folder} if that is the project's folder"
        step += ", else have the server started with `--project FOLDER`"
    return NoLedger(error.message, next_step=step, **error.details)


async def read_arguments(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Reads the arguments of a host that sends them whole as JSON text: the SDK takes an object only."""
    params = ctx.params
    if ctx.method != "tools/call" or params is None or isinstance(params.get("arguments", {}), dict):
        return await call_next(ctx)
    try:
        read = argument_values.arguments(params["arguments"])
    except Invalid as error:
        raise MCPError(wire.INVALID_PARAMS, error.message, error.as_answer()["error"]) from error
    return await call_next(replace(ctx, params={**params, "arguments": read}))


def one_page(what: str, params: wire.PaginatedRequestParams | None) -> None:
    if params is not None and params.cursor is not None:
        raise MCPError(wire.INVALID_PARAMS, f"Invalid cursor: the list of {what} has one page")


async def _beat(context: Context, token: str | int, name: str) -> None:
    """Tells a client that asked for progress, once a second, that its call still runs."""
    seconds = 0.0
    while True:
        await anyio.sleep(BEAT)
        seconds += BEAT
        note = wire.ProgressNotificationParams(
            progress_token=token, progress=seconds, message=f"{name} has been running for {seconds:.0f} s"
        )
        await context.session.send_notification(
            wire.ProgressNotification(params=note), related_request_id=context.request_id
        )
