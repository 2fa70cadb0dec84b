"""What the annotations of one entity add up to: a part of the state of every category that has them."""

from collections.abc import Mapping
from typing import Literal, TypeVar, assert_never, get_args

from msgspec import Struct
from msgspec.structs import replace

from ledger.annotation.events import (
    Annotation,
    AttachmentAdded,
    AttachmentRemoved,
    CommentAdded,
    CommentCorrected,
    CommentWithdrawn,
    EffortLogged,
)

AttachmentKind = Literal["pull_request", "commit", "document", "file", "item"]
ATTACHMENT_KINDS: tuple[str, ...] = get_args(AttachmentKind)
State = TypeVar("State", bound=Struct)


class Comment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`at` and `corrected_at` are times by the author's clock, as text. One that is withdrawn has no text."""

    by: str
    at: str
    text: str
    corrected_at: str | None = None
    withdrawn: bool = False


class Effort(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went into it at one time; `cost_micros` are millionths of the ledger's currency."""

    by: str
    at: str
    minutes: int = 0
    tokens: int = 0
    cost_micros: int = 0
    note: str | None = None


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """See AttachmentAdded."""

    kind: str
    by: str
    at: str
    name: str | None = None
    size: int | None = None
    sha256: str | None = None


Comments = Mapping[str, Comment]  # by id


def annotate(state: State, fact: Annotation) -> State:
    """The state after one more annotation. One that is not there any more is neither corrected nor withdrawn."""
    if isinstance(fact, AttachmentAdded | AttachmentRemoved):
        return _attached(state, fact)
    return replace(state, comments=_commented(state.comments, fact))  # type: ignore[attr-defined]  # each has them


def _attached(state: State, fact: AttachmentAdded | AttachmentRemoved) -> State:
    attachments: dict[str, Attachment] = dict(state.attachments)  # type: ignore[attr-defined]  # as with comments
    attachments.pop(fact.url, None)
    if isinstance(fact, AttachmentAdded):
        fields = {name: getattr(fact, name) for name in Attachment.__struct_fields__}
        attachments[fact.url] = Attachment(**fields)
    return replace(state, attachments=attachments)


def _commented(comments: Comments, fact: CommentAdded | CommentCorrected | CommentWithdrawn) -> Comments:
    before = comments.get(fact.comment_id)
    after: Comment | None
    match fact:
        case CommentAdded(by=by, at=at, text=text):
            after = Comment(by=by, at=at, text=text)
        case CommentCorrected(at=at, text=text):
            after = before and replace(before, text=text, corrected_at=at)
        case CommentWithdrawn():
            after = before and replace(before, text="", withdrawn=True)
        case _:
            assert_never(fact)
    return comments if after is None else {**comments, fact.comment_id: after}


def with_effort(effort: Mapping[str, Effort], fact: EffortLogged) -> dict[str, Effort]:
    entry = Effort(
        by=fact.by,
        at=fact.at,
        minutes=fact.minutes,
        tokens=fact.tokens,
        cost_micros=fact.cost_micros,
        note=fact.note,
    )
    return {**effort, fact.entry_id: entry}


def visible_comments(comments: Comments) -> list[tuple[str, Comment]]:
    """The comments that are not withdrawn, the oldest first."""
    shown = ((comment_id, comment) for comment_id, comment in comments.items() if not comment.withdrawn)
    return sorted(shown, key=lambda entry: (entry[1].at, entry[0]))
