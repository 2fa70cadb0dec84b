"""What may happen to the configuration, and why not."""

from collections.abc import Iterator
from typing import Any

from ledger.configuration.commands import ChangeConfiguration, ConfigurationCommand
from ledger.configuration.events import ConfigurationChanged, ConfigurationReverted
from ledger.configuration.state import Configuration, evolve
from ledger.decider import Decided, Decider, Problem, Turns, Undoable, check, check_current, problem
from ledger.envelope import stream_id
from ledger.errors import NotFound
from ledger.values.revision import difference
from ledger.world import World

CATEGORY = "configuration"
CLEARABLE = ("current_session_id", "git_branch", "git_head_commit")
LIMITS = {
    "default_token_budget": (1_000, 1_000_000),
    "depth_limit": (0, 20),
    "archive_days": (1, 36_500),
    "lease_minutes": (1, 10_080),  # a week
}
SWITCHES = ("write_status_file",)


def decide(command: ConfigurationCommand, world: World) -> Decided:
    match command:
        case ChangeConfiguration():
            return _change(command, world)
        case _:
            raise TypeError(f"no rule for {type(command).__name__}")


def _change(command: ChangeConfiguration, world: World) -> Decided:
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
    for now, then in turns.values():
        if then.current_session_id not in (None, now.current_session_id):
            _check_session(world, then.current_session_id)


def _problems(fields: dict[str, Any]) -> Iterator[Problem]:
    for field, value in fields.items():
        low, high = LIMITS.get(field, (None, None))
        if value is None:
            if field not in CLEARABLE:
                yield problem(field, "is required and cannot be cleared")
        elif isinstance(value, bool) != (field in SWITCHES):
            yield problem(field, "must be true or false" if field in SWITCHES else "is neither true nor false", value)
        elif low is not None and high is not None and not low <= value <= high:
            yield problem(field, f"must be from {low} to {high}", value)


decider: Decider[Configuration] = Decider(
    category=CATEGORY,
    initial=Configuration(),
    evolve=evolve,
    decide=decide,
    facts=(ConfigurationChanged, ConfigurationReverted),
    commands=(ChangeConfiguration,),
    undoable=Undoable(reverted=ConfigurationReverted, check=_check_undo),
)
