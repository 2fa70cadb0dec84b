"""What a source tells of the comments on an item: those that came, were corrected or went since its last import."""

from collections.abc import Iterator

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.events import CommentAdded, CommentCorrected, CommentWithdrawn
from ledger.envelope import Fact
from ledger.values.moment import text


def comments_since(
    item: ImportedItem, then: WorkItem, now: WorkItem, clashes: list[str]
) -> Iterator[tuple[Fact, Attribution]]:
    """`then` is what the source's own events add up to. A comment that was withdrawn here stays so."""
    if item.comments is None:
        return
    for comment in item.comments:
        before, here = then.comments.get(comment.id), now.comments.get(comment.id)
        if before is None and here is None:
            by, at = comment.made.by, text(comment.made.at)
            yield CommentAdded(comment_id=comment.id, by=by, at=at, text=comment.text), comment.made
            if comment.corrected is not None and comment.corrected > comment.made.at:
                yield _corrected(comment, replace(item.changed, at=comment.corrected))
        elif before is not None and here is not None and comment.text not in (before.text, here.text):
            if before == here:
                yield _corrected(comment, replace(item.changed, at=comment.corrected or item.changed.at))
            elif not here.withdrawn:
                clashes.append(f"comments.{comment.id}")
    if item.comments_missing:
        return
    stated = {comment.id for comment in item.comments}
    for comment_id in then.comments.keys() - stated:
        if then.comments[comment_id] == now.comments.get(comment_id) and not then.comments[comment_id].withdrawn:
            yield CommentWithdrawn(comment_id=comment_id), item.changed


def _corrected(comment: ImportedComment, attribution: Attribution) -> tuple[Fact, Attribution]:
    return CommentCorrected(comment_id=comment.id, at=text(attribution.at), text=comment.text), attribution
