"""Work items of legacy files: a heading with fields, a list item with a box, or a place on a board."""

import re
from datetime import datetime
from typing import Any

from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.entries import Entry
from ledger.importing.readers.legacy.outline import plain
from ledger.importing.readers.legacy.told import Telling
from ledger.importing.readers.reading import take as keep
from ledger.work_item.commands import ImportedItem, ImportedLink

LONGEST_TITLE = 200  # characters
_TYPE = re.compile(r"\s*[(\[]([^()\[\]]{1,40})[)\]]\s*$")
_BOX = re.compile(r"^\[([ xX✓✔-]?)\]\s+")
_BOARD_FIELDS = {"status", "type", "started", "completed", "created", "branch", "parent"}
_DONE = re.compile(r"(?:recently |already )?(?:completed|complete|done|finished|shipped|erledigt)\b")
_OPEN = re.compile(
    r"(?:next (?:steps?|priorities|up)|pending|to ?dos?|in progress|work in progress|wip|doing|remaining|open|backlog|"
    r"up next|upcoming|current|active|planned|offen|what remains)\b"
)
_BLOCKED = re.compile(r"(?:blocked|blockers)\b")


def is_record(text: str) -> bool:
    """A line with a box is a work item wherever it stands."""
    return _BOX.match(text) is not None


def is_group(title: str) -> bool:
    """Whether a heading names a state or a type of the items below it."""
    bare = words.key(re.sub(r"\(.*?\)", "", title))
    return bare in words.ITEM_STATUSES or bare.removesuffix("s") in words.ITEM_TYPES or bare in ("work items", "tasks")


def is_board_entry(entry: Entry) -> bool:
    return bool(_BOARD_FIELDS & entry.fields.keys())


def state_of(title: str) -> str | None:
    """The state that a heading like `Next Steps` or `Completed Tasks (July)` gives what stands below it."""
    bare = words.key(re.sub(r"\(.*?\)", "", title))
    for pattern, status in ((_DONE, "completed"), (_BLOCKED, "blocked"), (_OPEN, "active")):
        if pattern.match(bare):
            return status
    return None


class Items:
    """The work items of one file, in their order; a parent is named by its title, or stands less indented above."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._above: list[tuple[int, str]] = []  # indents and ids of the headings that an item may belong to

    def take(self, entry: Entry, *, status: str | None = None, at: datetime | None = None) -> None:
        """`status` and `at` are what the heading above says, for an entry that does not say it itself."""
        telling, metadata = self._telling, dict[str, Any]()
        title, fields = self._titled(entry, metadata)
        if not title:
            telling.refuse("work_item_without_a_title", entry.line, entry.head)
            return
        said, word = self._status(entry, metadata, status)
        created = self._time(entry, metadata, "created", "created at", "started", "date")
        finished = self._time(entry, metadata, "completed", "finished", "completed at", "updated", "last updated")
        links = self._links(entry, title)
        branch = entry.take("branch", "branch name")
        if branch and not words.is_unknown(plain(branch.whole)):
            name, _, remark = plain(branch.whole).partition(" ")
            fields["branch_name"] = name
            metadata |= {"branch_note": remark.strip()} if remark.strip() else {}
        for name in ("assignee", "owner"):
            if person := entry.take(name):
                fields["assignee"] = plain(person.whole)
        self._numbers(entry, fields, metadata)
        if text := _description(entry):
            fields["description"] = text
        external_id = telling.name("item", title)
        identifier = telling.identify(external_id)
        if _stands_in_a_tree(entry):
            self._above.append((entry.indent, external_id))
        begun = telling.mark(created or finished or at)
        last = telling.mark(max(filter(None, (created, finished, at)), default=None))
        item = ImportedItem(
            id=identifier,
            external_id=external_id,
            fields=fields | ({"metadata": metadata} if metadata else {}),
            created=begun,
            changed=last,
            status=said,
            settled=telling.mark(finished or at) if said == "completed" and (finished or at) else None,
            links=links,
        )
        telling.reading.found += 1
        keep(telling.reading, item, telling.imported_at)
        if word is not None and said is None:
            telling.warn("unknown_status", entry.line, word[:80])

    def _titled(self, entry: Entry, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        head = _BOX.sub("", entry.head.strip())
        kind = entry.take("type", "item type")
        written = plain(kind.whole) if kind else None
        found = _TYPE.search(head) if written is None else None
        if found and (entry.is_heading or words.key(found[1]) in words.ITEM_TYPES):
            written, head = found[1], head[: found.start()]
        item_type = words.ITEM_TYPES.get(words.key(written or "task"), "task")
        if written is not None and written.lower() != item_type:
            self._telling.word(metadata, "type", written, item_type, entry.line)
        title, description = _short(head, entry)
        return title, {"item_type": item_type, "title": title} | ({"description": description} if description else {})

    def _status(self, entry: Entry, metadata: dict[str, Any], above: str | None) -> tuple[str | None, str | None]:
        field = entry.take("status", "state")
        box = _BOX.match(entry.head.strip())
        if field is None:
            said = ("completed" if box[1].strip(" -") else "active") if box else above
            return said, None
        written = plain(field.whole)
        first = re.split(r"\s*[(:,;–—]\s*|\s-\s", written)[0]
        said = words.ITEM_STATUSES.get(words.key(written)) or words.ITEM_STATUSES.get(words.key(first))
        if said is None:
            metadata["source_status"] = written
        elif written.lower() != said:
            self._telling.word(metadata, "status", written, said, entry.line)
        return said, written

    def _time(self, entry: Entry, metadata: dict[str, Any], *names: str) -> datetime | None:
        field = entry.take(*names)
        if field is None:
            return None
        at = self._telling.moment(metadata, field.name.lower(), field.whole, field.line)
        if at is None and not words.is_unknown(field.whole):
            metadata[field.name.lower()] = plain(field.whole)
            self._telling.warn("time_not_understood", field.line, plain(field.whole)[:80])
        return at

    def _links(self, entry: Entry, title: str) -> tuple[ImportedLink, ...]:
        """The parent that is named; else, for a heading, the one above that is less indented."""
        field = entry.take("parent", "part of")
        while self._above and self._above[-1][0] >= entry.indent:
            self._above.pop()
        if field is not None and not words.is_unknown(field.whole):
            name = plain(field.whole)
            return (self._link(name),) if name != title else ()
        if self._above and field is None and _stands_in_a_tree(entry):
            return (self._link(self._above[-1][1]),)
        return ()

    def _link(self, parent: str) -> ImportedLink:
        to = self._telling.identify(parent)
        return ImportedLink(kind="parent", to_id=to, to=parent, word="parent", made=self._telling.mark())

    def _numbers(self, entry: Entry, fields: dict[str, Any], metadata: dict[str, Any]) -> None:
        if field := entry.take("pr", "prs", "pull request", "pull requests"):
            numbers = [int(number) for number in re.findall(r"\d{1,9}", field.whole)]
            fields["pr_numbers"] = tuple(dict.fromkeys(number for number in numbers if number))
        if field := entry.take("priority"):
            word = plain(field.whole)
            meant = words.PRIORITIES.get(words.key(word))
            fields |= {"priority": meant} if meant else {}
            self._telling.word(metadata, "priority", word, meant, field.line)


def _stands_in_a_tree(entry: Entry) -> bool:
    return entry.is_heading or is_record(entry.head.strip())


def _short(head: str, entry: Entry) -> tuple[str, str | None]:
    """A title, and the whole text where the title is only its beginning."""
    bold = re.match(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*:?\s*(.*)$", head)
    if bold and not entry.is_heading:
        return plain(bold[1]).rstrip(":"), plain(bold[2]) or None
    whole = plain(head).rstrip(":")
    if len(whole) <= LONGEST_TITLE:
        return whole, None
    sentence = re.split(r"(?<=[.!?])\s", whole)[0]
    if len(sentence) <= LONGEST_TITLE:
        return sentence, whole
    return whole[: LONGEST_TITLE - 3].rsplit(" ", 1)[0] + "...", whole


def _description(entry: Entry) -> str | None:
    """Everything below the first line that became no field of its own."""
    parts = [
        f"{field.name}: {field.value}".rstrip() + "".join(f"\n- {line}" for line in field.below)
        for field in entry.fields.values()
    ]
    parts = [*(line for line in entry.below), *parts]
    return "\n".join(parts) or None
