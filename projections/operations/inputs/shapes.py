"""What a field of an input takes, for what offers it to people: an option of a command, a control of a form."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Schema = dict[str, Any]  # JSON Schema


def bare_type(model: type[BaseModel], field: str) -> Any:
    """The type of its values without `None` and without what checks them: bool, int, str, a Literal.

    >>> class Wanted(BaseModel):
    ...     kind: Literal["a", "b"] | None = None
    >>> bare_type(Wanted, "kind")
    typing.Literal['a', 'b']
    """
    return _bare(model.model_fields[field].annotation)


def words(of: Any) -> tuple[str, ...]:
    """The words that can be chosen from; none where any text is taken."""
    return tuple(map(str, get_args(of))) if get_origin(of) is Literal else ()


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        first, *others = (member for member in get_args(annotation) if member is not NoneType)
        return str if others else _bare(first)
    return annotation
