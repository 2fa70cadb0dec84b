"""GitHub's comments by themselves: pages of REST's `issues/comments`, and archives that keep them apart from issues."""

import re
from typing import Any

from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.trackers.hosted.github_answers import ISSUES, PULLS

COMMENTS = ("comments", "issue_comments", "issueComments")
SAYING = ("issue_url", "issueUrl", "issue", "pull_request", "html_url", "url")  # whose issue it is on
ADDRESSES = frozenset(
    {"url", "html_url", "issue_url", "node_id", "issue", "type"}
)  # which the number of a comment says again
_ADDRESS = re.compile(r"https?://[^/]+/(?:repos/)?([^/]+/[^/]+)/(issues|pull|pulls)/(\d+)(?:#issuecomment-(\d+))?")


def split_comments(whole: Any) -> tuple[Any, list[Fields]]:
    """A document without the comments that stand in it by themselves, and these."""
    if is_comment(whole):
        return [], [whole]
    if isinstance(whole, list):
        parts = [split_comments(one) for one in whole]
        comments = [comment for _, found in parts for comment in found]
        return [rest for rest, found in parts if not found or rest], comments
    if not isinstance(whole, dict) or not (set(whole) & {*ISSUES, *PULLS} or set(whole) <= set(COMMENTS)):
        return whole, []
    lists = [name for name in COMMENTS if isinstance(whole.get(name), list) and any(map(is_comment, whole[name]))]
    comments = [one for name in lists for one in whole[name] if is_comment(one)]
    rest = {name: value for name, value in whole.items() if name not in lists}
    return rest or [], comments


def is_comment(record: Any) -> bool:
    """Whether it is a comment that says on which issue it is."""
    if not isinstance(record, dict) or "body" not in record or record.keys() & {"title", "number", "state"}:
        return False
    return bool(_addresses(record))


def issue_of(comment: Fields) -> tuple[str, bool]:
    """What the issue is known by that a comment is on, and whether it is a pull request."""
    found = _addresses(comment)
    return f"{found[0][1]}#{int(found[0][3])}", any(address[2] != "issues" for address in found)


def number_of(comment: Fields) -> Any:
    """The number of a comment, which its address has where its id is one of GraphQL's."""
    given = (comment.get(name) for name in ("html_url", "url"))
    found = [address[4] for url in given if isinstance(url, str) and (address := _ADDRESS.match(url)) and address[4]]
    return int(found[0]) if found else comment.get("id")


def _addresses(comment: Fields) -> list[re.Match[str]]:
    given = (comment.get(name) for name in SAYING)
    return [address for url in given if isinstance(url, str) and (address := _ADDRESS.match(url))]
