"""GitHub's issues as files: what `gh issue list --json` prints, what the REST and GraphQL interfaces answer, archives.

An issue is known by its repository and number, where the file tells the repository, else by its number. Pull requests
are named and not taken: `import git` records what they brought.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.importing.readers.comments import imported_comments
from ledger.importing.readers.reading import Identify, Reading, none_taken, take, time_of
from ledger.importing.readers.record import CLOSED, Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text.json_text import as_storable, document
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category
from ledger.work_item.commands import ImportedComment, ImportedItem, ImportedLink, Mark
from ledger.work_item.imported.older_records import LAST_CHANGE

SOURCE = "github"
NO_HOLDER = "unknown (github)"
PULL_REQUEST = "pull_request"  # the kind of what is named and is no work item
DROPPED = ("notplanned", "duplicate")  # reasons of closing
COMMENT = ("id", "author", "created_at")
PLAIN_COMMENT = frozenset({*COMMENT, "text"})
_URL = re.compile(r"https?://[^/]+/(?:repos/)?([^/]+/[^/]+)/(?:issues|pull|pulls)/(\d+)")
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")

Fields = dict[str, Any]


LISTS = (("issues", False), ("items", False), ("pulls", True), ("pullRequests", True))  # and whether of pull requests


def recognises(sample: Sample) -> bool:
    """By an issue's number beside its state, in a list or an archive."""
    marked = sample.begins(r"[\[{]") and sample.holds(r'"number"\s*:\s*\d') and sample.holds(r'"state"\s*:\s*"\w+"')
    return marked and not sample.holds(r'"(?:issue_type|depends_on_id)"\s*:')


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All issues of a file. `imported_at` stands for times that the source does not tell."""
    reading = Reading()
    whole, repeated = document(path)
    if not isinstance(whole, list) and all(_within(whole, name) is None for name in ("number", *dict(LISTS))):
        raise unreadable(path, None, "holds no list of issues")
    reading.not_taken += [Finding("repeated_field", as_storable(name)[0]) for name in repeated]
    seen: set[str] = set()
    for place, value, is_pull in _records(whole):
        reading.found += 1
        record, problems = as_storable(value)
        name = _name(record, whole)
        fault = _fault(record, name, seen)
        if fault is None and (is_pull or _is_pull(record)):
            fault = PULL_REQUEST
        if fault is not None or name is None:
            reading.not_taken.append(Finding(fault or "no_id", f"{place} ({name})" if name else place))
            continue
        seen.add(name)
        reading.warnings += [Finding(kind, f"{name}: {where}") for kind, where in problems]
        take_issue(name, record, identify, imported_at, reading)
    if reading.found and not reading.items and not any(one.kind == PULL_REQUEST for one in reading.not_taken):
        raise none_taken(path, "GitHub issue", reading)
    return reading


def take_issue(name: str, record: Fields, identify: Identify, imported_at: datetime, reading: Reading) -> None:
    """Takes one issue, known by `name`; its fields are in the spelling of any of the interfaces."""
    _Issue(name, _snake(record), identify, imported_at, reading).take()


def _records(whole: Any) -> Iterator[tuple[str, Any, bool]]:
    """Every record with its place, and whether it stands among the pull requests."""
    if isinstance(whole, list):
        yield from ((f"entry {place}", record, False) for place, record in enumerate(whole, 1))
        return
    if _name(whole, None) is not None:  # as `gh issue view --json` prints one
        yield "entry 1", whole, False
        return
    for name, is_pull in LISTS:
        found = _listed(_within(whole, name))
        yield from ((f"{name} {place}", record, is_pull) for place, record in enumerate(found, 1))


def _within(whole: Any, name: str) -> Any:
    """The value of a name at the top, or in `data.repository` as GraphQL answers it."""
    data = whole.get("data") if isinstance(whole, dict) else None
    repository = data.get("repository") if isinstance(data, dict) else None
    return (repository if isinstance(repository, dict) else whole if isinstance(whole, dict) else {}).get(name)


def _listed(value: Any) -> list[Any]:
    """A list as REST and archives have it, or GraphQL's nodes."""
    nodes = value.get("nodes") if isinstance(value, dict) else value
    return nodes if isinstance(nodes, list) else []


def _name(record: Any, whole: Any) -> str | None:
    number = record.get("number") if isinstance(record, dict) else None
    if type(number) is not int:
        return None
    repository = whole.get("repo") if isinstance(whole, dict) and isinstance(whole.get("repo"), str) else None
    address = _URL.match(str(record.get("html_url") or record.get("url") or ""))
    return f"{repository or (address[1] if address else '')}#{number}"


def _fault(record: Any, name: str | None, seen: set[str]) -> str | None:
    if not isinstance(record, dict):
        return "not_an_object"
    if name is None:
        return "no_id"
    if not record.keys() & {"title", "state"}:
        return "not_an_issue"
    return "repeated_id" if name in seen else None


def _is_pull(record: Fields) -> bool:
    address = _URL.match(str(record.get("html_url") or record.get("url") or ""))
    return bool(record.get("pull_request")) or (address is not None and "/pull/" in address[0])


def _snake(record: Fields) -> Fields:
    """The fields in REST's spelling, without those that say nothing."""
    return {_SNAKE.sub("_", name).lower(): value for name, value in record.items() if value not in (None, "", [])}


def _login(person: Any) -> str | None:
    name = person.get("login") if isinstance(person, dict) else person
    return name if isinstance(name, str) and name else None


class _Issue(Record):
    """One issue on its way."""

    def __init__(self, name: str, record: Fields, identify: Identify, imported_at: datetime, reading: Reading) -> None:
        super().__init__(name, record, reading)
        self._identify = identify
        self._imported_at = imported_at
        self._changed_at, self._created_at = self.time("updated_at"), self.time("created_at")
        if self._created_at is None:
            self.warn("no_creation_time")
        began = self._created_at or self._changed_at or imported_at
        author = _login(record.get("author")) or _login(record.get("user"))
        self._created = Mark(by=author or NO_HOLDER, at=began)
        self._changed = Mark(by=NO_HOLDER, at=max(self._changed_at or began, began))

    def take(self) -> None:
        status, category = self._state()
        closed_at = self.ended("closed_at", CLOSED, self._created.at) if category in FINISHED else None
        links, comments = self._links(), self._comments()
        fields: Fields = {"item_type": "task", "title": self.text("title") or ""}
        if not fields["title"].strip():
            self.warn("no_title")
        if (body := self.text("body")) is not None:
            fields["description"] = body
        fields |= self._assignee() | self._labels()
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields=fields | {"metadata": self._metadata()},
            created=self._created,
            changed=self._changed,
            status=status,
            category=category,
            settled=Mark(by=_login(self.rest.get("closed_by")) or NO_HOLDER, at=closed_at) if closed_at else None,
            links=links,
            comments=comments,
            created_in_source=self._created_at,
            changed_in_source=self._changed_at,
        )
        take(self.reading, item, self._imported_at)

    def _state(self) -> tuple[str, Category | None]:
        word, reason = str(self.rest.get("state", "")).lower(), str(self.rest.get("state_reason") or "")
        if word == "closed" and re.sub(r"\W|_", "", reason.lower()) in DROPPED:
            return reason.lower().replace("_", " "), "dropped"
        return self.state(word)

    def _links(self) -> tuple[ImportedLink, ...]:
        parent = self._other(self.rest.get("parent"))
        links = [self._link("parent", parent, "parent")] if parent else []
        for entry in _listed(self.rest.get("blocked_by")):
            if (other := self._other(entry)) is not None:
                links.append(self._link("depends_on", other, "blocked_by"))
        return tuple(links)

    def _other(self, entry: Any) -> str | None:
        """The name of an issue that another one names, by its address or by its number in the same repository."""
        number = entry.get("number") if isinstance(entry, dict) else None
        if type(number) is not int:
            return None
        address = _URL.match(str(entry.get("html_url") or entry.get("url") or ""))
        return f"{address[1] if address else self.name.partition('#')[0]}#{number}"

    def _link(self, kind: str, to: str, word: str) -> ImportedLink:
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=self._created)

    def _comments(self) -> tuple[ImportedComment, ...] | None:
        """None where the file only counts them."""
        given = self.rest.get("comments")
        if not isinstance(given, list) and not (isinstance(given, dict) and isinstance(given.get("nodes"), list)):
            if isinstance(given, int) and given:
                self.warn("comments_missing")
            return None
        entries = [self._comment(entry) for entry in _listed(self.rest.pop("comments"))]
        comments, left = imported_comments(
            entries, self, self._created, fields=COMMENT, plain=PLAIN_COMMENT, time_of=time_of
        )
        if left:
            self.rest["comments"] = [_without_text(entry) for entry in left]
        return comments

    def _comment(self, entry: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        said = _snake(entry)
        author = _login(said.pop("author", None)) or _login(said.pop("user", None))
        return said | {"text": said.pop("body", "")} | ({"author": author} if author else {})

    def _assignee(self) -> Fields:
        names = [name for person in _listed(self.rest.get("assignees")) if (name := _login(person))]
        names = names or [name for name in [_login(self.rest.get("assignee"))] if name]
        return {"assignee": names[0]} if names else {}

    def _labels(self) -> Fields:
        given = _listed(self.rest.get("labels"))
        names = [label.get("name") if isinstance(label, dict) else label for label in given]
        kept_whole = self.rest.get("labels")
        self.rest["labels"] = names
        tags = self.tags("labels")
        if any(isinstance(label, dict) and label.keys() - {"name"} for label in given):
            self.rest["labels"] = kept_whole
        return tags

    def _metadata(self) -> Fields:
        self.own["source_status"] = self.rest.pop("state", None)
        if self._changed_at is not None:
            self.own[LAST_CHANGE] = text(self._changed_at)
        return self.metadata()


def _without_text(entry: Any) -> Any:
    """What a comment says besides what the comment of ours says."""
    said = isinstance(entry, dict) and entry.get("text")
    return {name: value for name, value in entry.items() if name != "text"} if said else entry
