"""Deployments as a git history tells of them. A pull request counts once, however often its number comes up.

Of several commits that announce the same pull request, one that has landed comes before one that has not, one on the
main line before one beside it, a merge before a squash, the older before the newer; its metadata names the others.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution
from ledger.importing.commands import ImportedDeployment
from ledger.importing.readers.git.attributions import NO_HOLDER, Attributions
from ledger.importing.readers.git.items import branch_id, issue_id
from ledger.importing.readers.git.lines import CommitLine
from ledger.importing.readers.git.log import Commit, moment
from ledger.importing.readers.git.message import ParsedMessage
from ledger.values.finding import Finding
from ledger.values.moment import text

FORMS = ("merge", "squash", "titled", "deploy")  # the surest first
MOST_OTHERS = 100  # hashes of further commits that one deployment names


class Announcement(Struct, frozen=True, kw_only=True):
    """A commit that says it brought something. `age` is its place in the walk, which goes from new to old."""

    hash: str
    message: ParsedMessage
    place: CommitLine
    attribution: Attribution
    deployed_at: str | None
    authored_at: str | None
    committer: str
    age: int

    @property
    def rank(self) -> tuple[bool, bool, int, int]:
        return (not self.place.landed, not self.place.main, FORMS.index(self.message.form or "deploy"), -self.age)


class FoundDeployments(Struct, kw_only=True):
    deployments: list[ImportedDeployment] = []
    used: set[str] = set()
    warnings: list[Finding] = []


class Deployments:
    """Taken from commits, the newest first."""

    def __init__(self, attributions: Attributions) -> None:
        self._attributions = attributions
        self._pulls: dict[tuple[int, str], list[Announcement]] = {}
        self._plain: dict[str, list[Announcement]] = {}
        self._reverts: dict[str, list[str]] = {}
        self._claims = 0

    def take(self, commit: Commit, message: ParsedMessage, place: CommitLine) -> None:
        self._claims += 1
        announcement = Announcement(
            hash=commit.hash,
            message=message,
            place=place,
            attribution=self._attributions.landed(commit),
            deployed_at=_text(commit.committed),
            authored_at=_text(commit.authored),
            committer=commit.committer.strip() or NO_HOLDER,
            age=self._claims,
        )
        if message.pull is not None:
            self._pulls.setdefault((message.pull, message.environment or ""), []).append(announcement)
        else:
            parts = (announcement.attribution.by, announcement.authored_at, message.scope or "", message.title or "")
            key = "\n".join(f"{part}" for part in parts)
            self._plain.setdefault(hashlib.sha256(key.encode()).hexdigest()[:16], []).append(announcement)

    def revert(self, commit: Commit, reverted: tuple[str, ...]) -> None:
        for hash in reverted:
            self._reverts.setdefault(hash, []).append(commit.hash)

    def numbers(self) -> set[int]:
        return {number for number, _ in self._pulls}

    def result(self, items: set[str], vendors: set[str]) -> FoundDeployments:
        """`items` and `vendors` (in lower case) are those of the same reading, to which deployments may lead."""
        found = FoundDeployments()
        for external_id, first, others in self._all():
            reverted_by = self._reverts.get(first.hash, [])
            found.used.update((first.hash, *(other.hash for other in others[:MOST_OTHERS]), *reverted_by))
            found.deployments.append(_deployment(external_id, first, others[:MOST_OTHERS], reverted_by, items, vendors))
            if others:
                found.warnings.append(Finding("announced_more_than_once", f"{external_id} ({len(others) + 1} commits)"))
        return found

    def _all(self) -> Iterator[tuple[str, Announcement, list[Announcement]]]:
        """External id, the commit that counts, and the others."""
        for (number, environment), announcements in self._pulls.items():
            pull = f"pr:{number}@{environment}" if environment else f"pr:{number}"
            yield from _by_head(pull, sorted(announcements, key=lambda announcement: announcement.rank))
        for fingerprint, announcements in self._plain.items():
            yield from _by_turn(
                f"deploy:{fingerprint}", sorted(announcements, key=lambda announcement: announcement.rank)
            )


def _by_head(pull: str, announcements: list[Announcement]) -> Iterator[tuple[str, Announcement, list[Announcement]]]:
    """Merges of different branches are different pull requests, of a repository that was merged into this one."""
    own = next((_head(announcement) for announcement in announcements if announcement.message.form == "merge"), "")
    heads: dict[str, list[Announcement]] = {}
    for announcement in announcements:
        heads.setdefault(_head(announcement) if announcement.message.form == "merge" else own, []).append(announcement)
    for head, same in heads.items():
        yield (pull if head == own else f"{pull}:{head}"), same[0], same[1:]


def _by_turn(
    external_id: str, announcements: list[Announcement]
) -> Iterator[tuple[str, Announcement, list[Announcement]]]:
    """All that landed are deployments of their own; the same on a line that has not landed is a copy."""
    landed = [announcement for announcement in announcements if announcement.place.landed]
    copies = [announcement for announcement in announcements if not announcement.place.landed]
    if not landed:
        yield external_id, copies[0], copies[1:]
    for turn, announcement in enumerate(landed):
        yield (f"{external_id}:{turn + 1}" if turn else external_id), announcement, [] if turn else copies


def _deployment(
    external_id: str,
    announcement: Announcement,
    others: list[Announcement],
    reverted_by: list[str],
    items: set[str],
    vendors: set[str],
) -> ImportedDeployment:
    message = announcement.message
    linked = [branch_id(message.branch)] if message.branch else []
    linked += [issue_id(issue.number) for issue in message.issues]
    fields: dict[str, Any] = {
        "deployed_at": announcement.deployed_at,
        "commit_hash": announcement.hash,
        "pr_number": message.pull,
        "pr_title": message.title,
        "constitutional_compliance": message.compliant,
        "environment": message.environment,
    }
    fields = {field: value for field, value in fields.items() if value is not None}
    if message.tests:
        fields["test_summary"] = {"passed": message.tests[0], "total": message.tests[1]}
    return ImportedDeployment(
        external_id=external_id,
        fields=fields | {"metadata": _metadata(announcement, others, reverted_by)},
        created=announcement.attribution,
        changed=announcement.attribution,
        vendors=tuple(dict.fromkeys(vendor.name for vendor in message.vendors if vendor.name.casefold() in vendors)),
        work_items=tuple(dict.fromkeys(name for name in linked if name in items)),
    )


def _head(announcement: Announcement) -> str:
    return f"{announcement.message.owner or ''}/{announcement.message.branch or ''}"


def _text(seconds: int | None) -> str | None:
    at = moment(seconds)
    return text(at) if at else None


def _metadata(announcement: Announcement, others: list[Announcement], reverted_by: list[str]) -> dict[str, Any]:
    message = announcement.message
    fields: dict[str, Any] = {
        "announced_as": message.form,
        "commit_type": message.commit_type,
        "scope": message.scope,
        "breaking": message.breaking or None,
        "version": message.version,
        "branch": message.branch,
        "branch_owner": message.owner,
        "merged_into": message.into,
        "landed": None if announcement.place.landed else False,
        "authored_at": announcement.authored_at if announcement.authored_at != announcement.deployed_at else None,
        "committed_by": announcement.committer if announcement.committer != announcement.attribution.by else None,
        "reverts": list(message.reverts) or None,
        "reverted_by": reverted_by or None,
        "other_commits": [other.hash for other in others] or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
