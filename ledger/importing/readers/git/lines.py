"""Which line of a history a commit stands on: has it landed, and whose branch brought it.

A commit belongs to the branch whose merge brought it first: it is an ancestor of what was merged, and not of what that
was merged into. Which branch that is says the merge's message, or else the work branch that stands at what was merged.
Commits come children before parents, so what a commit has to know comes from its children, and only
the frontier of the walk is kept.
"""

from msgspec import Struct

from ledger.importing.readers.git.log import Commit

# whether it has not landed, how many merges deep, which line in the order of the walk (older ones first), branch
_Mark = tuple[bool, int, int, str]


class CommitLine(Struct, frozen=True):
    """`main`: on the default branch's own line, not brought by a merge. `branch`: whose work it was, or "".

    `merge` is the commit that merged exactly this one, where its message names no branch and a work branch stands here.
    """

    landed: bool
    main: bool
    branch: str
    merge: Commit | None = None


class Lines:
    """Asked for every commit once, in the order of the walk."""

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._unnamed: dict[str, Commit] = {}  # what was merged by a message that names no branch, and the merge
        self._lines = 0

    def place(self, commit: Commit, tips: list[str], merged: str | None) -> CommitLine:
        """`tips` are the work branches that end here.

        `merged` is the work branch that this commit's message says it merges, "" where it names one that is none, None
        where it names no branch.
        """
        mark, merge = self._mark(commit, tips), self._unnamed.pop(commit.hash, None)
        if merge is not None and tips and mark[:2] != (False, 0) and mark[3] in ("", tips[0]):
            mark = (*mark[:3], tips[0])
        else:
            merge = None
        if commit.parents:
            self._set_mark(commit.parents[0], mark)
        if len(commit.parents) > 1:
            merged_line = (mark[0], mark[1] + 1, self._next(), merged or "")
            for parent in commit.parents[1:]:
                self._set_mark(parent, merged_line)
                if merged is None:
                    self._unnamed[parent] = commit
        return CommitLine(landed=not mark[0], main=mark[:2] == (False, 0), branch=mark[3], merge=merge)

    def _mark(self, commit: Commit, tips: list[str]) -> _Mark:
        known = self._marks.pop(commit.hash, None)
        if commit.landing:
            return (False, 0, 0, "")
        if known is not None and not known[0]:
            return known
        if known is not None and not commit.branches:
            return known
        ends = (True, 2, self._next(), tips[0]) if tips else (True, 1, self._next(), "")
        return min(known, ends) if known is not None else ends

    def _next(self) -> int:
        self._lines += 1
        return -self._lines

    def _set_mark(self, parent: str, mark: _Mark) -> None:
        known = self._marks.get(parent)
        if known is None or mark < known:
            self._marks[parent] = mark
