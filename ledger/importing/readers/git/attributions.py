"""Who made a commit and who brought it where it is, and when: as the ledger names and counts them."""

from datetime import datetime

from ledger.aggregates.work_item.commands import Attribution
from ledger.importing.readers.git.log import Commit, moment
from ledger.values.finding import Finding
from ledger.values.moment import FUTURE_ALLOWED

NO_HOLDER = "unknown (git)"
LONGEST_NAME = 100  # characters of who acts


class Attributions:
    """`imported_at` stands for a time that no calendar has. What was found odd of a commit is kept once."""

    def __init__(self, imported_at: datetime) -> None:
        self._imported_at = imported_at
        self._odd: dict[Finding, None] = {}

    @property
    def warnings(self) -> list[Finding]:
        return list(self._odd)

    def made(self, commit: Commit) -> Attribution:
        """Its author, when the work was done: a rewritten history keeps that."""
        return Attribution(by=self._name(commit), at=self._time(commit, commit.authored))

    def landed(self, commit: Commit) -> Attribution:
        """Its author, when the commit came to be as it is: for a merge that is when its branch came in."""
        return Attribution(by=self._name(commit), at=self._time(commit, commit.committed))

    def _name(self, commit: Commit) -> str:
        name = commit.author.strip()
        if len(name) > LONGEST_NAME:
            self._odd[Finding("name_shortened", commit.hash)] = None
        return name[:LONGEST_NAME] or NO_HOLDER

    def _time(self, commit: Commit, seconds: int | None) -> datetime:
        at = moment(seconds)
        if at is None:
            self._odd[Finding("commit_without_a_time", commit.hash)] = None
            return self._imported_at
        if at > self._imported_at + FUTURE_ALLOWED:
            self._odd[Finding("time_in_the_future", commit.hash)] = None
        return at
