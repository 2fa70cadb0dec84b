"""Arguments as hosts really send them, tried on every argument of every operation that there is: a new one is tried
without being named."""

import json
import types
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from ledger.errors import Invalid
from projections.operations.base import Input, checked
from projections.operations.catalog import OPERATIONS
from projections.operations.inputs import argument_values
from projections.operations.ledger_creation import CREATE_LEDGER
from tests.support.each import each

TEXTS = (
    "a" * 64,
    "text",
    "2026-11-20T10:00:00Z",
    "2026-11-20",
    "0123456789abcdef0123456789abcdef01234567",
    "2026-Q1",
    "a-token-of-a-worker",
    "https://example.org/page",
    "every 2 weeks",
)  # of which a field that takes only some texts takes one
NUMBERS = (5, 5_000)
MODELS = {operation.name: operation.input for operation in (*OPERATIONS.values(), CREATE_LEDGER)}


def inner_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model of an operation, and those of the objects inside it."""
    yield model
    for info in model.model_fields.values():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from inner_models(info.annotation)


FIELDS = [
    (model, info.alias or field)
    for top in MODELS.values()
    for model in inner_models(top)
    for field, info in model.model_fields.items()
]


def annotation(model: type[BaseModel], name: str) -> Any:
    return next(info for field, info in model.model_fields.items() if name == (info.alias or field)).annotation


def good(model: type[BaseModel], name: str) -> Any:
    """A value for the field, as a client that follows the schema sends it."""
    kind = annotation(model, name)
    return next(
        value for value in (of_kind(kind, *tried) for tried in product(TEXTS, NUMBERS)) if fits(model, name, value)
    )


def fits(model: type[BaseModel], name: str, value: Any) -> bool:
    assert issubclass(model, Input)
    try:
        checked(model, {name: value})
    except Invalid as refused:
        return not any(fault["field"].partition(".")[0] == name for fault in refused.details["fields"])
    return True


def of_kind(kind: Any, text: str, number: int) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated or origin in (Union, types.UnionType):
        return of_kind(inner[0], text, number)
    if origin is Literal:
        return inner[-1]
    if origin is tuple:
        return [of_kind(inner[0], text, number)]
    if origin is dict and get_origin(inner[0]) is Literal:
        return {of_kind(inner[0], text, number): of_kind(inner[1], text, number)}
    if origin is dict:
        return {}
    if issubclass(kind, BaseModel):
        fields = {field: info.annotation for field, info in kind.model_fields.items() if info.is_required()}
        return {field: of_kind(inside, text, number) for field, inside in fields.items()}
    return {int: number, float: 1.25, bool: True, str: text}[kind]


def variants(kind: Any, value: Any) -> Iterator[Any]:
    """What hosts send in place of the value, and plainly mean it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated or origin in (Union, types.UnionType):
        yield from variants(inner[0], value)
    elif origin is Literal:
        yield from (value.upper(), value.title(), f" {value} ", value.replace("_", "-"), value.replace("_", " "))
        yield from (value.title().replace("_", ""), value[:1] + value.title().replace("_", "")[1:])
    elif isinstance(value, bool):
        yield from ("true", "True", "TRUE", " true", "yes", "1", 1, 1.0)
    elif isinstance(value, int):
        yield from (float(value), str(value), f" {value} ", f"{value}.0", f"+{value}")
    elif isinstance(value, float):
        yield from (str(value), f" {value} ", f"+{value}")
    elif isinstance(value, list):
        yield json.dumps(value)
        yield f" {json.dumps(value)} "
        for entry in variants(inner[0], value[0]):
            yield [entry]
        if isinstance(value[0], (str, dict)):
            yield value[0]
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield json.dumps(value)
        for name, entry in value.items():
            kind_of_it = kind.model_fields[name].annotation
            yield from (value | {name: variant} for variant in variants(kind_of_it, entry))
    elif isinstance(value, dict):
        yield json.dumps(value)
        for name, entry in value.items():
            yield from ({name.upper(): entry}, *({name: variant} for variant in variants(inner[1], entry)))


def required(model: type[BaseModel]) -> dict[str, Any]:
    names = [info.alias or name for name, info in model.model_fields.items() if info.is_required()]
    return {name: good(model, name) for name in names}


def said(model: type[BaseModel], arguments: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """What the operation is given in the end."""
    assert issubclass(model, Input)
    read = checked(model, arguments)
    return read.model_dump(), read.model_fields_set


@each(("model", "name"), FIELDS)
def test_an_argument_in_another_spelling_means_the_same(model: type[BaseModel], name: str) -> None:
    kind, value = annotation(model, name), good(model, name)
    plain = said(model, required(model) | {name: value})

    for variant in variants(kind, value):
        assert said(model, required(model) | {name: variant}) == plain, variant


@each(("model", "name"), FIELDS)
def test_null_is_not_given_where_it_is_no_value(model: type[BaseModel], name: str) -> None:
    field = next(info for field, info in model.model_fields.items() if name == (info.alias or field))
    if field.json_schema_extra == argument_values.NULL_IS_A_VALUE:
        assert said(model, required(model) | {name: None})[0][name] is None
    elif field.is_required():
        with pytest.raises(Invalid) as refused:
            checked(model, required(model) | {name: None})  # type: ignore[type-var]
        assert {fault["field"] for fault in refused.value.details["fields"]} == {name}
    else:
        assert said(model, required(model) | {name: None}) == said(model, required(model))


@each(("model", "name"), FIELDS)
def test_the_text_of_null_is_null_where_a_text_is_no_value(model: type[BaseModel], name: str) -> None:
    """Of an item's title it may be the title; of a number, an array or one of some words it can be nothing else."""
    if str in plain_kinds(annotation(model, name)):
        return

    for text in ("null", "None", " NULL ", "undefined"):
        assert outcome(model, {name: text}) == outcome(model, {name: None})


def plain_kinds(kind: Any) -> list[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return plain_kinds(inner[0])
    return [one for each in inner for one in plain_kinds(each)] if origin in (Union, types.UnionType) else [kind]


def outcome(model: type[BaseModel], given: dict[str, Any]) -> Any:
    try:
        return said(model, required(model) | given)
    except Invalid as refused:
        return refused.details["fields"]


@each(
    "given",
    ['{"id":"w-7k3qd","limit":"3"}', '\ufeff{"id":"w-7k3qd","limit":"3"}', json.dumps('{"id":"w-7k3qd","limit":"3"}')],
    ids=["a text", "with a byte order mark", "a text of a text"],
)
def test_all_arguments_may_come_as_their_json_text(given: str) -> None:
    assert argument_values.arguments(given) == {"id": "w-7k3qd", "limit": "3"}


@each("given", [None, [], "", "  ", "null", "{}", "[]"])
def test_no_arguments_are_none_in_every_spelling(given: Any) -> None:
    assert argument_values.arguments(given) == {}


@pytest.mark.parametrize("given", ['{"title": "a", "title": "b"}', '{"metadata": {"title": "a", "title": "a"}}'])
def test_a_name_that_is_given_twice_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match="title: is given twice"):
        argument_values.arguments(given)


@each("given", ["id=w-7k3qd", "[1]", ["w-7k3qd"], 7, True, '"text"', "[" * 100_000])
def test_arguments_without_names_are_refused_with_an_example(given: Any) -> None:
    with pytest.raises(Invalid) as refused:
        argument_values.arguments(given)

    assert "object of named arguments" in refused.value.message


@each(
    ("kind", "value"),
    [
        (int, True),
        (int, 1.5),
        (int, "1.5"),
        (int, "1_000"),
        (int, "0x10"),
        (int, "١"),  # a digit of another script
        (int, "five"),
        (int, ""),
        (int, 1e300),
        (bool, 2),
        (bool, "maybe"),
        (bool, ""),
        (str, True),
        (str, 7),
        (str, 1.5),
        (str, ["text"]),
        (Literal["blocks", "depends_on"], "blocked"),
        (tuple[str, ...], "docs,now"),
        (tuple[str, ...], ""),
        (tuple[str, ...], "[docs"),
        (tuple[str, ...], 7),
        (tuple[int, ...], "1,2"),
        (dict[str, Any], "[]"),
        (dict[str, Any], "text"),
    ],
)
def test_what_is_ambiguous_stays_as_it_came_and_is_refused_by_the_field(kind: Any, value: Any) -> None:
    read = argument_values.reader(kind)(value)

    assert read == ([] if value == "[]" else value)
    assert type(read) in (type(value), list)


def test_what_stands_in_free_metadata_is_never_changed() -> None:
    metadata = {"number": "1", "yes": "True", "whole": 1.0, "empty": None, "list": '["text"]'}

    read, _ = said(MODELS["create_work_item"], {"item_type": "task", "title": "T", "metadata": metadata})

    assert read["metadata"] == metadata
    assert type(read["metadata"]["whole"]) is float


@each(("word", "number"), [("P1", 1), ("p5", 5), ("high", 2), (" Medium ", 3), ("LOW", 4), ("critical", 1), ("2", 2)])
def test_a_priority_may_be_said_in_a_word(word: str, number: int) -> None:
    read, _ = said(MODELS["create_work_item"], {"item_type": "task", "title": "T", "priority": word})

    assert read["priority"] == number


@each("word", ["P0", "p6", "important", "", 0, 6])
def test_a_priority_of_another_scale_is_refused_with_which_end_is_high(word: Any) -> None:
    with pytest.raises(Invalid) as refused:
        said(MODELS["create_work_item"], {"item_type": "task", "title": "T", "priority": word})

    assert {fault["field"] for fault in refused.value.details["fields"]} == {"priority"}


def test_a_commit_hash_may_be_in_capitals() -> None:
    read, _ = said(MODELS["create_work_item"], {"item_type": "task", "title": "T", "commits": ["ABCDEF0"]})

    assert read["commits"] == ("abcdef0",)
