"""What a refusal says of arguments that their fields do not take."""

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from ledger.errors import Invalid
from ledger.problems import problem, sentence
from projections.operations.inputs import argument_values

SHOWN = 200  # characters of a faulty value that a refusal repeats
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


def invalid(error: ValidationError, model: type[BaseModel]) -> Invalid:
    named: dict[tuple[str, Any], dict[str, Any]] = {}
    for number, fault in enumerate(error.errors(include_url=False)):
        parts = [str(part) for part in fault["loc"] if part != "[key]"]
        kinds = [part for part in parts if part.startswith("constrained-")]  # a value that is none of several kinds
        field = ".".join(part for part in parts if part not in kinds) or "arguments"
        value = fault.get("input") if fault["type"] != "missing" else None
        named.setdefault((field, bool(kinds) or number), _fault(field, fault, value, model))  # of those the first
    faults = list(named.values())
    return Invalid(sentence(faults), next_step="correct the named fields and send it again", fields=faults)


def _fault(field: str, fault: Any, value: Any, model: type[BaseModel]) -> dict[str, Any]:
    shown = _brief(value)
    if fault["type"] == "extra_forbidden":
        return problem(field, "is not an argument of this", shown, allowed=_arguments(_holder(model, fault["loc"])))
    known = re.findall("'([^']*)'", fault["ctx"]["expected"]) if fault["type"] == "literal_error" else []
    words = KINDS_WANTED.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "string_too_short" and not str(value).strip():
        words = "must not be empty"
    if fault["type"] == "string_too_long":
        words = f"must have at most {fault['ctx']['max_length']} characters, not {len(value)}"
    if fault["type"] in ("too_short", "too_long"):
        bound = f"at least {fault['ctx'].get('min_length')}" if "min_length" in fault["ctx"] else ""
        words = f"must have {bound or 'at most ' + str(fault['ctx']['max_length'])} entries, not {len(value)}"
    if fault["type"] == "string_pattern_mismatch":
        words = f"must be {PATTERNS[fault['ctx']['pattern']]}"
    return problem(field, words[:1].lower() + words[1:], shown, **({"allowed": known} if known else {}))


def _holder(model: type[BaseModel], place: tuple[Any, ...]) -> type[BaseModel]:
    """The model whose field stands at a place: the input's own, or that of an object inside it."""
    for name in place[:-1]:
        field = model.model_fields.get(str(name))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            break
        model = field.annotation
    return model


def _brief(value: Any) -> Any:
    """What was sent, as far as it helps to see it: a megabyte does not."""
    if isinstance(value, str) and len(value) > SHOWN:
        return value[:SHOWN] + "..."
    return value if isinstance(value, (str, int, float, bool, type(None))) else argument_values.kind_of(value)


def _arguments(model: type[BaseModel]) -> list[str]:
    return sorted(field.alias or name for name, field in model.model_fields.items())
