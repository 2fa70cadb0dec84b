"""Which issues and items are taken up by a synchronisation. A filter that is not known is refused, never ignored."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.state import WorkItem
from ledger.errors import Invalid
from projections.transfer.github.interface.issues import Record
from projections.transfer.github.rules.sides import OPEN, login, state_of

NAMES = ("label", "assignee", "state")
STATES = ("open", "closed")


class SyncFilter(Struct, frozen=True, kw_only=True):
    """All that is given must hold; of several labels each."""

    labels: tuple[str, ...] = ()
    assignee: str | None = None
    state: str | None = None

    def takes_issue(self, record: Record) -> bool:
        labels = {name.strip().lower() for name in record["labels"]}
        logins = [login(person["login"]) for person in record["assignees"]]
        return self._holds(labels, logins, record["state"])

    def takes_item(self, item: WorkItem) -> bool:
        return self._holds(set(item.tags), [login(item.assignee)], "open" if state_of(item) == OPEN else "closed")

    def words(self) -> list[str]:
        return [f"label={label}" for label in self.labels] + [f"assignee={self.assignee}", f"state={self.state}"]

    def _holds(self, labels: set[str], logins: list[str | None], state: str) -> bool:
        return (
            labels.issuperset(self.labels)
            and (self.assignee is None or self.assignee in logins)
            and self.state in (None, state)
        )


def filter_of(words: Iterable[str]) -> SyncFilter:
    """The filter of words like `label=bug`. Raises Invalid for what is none of them."""
    found = SyncFilter()
    for word in words:
        name, equals, value = word.partition("=")
        value = value.strip()
        if name not in NAMES or not equals or not value:
            raise _unknown(word, "is no filter like " + ", ".join(f"{known}=..." for known in NAMES))
        if name == "state" and value not in STATES:
            raise _unknown(word, f"is no state: {' or '.join(STATES)}")
        if name == "label":
            found = replace(found, labels=(*found.labels, value.lower()))
        else:
            found = replace(found, **{name: login(value) if name == "assignee" else value})
    return found


def _unknown(word: str, problem: str) -> Invalid:
    return Invalid(
        f"--only {word[:100]!r} {problem}",
        next_step="give one that is known, or leave it out to take all; nothing was exchanged",
        fields=[{"field": "only", "problem": problem, "value": word[:100], "allowed": list(NAMES)}],
    )
