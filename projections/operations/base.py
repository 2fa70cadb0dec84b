"""The shape of an operation, and the kinds of fields that inputs are made of.

An operation's name, its input's fields and their sentences are the contract: MCP tools, the command line, the example
project and bulk calls are all made from it.
"""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ledger.decider import check, problem
from ledger.errors import Invalid
from ledger.moment import parse, text
from projections.app import App, Done
from projections.questions.references import reference

Answered = dict[str, Any]


class Input(BaseModel):
    """What an operation is given. Unknown names are refused; objects and arrays may come as their JSON text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Writes(Input):
    """What every write takes besides."""

    by: Annotated[str | None, Field(max_length=100, description="Who acts. Default: the client's name.")] = None
    command_id: Annotated[str | None, Field(description="UUID; a repetition with the same one records nothing twice.")] = None
    detail: Annotated[bool, Field(description="Answer with the whole thing, not just a receipt.")] = False


class Operation(Struct, frozen=True, kw_only=True):
    """`run(app, input) -> answer`. `summary` says when to use it and when not, in a sentence or two."""

    name: str
    title: str
    summary: str
    input: type[Input]
    run: Callable[[App, Any], Answered]
    writes: bool = False
    destructive: bool = False

    def perform(self, app: App, arguments: dict[str, Any]) -> Answered:
        """Checks the arguments, all faults at once (Invalid), and runs."""
        return self.run(app, checked(self.input, arguments))


def checked(model: type[Input], arguments: dict[str, Any]) -> Any:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise _invalid(error, model) from None


def receipt(app: App, done: Done) -> Answered:
    """A few tens of tokens: what became of a write, and what to name in the next one."""
    return {
        "outcome": done.outcome,
        "id": done.id,
        "ref": reference(app.tables, done.category, done.id),
        "version": done.version,
        "position": done.position,
        **({"repeated": True} if done.repeated else {}),
    }


def command_id(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        check([problem("command_id", "must be a UUID", given)])
        raise


def given(model: Input, *names: str) -> dict[str, Any]:
    """The named fields that the caller really sent."""
    return {name: getattr(model, name) for name in names if name in model.model_fields_set}



def _from_json(value: Any) -> Any:
    """Several clients send objects and arrays as their JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _to_tuple(value: Any) -> Any:
    value = _from_json(value)
    return tuple(value) if isinstance(value, list) else value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _moment(value: str) -> str:
    try:
        return text(parse(value))
    except ValueError as error:
        raise ValueError(f"must be a time like 2026-11-22T15:00:00Z ({error})") from None


def _commit(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value):
        raise ValueError("must be a commit hash of 7 to 40 lower-case hex digits")
    return value


def _lowered(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip().lower() for tag in value))


AsObject = BeforeValidator(_from_json)
AsArray = BeforeValidator(_to_tuple)

Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_not_blank)]
Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=100)]
Moment = Annotated[str, AfterValidator(_moment)]
Commits = Annotated[tuple[Annotated[str, AfterValidator(_commit)], ...], AsArray]
PullRequests = Annotated[tuple[Annotated[int, Field(ge=1)], ...], AsArray]
Priority = Annotated[int, Field(ge=1, le=5)]
Tags = Annotated[
    tuple[Annotated[str, Field(max_length=50), AfterValidator(_not_blank)], ...], AsArray, AfterValidator(_lowered)
]
Texts = Annotated[tuple[str, ...], AsArray]
Metadata = Annotated[dict[str, Any], AsObject]
Version = Annotated[int, Field(ge=0, description="The version you read; a newer one there is a conflict.")]
Limit = Annotated[int, Field(ge=1, le=100, description="At most this many, 1-100.")]


def _invalid(error: ValidationError, model: type[Input]) -> Invalid:
    faults = []
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"]) or "arguments"
        value = fault.get("input") if fault["type"] != "missing" else None
        faults.append(_fault(field, fault, value, model))
    sentence = "; ".join(f"{fault['field']}: {fault['problem']}" for fault in faults)
    return Invalid(sentence, next_step="correct the named fields and send it again", fields=faults)


def _fault(field: str, fault: Any, value: Any, model: type[Input]) -> dict[str, Any]:
    shown = value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    if fault["type"] == "extra_forbidden":
        return problem(field, "is not an argument of this", shown, allowed=sorted(model.model_fields))
    expected = fault.get("ctx", {}).get("expected")
    words = fault["msg"].removeprefix("Value error, ")
    return problem(field, words[:1].lower() + words[1:], shown, **({"allowed": expected} if expected else {}))
