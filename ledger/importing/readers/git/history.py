"""A git history read into deployments, work items and vendors: what its commits say, and which branch brought them.

`read` asks git. `reading_of` is the same for any stream of commits, children before parents, and touches nothing.

A record of this source is a commit: every one is in an entity of the reading, or named among what was not taken. They
are known by what a rewritten history keeps: the number of a pull request, the name of a branch, the number of an issue;
a deployment without a pull request by its author's name and time and its title.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ledger.importing.readers.git.attributions import Attributions
from ledger.importing.readers.git.deployments import Deployments
from ledger.importing.readers.git.items import Branches, Issues
from ledger.importing.readers.git.lines import CommitLine, Lines
from ledger.importing.readers.git.log import Commit, commits
from ledger.importing.readers.git.message import ParsedMessage, parsed, work_branch
from ledger.importing.readers.git.vendors import Vendors
from ledger.importing.readers.reading import Identify, Reading
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding

SOURCE = "git"
NOTHING = "says_nothing_to_record"  # the kind of commits that are named and no cause for concern


def recognises(sample: Sample) -> bool:
    """Whether it is the top of a work tree, or a bare repository."""
    return bool({".git/", ".git"} & sample.names) or {"HEAD", "objects/", "refs/"} <= sample.names


def read(repository: Path, identify: Identify, imported_at: datetime) -> Reading:
    """What a repository tells. Invalid for a folder that git cannot read, and for one without a commit."""
    reading = reading_of(commits(repository), identify, imported_at)
    if not reading.found:
        raise unreadable(repository, None, "is a repository without commits", "import it when something is committed")
    return reading


def reading_of(history: Iterable[Commit], identify: Identify, imported_at: datetime) -> Reading:
    """`imported_at` stands for times that no calendar has; later ones are recorded as found, with a warning."""
    walk = _Walk(Attributions(imported_at))
    for commit in history:
        walk.take(commit)
    return walk.reading(identify)


class _Walk:
    """Everything the commits said so far."""

    def __init__(self, attributions: Attributions) -> None:
        self._attributions = attributions
        self._lines = Lines()
        self._deployments = Deployments(attributions)
        self._branches = Branches(attributions)
        self._issues = Issues(attributions)
        self._vendors = Vendors(attributions)
        self._hashes: list[str] = []
        self._reading = Reading()

    def take(self, commit: Commit) -> None:
        message = parsed(commit.message, merge=len(commit.parents) > 1)
        tips = [name for name in commit.branches if work_branch(name)]
        merged = None if message.branch is None else message.branch if work_branch(message.branch) else ""
        place = self._lines.place(commit, tips, merged)
        if place.merge is not None:
            self._branches.merge(place.branch, place.merge, (), place)
        self._hashes.append(commit.hash)
        self._doubt(commit, message)
        self._distribute(commit, message, place)
        for tip in tips:
            self._branches.tip(tip, commit, place)
        if merged:
            self._branches.merge(merged, commit, (message.pull,) if message.pull else (), place)

    def reading(self, identify: Identify) -> Reading:
        reading = self._reading
        issues = self._issues.items(self._deployments.numbers(), identify)
        branches = self._branches.items(identify)
        reading.items = [*branches.items, *issues.items]
        vendors = self._vendors.result()
        reading.vendors = vendors.vendors
        items = {item.external_id for item in reading.items}
        deployments = self._deployments.result(items, {vendor.name.casefold() for vendor in reading.vendors})
        reading.deployments = deployments.deployments
        used = branches.used | issues.used | vendors.used | deployments.used
        reading.found = len(self._hashes)
        reading.not_taken += [*branches.not_taken, *vendors.not_taken]
        named = {finding.where.partition(" ")[0] for finding in reading.not_taken}
        reading.not_taken += [Finding(NOTHING, hash) for hash in self._hashes if hash not in used and hash not in named]
        reading.taken = sum(hash in used for hash in self._hashes)
        reading.warnings += [*self._attributions.warnings, *branches.warnings, *deployments.warnings]
        return reading

    def _distribute(self, commit: Commit, message: ParsedMessage, place: CommitLine) -> None:
        if place.branch:
            self._branches.commit(place.branch, commit, place)
        if message.form is not None and (message.pull is not None or message.form == "deploy"):
            self._deployments.take(commit, message, place)
        if message.form == "squash" and place.landed:
            self._branches.squash(commit)
        if message.reverts:
            self._deployments.revert(commit, message.reverts)
        if message.issues:
            self._issues.take(commit, message, place)
        if message.vendors:
            self._vendors.take(commit, message)

    def _doubt(self, commit: Commit, message: ParsedMessage) -> None:
        kinds = list(message.doubts)
        kinds += ["message_cut"] if not commit.whole else []
        kinds += ["not_utf8"] if not commit.readable else []
        kinds += ["history_ends_here"] if commit.grafted else []
        self._reading.warnings += [Finding(kind, commit.hash) for kind in dict.fromkeys(kinds)]
