"""Comments of a source: what a second import of it brings, and what was done here stays."""

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem
from ledger.aggregates.work_item.imported.imported_comments import comments_since
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.events import CommentAdded, CommentCorrected, CommentWithdrawn
from ledger.annotation.state import Comment
from ledger.values.moment import parse

SAID, CHANGED = "2026-03-01T10:00:00.000000Z", "2026-03-09T10:00:00.000000Z"
BEFORE = WorkItem(comments={"c": Comment(by="ann", at=SAID, text="one")})
NOTHING = WorkItem()


def source(*texts: str) -> ImportedItem:
    made = Attribution(by="ann", at=parse(SAID))
    changed = Attribution(by="ben", at=parse(CHANGED))
    comments = tuple(ImportedComment(id="cdefg"[place], text=text, made=made) for place, text in enumerate(texts))
    return ImportedItem(id="i", external_id="x", fields={}, created=made, changed=changed, comments=comments)


def facts(item: ImportedItem, then: WorkItem, now: WorkItem) -> tuple[list[object], list[str]]:
    clashes: list[str] = []
    return [fact for fact, _ in comments_since(item, then, now, clashes)], clashes


def test_a_new_comment_is_its_authors_at_its_time() -> None:
    [(fact, mark)] = comments_since(source("one"), NOTHING, NOTHING, [])

    assert fact == CommentAdded(comment_id="c", by="ann", at=SAID, text="one")
    assert (mark.by, mark.at) == ("ann", parse(SAID))


def test_the_same_comments_again_are_no_news() -> None:
    assert facts(source("one"), BEFORE, BEFORE) == ([], [])


def test_another_text_corrects_the_comment() -> None:
    corrected = CommentCorrected(comment_id="c", at=CHANGED, text="two")

    assert facts(source("two"), BEFORE, BEFORE) == ([corrected], [])


def test_a_comment_that_went_is_withdrawn() -> None:
    assert facts(source(), BEFORE, BEFORE) == ([CommentWithdrawn(comment_id="c")], [])


def test_a_source_that_does_not_tell_its_comments_takes_none_away() -> None:
    silent = ImportedItem(
        id="i", external_id="x", fields={}, created=source().created, changed=source().changed, comments=None
    )

    assert facts(silent, BEFORE, BEFORE) == ([], [])


def test_a_source_that_tells_some_of_its_comments_takes_none_away() -> None:
    assert facts(replace(source(), comments_missing=True), BEFORE, BEFORE) == ([], [])


def test_what_was_corrected_on_both_sides_keeps_what_was_written_here() -> None:
    here = WorkItem(comments={"c": Comment(by="ann", at=SAID, text="mine", corrected_at=CHANGED)})

    assert facts(source("two"), BEFORE, here) == ([], ["comments.c"])
    assert facts(source("one"), BEFORE, here) == ([], [])
    assert facts(source("mine"), BEFORE, here) == ([], [])


def test_what_was_withdrawn_here_stays_withdrawn() -> None:
    here = WorkItem(comments={"c": Comment(by="ann", at=SAID, text="", withdrawn=True)})

    assert facts(source("two"), BEFORE, here) == ([], [])


def test_a_comment_that_was_written_here_stays_when_the_source_does_not_know_it() -> None:
    here = WorkItem(comments={**BEFORE.comments, "own": Comment(by="ben", at=SAID, text="here")})

    assert facts(source("one"), BEFORE, here) == ([], [])
