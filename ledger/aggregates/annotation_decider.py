"""What may be annotated on an entity of any category, and why not."""

from typing import Any, assert_never

from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import existing
from ledger.annotation.commands import (
    AddAttachment,
    AddComment,
    Annotate,
    AnnotationCommand,
    CorrectComment,
    LogEffort,
    RemoveAttachment,
    WithdrawComment,
)
from ledger.annotation.events import (
    AttachmentAdded,
    AttachmentRemoved,
    CommentAdded,
    CommentCorrected,
    CommentWithdrawn,
    EffortLogged,
)
from ledger.annotation.state import Attachment, Comment
from ledger.envelope import Fact, stream_id
from ledger.errors import NotFound, Refused
from ledger.values.moment import text
from ledger.world import World


def decide(command: Annotate, world: World) -> Decided:
    """Any entity that exists can be annotated, whatever its status: neither a comment nor a file has to wait for it."""
    entity = existing(world, command.category, command.id, None)
    return [(stream_id(command.category, command.id), fact) for fact in _facts(command, entity, world)]


def _facts(command: Annotate, entity: Any, world: World) -> list[Fact]:
    comments: dict[str, Comment] = entity.comments
    match command:
        case AddComment(comment_id=comment, text=written):
            if comment in comments:
                return _repeated(command, comments[comment], world)
            return [CommentAdded(comment_id=comment, by=world.by, at=text(world.occurred_at), text=written)]
        case CorrectComment(comment_id=comment, text=written):
            own = _own(command, comment, comments, world)
            kept = own.withdrawn or own.text == written
            return [] if kept else [CommentCorrected(comment_id=comment, at=text(world.occurred_at), text=written)]
        case WithdrawComment(comment_id=comment):
            own = _own(command, comment, comments, world)
            return [] if own.withdrawn else [CommentWithdrawn(comment_id=comment)]
        case LogEffort(entry_id=entry):
            return [] if entry in entity.effort else [_logged(command, world)]
        case AddAttachment():
            return _attach(command, entity.attachments, world)
        case RemoveAttachment(url=url):
            return [AttachmentRemoved(url=url)] if url in entity.attachments else []
        case _:
            assert_never(command)


def _logged(command: LogEffort, world: World) -> EffortLogged:
    return EffortLogged(
        entry_id=command.entry_id,
        by=world.by,
        at=command.at or text(world.occurred_at),
        minutes=command.minutes,
        tokens=command.tokens,
        cost_micros=command.cost_micros,
        note=command.note,
    )


def _attach(command: AddAttachment, attachments: dict[str, Attachment], world: World) -> list[Fact]:
    """Attaching it again with nothing new said of it changes nothing."""
    fields = {name: getattr(command, name) for name in ("kind", "name", "size", "sha256")}
    known = attachments.get(command.url)
    if known is not None and all(getattr(known, name) == value for name, value in fields.items()):
        return []
    return [AttachmentAdded(url=command.url, by=world.by, at=text(world.occurred_at), **fields)]


def _repeated(command: AddComment, known: Comment, world: World) -> list[Fact]:
    if (known.by, known.text) == (world.by, command.text):
        return []
    raise Refused(
        f"{world.reference(command.category, command.id)} has another comment {command.comment_id}",
        rule="id_taken",
        items=[],
        next_step="send a new command_id: ids follow from it",
    )


def _own(command: AnnotationCommand, comment_id: str, comments: dict[str, Comment], world: World) -> Comment:
    """The caller's own comment."""
    ref = world.reference(command.category, command.id)
    comment = comments.get(comment_id)
    if comment is None:
        raise NotFound(
            f"{ref} has no comment {comment_id}", next_step=f"read {ref}: its comments have their ids", id=comment_id
        )
    if comment.by != world.by:
        raise Refused(
            f"comment {comment_id} of {ref} is by {comment.by}, not by {world.by}",
            rule="not_the_author",
            items=[{"id": command.id, "ref": ref}],
            next_step="add a comment of your own",
            by=comment.by,
        )
    return comment
