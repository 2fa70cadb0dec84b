"""The example project: steps in a readable file, recorded by the same operations that a tool call uses."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from ledger.errors import Refused
from ledger.resources import folder
from projections.application.app import App
from projections.application.view import LedgerView
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

EXAMPLE = "inventory_sync"


class Step(Struct, frozen=True, kw_only=True, rename={"arguments": "with"}):
    """One call. In its arguments "$name" stands for the id of what the step of that name made."""

    step: str
    do: str
    arguments: dict[str, Any]


def steps() -> list[Step]:
    text = (folder("examples") / f"{EXAMPLE}.json").read_bytes()
    return msgspec.json.decode(text, type=list[Step])


def record(app: App, example: list[Step]) -> Iterator[Answered]:
    """Performs each step and yields its answer; a step that is recorded already answers again.

    A command's id follows from the ledger and the step's name, so a repetition is known as one.
    """
    made: dict[str, str] = {}
    for step in example:
        given = _filled(step.arguments, made) | {"command_id": str(command_id(app.identity.ledger, step))}
        answered = OPERATIONS[step.do].perform(app, given)
        made[step.step] = answered["id"]
        yield answered


def refuse_another_history(app: App, example: list[Step]) -> None:
    """The example goes into a new ledger or its own, never into a project with a history of its own."""
    _, of_its_own = router.run_on_first_source(app, lambda layered: _has_another_history(layered, example[0]))
    if of_its_own:
        raise Refused(
            f"{app.identity.project} has a ledger with a history of its own",
            rule="example_in_own_ledger",
            items=[],
            next_step="name another folder: tracking-ledger demo FOLDER",
        )


def _has_another_history(view: LedgerView, first: Step) -> bool:
    with view.tables.snapshot() as snapshot:
        begun = snapshot.as_of.position > 0
    return begun and view.store.find_command(command_id(view.identity.ledger, first)) is None


def command_id(ledger: UUID, step: Step) -> UUID:
    return uuid5(ledger, step.step)


def _filled(value: Any, made: dict[str, str]) -> Any:
    match value:
        case str() if value.startswith("$"):
            return made[value[1:]]
        case dict():
            return {key: _filled(inner, made) for key, inner in value.items()}
        case list():
            return [_filled(inner, made) for inner in value]
        case _:
            return value
