"""Work items that a git history shows: branches that are one person's piece of work, and issues that texts name."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution, ImportedItem
from ledger.importing.readers.git.attributions import Attributions
from ledger.importing.readers.git.lines import CommitLine
from ledger.importing.readers.git.log import Commit
from ledger.importing.readers.git.message import ParsedMessage, work_branch
from ledger.importing.readers.reading import Identify
from ledger.values.finding import Finding

MOST_COMMITS = 1000  # of one item; further ones are named as not taken


class Piece(Struct, kw_only=True):
    """One item on its way; the newest commit comes first.

    `open` says that something of it has not landed, `contained` that its branch's tip has, and when that was made.
    """

    commits: list[str] = []
    further: list[str] = []
    pulls: list[int] = []
    first: Attribution | None = None
    last: Attribution | None = None
    settled: Attribution | None = None
    contained: Attribution | None = None
    open: bool = False

    def add(self, commit: Commit, attribution: Attribution) -> None:
        (self.commits if len(self.commits) < MOST_COMMITS else self.further).append(commit.hash)
        self.see(attribution)

    def see(self, attribution: Attribution) -> None:
        self.first = attribution if self.first is None or attribution.at < self.first.at else self.first
        self.last = attribution if self.last is None or attribution.at > self.last.at else self.last

    def settle(self, attribution: Attribution) -> None:
        self.settled = attribution if self.settled is None or attribution.at > self.settled.at else self.settled
        self.see(attribution)

    def item(self, identify: Identify, external_id: str, fields: dict[str, Any]) -> ImportedItem:
        assert self.first is not None and self.last is not None  # a piece begins with something that was seen
        done = self.settled is not None and not self.open
        commits = {"commits": tuple(reversed(self.commits))} if self.commits else {}
        return ImportedItem(
            id=identify(external_id),
            external_id=external_id,
            fields={"item_type": "task"} | commits | fields,
            created=self.first,
            changed=self.last,
            status="completed" if done else "active" if self.open else None,
            settled=self.settled if done else None,
        )


class FoundItems(Struct, kw_only=True):
    """`used` are the hashes of all commits that stand in an item."""

    items: list[ImportedItem] = []
    used: set[str] = set()
    not_taken: list[Finding] = []
    warnings: list[Finding] = []

    def add(self, piece: Piece, item: ImportedItem) -> None:
        self.items.append(item)
        self.used.update(piece.commits)
        self.not_taken += [
            Finding("more_commits_than_an_item_takes", f"{hash} ({item.external_id})") for hash in piece.further
        ]


class Branches:
    """A branch is completed when it has landed and nothing of it waits to land.

    It has landed by a merge, whatever that says, or because the default branch holds its tip, as after a fast-forward.
    A squash leaves nothing in the history by which it could be known: the branch stays active, with a warning.
    """

    def __init__(self, attributions: Attributions) -> None:
        self._attributions = attributions
        self._pieces: dict[str, Piece] = {}
        self._squashed: Attribution | None = None  # the newest squash that has landed

    def commit(self, name: str, commit: Commit, place: CommitLine) -> None:
        """One of the branch's own commits."""
        self._piece(name).add(commit, self._attributions.made(commit))

    def tip(self, name: str, commit: Commit, place: CommitLine) -> None:
        """The branch stands here. A branch that was only just begun, where the default branch is, has not landed."""
        piece = self._piece(name)
        piece.open |= not place.landed
        if place.landed and not (commit.landing and commit.checked_out == name):
            piece.contained = piece.contained or self._attributions.landed(commit)
        if piece.first is None:
            piece.see(self._attributions.made(commit))

    def merge(self, name: str, commit: Commit, pulls: tuple[int, ...], place: CommitLine) -> None:
        piece, attribution = self._piece(name), self._attributions.landed(commit)
        piece.add(commit, attribution)
        piece.pulls += pulls
        if place.landed:
            piece.settle(attribution)

    def squash(self, commit: Commit) -> None:
        """A squash has landed; which branch it brought is not in the history."""
        self._squashed = self._squashed or self._attributions.landed(commit)

    def items(self, identify: Identify) -> FoundItems:
        found = FoundItems()
        for name, piece in self._pieces.items():
            found.warnings += self._doubts(name, piece)
            if self._may_be_squashed(piece):
                piece.open, piece.settled = False, None
            elif piece.contained is not None and piece.settled is None:
                piece.settle(piece.contained)
            found.add(piece, piece.item(identify, branch_id(name), _branch_fields(name, piece)))
        return found

    def _may_be_squashed(self, piece: Piece) -> bool:
        return bool(piece.open and piece.last and self._squashed and self._squashed.at > piece.last.at)

    def _doubts(self, name: str, piece: Piece) -> Iterator[Finding]:
        if self._may_be_squashed(piece):
            yield Finding("may_be_squashed", name)
        elif piece.settled is None and not piece.open:
            yield Finding("branch_in_the_default_one" if piece.contained else "branch_just_begun", name)

    def _piece(self, name: str) -> Piece:
        return self._pieces.setdefault(name, Piece())


class Issues:
    """An issue is completed when a commit that closes it has landed. Its title is not known here."""

    def __init__(self, attributions: Attributions) -> None:
        self._attributions = attributions
        self._pieces: dict[int, Piece] = {}
        self._certain: set[int] = set()

    def take(self, commit: Commit, message: ParsedMessage, place: CommitLine) -> None:
        for issue in message.issues:
            piece = self._pieces.setdefault(issue.number, Piece())
            piece.add(commit, self._attributions.made(commit))
            if issue.closing and place.landed:
                piece.settle(self._attributions.landed(commit))
            if issue.certain:
                self._certain.add(issue.number)

    def items(self, pulls: set[int], identify: Identify) -> FoundItems:
        """`pulls` are the numbers of pull requests: only a text that says issue or task means others by them."""
        found = FoundItems()
        for number, piece in self._pieces.items():
            if number not in pulls or number in self._certain:
                found.add(piece, piece.item(identify, issue_id(number), _issue_fields(number)))
        return found


def branch_id(name: str) -> str:
    return f"branch:{name}"


def issue_id(number: int) -> str:
    return f"issue:{number}"


def _branch_fields(name: str, piece: Piece) -> dict[str, Any]:
    kind, words = work_branch(name) or ("", name)
    metadata = {"branch_kind": "numbered", "number": kind} if kind.isdigit() else {"branch_kind": kind}
    return {
        "title": re.sub(r"[-_/]+", " ", words).strip() or name,
        "branch_name": name,
        "pr_numbers": tuple(sorted(set(piece.pulls))),
        "metadata": metadata,
    }


def _issue_fields(number: int) -> dict[str, Any]:
    return {"title": f"Issue #{number}", "metadata": {"issue_number": number}}
