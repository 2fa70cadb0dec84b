"""The operation on comments: added to an entity of any category, corrected and withdrawn by their author."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.annotation.commands import AddComment, CommentCommand, CorrectComment, WithdrawComment, comment_id_of
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, carry_out, new_id
from projections.operations.inputs.fields import NotBlank, Text
from projections.questions import entities
from projections.questions.answers import Answered
from projections.questions.lookup import find

Action = Literal["add", "correct", "withdraw"]


class CommentInput(Writes):
    id: Annotated[str, Field(description="What to comment on: item, vendor, deployment, ..., like w-7k3qd")]
    text: Annotated[
        Annotated[Text, NotBlank] | None, Field(description="The remark, in Markdown; not with withdraw")
    ] = None
    action: Annotated[Action, Field(description="correct, withdraw: your own, named by comment_id")] = "add"
    comment_id: Annotated[str | None, Field(description="As the entity lists its comments; not with add")] = None


def comment(view: LedgerView, request: CommentInput) -> Answered:
    category, entity_id = find(view.tables, request.id)
    command = comment_command(request, category, entity_id, comment_id_of(new_id(request)))
    done = carry_out(
        view, request, category, command, lambda snapshot, known: entities.by_id(snapshot, category, known)
    )
    return done | {"comment_id": command.comment_id}


def comment_command(request: CommentInput, category: str, entity_id: str, fresh: str) -> CommentCommand:
    """The command; `fresh` is the id of a comment that it adds. Raises Invalid."""
    check(_problems(request, category))
    known, written = request.comment_id or fresh, request.text or ""
    match request.action:
        case "add":
            return AddComment(category=category, id=entity_id, comment_id=known, text=written)
        case "correct":
            return CorrectComment(category=category, id=entity_id, comment_id=known, text=written)
        case "withdraw":
            return WithdrawComment(category=category, id=entity_id, comment_id=known)


def _problems(request: CommentInput, category: str) -> Iterator[Problem]:
    if category == "configuration":
        yield problem("id", "names the configuration, which takes no comments", request.id)
    if request.text is None and request.action != "withdraw":
        yield problem("text", f"is required for action {request.action}")
    if request.text is not None and request.action == "withdraw":
        yield problem("text", "is not given with action withdraw, which keeps none", request.text)
    if request.comment_id is None and request.action != "add":
        yield problem("comment_id", f"is required for action {request.action}")
    if request.comment_id is not None and request.action == "add":
        yield problem("comment_id", "is not given with action add, which makes it", request.comment_id)


OPERATIONS = (
    Operation(
        name="comment",
        title="Comment",
        summary="Add a remark that stays to an item or anything else; correct or withdraw your own.",
        toolset="work",
        input=CommentInput,
        run=comment,
        scope="write",
        commands=dict.fromkeys((AddComment, CorrectComment, WithdrawComment), CommentInput),
    ),
)
