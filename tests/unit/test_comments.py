"""Comments on entities of every category: who may write, correct and withdraw them."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.aggregates.configuration.decider import decider as configurations
from ledger.aggregates.conflict.decider import decider as conflicts
from ledger.aggregates.conflict.events import ConflictFound
from ledger.aggregates.decider import Decider
from ledger.aggregates.deployment.decider import decider as deployments
from ledger.aggregates.deployment.events import DeploymentRecorded
from ledger.aggregates.enhancement.decider import decider as enhancements
from ledger.aggregates.enhancement.events import EnhancementRecorded
from ledger.aggregates.vendor.decider import decider as vendors
from ledger.aggregates.vendor.events import VendorCreated
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider as work_items
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemDeleted, WorkItemRevised, WorkItemWithdrawn
from ledger.annotation.commands import AddComment, CorrectComment, WithdrawComment
from ledger.annotation.events import ANNOTATION_FACTS, CommentAdded, CommentCorrected, CommentWithdrawn
from ledger.annotation.state import Comment, visible_comments
from ledger.envelope import Fact
from ledger.errors import NotFound, Refused, VersionConflict
from tests.support.given import ENTITY, NOW, Given, given, numbered

ONE, TWO = numbered(1), numbered(2)
AT = "2026-11-22T10:00:00.000000Z"
ASKED, ASKED_AT = NOW - timedelta(hours=3), "2026-11-23T06:00:00.000000Z"
BEGINNINGS: list[tuple[Decider[Any], Fact]] = [
    (work_items, WorkItemCreated(item_type="task", title="One")),
    (vendors, VendorCreated(name="EPSON")),
    (deployments, DeploymentRecorded(pr_title="Read it")),
    (enhancements, EnhancementRecorded(title="Read faxes")),
    (conflicts, ConflictFound(command="UpdateWorkItem", schema=1, arguments={}, about=())),
]


def a_task() -> Given:
    return given(work_items).past(WorkItemCreated(item_type="task", title="One"))


def a_commented_task() -> Given:
    return a_task().past(CommentAdded(comment_id=ONE, by="ann", at=AT, text="why?"))


def add(text: str = "why?", *, category: str = "work_item", comment_id: str = ONE) -> AddComment:
    return AddComment(category=category, id=ENTITY, comment_id=comment_id, text=text)


def correct(text: str) -> CorrectComment:
    return CorrectComment(category="work_item", id=ENTITY, comment_id=ONE, text=text)


WITHDRAW = WithdrawComment(category="work_item", id=ENTITY, comment_id=ONE)


@pytest.mark.parametrize(("decider", "beginning"), BEGINNINGS, ids=lambda value: getattr(value, "category", ""))
def test_every_category_but_the_configuration_takes_comments(decider: Decider[Any], beginning: Fact) -> None:
    asked = given(decider).past(beginning).when(add(category=decider.category), by="ann", at=ASKED)

    asked.then(CommentAdded(comment_id=ONE, by="ann", at=ASKED_AT, text="why?"))
    asked.then_it_has(comments={ONE: Comment(by="ann", at=ASKED_AT, text="why?")})


def test_the_configuration_takes_none() -> None:
    assert not {fact.__name__ for fact in ANNOTATION_FACTS} & {fact.__name__ for fact in configurations.facts}


def test_a_comment_on_what_is_not_there_is_refused() -> None:
    given(work_items).when(add()).then_refused(NotFound)


def test_a_comment_on_what_was_taken_back_is_refused() -> None:
    a_task().past(WorkItemWithdrawn(undoes="x")).when(add()).then_refused(Refused, rule="withdrawn")


def test_a_deleted_item_takes_comments() -> None:
    a_task().past(WorkItemDeleted()).when(add(), by="ann", at=ASKED).then_it_has(deleted=True)


def test_the_same_comment_again_is_no_change() -> None:
    a_commented_task().when(add(), by="ann").then_nothing()


def test_another_comment_under_an_id_that_is_taken_is_refused() -> None:
    a_commented_task().when(add("another text"), by="ann").then_refused(Refused, rule="id_taken")


def test_its_author_corrects_a_comment() -> None:
    asked = a_commented_task().when(correct("how?"), by="ann", at=ASKED)

    asked.then(CommentCorrected(comment_id=ONE, at=ASKED_AT, text="how?"))
    asked.then_it_has(comments={ONE: Comment(by="ann", at=AT, text="how?", corrected_at=ASKED_AT)})


def test_a_correction_to_the_same_text_is_no_change() -> None:
    a_commented_task().when(correct("why?"), by="ann").then_nothing()


@pytest.mark.parametrize("command", [correct("how?"), WITHDRAW])
def test_the_comment_of_another_is_neither_corrected_nor_withdrawn(command: Any) -> None:
    refused = a_commented_task().when(command, by="ben").then_refused(Refused, rule="not_the_author", by="ann")

    assert "by ann, not by ben" in refused.message


@pytest.mark.parametrize("command", [correct("how?"), WITHDRAW])
def test_a_comment_that_is_not_there_is_neither_corrected_nor_withdrawn(command: Any) -> None:
    a_task().when(command, by="ann").then_refused(NotFound, id=ONE)


def test_a_withdrawn_comment_is_shown_no_longer() -> None:
    asked = a_commented_task().when(WITHDRAW, by="ann")

    asked.then(CommentWithdrawn(comment_id=ONE))
    asked.then_it_has(comments={ONE: Comment(by="ann", at=AT, text="", withdrawn=True)})
    assert visible_comments({ONE: Comment(by="ann", at=AT, text="", withdrawn=True)}) == []


@pytest.mark.parametrize("command", [correct("how?"), WITHDRAW])
def test_what_comes_after_a_withdrawal_changes_nothing(command: Any) -> None:
    a_commented_task().past(CommentWithdrawn(comment_id=ONE)).when(command, by="ann").then_nothing()


def test_comments_are_shown_in_the_order_in_which_they_were_written() -> None:
    earlier, later = Comment(by="ben", at="2026-11-21", text="a"), Comment(by="ann", at="2026-11-22", text="b")

    assert [comment_id for comment_id, _ in visible_comments({ONE: later, TWO: earlier})] == [TWO, ONE]


def test_a_comment_makes_no_writer_stale() -> None:
    revise = UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Two"})

    a_commented_task().when(revise).then_it_has(title="Two")


def test_a_change_among_the_comments_makes_a_writer_stale() -> None:
    history = a_commented_task().past(WorkItemRevised(changes={}))

    history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Two"})).then_refused(VersionConflict)
