"""The shape of an operation, and the kinds of fields that inputs are made of.

An operation's name, its input's fields and their sentences are the contract: MCP tools, the command line, the example
project and bulk calls are all made from it.
"""

import hashlib
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from ledger.codec import storable, unstorable
from ledger.decider import check, problem, sentence
from ledger.envelope import Command, Recorded, Scope, minted_id
from ledger.errors import Invalid
from ledger.settings import Settings
from ledger.values.moment import FUTURE_ALLOWED, parse, text
from ledger.values.reference import shorten
from projections.application.activity import watching
from projections.application.app import App
from projections.application.commands import Done, outcome, submit
from projections.application.view import LedgerView
from projections.fallback import router
from projections.fallback.known_writes import Write
from projections.operations import argument_values
from projections.questions.references import reference
from projections.tables.contract import Snapshot

Answered = dict[str, Any]
Toolset = Literal["work", "vendors", "deployments", "enhancements", "configuration", "history", "status", "sync"]
LARGEST = 4 * 1024 * 1024  # bytes of one call, as JSON
LARGEST_NUMBER = 2_147_483_647
PRIORITIES = {f"p{number}": number for number in range(1, 6)} | {
    "critical": 1,
    "urgent": 1,
    "highest": 1,
    "high": 2,
    "medium": 3,
    "normal": 3,
    "low": 4,
    "lowest": 5,
}
_BUILDING = threading.Lock()  # pydantic before 2.14 does not guard what it builds late
SHOWN = 200  # characters of a faulty value that a refusal repeats


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

    by: Annotated[str | None, Field(max_length=100, description="Who asks, if not you, like agent-1")] = None


class Writes(Input):
    """What every write takes besides."""

    by: Annotated[str | None, Field(max_length=100, description="Who acts, if not you")] = None
    command_id: Annotated[str | None, Field(description="UUID, to repeat safely")] = None
    detail: Annotated[bool, Field(description="Answer it whole")] = False


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
        with watching(lambda: app.home, "tool", self.name, app.actor(_actor_in(arguments))) as line:
            request = self._checked(app, arguments)
            if self.without_ledger is not None and isinstance(app, App) and not app.has_ledger:
                return self.without_ledger(app.settings, request)
            write = self._write(request) if isinstance(request, Writes) else None
            answered = router.answer(app, lambda view: self.run(view, request), write=write)
            line.answer(answered)
            return answered

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
        faults = [problem("arguments", f"are {size:,} bytes, at most {LARGEST:,} are taken")]
        raise Invalid(faults[0]["problem"], next_step="send less at once, or refer to a file", fields=faults)


def checked(model: type[Input], arguments: dict[str, Any]) -> Any:
    if not model.__pydantic_complete__:
        with _BUILDING:
            model.model_rebuild()
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise _invalid(error, model) from None


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


def _from_json(value: Any) -> Any:
    """Several clients send objects and arrays as their JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)  # refuses what JSON has no words for: NaN, too large, half characters
        except (ValueError, RecursionError):
            return value
    return value


def _to_tuple(value: Any) -> Any:
    value = _from_json(value)
    return tuple(value) if isinstance(value, list) else value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _time(value: str) -> str:
    try:
        return text(parse(value))
    except ValueError as error:
        raise ValueError(f"must be a time like 2026-11-22T15:00:00Z ({error})") from None


def _commit(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value := value.strip().lower()):
        raise ValueError("must be a commit hash of 7 to 40 hex digits")
    return value


def _priority(value: Any) -> Any:
    """The words and signs for it that can only mean one; P0 is another tool's scale."""
    meant = PRIORITIES.get(value.strip().lower()) if isinstance(value, str) else value
    if meant is None or (type(meant) is int and not 1 <= meant <= 5):
        raise ValueError("must be 1 (most urgent) to 5 (least urgent), or critical, high, medium or low")
    return meant


def _finite(value: Any) -> Any:
    """JSON has no word for infinity: it would be stored as null."""
    match value:
        case float() if not math.isfinite(value):
            raise ValueError("holds a number that JSON cannot hold")
        case dict():
            _finite(list(value.values()))
        case list():
            for inside in value:
                _finite(inside)
    return value


def _lowered(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip().lower() for tag in value))


AsObject = BeforeValidator(_from_json)
AsArray = BeforeValidator(_to_tuple)
AnyText = WithJsonSchema({"type": "string"})  # of words that a refusal lists
AnyObject = WithJsonSchema({"type": "object"})  # what is inside is described by the tool whose fields it holds
NotBlank = AfterValidator(_not_blank)

Title = Annotated[str, Field(min_length=1, max_length=200), NotBlank]
Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=100)]
Time = Annotated[str, AfterValidator(_time)]
HappenedAt = Annotated[Time | None, Field(description="When, RFC 3339 like 2026-11-20T08:30:00Z; now if left out")]
Commit = Annotated[str, AfterValidator(_commit)]
Commits = Annotated[tuple[Commit, ...], AsArray]
PullRequests = Annotated[tuple[Annotated[int, Field(ge=1, le=LARGEST_NUMBER)], ...], AsArray]
Priority = Annotated[int, BeforeValidator(_priority)]
Tags = Annotated[tuple[Annotated[str, Field(max_length=50), NotBlank], ...], AsArray, AfterValidator(_lowered)]
Texts = Annotated[tuple[str, ...], AsArray]
Metadata = Annotated[dict[str, Any], AsObject, AfterValidator(_finite)]
Token = Annotated[str, Field(pattern=r"^[!-~]{8,200}$")]
KINDS_WANTED = {  # by pydantic's name of what is wrong: its own words may change with any release
    "bool_type": "input should be a valid boolean",
    "dict_type": "input should be an object",
    "int_type": "input should be a valid integer",
    "missing": "field required",
    "model_type": "input should be an object",
    "string_type": "input should be a valid string",
    "tuple_type": 'input should be an array like ["one", "two"]',
}
PATTERNS = {  # of texts that have a form -> what a refusal says of it
    "^[!-~]{8,200}$": "8 to 200 letters, digits and signs, without blanks",
    "^[0-9]{4}-Q[1-4]$": "a year and its quarter, like 2026-Q4",
    "^[0-9a-fA-F]{64}$": "64 hexadecimal digits, as sha256sum prints them",
    "^[A-Za-z0-9 _-]+$": "of letters, digits, blanks, _ and - only",
}
Version = Annotated[  # a token while it waits
    Annotated[int, Field(ge=0)] | Token, Field(description="The version you read, like 3")
]
Point = Annotated[  # a position, a time; of one entity also v3
    str, BeforeValidator(argument_values.text), WithJsonSchema({"type": ["integer", "string"]})
]
AsOf = Annotated[Point | None, Field(description="As it was at a position (120) or RFC 3339 time")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=100, description="At most, 1 to 100")]


def _invalid(error: ValidationError, model: type[Input]) -> Invalid:
    named: dict[tuple[str, Any], dict[str, Any]] = {}
    for number, fault in enumerate(error.errors(include_url=False)):
        parts = [str(part) for part in fault["loc"] if part != "[key]"]
        kinds = [part for part in parts if part.startswith("constrained-")]  # a value that is none of several kinds
        field = ".".join(part for part in parts if part not in kinds) or "arguments"
        value = fault.get("input") if fault["type"] != "missing" else None
        named.setdefault((field, bool(kinds) or number), _fault(field, fault, value, model))  # of those the first
    faults = list(named.values())
    return Invalid(sentence(faults), next_step="correct the named fields and send it again", fields=faults)


def _fault(field: str, fault: Any, value: Any, model: type[Input]) -> dict[str, Any]:
    shown = _brief(value)
    if fault["type"] == "extra_forbidden":
        return problem(field, "is not an argument of this", shown, allowed=_arguments(_holder(model, fault["loc"])))
    expected = fault.get("ctx", {}).get("expected")
    words = KINDS_WANTED.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "string_too_short" and not str(value).strip():
        words = "must not be empty"
    if fault["type"] == "string_pattern_mismatch":
        words = f"must be {PATTERNS[fault['ctx']['pattern']]}"
    return problem(field, words[:1].lower() + words[1:], shown, **({"allowed": expected} if expected else {}))


def _holder(model: type[Input], place: tuple[Any, ...]) -> type[Input]:
    """The model whose field stands at a place: the input's own, or that of an object inside it."""
    for name in place[:-1]:
        field = model.model_fields.get(str(name))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, Input)):
            break
        model = field.annotation
    return model


def _brief(value: Any) -> Any:
    """What was sent, as far as it helps to see it: a megabyte does not."""
    if isinstance(value, str) and len(value) > SHOWN:
        return value[:SHOWN] + "..."
    return value if isinstance(value, (str, int, float, bool, type(None))) else argument_values.kind_of(value)


def _arguments(model: type[Input]) -> list[str]:
    return sorted(field.alias or name for name, field in model.model_fields.items())
