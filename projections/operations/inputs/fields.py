"""The kinds of fields that inputs are made of: what each takes, and the sentence of those that all tools share."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ledger.values.moment import parse, text
from projections.operations.inputs import argument_values

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


def _to_tuple(value: Any) -> Any:
    value = argument_values.from_json(value)
    return tuple(value) if isinstance(value, list) else value


def _not_blank(value: str) -> str:
    """Refuses what shows nothing, as blanks, marks of direction and joiners alone do."""
    if not any(sign.isprintable() and not sign.isspace() for sign in value):
        raise ValueError("must not be blank")
    return value


def _name(value: str | None) -> str | None:
    if value and not (value.isprintable() and value.strip()):
        raise ValueError("must be a name of printable characters")
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
    priority = PRIORITIES.get(value.strip().lower()) if isinstance(value, str) else value
    if priority is None or (type(priority) is int and not 1 <= priority <= 5):
        raise ValueError("must be 1 (most urgent) to 5 (least urgent), or critical, high, medium or low")
    return priority


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


AsObject = BeforeValidator(argument_values.from_json)
AsArray = BeforeValidator(_to_tuple)
AnyText = WithJsonSchema({"type": "string"})  # of words that a refusal lists
AnyObject = WithJsonSchema({"type": "object"})  # what is inside is described by the tool whose fields it holds
NotBlank = AfterValidator(_not_blank)

Title = Annotated[str, Field(min_length=1, max_length=200), NotBlank]
Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=100)]
Actor = Annotated[str | None, Field(max_length=100), AfterValidator(_name)]  # empty: as if it was left out
Time = Annotated[str, AfterValidator(_time)]
HappenedAt = Annotated[Time | None, Field(description="When, RFC 3339 like 2026-11-20T08:30:00Z; now if left out")]
Commit = Annotated[str, AfterValidator(_commit)]
Commits = Annotated[tuple[Commit, ...], AsArray]
PullRequest = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
PullRequests = Annotated[tuple[PullRequest, ...], AsArray]
Priority = Annotated[int, BeforeValidator(_priority)]
Tags = Annotated[tuple[Annotated[str, Field(max_length=50), NotBlank], ...], AsArray, AfterValidator(_lowered)]
Texts = Annotated[tuple[str, ...], AsArray]
Metadata = Annotated[dict[str, Any], AsObject, AfterValidator(_finite)]
Token = Annotated[str, Field(pattern=r"^[!-~]{8,200}$")]
Version = Annotated[  # a token while it waits
    Annotated[int, Field(ge=0)] | Token, Field(description="The version you read, like 3")
]
Point = Annotated[  # a position, a time; of one entity also v3
    str, BeforeValidator(argument_values.text), WithJsonSchema({"type": ["integer", "string"]})
]
AsOf = Annotated[Point | None, Field(description="As it was at a position (120) or RFC 3339 time")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=100, description="At most, 1 to 100")]
