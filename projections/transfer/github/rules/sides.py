"""What a work item and an issue both can say, as comparable values: the sides of the three-way rule."""

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from ledger.aggregates.work_item.state import WorkItem
from ledger.values.states import FINISHED, key
from projections.transfer.github.interface.issues import LABEL, Issue
from projections.transfer.github.rules import relations

SENT = "github_comments"  # in the metadata: comments that were sent, {id: [number on GitHub, digest of the text]}
COMMENT = "comment "  # how the field of a comment begins, before its id
OPEN = "open"
REASONS = {"completed": "completed", "not_planned": "not planned", "duplicate": "duplicate"}  # and our words for them

Values = dict[str, Any]


def of_item(item: WorkItem) -> Values:
    """The item's own words. A comment that was withdrawn is absent."""
    values: Values = {
        "title": item.title.strip(),
        "body": plain(item.description),
        "state": state_of(item),
        "labels": frozenset(tag for tag in item.tags if len(tag) <= LABEL),
        "assignee": login(item.assignee),
        "milestone": item.milestone_id,
    } | relations.of_item(item)
    if item.item_type == "milestone":
        values["due"] = item.due[:10] if item.due else None
    texts = {name: comment.text for name, comment in item.comments.items() if not comment.withdrawn}
    return values | {COMMENT + name: digest(text) for name, text in texts.items()}


def last_common(then: WorkItem) -> Values:
    """What both had alike: what the synchronisation's own events add up to, and the comments that it sent."""
    sent = {COMMENT + name: entry[1] for name, entry in sent_comments(then).items()}
    return of_item(then) | sent


def of_issue(issue: Issue, base: Values, ours: Values) -> Values:
    """The values of an issue. Of several assignees the one counts that either side has; else the first."""
    record = issue.record
    if issue.due is not UNSET:
        return of_milestone(issue, ours)
    logins = [login(name) for name in issue.logins]
    assignee = next((name for name in (base["assignee"], ours["assignee"]) if name in logins), None)
    values: Values = {
        "title": record["title"].strip(),
        "body": plain(issue.body),
        "state": OPEN if record["state"] == "open" else _reason(record.get("state_reason")),
        "labels": frozenset(tag for name in record["labels"] if len(tag := name.strip().lower()) <= LABEL),
        "assignee": assignee or (logins[0] if logins else None),
        "milestone": issue.milestone_id,
    } | relations.of_issue(issue)
    if issue.remarks is None:
        return values
    return values | {COMMENT + name: digest(remark.text) for name, remark in issue.remarks.items()}


def of_milestone(milestone: Issue, ours: Values) -> Values:
    """A closed one is finished in whatever way it is here."""
    closed = "completed" if ours["state"] == OPEN else ours["state"]
    return {
        "title": milestone.record["title"].strip(),
        "body": plain(milestone.body),
        "state": OPEN if milestone.record["state"] == "open" else closed,
        "due": milestone.due,
    }


def aligned(base: Values, ours: Values, theirs: Values, sent: Mapping[str, Any]) -> tuple[Values, Values, Values]:
    """The three sides with the same comments in each, absent ones as None.

    One that was deleted there counts as unchanged there, and so does one of theirs that was withdrawn here.
    """
    names = {name for side in (base, ours, theirs) for name in side if name.startswith(COMMENT)}
    present = {name for name in theirs if name.startswith(COMMENT)}
    absent = dict.fromkeys(names)
    base, ours, theirs = absent | base, absent | ours, absent | theirs
    for name in names:
        if name not in present and base[name] is not None:
            theirs[name] = base[name]
        if ours[name] is None and base[name] is not None and name.removeprefix(COMMENT) not in sent:
            ours[name] = base[name]
    return base, ours, theirs


def deleted_comments(base: Values, issue: Issue) -> list[str]:
    """Ids of comments that both had, and that GitHub has not any more."""
    if issue.remarks is None:
        return []
    names = (name.removeprefix(COMMENT) for name, text in base.items() if name.startswith(COMMENT) and text)
    return [name for name in names if name not in issue.remarks]


def sent_comments(then: WorkItem) -> dict[str, Any]:
    found = then.metadata.get(SENT)
    return found if isinstance(found, dict) else {}


def state_of(item: WorkItem) -> str:
    if item.category not in FINISHED:
        return OPEN
    if item.category == "done":
        return "completed"
    return "duplicate" if key(item.status) == "duplicate" else "not_planned"


def login(name: str | None) -> str | None:
    return name.strip().removeprefix("@").lower() or None if name else None


def plain(text: str | None) -> str:
    """A text without what an editor on the way changes."""
    return (text or "").replace("\r\n", "\n").strip()


def digest(text: str) -> str:
    return hashlib.sha256(plain(text).encode()).hexdigest()[:16]


def _reason(reason: str | None) -> str:
    return reason if reason in REASONS else "completed"
