"""The shape of an operation: what it is given, what it answers.

An operation's name, its input's fields and their sentences are the contract: MCP tools, the command line, the example
project and bulk calls are all made from it.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ledger.codec import storable, unstorable
from ledger.envelope import Command, Recorded, Scope, minted_id
from ledger.errors import Invalid
from ledger.problems import check, problem, sentence
from ledger.settings import Settings
from ledger.values.moment import FUTURE_ALLOWED, parse
from ledger.values.reference import shorten
from projections.application.activity import activity_line
from projections.application.app import App
from projections.application.commands import Done, outcome, submit
from projections.application.view import LedgerView
from projections.fallback import router
from projections.fallback.known_writes import Write
from projections.operations.inputs import argument_values, cursors
from projections.operations.inputs.faults import invalid
from projections.operations.inputs.fields import Actor
from projections.questions.answers import Answered
from projections.questions.references import reference
from projections.tables.contract import Snapshot

Toolset = Literal["work", "vendors", "deployments", "enhancements", "configuration", "history", "status", "sync"]
LARGEST = 4 * 1024 * 1024  # bytes of one call, as JSON
_BUILDING = threading.Lock()  # pydantic before 2.14 does not guard what it builds late


class Input(BaseModel):
    """What an operation is given, read as hosts really send it. Unknown names are refused.

    Each is built when first used: a command uses one or two of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        return argument_values.read_fields(cls, given) if isinstance(given, dict) else given


class Asks(Input):
    """A question whose answer depends on who asks it."""

    by: Annotated[Actor, Field(description="Who asks, if not you, like agent-1")] = None


class Writes(Input):
    """The root of the inputs of writes: what every write takes besides."""

    by: Annotated[Actor, Field(description="Who acts, if not you")] = None
    command_id: Annotated[str | None, Field(description="UUID, to repeat safely")] = None
    detail: Annotated[bool, Field(description="Answer in full")] = False


class Operation(Struct, frozen=True, kw_only=True):
    """`run(view, input) -> answer`. `summary` says what it does, when to use it and when another.

    `scope` is what a token must allow, `only_reads` that one above `read` changes nothing all the same; `commands` are
    those that it makes, each with the input that an edit of a queued one is held to; `by_default` says whether an
    assistant is shown it without asking for its toolset; `without_ledger` answers in a folder that has none yet, where
    all others refuse.
    """

    name: str
    title: str
    summary: str
    toolset: Toolset
    input: type[Input]
    run: Callable[[LedgerView, Any], Answered]
    scope: Scope = "read"
    destructive: bool = False
    commands: Mapping[type[Command], type[Input]] = {}
    only_reads: bool = False
    by_default: bool = True
    without_ledger: Callable[[Settings, Any], Answered] | None = None

    @property
    def writes(self) -> bool:
        return self.scope != "read" and not self.only_reads

    def perform(self, app: App | LedgerView, arguments: dict[str, Any]) -> Answered:
        """Checks the arguments, all faults at once (Invalid), and runs. Leaves one line in the activity log."""
        with activity_line(lambda: app.home, "tool", self.name, app.actor(_actor_in(arguments))) as line:
            request = self._checked(app, arguments)
            if self.without_ledger is not None and isinstance(app, App) and not app.has_ledger:
                return self.without_ledger(app.settings, request)
            write = self._write(request) if isinstance(request, Writes) else None
            answered = router.answer(app, lambda view: self._answered(view, request), write=write)
            line.answer(answered)
            return answered

    def _answered(self, view: LedgerView, request: Any) -> Answered:
        """What `run` answers; a cursor, in and out, is marked as one of this list."""
        cursor: str | None = getattr(request, "cursor", None)
        if cursor:
            plain = cursors.without_mark(cursor, cursors.mark_of(view.identity.key, self.name, request))
            answered = self.run(view, request.model_copy(update={"cursor": plain}))
        else:
            answered = self.run(view, request)
        following: str | None = answered.get("next_cursor")
        if following is None:
            return answered
        return answered | {
            "next_cursor": cursors.with_mark(following, cursors.mark_of(view.identity.key, self.name, request))
        }

    def _write(self, request: Writes) -> Write:
        own = command_id(request.command_id)
        assert own is not None, "a checked write has one"
        asked = request.model_dump_json(exclude={"command_id", "detail"}, exclude_unset=True)
        return Write(command_id=own, digest=hashlib.sha256(f"{self.name} {asked}".encode()).hexdigest())

    def _checked(self, app: App | LedgerView, arguments: dict[str, Any]) -> Any:
        _check_storable(arguments)
        request = checked(self.input, arguments)
        if isinstance(request, Writes) and request.command_id is None:  # with an id, running it twice records it once
            return request.model_copy(update={"command_id": str(app.new_command_id())})
        return request


def _check_storable(arguments: dict[str, Any]) -> None:
    """Texts that no database can hold, and more text than a tracker's entry can mean."""
    if not storable(arguments):
        check(unstorable(arguments))
    size = len(msgspec.json.encode(arguments))
    if size > LARGEST:
        faults = [problem("arguments", f"are {size:,} bytes, at most {LARGEST:,} are accepted")]
        raise Invalid(sentence(faults), next_step="send less at once, or refer to a file", fields=faults)


def checked(model: type[Input], arguments: dict[str, Any]) -> Any:
    if not model.__pydantic_complete__:
        with _BUILDING:
            model.model_rebuild()
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise invalid(error, model) from None


def carry_out(
    view: LedgerView,
    request: Writes,
    category: str,
    command: Command,
    read: Callable[[Snapshot, str], Answered],
    *,
    token: str | None = None,
    occurred_at: datetime | None = None,
) -> Answered:
    """Records a command; answers a receipt, and with `detail` what `read` finds of the entity."""
    own = command_id(request.command_id)
    done = submit(view, command, category=category, by=request.by, command_id=own, occurred_at=occurred_at, token=token)
    answer = receipt(view, done, request)
    if not request.detail:
        return answer
    with view.tables.snapshot() as snapshot:
        return read(snapshot, done.id) | answer


def happened(view: LedgerView, given: str | None, field: str = "happened_at") -> datetime | None:
    """The time that a caller states, which cannot lie ahead; None for now."""
    if given is None:
        return None
    if (stated := parse(given)) > view.clock() + FUTURE_ALLOWED:
        check([problem(field, "lies more than 5 minutes in the future", given)])
    return stated


def where(view: LedgerView, recorded: Recorded) -> Answered:
    """What became of a write, and where it stands: a position in the log, or a place in the outbox."""
    return {
        "outcome": outcome(view.store, recorded),
        "position": recorded.positions[-1] if recorded.positions else None,
        **({"place": recorded.place} if recorded.place is not None else {}),
    }


def receipt(view: LedgerView, done: Done, request: Writes) -> Answered:
    """A few tens of tokens: what became of a write, and what to name in the next one, or in an undo of this one."""
    return {
        "outcome": done.outcome,
        "id": done.id,
        "ref": _reference(view, done),
        "version": done.version,
        "position": done.position,
        **(
            {"command_id": str(done.command_id or request.command_id)} if not done.unchanged else {}
        ),  # what `undo` takes
        **({"place": done.place} if done.place is not None else {}),
        **({"repeated": True} if done.repeated else {}),
        **({"unchanged": True} if done.unchanged else {}),
    }


def _reference(view: LedgerView, done: Done) -> str:
    if done.adjacent_ids is None:
        return reference(view.tables, done.category, done.id)
    return shorten(done.category, done.id, done.adjacent_ids)


def new_id(request: Writes) -> str:
    """The id of what this command creates: the same again when it is repeated."""
    own = command_id(request.command_id)
    assert own is not None, "every write that is performed has a command id"
    return minted_id(own)


def command_id(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        check([problem("command_id", "must be a UUID", given)])
        raise


@contextmanager
def inside(field: str, model: type[Input]) -> Iterator[None]:
    """Faults in what stands inside a field are named by their whole path, also those that the rules find."""
    try:
        yield
    except Invalid as error:
        faults = error.details["fields"]
        check(
            {**fault, "field": f"{field}.{fault['field']}"}
            if fault["field"].partition(".")[0] in model.model_fields
            else fault
            for fault in faults
        )


def sent_fields(model: Input, *names: str) -> dict[str, Any]:
    """The named fields that the caller really sent."""
    return {name: getattr(model, name) for name in names if name in model.model_fields_set}


def _actor_in(arguments: dict[str, Any]) -> str | None:
    """Who acts, as unchecked arguments say it; whatever is no name is not repeated."""
    by = arguments.get("by")
    return by if isinstance(by, str) and len(by) <= 100 else None
