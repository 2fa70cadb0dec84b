"""Issues as GitHub's interface tells them, cut down to what is kept here."""

import re
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from ledger.importing.readers.comments import comment_id
from projections.transfer.github.interface import markers

Record = dict[str, Any]
KEPT = ("number", "title", "body", "state", "state_reason", "html_url", "created_at", "updated_at", "closed_at")
NONE_SENT: Mapping[int, str] = MappingProxyType({})
_ISSUE = re.compile(r"/repos/([^/]+/[^/]+)/issues/([0-9]{1,15})\Z")
_ON_PULL_REQUEST = re.compile(r"/pull/[0-9]+#")
LABEL = 50  # characters, the most that GitHub takes


class Remark(Struct, frozen=True, kw_only=True):
    """A comment on an issue; `number` is the one it has there, `text` is without what we wrote around it."""

    number: int
    by: str
    at: str
    text: str
    is_ours: bool = False


class Issue(Struct, frozen=True, kw_only=True):
    """`remarks` are by the ids that the comments have here; None if they were not read. `milestone_id` is an item's,
    and so are `parent` and those it is `blocking`: UNSET and None where GitHub says none that is known here.
    A milestone is one that has a day on which it is `due`, or None for no day."""

    name: str
    record: Record
    milestone_id: str | None = None
    parent: Any = UNSET
    due: str | UnsetType | None = UNSET
    blocking: frozenset[str] | None = None
    remarks: Mapping[str, Remark] | None = None

    @property
    def number(self) -> int:
        number: int = self.record["number"]
        return number

    @property
    def repository(self) -> str:
        return self.name.partition("#")[0]

    @property
    def logins(self) -> list[str]:
        return [person["login"] for person in self.record["assignees"]]

    @property
    def body(self) -> str:
        return markers.without_item(self.record["body"] or "")


def cut(record: Record) -> Record:
    """The fields that are kept, without the addresses and counts that change on their own."""
    user, closed_by = record.get("user"), record.get("closed_by")
    return {name: record.get(name) for name in KEPT} | {
        "user": {"login": user["login"]} if user else None,
        "closed_by": {"login": closed_by["login"]} if closed_by else None,
        "assignees": [{"login": person["login"]} for person in record.get("assignees") or ()],
        "labels": [name for label in record.get("labels") or () if (name := _name_of(label))],
        "comments": record.get("comments") or 0,
        "locked": bool(record.get("locked")),
        "milestone": record["milestone"]["number"] if record.get("milestone") else None,
        "id": record.get("id"),
        "parent_issue": _parent_of(record),
        "blocking": (record.get("issue_dependencies_summary") or {}).get("total_blocking"),
        "blocked_by": (record.get("issue_dependencies_summary") or {}).get("total_blocked_by"),
        "children": (record.get("sub_issues_summary") or {}).get("total"),
    }


def _parent_of(record: Record) -> tuple[str, int] | UnsetType | None:
    """Its repository and number; UNSET where the interface knows no sub-issues: it leaves out what is empty."""
    address = _ISSUE.search(record.get("parent_issue_url") or "")
    if address is not None:
        return address[1], int(address[2])
    return None if record.get("sub_issues_summary") else UNSET


def _name_of(label: Any) -> str | None:
    """GitHub's interface describes a label as a text, or as an object whose name may be null."""
    name: str | None = label if isinstance(label, str) else label.get("name")
    return name


def author_of(record: Record) -> str:
    """Who wrote it; GitHub's own word for an account that is gone."""
    user = record.get("user")
    return user["login"] if user else "ghost"


def is_pull_request(record: Record) -> bool:
    return "pull_request" in record


def is_on_pull_request(comment: Record) -> bool:
    """Whether it is, by its address; a repository can be called `pull` as well.

    >>> is_on_pull_request({"html_url": "https://github.com/octo/pull/issues/7#issuecomment-1"})
    False
    >>> is_on_pull_request({"html_url": "https://github.com/octo/hello/pull/7#issuecomment-1"})
    True
    """
    return _ON_PULL_REQUEST.search(str(comment.get("html_url"))) is not None


def remarks_of(
    comments: Iterable[Record],
    name: str,
    item_id: str = "",
    sent: Mapping[int, str] = NONE_SENT,
    taken: Container[str] = (),
) -> dict[str, Remark]:
    """`sent` are the ids here of comments that were sent before, by their numbers; `taken` those that came from there,
    maybe in a file, which knows a comment by another id than this interface."""
    found: dict[str, Remark] = {}
    comments = list(comments)
    marked_first = _marked(comments, item_id, set(sent.values()))
    for record in comments:
        text, number = record["body"] or "", record["id"]
        own = sent.get(number) or marked_first.get(number)
        of_file = comment_id(str(record.get("node_id")), name)
        key = own or comment_id(number, name)
        key = of_file if key not in taken and of_file in taken else key
        found[key] = Remark(
            number=number,
            by=author_of(record),
            at=record["created_at"],
            text=markers.without_comment(text) if own is not None else text,
            is_ours=own is not None,
        )
    return found


def _marked(comments: Iterable[Record], item_id: str, known: Container[str]) -> dict[int, str]:
    """The ids here of comments whose making was not recorded, by their numbers: a mark means the first that carries it,
    and none where that is known already, because people copy what they answer."""
    first: dict[str, int] = {}
    for number, text in sorted((record["id"], record["body"] or "") for record in comments):
        own = markers.comment_in(text, item_id)
        if own is not None and own not in known:
            first.setdefault(own, number)
    return {number: own for own, number in first.items()}


def as_comments(remarks: Mapping[str, Remark]) -> list[Record]:
    """The comments for the reader of GitHub's files, which gives them the same ids."""
    return [
        {"id": remark.number, "user": {"login": remark.by}, "created_at": remark.at, "body": remark.text}
        for remark in remarks.values()
    ]
