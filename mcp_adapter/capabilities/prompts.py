"""Prompts: how to begin, plan, record and hand over, each with what the ledger says about it right now.

The words to follow come from templates/; what the ledger holds travels beside them as embedded resources, so that no
stored text stands among instructions.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio.to_thread
import mcp.types as wire
from mcp import MCPError
from msgspec import Struct

from ledger.errors import LedgerError
from mcp_adapter.callers.caller import Caller, CallerOf, Context
from mcp_adapter.capabilities.answers import fitted
from mcp_adapter.capabilities.resources import JSON, contents
from mcp_adapter.capabilities.tools import one_page
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.reports.templates import rendered

LONGEST = 4_000  # characters of an argument
RECENT = 50  # positions that a hand-over looks back, unless it is given since when

Given = dict[str, str]
Embedded = Iterable[wire.TextResourceContents]


class Prompt(Struct, frozen=True):
    """`shown(app, arguments)` answers what the ledger has to say; the words are in templates/prompts/<name>.md.j2."""

    name: str
    title: str
    sentence: str
    arguments: Mapping[str, str]  # name -> its sentence
    shown: Callable[[App, Given], Embedded]
    required: tuple[str, ...] = ()


def _start(app: App, given: Given) -> Embedded:
    yield contents(app, "ledger://prime")
    if "item" in given:
        yield contents(app, f"ledger://items/{given['item']}")


def _plan(app: App, given: Given) -> Embedded:
    yield contents(app, "ledger://status")
    yield _answer(app, "list_work_items", {"text": given["goal"][:500], "limit": 10}, "ledger://items?similar")


def _deploy(app: App, _: Given) -> Embedded:
    yield _answer(app, "query_deployments", {"limit": 5}, "ledger://deployments?recent")
    yield _answer(app, "get_project_configuration", {}, "ledger://configuration")
    yield _answer(app, "list_work_items", {"status": "active", "limit": 20}, "ledger://items?active")


def _hand_over(app: App, given: Given) -> Embedded:
    yield contents(app, "ledger://prime")
    yield _answer(app, "list_work_items", {"blocked": True, "limit": 20}, "ledger://items?blocked")
    since = given.get("since") or str(max(0, _head(app) - RECENT))
    yield _answer(app, "changes_since", {"since": since, "limit": RECENT}, f"ledger://log?since={since}")


PROMPTS = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "start_session",
            "Start a session",
            "Begin to work on this project: what is going on, what to take, how to record it.",
            {"item": "Reference of the work item to begin with."},
            _start,
        ),
        Prompt(
            "plan_project",
            "Plan a project",
            "Turn a goal into a project with tasks, links and priorities in the ledger.",
            {"goal": "What is to be reached."},
            _plan,
            ("goal",),
        ),
        Prompt(
            "record_deployment",
            "Record a deployment",
            "Record what went out, with its tests and what it belongs to.",
            {"pr": "Number of the pull request.", "commit": "Its whole hash."},
            _deploy,
        ),
        Prompt(
            "hand_over",
            "Hand over",
            "End a session so that the next session knows the state of the work.",
            {"since": "Position or time at which the session began."},
            _hand_over,
        ),
    )
}


async def list_prompts(_: Context, params: wire.PaginatedRequestParams | None) -> wire.ListPromptsResult:
    one_page("prompts", params)
    return wire.ListPromptsResult(
        prompts=[
            wire.Prompt(
                name=prompt.name,
                title=prompt.title,
                description=prompt.sentence,
                arguments=[
                    wire.PromptArgument(name=name, description=sentence, required=name in prompt.required)
                    for name, sentence in prompt.arguments.items()
                ],
            )
            for prompt in PROMPTS.values()
        ]
    )


def getter(caller_of: CallerOf) -> Callable[[Context, wire.GetPromptRequestParams], Any]:
    """The handler of prompts/get."""

    async def get(context: Context, params: wire.GetPromptRequestParams) -> wire.GetPromptResult:
        prompt = PROMPTS.get(params.name)
        if prompt is None:
            raise MCPError(wire.INVALID_PARAMS, f"Unknown prompt: {params.name[:100]}", {"known": list(PROMPTS)})
        given = _checked(prompt, params.arguments or {})
        return await anyio.to_thread.run_sync(_got, caller_of(context), prompt, given)

    return get


def _checked(prompt: Prompt, arguments: Given) -> Given:
    given = {name: value for name, value in arguments.items() if value.strip()}
    unknown = [name for name in given if name not in prompt.arguments]
    missing = [name for name in prompt.required if name not in given]
    long = [name for name, value in given.items() if len(value) > LONGEST]
    for names, why in ((unknown, "unknown"), (missing, "missing"), (long, f"longer than {LONGEST} characters")):
        if names:
            raise MCPError(
                wire.INVALID_PARAMS,
                f"Prompt {prompt.name}: {', '.join(name[:100] for name in names)}: {why}",
                {"arguments": list(prompt.arguments), "required": list(prompt.required)},
            )
    return given


def _got(caller: Caller, prompt: Prompt, given: Given) -> wire.GetPromptResult:
    words = rendered(f"prompts/{prompt.name}.md.j2", dict.fromkeys(prompt.arguments, "") | given)
    try:
        app = caller.seen()
        shown = [wire.EmbeddedResource(type="resource", resource=content) for content in prompt.shown(app, given)]
    except LedgerError as error:
        code = wire.INVALID_PARAMS if error.number < 500 else wire.INTERNAL_ERROR
        raise MCPError(code, error.message, error.as_answer()["error"]) from error
    blocks: list[wire.ContentBlock] = [wire.TextContent(type="text", text=words), *shown]
    return wire.GetPromptResult(
        description=prompt.sentence,
        messages=[wire.PromptMessage(role="user", content=content) for content in blocks],
    )


def _answer(app: App, operation: str, arguments: dict[str, Any], uri: str) -> wire.TextResourceContents:
    found = fitted(OPERATIONS[operation].perform(app, arguments))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return wire.TextResourceContents(uri=uri, mime_type=JSON, text=text)


def _head(app: App) -> int:
    return int(OPERATIONS["prime"].perform(app, {})["position"])
