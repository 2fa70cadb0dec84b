"""What can be asked of the annotations of an entity. They need no version: each is an entry of its own."""

from typing import get_args

from ledger.envelope import Command
from ledger.values.reference import encode

ID_LENGTH = 8  # characters of a comment's id


class AnnotationCommand(Command, frozen=True, kw_only=True):
    """The root of these commands; `id` is the entity's whole UUID."""

    category: str
    id: str


class CommentCommand(AnnotationCommand, frozen=True, kw_only=True):
    """The root of the commands on one comment."""

    comment_id: str


class AddComment(CommentCommand, frozen=True, kw_only=True):
    text: str


class CorrectComment(CommentCommand, frozen=True, kw_only=True):
    text: str


class WithdrawComment(CommentCommand, frozen=True, kw_only=True):
    pass


class LogEffort(AnnotationCommand, frozen=True, kw_only=True):
    """An entry of its own, never changed; what was wrong is undone. `cost_micros` are millionths; `at` is when it went
    in, as text, None for when it is logged."""

    entry_id: str
    at: str | None = None
    minutes: int = 0
    tokens: int = 0
    cost_micros: int = 0
    note: str | None = None


class AddAttachment(AnnotationCommand, frozen=True, kw_only=True):
    url: str
    kind: str
    name: str | None = None
    size: int | None = None
    sha256: str | None = None


class RemoveAttachment(AnnotationCommand, frozen=True, kw_only=True):
    url: str


def comment_id_of(minted: str) -> str:
    """The id of a comment from one that was minted for it: short, because it is unique within its entity."""
    return encode(minted, ID_LENGTH)


Annotate = AddComment | CorrectComment | WithdrawComment | AddAttachment | RemoveAttachment | LogEffort
ANNOTATION_COMMANDS: tuple[type[Command], ...] = get_args(Annotate)
