"""The plain way in: `POST /api/NAME` with the arguments as a JSON object, for CI and for programs.

The same operations as an assistant's tools, with the same refusals; their `status` is that of the answer.
"""

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ledger.errors import LedgerError, NotFound
from ledger.problems import check, problem
from mcp_adapter.api.description import PREFIX, described
from mcp_adapter.callers.caller import Arguments, Caller
from mcp_adapter.callers.workers import Workers
from mcp_adapter.capabilities.answers import encoded, internal
from projections.operations.base import LARGEST, Operation
from projections.operations.inputs import argument_values

JSON = "application/json"

log = logging.getLogger("tracking_ledger.api")


class NotPosted(LedgerError):
    code = "invalid"
    number = 405


class TooLarge(LedgerError):
    code = "invalid"
    number = 413


class NotJson(LedgerError):
    code = "invalid"
    number = 415


class Api:
    """An ASGI application behind the authentication; `caller_of` answers who a request comes from."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        caller_of: Callable[[Request], Caller],
        workers: Workers,
        *,
        tokens_needed: bool,
    ) -> None:
        self._operations = operations
        self._caller_of = caller_of
        self._tokens_needed = tokens_needed
        self._workers = workers

    async def description(self, _: Request) -> Response:
        document = described(self._operations.values(), tokens_needed=self._tokens_needed)
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            status, answer = 200, await self._answer(request)
        except LedgerError as error:
            status, answer = error.number, error.as_answer()
        headers = {"Allow": "POST"} if status == 405 else {}
        await Response(encoded(answer), status, headers, JSON)(scope, receive, send)

    async def _answer(self, request: Request) -> dict[str, Any]:
        operation = self._operation(request)
        arguments = await _arguments(request)
        caller = self._caller_of(request)
        caller.check(operation, arguments)
        return await self._workers.of(caller.app.settings.dsn).run(
            partial(_performed, caller, operation, arguments), abandon_on_cancel=not operation.writes
        )

    def _operation(self, request: Request) -> Operation:
        name = request.url.path.removeprefix(PREFIX)
        if name not in self._operations:
            raise NotFound(
                f"there is no operation {name[:100]}",
                next_step=f"read {PREFIX}openapi.json, or choose one of `allowed`",
                allowed=[*self._operations],
            )
        if request.method != "POST":
            step = f"send the arguments as a JSON object with POST {PREFIX}{name}"
            raise NotPosted(f"{name} is called with POST, not with {request.method[:20]}", next_step=step)
        return self._operations[name]


def _performed(caller: Caller, operation: Operation, arguments: Arguments) -> dict[str, Any]:
    try:
        return operation.perform(caller.seen(), arguments)
    except LedgerError:
        raise
    except Exception as error:  # the client must get an answer, and the server must live on
        raise internal(operation.name, log) from error


async def _arguments(request: Request) -> Arguments:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:  # a page of another origin may send anything else without asking
        step = f"send it with `Content-Type: {JSON}`"
        raise NotJson(f"the body must be {JSON}, and is {kind[:100] or 'not said to be'}", next_step=step)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            step = "send less at once, or refer to a file"
            raise TooLarge(f"the body is larger than {LARGEST:,} bytes", next_step=step)
    try:
        read = json.loads(body, object_pairs_hook=argument_values.object_of) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        check([problem("body", f"must be a JSON object: {error}")])
    return argument_values.arguments(read)
