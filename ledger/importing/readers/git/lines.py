"""Which line of a history a commit stands on: has it landed, and whose branch brought it.

A commit belongs to the branch whose merge brought it first: it is an ancestor of what was merged, and not of what that
was merged into. Commits come children before parents, so what a commit has to know is told by its children, and only
the frontier of the walk is kept.
"""

from msgspec import Struct

from ledger.importing.readers.git.log import Commit

# whether it has not landed, how many merges deep, which line in the order of the walk (older ones first), branch
_Mark = tuple[bool, int, int, str]


class Place(Struct, frozen=True):
    """`main`: on the default branch's own line, not brought by a merge. `branch`: whose work it was, or ""."""

    landed: bool
    main: bool
    branch: str


class Lines:
    """Asked for every commit once, in the order of the walk."""

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._lines = 0

    def place(self, commit: Commit, tips: list[str], merged: str) -> Place:
        """`tips` are the work branches that end here, `merged` the work branch that this commit merges, or ""."""
        mark = self._mark(commit, tips)
        if commit.parents:
            self._tell(commit.parents[0], mark)
        if len(commit.parents) > 1:
            beside = (mark[0], mark[1] + 1, self._next(), merged)
            for parent in commit.parents[1:]:
                self._tell(parent, beside)
        return Place(landed=not mark[0], main=mark[:2] == (False, 0), branch=mark[3])

    def _mark(self, commit: Commit, tips: list[str]) -> _Mark:
        told = self._marks.pop(commit.hash, None)
        if commit.landing:
            return (False, 0, 0, "")
        if told is not None and not told[0]:
            return told
        if told is not None and not commit.branches:
            return told
        ends = (True, 2, self._next(), tips[0]) if tips else (True, 1, self._next(), "")
        return min(told, ends) if told is not None else ends

    def _next(self) -> int:
        self._lines += 1
        return -self._lines

    def _tell(self, parent: str, mark: _Mark) -> None:
        known = self._marks.get(parent)
        if known is None or mark < known:
            self._marks[parent] = mark
