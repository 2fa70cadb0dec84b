"""What is written to GitHub of one item, so that a repetition writes nothing twice.

A change is repeated as it is. What would make a second issue or comment is looked for by its mark before it is sent
again: the first may have arrived, and only its answer been lost.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.state import WorkItem
from ledger.values.finding import Finding
from projections.transfer.github.interface import markers
from projections.transfer.github.interface.access import may_not_write
from projections.transfer.github.interface.api import PAGE, Declined, GithubClient, Gone, Lost
from projections.transfer.github.interface.issues import LABEL, Issue, Record, cut
from projections.transfer.github.rules.claims import TRYING
from projections.transfer.github.rules.relations import BLOCKING, NONE, PARENT
from projections.transfer.github.rules.sides import COMMENT, OPEN, Values, login, sent_comments

TRIES = 4  # of a POST whose answer is lost
LOOKS = (1.0, 3.0, 6.0)  # seconds before each look for what may have arrived
LONGEST_BODY = 65_000  # characters; GitHub takes 65,536
LONGEST_TITLE = 256
UNTITLED = "(no title)"


class IssueSender(Struct, kw_only=True):
    """Writes to one repository. `milestone_number` gives that of an item on GitHub, and makes it if need be. `findings`
    are what cannot be sent, `written` counts what was, `left_out` are fields of issues that GitHub did not take up."""

    api: GithubClient
    repository: str
    sleep: Callable[[float], None]
    milestone_number: Callable[[str], int | None]
    findings: list[Finding] = []
    assignable: dict[str, bool] = {}
    left_out: set[tuple[int, str]] = set()
    written: int = 0

    @property
    def path(self) -> str:
        return f"/repos/{self.repository}/issues"

    def create(self, item_id: str, item: WorkItem, *, was_begun: bool) -> Record:
        """A new issue, open; what else is to be sent of it is a change of it. Where it `was_begun` before, the issue of
        then, if there is one."""
        if was_begun and (known := self._find_issue(item_id)) is not None:
            return known
        tags = [tag for tag in item.tags if len(tag) <= LABEL]
        text = item.description or ""
        marked = markers.with_item(text if len(text) <= LONGEST_BODY else "", item_id)
        body = {"title": item.title.strip()[:LONGEST_TITLE] or UNTITLED, "body": marked}
        try:
            made = self._once(
                self.path, body | {"labels": tags}, lambda: self._find_issue(item_id), until=time.monotonic() + TRYING
            )
        except Gone as gone:
            raise may_not_write(self.repository) from gone
        self.written += 1
        return made

    def create_milestone(self, item: WorkItem) -> Record:
        """A new milestone; the one that has the title already, if one does."""
        due = {"due_on": _noon(item.due)} if item.due else {}
        state = "closed" if item.finished else "open"
        body = {"title": item.title, "description": item.description or "", "state": state} | due
        try:
            made = self._once(f"/repos/{self.repository}/milestones", body, lambda: self._find_milestone(item))
        except Declined:
            if (known := self._find_milestone(item)) is None:
                raise
            return known
        self.written += 1
        return made

    def change_milestone(self, milestone: Issue, item: WorkItem, send: Values) -> Record:
        """What is to be sent of one that is known there; the milestone after it."""
        fields: dict[str, Any] = {}
        if "title" in send:
            fields["title"] = item.title
        if "body" in send:
            fields["description"] = item.description or ""
        if "state" in send:
            fields["state"] = OPEN if send["state"] == OPEN else "closed"
        if "due" in send:
            fields["due_on"] = _noon(send["due"])
        path = f"/repos/{self.repository}/milestones/{milestone.number}"
        changed: Record = self.api.write("PATCH", path, fields)
        self.written += 1
        return changed

    def change(
        self, issue: Issue, item_id: str, item: WorkItem, send: Values, base: Values
    ) -> tuple[Record | None, Values]:
        """The issue with what is to be sent of its own fields, None if nothing of that can be; and what was sent."""
        send = {name: value for name, value in send.items() if (issue.number, name) not in self.left_out}
        fields = dict(self._fields(issue, item_id, item, send, base))
        if not fields:
            return None, {}
        changed: Record = self.api.write("PATCH", f"{self.path}/{issue.number}", fields)
        self.written += 1
        names = {"title", "body", "state", "milestone"} & fields.keys() | (
            {"assignee"} if "assignees" in fields else set()
        )
        left_out = set(_left_out(fields, cut(changed)))
        self.left_out |= {(issue.number, name) for name in left_out}
        self.findings += [Finding("left_out_there", f"{issue.name}: {name}") for name in sorted(left_out)]
        return changed, {name: send[name] for name in names - left_out}

    def comment(self, issue: Issue, item_id: str, item: WorkItem, then: WorkItem, send: Values) -> bool:
        """Whether any comment was written, changed or taken away."""
        names = [field.removeprefix(COMMENT) for field in send if field.startswith(COMMENT)]
        for name in sorted(names, key=lambda name: (item.comments[name].at, name)):
            self.written += 1
            self._comment(issue, item_id, item, then, name, is_absent=send[COMMENT + name] is None)
        return bool(names)

    def relate(self, issue: Issue, send: Values, number_of: Callable[[str], int | None]) -> Issue:
        """The issue with its parent, and with what it blocks, as far as GitHub takes them. `number_of` is that of an
        item's issue; None for an item that is none."""
        if PARENT in send:
            issue = self._below(issue, send[PARENT], number_of)
        before = issue.blocking or NONE
        for other in sorted(send.get(BLOCKING, before) ^ before):
            if (number := number_of(other)) is not None:
                issue = self._blocks(issue, other, number, wanted=other not in before)
        return issue

    def _below(self, issue: Issue, parent: str | None, number_of: Callable[[str], int | None]) -> Issue:
        child, above = {"sub_issue_id": issue.record["id"]}, issue.record["parent_issue"]
        number = None if parent is None else number_of(parent)
        if number is None:
            path = f"{self.path}/{above[1]}/sub_issue"
            is_done = self._related(issue, f"not below #{above[1]}", lambda: self._take_away(path, child))
        else:
            path, body = f"{self.path}/{number}/sub_issues", child | {"replace_parent": True}
            is_done = self._related(
                issue, f"below #{number}", lambda: self._once(path, body, lambda: self._find_below(issue, number))
            )
        below = (self.repository, number) if number else None
        return replace(issue, parent=parent, record=issue.record | {"parent_issue": below}) if is_done else issue

    def _blocks(self, issue: Issue, other: str, number: int, *, wanted: bool) -> Issue:
        path, own = f"{self.path}/{number}/dependencies/blocked_by", issue.record["id"]
        if wanted:
            is_done = self._related(
                issue,
                f"blocks #{number}",
                lambda: self._once(path, {"issue_id": own}, lambda: self._find_blocked(issue, number)),
            )
        else:
            is_done = self._related(issue, f"blocks no more #{number}", lambda: self._take_away(f"{path}/{own}"))
        return replace(issue, blocking=(issue.blocking or NONE) ^ {other}) if is_done else issue

    def _related(self, issue: Issue, where: str, write: Callable[[], Any]) -> bool:
        """Whether it is so now. What GitHub declines is named and not tried again in this run."""
        if (issue.number, where) in self.left_out:
            return False
        try:
            write()
        except (Declined, Gone) as declined:
            self.left_out.add((issue.number, where))
            self.findings.append(Finding("declined_there", f"{issue.name} {where}: {declined}"))
            return False
        self.written += 1
        return True

    def _take_away(self, path: str, body: dict[str, Any] | None = None) -> None:
        with contextlib.suppress(Gone):  # it is gone: of itself, or by the attempt before this one
            self.api.write("DELETE", path, body)

    def _find_below(self, issue: Issue, parent: int) -> Record | None:
        record = cut(self.api.get(f"{self.path}/{issue.number}").body)
        return record if record["parent_issue"] == (self.repository, parent) else None

    def _find_blocked(self, issue: Issue, blocked: int) -> Record | None:
        found = self.api.pages(f"{self.path}/{issue.number}/dependencies/blocking")
        return next((one for one in found if one["number"] == blocked), None)

    def _comment(
        self, issue: Issue, item_id: str, item: WorkItem, then: WorkItem, name: str, *, is_absent: bool
    ) -> None:
        known = sent_comments(then).get(name)
        remark = (issue.remarks or {}).get(name)
        number = known[0] if known else remark.number if remark else None
        comment = item.comments[name]
        text = (
            comment.text
            if remark is not None and not remark.is_ours
            else markers.with_comment(comment.text, comment.by, item_id, name)
        )
        if number is None:
            self._once(
                f"{self.path}/{issue.number}/comments",
                {"body": text},
                lambda: self._find_comment(issue, item_id, name),
            )
            return
        try:
            method, body = ("DELETE", None) if is_absent else ("PATCH", {"body": text})
            self.api.write(method, f"{self.path}/comments/{number}", body)
        except Gone:
            self.findings.append(Finding("comment_deleted_there", f"{issue.name}: {name}"))

    def _fields(
        self, issue: Issue, item_id: str, item: WorkItem, send: Values, base: Values
    ) -> Iterator[tuple[str, Any]]:
        if "title" in send and self._fits(issue, "title", item.title.strip(), LONGEST_TITLE):
            yield "title", item.title
        if "body" in send and self._fits(issue, "body", item.description or " ", LONGEST_BODY):
            ours = markers.item_in(issue.record["body"] or "") == item_id
            yield "body", markers.with_item(item.description or "", item_id) if ours else item.description or ""
        if "state" in send:
            word = send["state"]
            yield from [("state", OPEN)] if word == OPEN else [("state", "closed"), ("state_reason", word)]
        if "labels" in send:
            kept = [
                name for name in issue.record["labels"] if len(name) > LABEL or name.strip().lower() in send["labels"]
            ]
            there = {name.strip().lower() for name in kept}
            yield "labels", kept + [tag for tag in item.tags if tag in send["labels"] and tag not in there]
        if "assignee" in send:
            yield from self._assignees(issue, send["assignee"], base["assignee"])
        if "milestone" in send:
            number = self.milestone_number(send["milestone"]) if send["milestone"] else None
            if number is not None or send["milestone"] is None:
                yield "milestone", number
            else:
                self.findings.append(Finding("milestone_of_another_source", issue.name))

    def _fits(self, issue: Issue, field: str, text: str, longest: int) -> bool:
        fits = 0 < len(text) <= longest
        if not fits:
            kind = "too_long_for_github" if text else "empty_for_github"
            self.findings.append(Finding(kind, f"{issue.name}: {field} ({len(text)} characters, at most {longest})"))
        return fits

    def _assignees(self, issue: Issue, wanted: str | None, before: str | None) -> Iterator[tuple[str, list[str]]]:
        others = [name for name in issue.logins if login(name) not in (before, wanted)]
        if wanted is None:
            yield "assignees", others
        elif self._is_assignable(wanted):
            yield "assignees", [wanted, *others]
        else:
            self.findings.append(Finding("assignee_not_on_github", f"{issue.name}: {wanted}"))

    def _is_assignable(self, name: str) -> bool:
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            return False
        if name not in self.assignable:
            try:
                self.api.get(f"/repos/{self.repository}/assignees/{name}")
                self.assignable[name] = True
            except Gone:
                self.assignable[name] = False
        return self.assignable[name]

    def _once(
        self, path: str, body: dict[str, Any], find: Callable[[], Record | None], until: float = math.inf
    ) -> Record:
        """What is made by a POST, which is not sent again after `until`."""
        for attempt in range(TRIES):
            try:
                made: Record = self.api.write("POST", path, body)
                return made
            except Lost:
                if (arrived := self._look(find)) is not None:
                    return arrived
                if attempt == TRIES - 1 or time.monotonic() > until:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _look(self, find: Callable[[], Record | None]) -> Record | None:
        for seconds in LOOKS:
            self.sleep(seconds)
            if (arrived := find()) is not None:
                return arrived
        return None

    def _find_issue(self, item_id: str) -> Record | None:
        """Among the newest ones."""
        newest = self.api.get(self.path, state="all", sort="created", direction="desc", per_page=PAGE).body
        return next((one for one in newest if markers.item_in(one["body"] or "") == item_id), None)

    def _find_milestone(self, item: WorkItem) -> Record | None:
        found = self.api.pages(f"/repos/{self.repository}/milestones", state="all")
        return next((one for one in found if one["title"] == item.title), None)

    def _find_comment(self, issue: Issue, item_id: str, name: str) -> Record | None:
        found = self.api.pages(f"{self.path}/{issue.number}/comments")
        return next((one for one in found if markers.comment_in(one["body"] or "", item_id) == name), None)


def _noon(due: str | None) -> str | None:
    """The day whatever the time zone: GitHub keeps a moment."""
    return f"{due[:10]}T12:00:00Z" if due else None


def _left_out(fields: dict[str, Any], changed: Record) -> Iterator[str]:
    """What GitHub answers as done and does not do, where the token's owner may not set it."""
    if "milestone" in fields and changed["milestone"] != fields["milestone"]:
        yield "milestone"
    if "assignees" in fields and {one["login"].lower() for one in changed["assignees"]} != _lower(fields["assignees"]):
        yield "assignee"
    if "labels" in fields and _lower(changed["labels"]) != _lower(fields["labels"]):
        yield "labels"


def _lower(names: list[str]) -> set[str]:
    return {name.strip().lower() for name in names}
