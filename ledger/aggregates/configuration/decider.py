"""What may happen to the configuration, and why not."""

import re
from collections.abc import Iterator
from typing import Any, assert_never, get_args

from ledger.aggregates.configuration import webhooks
from ledger.aggregates.configuration.commands import (
    AddWebhook,
    ChangeConfiguration,
    ConfigurationCommand,
    DeleteWebhook,
    PauseWebhook,
    ResumeWebhook,
)
from ledger.aggregates.configuration.events import ConfigurationChanged, ConfigurationFact, ConfigurationReverted
from ledger.aggregates.configuration.state import Configuration, evolve
from ledger.aggregates.decider import Decided, Decider, Turns, Undoable
from ledger.aggregates.guards import check_administrator, check_current
from ledger.envelope import stream_id
from ledger.errors import NotFound
from ledger.problems import Problem, check, problem
from ledger.values.revision import difference
from ledger.values.states import CATEGORIES, LONGEST, ORIGINAL, WORKABLE, key
from ledger.world import World

CATEGORY = "configuration"
CLEARABLE = ("current_session_id", "git_branch", "git_head_commit", "reviewer", "currency")
LIMITS = {
    "default_token_budget": (1_000, 1_000_000),
    "depth_limit": (0, 20),
    "archive_days": (1, 36_500),
    "lease_minutes": (1, 10_080),  # a week
}
SWITCHES = ("write_status_file", "only_asked_answer")
MOST_STATES = 50
CURRENCY = re.compile("[A-Z]{3}")
WORD = re.compile(rf"\w(?:[\w ./&+-]{{0,{LONGEST - 2}}}[\w.+])?")


def decide(command: ConfigurationCommand, world: World) -> Decided:
    match command:
        case ChangeConfiguration():
            return _change(command, world)
        case AddWebhook() | PauseWebhook() | ResumeWebhook() | DeleteWebhook():
            return webhooks.decide(command, CATEGORY, world)
        case _:
            assert_never(command)


def _change(command: ChangeConfiguration, world: World) -> Decided:
    check_administrator(world, "the configuration is changed")
    stream = stream_id(CATEGORY, command.id)
    check_current(world, CATEGORY, command.id, command.expected)
    check(_problems(command.fields))
    configuration: Configuration = world.state(CATEGORY, command.id)
    changes = difference(configuration, command.fields)
    if not changes:
        return []
    if "current_session_id" in changes and changes["current_session_id"].new is not None:
        _check_session(world, command.fields["current_session_id"])
    return [(stream, ConfigurationChanged(changes=changes))]


def _check_session(world: World, session: str) -> None:
    if session not in world.known("work_item", [session]):
        raise NotFound(
            f"there is no work item {session} in this ledger",
            next_step="check current_session_id, or create the session first",
            field="current_session_id",
            id=session,
        )
    item = world.state("work_item", session)
    if item.item_type != "session":
        check([problem("current_session_id", f"must be a session, this is a {item.item_type}", session)])
    if item.deleted:
        check([problem("current_session_id", "is deleted: restore it, or name another session", session)])


def _check_undo(world: World, turns: Turns[Configuration]) -> None:
    check_administrator(world, "the configuration is changed")
    for now, then in turns.values():
        if then.current_session_id not in (None, now.current_session_id):
            _check_session(world, then.current_session_id)


def _problems(fields: dict[str, Any]) -> Iterator[Problem]:
    for field, value in fields.items():
        if field == "states":
            yield from _state_problems(value)
            continue
        if field == "currency" and value is not None and not CURRENCY.fullmatch(value):
            yield problem(field, "must be a code of three capital letters, like EUR", value)
        if field in ("roles", "review_types"):
            continue
        low, high = LIMITS.get(field, (None, None))
        if value is None:
            if field not in CLEARABLE:
                yield problem(field, "is required and cannot be cleared")
        elif isinstance(value, bool) != (field in SWITCHES):
            yield problem(field, "must be true or false" if field in SWITCHES else "is neither true nor false", value)
        elif low is not None and high is not None and not low <= value <= high:
            yield problem(field, f"must be from {low} to {high}", value)


def _state_problems(states: Any) -> Iterator[Problem]:
    """`states` are a list of {name, category, on_claim?}, as they are to be from now on."""
    names = [key(state["name"]) for state in states]
    for number, state in enumerate(states):
        field, name, category = f"states.{number}", state["name"], state["category"]
        if not WORD.fullmatch(name):
            yield problem(f"{field}.name", f"must be a word or two of at most {LONGEST} characters", name)
        elif names[number] in ORIGINAL:
            yield problem(f"{field}.name", "is there in every ledger: leave it out", name)
        elif names[number] in names[:number]:
            yield problem(f"{field}.name", "is there twice", name)
        if category not in CATEGORIES:
            yield problem(f"{field}.category", "is not a category", category, allowed=CATEGORIES)
        elif state.get("on_claim") and category not in WORKABLE:
            yield problem(f"{field}.on_claim", f"goes with the categories {' and '.join(WORKABLE)} only", category)
    if len(states) > MOST_STATES:
        yield problem("states", f"are at most {MOST_STATES}", len(states))
    if sum(bool(state.get("on_claim")) for state in states) > 1:
        yield problem("states", "can have one with on_claim")


decider: Decider[Configuration] = Decider(
    category=CATEGORY,
    initial=Configuration(),
    evolve=evolve,
    decide=decide,
    facts=get_args(ConfigurationFact),
    commands=get_args(ConfigurationCommand),
    undoable=Undoable(reverted=ConfigurationReverted, check=_check_undo),
)
