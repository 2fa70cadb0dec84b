"""Attachments of entities of every category: known by their URL, with what was said of them last."""

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.aggregates.decider import Decider
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider as work_items
from ledger.aggregates.work_item.events import WorkItemDeleted
from ledger.annotation.commands import AddAttachment, RemoveAttachment
from ledger.annotation.events import AttachmentAdded, AttachmentRemoved, CommentAdded
from ledger.annotation.state import Attachment
from ledger.envelope import Fact
from ledger.errors import NotFound
from projections.operations.work.attachments import AttachInput, kind_of
from tests.support.each import each
from tests.support.given import ENTITY, NOW, Given, given
from tests.unit.test_comments import ASKED, ASKED_AT, BEGINNINGS, a_task

PLAN = "docs/plan.pdf"
DIGEST = "a" * 64
ADD = AddAttachment(category="work_item", id=ENTITY, url=PLAN, kind="file", name="Plan", size=3, sha256=DIGEST)
REMOVE = RemoveAttachment(category="work_item", id=ENTITY, url=PLAN)
ADDED = AttachmentAdded(
    url=PLAN, kind="file", by="ann", at="2026-11-22T10:00:00.000000Z", name="Plan", size=3, sha256=DIGEST
)


def with_a_file() -> Given:
    return a_task().past(ADDED)


@pytest.mark.parametrize(("decider", "beginning"), BEGINNINGS, ids=lambda value: getattr(value, "category", ""))
def test_every_category_but_the_configuration_takes_attachments(decider: Decider[Any], beginning: Fact) -> None:
    command = replace(ADD, category=decider.category)

    result = given(decider).past(beginning).when(command, by="ann", at=ASKED)

    result.then(replace(ADDED, at=ASKED_AT))
    known = Attachment(kind="file", by="ann", at=ASKED_AT, name="Plan", size=3, sha256=DIGEST)
    result.then_it_has(attachments={PLAN: known})


def test_what_is_attached_again_with_nothing_new_changes_nothing() -> None:
    with_a_file().when(ADD, by="ben", at=NOW).then()


def test_what_is_attached_again_is_what_was_said_of_it_last() -> None:
    changed = replace(ADD, sha256="b" * 64, size=4)

    result = with_a_file().when(changed, by="ben", at=ASKED)

    result.then(replace(ADDED, by="ben", at=ASKED_AT, sha256="b" * 64, size=4))


def test_it_is_taken_away_by_anybody_and_once() -> None:
    with_a_file().when(REMOVE, by="ben").then(AttachmentRemoved(url=PLAN)).then_it_has(attachments={})
    a_task().when(REMOVE).then()


def test_an_item_that_is_deleted_keeps_its_files_and_takes_more() -> None:
    with_a_file().past(WorkItemDeleted()).when(replace(ADD, url="docs/other.pdf"), by="ann").then_it_has(deleted=True)


def test_nothing_is_attached_to_what_is_not_there() -> None:
    given(work_items).when(ADD).then_refused(NotFound)


def test_an_attachment_makes_no_version_stale() -> None:
    history = a_task().past(ADDED, CommentAdded(comment_id="1", by="ben", at="2026-11-22T10:00:00Z", text="t"))

    result = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Two"}))

    result.then_it_has(title="Two")


@each(
    ("url", "kind"),
    [
        ("https://github.com/o/r/pull/7", "pull_request"),
        ("https://gitlab.com/g/p/-/merge_requests/12#note_1", "pull_request"),
        ("https://github.com/o/r/commit/84b0fb41c6a1", "commit"),
        ("commit:84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4", "commit"),
        ("https://github.com/o/r/pulls", "document"),
        ("https://example.org/a?b=/pull/", "document"),
        ("docs/plan.md", "document"),
    ],
)
def test_a_url_tells_its_kind(url: str, kind: str) -> None:
    assert kind_of(url) == kind


@each("url", ["", " ", "two words", "https://a b", "/etc/passwd", "\\\\host\\x", "a\nb", "x" * 2001])
def test_what_is_no_url_and_no_path_in_the_project_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        AttachInput(id="w-7k3qd", url=url)
