"""GitHub's issues as files: what `gh issue list --json` prints, what the REST and GraphQL interfaces answer, archives.

An issue is known by its repository and number, where the file tells the repository, else by its number. Pull requests
are named and not taken: `import git` records what they brought.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem, ImportedLink, Stated
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.aggregates.work_item.imported.partial_records import APART, CORRECTED
from ledger.importing.readers.comments import CommentForm, imported_comments
from ledger.importing.readers.reading import Identify, Reading, none_taken, take, time_of
from ledger.importing.readers.record import CLOSED, Record
from ledger.importing.readers.sample import Sample, names_in, sample_of
from ledger.importing.readers.text.json_records import Fields, filled
from ledger.importing.readers.text.json_text import as_storable, documents, repeated_fields
from ledger.importing.readers.text_lines import unreadable
from ledger.importing.readers.trackers.hosted.github_answers import (
    Answered,
    answered,
    board_words,
    is_answer,
    is_cut,
    is_part,
    is_pull_request,
    label,
    listed,
    login,
    name_of,
    snake,
    with_state,
)
from ledger.importing.readers.trackers.hosted.github_comments import ADDRESSES, issue_of, number_of, split_comments
from ledger.importing.readers.words.status_words import category_of
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category

SOURCE = "github"
NO_HOLDER = "unknown (github)"
PULL_REQUEST = "pull_request"  # the kind of what is named and is no work item
DROPPED = ("notplanned", "duplicate")  # reasons of closing
COMMENT = CommentForm(number="id", author="author", time="created_at", corrected=CORRECTED)
SEPARATE_COMMENT = replace(COMMENT, more=ADDRESSES)  # with the address of its issue
ABOVE = ("parent", "parent_issue_url", "sub_issues_summary")  # REST has a parent's address where there is one
OTHER_END = {"child": "sub_issues", "blocks": "blocking"}  # links that the issue says of others
SAID_BY = {
    "title": ("title",),
    "description": ("body",),
    "assignee": ("assignee", "assignees"),
    "tags": ("labels",),
    "status": ("state", "closed", "closed_at"),
    "comments": ("comments",),
    "parent_id": ABOVE,
    "links.parent": ABOVE,
    "links.depends_on": ("blocked_by",),
    "links.blocked_by": ("blocked_by",),
    f"metadata.{LAST_CHANGE}": ("updated_at",),
    f"metadata.{CLOSED}": ("closed_at",),
    "metadata.parent_issue_url": ("parent_issue_url", "repository_url"),
}
_ARCHIVED = re.compile(r"issues?_\d+\.json")
_DUPLICATE_OF = re.compile(
    r"\s*duplicate of\s+(?:(?P<url>https?://\S+)|(?P<repository>[\w.-]+/[\w.-]+)?#(?P<number>\d+))", re.IGNORECASE
)


def recognises(sample: Sample) -> bool:
    """Recognised by an issue's number beside its state, in a list or an archive; by its address, or a comment's.

    A folder by the names of the files in an archive of a whole repository.
    """
    if sample.is_folder:
        return any(map(_ARCHIVED.fullmatch, sample.names))
    marked = sample.holds(r'"number"\s*:\s*\d') and sample.holds(r'"state"\s*:\s*"\w+"')
    addressed = sample.holds(r'"(?:html_)?url"\s*:\s*"https?://[^/"]+/(?:repos/)?[^/"]+/[^/"]+/issues/\d+"')
    titled = (marked or addressed) and sample.holds(r'"title"\s*:')
    remark = sample.holds(r'"(?:html_)?url"\s*:\s*"https?://[^"]+#issuecomment-\d+"') and sample.holds(r'"body"\s*:')
    is_likely = sample.begins(r"[\[{]") and (titled or remark)
    return is_likely and not sample.holds(r'"(?:issue_type|depends_on_id)"\s*:')


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All issues of a file, or of a folder's files. `imported_at` stands for times that the source does not say."""
    reading = Reading()
    records, comments = _parts(path, reading)
    separate = _by_issue(comments, reading)
    full_names = _by_number(separate)
    for name, record in _issues(records, separate, reading):
        take_issue(name, record, identify, imported_at, reading, separate.pop(full_names.get(name, name), ()))
    for name, remarks in separate.items():
        reading.found += 1
        take_issue(name, {}, identify, imported_at, reading, remarks)
    if reading.found and not reading.items and not any(one.kind == PULL_REQUEST for one in reading.not_taken):
        raise none_taken(path, "GitHub issue", reading)
    return reading


def take_issue(
    name: str,
    record: Fields,
    identify: Identify,
    imported_at: datetime,
    reading: Reading,
    separate: Iterable[Fields] = (),
) -> None:
    """Takes one issue, known by `name`; its fields are in the spelling of any of the interfaces.

    `separate` are comments on it that do not stand in its record, which is empty where only they are known.
    """
    _Issue(name, snake(record), identify, imported_at, reading, [*separate]).take()


def _parts(path: Path, reading: Reading) -> tuple[list[Answered], list[Fields]]:
    """The issues of the documents, and the comments that stand by themselves in them."""
    whole = _documents(path)
    rest = [split_comments(one) for one in whole]
    found = [one for one, comments in rest if one or not comments]
    records = list(answered(found[0] if len(found) == 1 else found))
    if not records and not any(is_answer(one) for one in whole):
        raise unreadable(path, None, "holds no list of issues")
    if is_part(whole):
        reading.warnings.append(Finding("list_goes_on", path.name))
    repeated = (name for one in whole for name in repeated_fields(one))
    reading.not_taken += [Finding("repeated_field", as_storable(name)[0]) for name in repeated]
    return records, [comment for _, comments in rest for comment in comments]


def _issues(
    records: Iterable[Answered], separate: dict[str, list[Fields]], reading: Reading
) -> Iterator[tuple[str, Fields]]:
    """(name, record) of each that is taken; the others are named, a pull request without its `separate` comments."""
    seen: set[str] = set()
    for one in records:
        reading.found += 1
        record, problems = as_storable(one.record)
        fault = _fault(record, one.name, seen)
        if fault is None and (one.is_pull or is_pull_request(record)):
            fault = PULL_REQUEST
            separate.pop(one.name or "", None)
        if fault is not None or one.name is None:
            reading.not_taken.append(Finding(fault or "no_id", f"{one.place} ({one.name})" if one.name else one.place))
            continue
        seen.add(one.name)
        reading.warnings += [Finding(kind, f"{one.name}: {where}") for kind, where in problems]
        yield one.name, record


def _documents(path: Path) -> list[Any]:
    if not path.is_dir():
        return documents(path)
    files = [path / name for name in sorted(names_in(path)) if name.endswith(".json")]
    found = [one for file in files if recognises(sample_of(file)) for one in documents(file)]
    if not found:
        raise unreadable(
            path, None, "holds no file of GitHub's issues or comments", "name a file of them, or its folder"
        )
    return found


def _by_issue(comments: Iterable[Fields], reading: Reading) -> dict[str, list[Fields]]:
    """The comments that stand by themselves; those on pull requests are named."""
    by_issue: dict[str, list[Fields]] = {}
    for given in comments:
        comment, problems = as_storable(given)
        name, is_pull = issue_of(comment)
        if is_pull:
            reading.not_taken.append(Finding(PULL_REQUEST, f"comment {number_of(comment)} ({name})"))
            continue
        reading.warnings += [Finding(kind, f"{name}: {where}") for kind, where in problems]
        by_issue.setdefault(name, []).append(comment)
    return by_issue


def _by_number(names_of_issues: Iterable[str]) -> dict[str, str]:
    """The issues that comments name by their repository too, by the number alone, where that is one issue's."""
    names: dict[str, list[str]] = {}
    for name in names_of_issues:
        names.setdefault(name[name.index("#") :], []).append(name)
    return {number: same[0] for number, same in names.items() if len(same) == 1}


def _fault(record: Any, name: str | None, seen: set[str]) -> str | None:
    if not isinstance(record, dict):
        return "not_an_object"
    if name is None:
        return "no_id"
    if not record.keys() & {"title", "state"}:
        return "not_an_issue"
    return "repeated_id" if name in seen else None


class _Issue(Record):
    """One issue on its way."""

    def __init__(
        self,
        name: str,
        record: Fields,
        identify: Identify,
        imported_at: datetime,
        reading: Reading,
        separate: list[Fields],
    ) -> None:
        super().__init__(name, filled(with_state(record)), reading)
        self._is_known = bool(record)
        self._names = {*record, *((APART,) if separate else ())}
        self._separate = [self._comment(one) for one in separate]
        self._identify = identify
        self._imported_at = imported_at
        self._comments_missing = False
        tells = isinstance(record.get("comments"), list | dict) or bool(separate)
        self._original_said_by = ("duplicate_of", *(("comments", APART) if tells else ()))
        self._changed_at, self._created_at = self.time("updated_at"), self.time("created_at")
        if self._created_at is None and self._is_known:
            self.warn("no_creation_time")
        times = [self._changed_at, *(time_of(one.get("created_at")) for one in self._separate)]
        began = self._created_at or min((at for at in times if at is not None), default=imported_at)
        author = login(record.get("author")) or login(record.get("user"))
        self._created = Attribution(by=author or NO_HOLDER, at=began)
        self._changed = Attribution(by=NO_HOLDER, at=max(self._changed_at or began, began))

    def take(self) -> None:
        status, category = self._state() if self._names.intersection(self._state_said_by()) else (None, None)
        if not self._is_known:
            status, category = "unknown", "waiting"  # until its issue is known
        closed_at = self.ended("closed_at", CLOSED, self._created.at) if category in FINISHED else None
        links, comments = self._links(), self._comments()
        fields: Fields = {"item_type": "task", "title": self.text("title") or ("" if self._is_known else self.name)}
        if not fields["title"].strip() and "title" in self._names:
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
            settled=Attribution(by=login(self.rest.get("closed_by")) or NO_HOLDER, at=closed_at) if closed_at else None,
            links=links,
            comments=comments,
            comments_missing=self._comments_missing,
            stated=self._stated(category),
            created_in_source=self._created_at,
            changed_in_source=self._changed_at,
        )
        take(self.reading, item, self._imported_at)

    def _stated(self, category: Category | None) -> Stated:
        """The reason for which it was closed, or its column in a project, says more than its state."""
        refining = "state_reason" if category in FINISHED else "project_items"
        by = SAID_BY | {"status": self._state_said_by()}
        by |= dict.fromkeys(("links.duplicates", "links.duplicate_of"), self._original_said_by)
        return self.stated(self._names, by, refining=("state", refining))

    def _state_said_by(self) -> tuple[str, ...]:
        """A project says it only where it has a column for the issue."""
        return (*SAID_BY["status"], *(("status", "project_items") if board_words(self.rest) else ()))

    def _state(self) -> tuple[str, Category | None]:
        word = str(self.rest.get("state", "")).lower()
        if word == "closed" and self._reason() in DROPPED:
            return str(self.rest["state_reason"]).lower().replace("_", " "), "dropped"
        if word in ("", "open"):
            for column in board_words(self.rest):
                if (category := category_of(column)) and not (word and category in FINISHED):
                    return column, category
        return self.state(word)

    def _reason(self) -> str:
        return re.sub(r"\W|_", "", str(self.rest.get("state_reason") or "").lower())

    def _links(self) -> tuple[ImportedLink, ...]:
        parent = self._other(self.rest.get("parent")) or self._other({"url": self.rest.get("parent_issue_url")})
        links = [self._link("parent", parent, "parent")] if parent else []
        for entry in listed(self.rest.get("blocked_by")):
            if (other := self._other(entry)) is not None:
                links.append(self._link("depends_on", other, "blocked_by"))
        for kind, field in OTHER_END.items():
            others = dict.fromkeys(map(self._other, listed(self.rest.get(field))))
            links += [self._link(kind, other, field) for other in others if other is not None]
        if (original := self._original()) is not None:
            links.append(self._link("duplicates", original, "duplicate_of"))
        return tuple(links)

    def _original(self) -> str | None:
        """What an issue closed as a duplicate repeats: GraphQL says so, else the comment that marked it as one."""
        if self._reason() != "duplicate":
            return None
        texts = [
            self._comment(entry).get("text") for entry in listed(self.rest.get("comments")) if isinstance(entry, dict)
        ]
        texts += [entry.get("text") for entry in self._separate]
        marks = [found for words in texts if isinstance(words, str) and (found := _DUPLICATE_OF.match(words))]
        return self._other(self.rest.get("duplicate_of")) or next(
            (self._other({"url": mark["url"]}) if mark["url"] else self._reference(mark) for mark in reversed(marks)),
            None,
        )

    def _reference(self, mark: re.Match[str]) -> str:
        return f"{mark['repository'] or self.name.partition('#')[0]}#{mark['number']}"

    def _other(self, entry: Any) -> str | None:
        """The name of an issue that another one names, by its address or by its number in the same repository."""
        found = name_of(entry)
        return f"{self.name.partition('#')[0]}{found}" if found and found.startswith("#") else found

    def _link(self, kind: str, to: str, word: str) -> ImportedLink:
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=self._created)

    def _comments(self) -> tuple[ImportedComment, ...] | None:
        """None where the file only counts them. Of those by themselves it is not known whether they are all."""
        given = self.rest.get("comments")
        counted = given if type(given) is int else 0
        if type(given) is int and isinstance(self.rest.get("comment_data"), list):  # as backups put them
            given = self.rest.pop("comment_data")
        entries = [self._comment(entry) for entry in listed(given)]
        known = len(entries) + len(self._separate)
        if is_cut(given, known) or counted > known:
            self.warn("comments_missing")
        self._comments_missing = bool(self._separate) or is_cut(given, known) or counted > known
        by_themselves = self._by_themselves()
        if not isinstance(given, list) and not (isinstance(given, dict) and given.keys() & {"nodes", "edges"}):
            return by_themselves or None
        del self.rest["comments"]
        comments, left = imported_comments(entries, self, self._created, COMMENT)
        if left:
            self.rest["comments"] = [_without_text(entry) for entry in left]
        return tuple({one.id: one for one in (*comments, *by_themselves)}.values())

    def _by_themselves(self) -> tuple[ImportedComment, ...]:
        comments, left = imported_comments(self._separate, self, self._created, SEPARATE_COMMENT)
        more = {
            str(entry["id"]): {name: value for name, value in entry.items() if name not in SEPARATE_COMMENT.fields}
            for entry in left
            if entry.get("id")
        }
        if more:
            self.own[APART] = more
        return comments

    def _comment(self, entry: Any) -> Any:
        if not isinstance(entry, dict):
            return entry
        fields = filled(snake(entry))
        fields |= {"id": number} if (number := number_of(fields)) is not None else {}
        author = login(fields.pop("author", None)) or login(fields.pop("user", None))
        return fields | {"text": fields.pop("body", "")} | ({"author": author} if author else {})

    def _assignee(self) -> Fields:
        names = [name for person in listed(self.rest.get("assignees")) if (name := login(person))]
        names = names or [name for name in [login(self.rest.get("assignee"))] if name]
        return {"assignee": names[0]} if names else {}

    def _labels(self) -> Fields:
        given = listed(self.rest.get("labels"))
        kept_whole = self.rest.get("labels")
        self.rest["labels"] = [label(one) for one in given]
        tags = self.tags("labels")
        if any(one != label(one) and one != {"name": label(one)} for one in given):
            self.rest["labels"] = kept_whole
        return tags

    def _metadata(self) -> Fields:
        self.own["source_status"] = self.rest.pop("state", None)
        if self._changed_at is not None:
            self.own[LAST_CHANGE] = text(self._changed_at)
        return self.metadata()


def _without_text(entry: Any) -> Any:
    """What a comment says besides what the comment of ours says."""
    text = isinstance(entry, dict) and entry.get("text")
    return {name: value for name, value in entry.items() if name != "text"} if text else entry
