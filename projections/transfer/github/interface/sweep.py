"""Issues of which only the relations changed: a parent or a dependency moves no time of change on GitHub.

So all issues are listed in the order of their creation. A page stays what it is until something on it changes: GitHub
answers it with 304, which it does not count.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from projections.transfer.github.interface.api import PAGE, GithubClient
from projections.transfer.github.interface.issues import Record, cut, is_pull_request
from projections.transfer.github.interface.last_run import Sweep


def swept(api: GithubClient, path: str, known: Sweep, now: float) -> tuple[dict[int, Record], Sweep]:
    """The issues whose relations have changed, by number."""
    found: dict[int, Record] = {}
    etags: list[str | None] = []
    is_last = False
    while not is_last:
        place = len(etags)
        etag = known.etags[place] if place < len(known.etags) else None
        asked = {"state": "all", "sort": "created", "direction": "asc", "per_page": PAGE, "page": place + 1}
        answer = api.page(path, etag, **asked)
        etags.append(answer.etag or etag)
        if answer.unchanged:
            is_last = place + 1 == len(known.etags)
            continue
        is_last = answer.following is None and len(answer.body) < PAGE
        records = (cut(record) for record in answer.body if not is_pull_request(record))
        found |= {record["number"]: record for record in records if known.said.get(record["number"]) != as_row(record)}
    news = {number: as_row(record) for number, record in found.items()}
    return found, Sweep(at=now, etags=etags, said=known.said | news)


def naming(api: GithubClient, path: str, repository: str, records: Mapping[int, Record]) -> dict[int, Record]:
    """The issues of the repository that name one of these as their parent, or as one that they block, by number."""
    found: dict[int, Record] = {}
    for number, record in records.items():
        children = api.pages(f"{path}/{number}/sub_issues") if record["children"] else ()
        blockers = api.pages(f"{path}/{number}/dependencies/blocked_by") if record["blocked_by"] else ()
        for one in chain(children, blockers):
            if f"/{repository}/issues/" in one["html_url"]:
                found[one["number"]] = cut(one)
    return found


def as_row(record: Record) -> list[Any]:
    """The sweep as it is kept in a file.

    >>> as_row({"parent_issue": ("octo/hello", 7), "blocking": 2})
    ['octo/hello#7', 2]
    """
    parent = record["parent_issue"]
    return [f"{parent[0]}#{parent[1]}" if parent else None, record["blocking"]]
