"""What a repository's lists tell of: the issues, pull requests and comments that changed since they were read last."""

from msgspec import Struct

from projections.transfer.github.interface.api import GithubClient
from projections.transfer.github.interface.issues import Record, cut, is_on_pull_request, is_pull_request
from projections.transfer.github.interface.last_run import Cursor, Saved
from projections.transfer.github.interface.listing import changed


class Touched(Struct, kw_only=True):
    """What a round looks at: records by number, pull requests, the numbers of issues with new comments, and all
    comments by number where all were read."""

    records: dict[int, Record] = {}
    pulls: list[Record] = []
    comments: dict[int, list[Record]] | None = None
    remarked: set[int] = set()
    news: bool = False


def listed(api: GithubClient, path: str, saved: Saved) -> tuple[Touched, Cursor, Cursor]:
    """`path` is that of the issues. With the cursors of issues and comments after it."""
    found, issues = changed(api, path, saved.issues, state="all")
    commented, comments = changed(api, f"{path}/comments", saved.comments)
    touched = Touched(news=bool(found or commented))
    for record in found.values():
        if is_pull_request(record):
            touched.pulls.append(record)
        else:
            touched.records[record["number"]] = cut(record)
    by_number: dict[int, list[Record]] = {}
    for comment in commented.values():
        if not is_on_pull_request(comment):
            by_number.setdefault(int(comment["issue_url"].rpartition("/")[2]), []).append(comment)
    touched.remarked = set(by_number)
    touched.comments = by_number if saved.issues.since is None else None
    return touched, issues, comments
