"""What can be annotated on an entity of any category, in its own stream. Never edited after release."""

from typing import get_args

from ledger.envelope import Fact


class AnnotationFact(Fact, frozen=True, kw_only=True):
    """The root of these facts. None of them changes what another writer may have read of the entity."""


class CommentAdded(AnnotationFact, frozen=True, kw_only=True):
    """`text` is Markdown. `by` and `at` are the author and the time by the author's clock."""

    comment_id: str
    by: str
    at: str
    text: str


class CommentCorrected(AnnotationFact, frozen=True, kw_only=True):
    """The author's new text; `at` is the time of the correction."""

    comment_id: str
    at: str
    text: str


class CommentWithdrawn(AnnotationFact, frozen=True, kw_only=True):
    """The author's comment is shown no longer; its text stays in the history."""

    comment_id: str


class EffortLogged(AnnotationFact, frozen=True, kw_only=True):
    """What went into a work item; `cost_micros` are millionths of the currency. It is `by` this one, `at` this time."""

    entry_id: str
    by: str
    at: str
    minutes: int = 0
    tokens: int = 0
    cost_micros: int = 0
    note: str | None = None


class AttachmentAdded(AnnotationFact, frozen=True, kw_only=True):
    """What belongs to the entity and stays where it is: a pull request, commit, document or file, known by its `url`.

    `url` has a scheme, or is a path in the project. `size` in bytes and `sha256` are those of the file when it was
    attached `by` this author `at` a time of the author's clock. Attached again, it is what was said last.
    """

    url: str
    kind: str
    by: str
    at: str
    name: str | None = None
    size: int | None = None
    sha256: str | None = None


class AttachmentRemoved(AnnotationFact, frozen=True, kw_only=True):
    url: str


EFFORT_FACTS: tuple[type[Fact], ...] = (EffortLogged,)  # of work items alone
Annotation = CommentAdded | CommentCorrected | CommentWithdrawn | AttachmentAdded | AttachmentRemoved
ANNOTATION_FACTS: tuple[type[Fact], ...] = get_args(Annotation)
