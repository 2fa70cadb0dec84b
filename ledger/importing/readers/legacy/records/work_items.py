"""Work items of legacy files: a heading with fields, a list item with a box, or a place on a board."""

import re
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ImportedItem, ImportedLink
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.addresses import addresses, with_addresses
from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry, field_of
from ledger.importing.readers.legacy.kinds import in_another_language, listed_state
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import plain
from ledger.importing.readers.reading import take as keep
from ledger.importing.readers.words.written_state import BOX, WORDS, WrittenState, key, state_in, state_of
from ledger.importing.readers.words.written_time import written_time
from ledger.values.states import FINISHED, Category, State

LONGEST_TITLE = 200  # characters
EMPTY_BOXES = ("[ ]", "[]")
LEFT_OPEN = ("active", "review", "waiting")  # what a heading above says, and an empty box does not deny
_TYPE = re.compile(r"\s*[(\[]([^()\[\]]{1,40})[)\]]\s*$")
BLOCKED_BY = ("blocked by", "blocked on", "blocker", "blockers", "waiting for", "waiting on", "waits for")
BOARD_FIELDS = {"status", "type", "started", "completed", "created", "branch", "parent"}
_GROUPED = re.compile(r"(?: (?:work )?items?| work| tasks?| to ?dos?| steps?| actions?)$")
_FACTS = """
    status, overall status, current status, state, milestone, goal, phase, current phase, version, branch, date, owner,
    last updated, updated, environment, parallelism, progress, stage, sprint, current sprint, deadline, commit, health,
    repository, confidence, current focus, focus
"""
FACTS = frozenset(name.strip() for name in _FACTS.split(","))  # what is true of the whole, in a list of work
DONE_FIELDS = ("done", "complete", "done?", "finished", "✓", "✔", "✅")


def is_record(text: str) -> bool:
    """A line with a box is a work item wherever it stands."""
    return BOX.match(text) is not None


def is_group(title: str) -> bool:
    """Whether a heading names a state or a type of the items below it."""
    bare = key(re.sub(r"\(.*?\)|\d+", "", title))
    return (
        bare in WORDS
        or in_another_language(title) is not None
        or bare.removesuffix("s") in words.ITEM_TYPES
        or bare in ("work items", "tasks")
        or _GROUPED.sub("", bare) in WORDS
        or (listed_state(title) == "planned" and bare.startswith("next"))
    )


def is_fact(entry: WrittenEntry) -> bool:
    """Whether a list item says something of the whole: `- **Milestone:** the second`."""
    named = field_of(entry.head) if entry.is_list_item else None
    return named is not None and key(named[0]) in FACTS


GRAMMAR = Grammar(
    is_group,
    is_record,
    ("title", "task", "tasks", "work item", "item", "name", "feature", "description", "what"),
)


def is_board_entry(entry: WrittenEntry) -> bool:
    return bool(BOARD_FIELDS & entry.fields.keys())


class Items:
    """The work items of one file, in their order; a parent is named by its title, or stands less indented above."""

    def __init__(self, legacy: LegacyFile) -> None:
        self._legacy = legacy
        self._above: list[tuple[int, str]] = []  # indents and ids of the headings that an item may belong to

    def take(self, entry: WrittenEntry, *, above: Category | None = None, at: datetime | None = None) -> None:
        """`above` and `at` are what the heading above says, for an entry that does not say it itself."""
        if is_fact(entry):
            self._legacy.warn("left_to_its_author", entry.line, entry.head[:80])
            return
        metadata = dict[str, Any]()
        found = addresses(entry)
        state, head = state_in(entry.head)
        title, fields = self._titled(entry, head, metadata)
        if not title:
            self._legacy.refuse("work_item_without_a_title", entry.line, entry.head)
            return
        state_of_item = _unless_blocked(entry, self._state(entry, state, above, metadata))
        created = self._time(entry, metadata, "created", "created at", "started", "date")
        finished = self._time(entry, metadata, "completed", "finished", "completed at", "updated", "last updated")
        finished = finished or self._end(state, metadata, entry.line)
        links = self._links(entry, title)
        fields |= self._more_fields(entry, metadata)
        fields = with_addresses(fields | ({"metadata": metadata} if metadata else {}), found)
        item = self._item(entry, title, fields, links)
        self._legacy.reading.found += 1
        keep(
            self._legacy.reading,
            self._with_state_and_times(item, state_of_item, created, finished, at),
            self._legacy.imported_at,
        )

    def _item(
        self, entry: WrittenEntry, title: str, fields: dict[str, Any], links: tuple[ImportedLink, ...]
    ) -> ImportedItem:
        external_id = self._legacy.name("item", title, entry.line)
        if _is_in_a_tree(entry):
            self._above.append((entry.indent, external_id))
        attribution = self._legacy.attribution()
        identifier = self._legacy.identify(external_id)
        return ImportedItem(
            id=identifier, external_id=external_id, fields=fields, created=attribution, changed=attribution, links=links
        )

    def _with_state_and_times(
        self,
        item: ImportedItem,
        state: State | None,
        created: datetime | None,
        finished: datetime | None,
        at: datetime | None,
    ) -> ImportedItem:
        """The item with its state and times, as far as it or the heading above says them."""
        attribution, ended = self._legacy.attribution, finished or at
        last = attribution(max(filter(None, (created, finished, at)), default=None))
        is_over = state is not None and state.category in FINISHED
        return replace(
            item,
            created=attribution(created or ended),
            changed=last,
            settled=attribution(ended) if is_over and ended else None,
            **words.of_item(state),
        )

    def _more_fields(self, entry: WrittenEntry, metadata: dict[str, Any]) -> dict[str, Any]:
        fields = dict[str, Any]()
        branch = entry.take("branch", "branch name")
        if branch and not words.is_unknown(plain(branch.full_text)):
            fields["branch_name"], _, remark = plain(branch.full_text).partition(" ")
            metadata |= {"branch_note": remark.strip()} if remark.strip() else {}
        for name in ("assignee", "owner"):
            if (person := entry.take(name)) and not words.is_unknown(person.full_text):
                fields["assignee"] = plain(person.full_text)
        self._numbers(entry, fields, metadata)
        if number := entry.take("#", "no", "nr", "no."):
            metadata["number"] = number.full_text
        if text := _description(entry):
            fields["description"] = text
        return fields

    def _titled(self, entry: WrittenEntry, head: str, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = entry.take("type", "item type")
        written = plain(kind.full_text) if kind else None
        found = _TYPE.search(head) if written is None else None
        if found and key(found[1]) in words.ITEM_TYPES:
            written, head = found[1], head[: found.start()]
        item_type = words.ITEM_TYPES.get(key(written or "task"), "task")
        if written is not None and written.lower() != item_type:
            self._legacy.word(metadata, "type", written, item_type, entry.line)
        title, description = _short(head, entry)
        return title, {"item_type": item_type, "title": title} | ({"description": description} if description else {})

    def _state(
        self, entry: WrittenEntry, state: WrittenState | None, above: Category | None, metadata: dict[str, Any]
    ) -> State | None:
        """The state by the item's own field, else by what stands in its title, else by the heading above.

        What is not understood waits, unless it is a picture behind an empty box: that says it is to be done.
        """
        field = entry.take("status", "state", "progress")
        stated = (state_of(field.full_text) if field else None) or self._ticked(entry) or state
        if stated is None or (above in LEFT_OPEN and stated.is_plain and stated.category == "planned"):
            return words.OF_ITEMS[above] if above else None
        meant = words.item_state(stated)
        self._legacy.state(metadata, stated, meant.name if meant else None, entry.line)
        if meant is None and stated.written.startswith(EMPTY_BOXES):
            return words.OF_ITEMS["planned"]
        return meant or words.NOT_UNDERSTOOD

    def _ticked(self, entry: WrittenEntry) -> WrittenState | None:
        """What a column like `Done` says, by a sign or by yes and no."""
        field = entry.take(*DONE_FIELDS)
        if field is None:
            return None
        ticked = words.verdict(field.full_text)
        category: Category | None = "done" if ticked else "planned" if ticked is False else None
        return WrittenState(field.full_text, category) if category else state_of(field.full_text)

    def _end(self, state: WrittenState | None, metadata: dict[str, Any], line: int) -> datetime | None:
        """When it came to the state of which its title tells: `Ship it (done 2026-07-01)`."""
        return self._legacy.moment(metadata, "completed", state.written, line) if state else None

    def _time(self, entry: WrittenEntry, metadata: dict[str, Any], *names: str) -> datetime | None:
        field = entry.take(*names)
        if field is None:
            return None
        at = self._legacy.moment(metadata, field.name.lower(), field.full_text, field.line)
        if at is None and not words.is_unknown(field.full_text):
            metadata[field.name.lower()] = plain(field.full_text)
            if written_time(field.full_text) is None:
                self._legacy.warn("time_not_understood", field.line, plain(field.full_text)[:80])
        return at

    def _links(self, entry: WrittenEntry, title: str) -> tuple[ImportedLink, ...]:
        """The parent that is named; else, for a heading, the one above that is less indented."""
        field = entry.take("parent", "part of")
        while self._above and self._above[-1][0] >= entry.indent:
            self._above.pop()
        if field is not None and not words.is_unknown(field.full_text):
            name = plain(field.full_text)
            return (self._link(name),) if name != title else ()
        if self._above and field is None and _is_in_a_tree(entry):
            return (self._link(self._above[-1][1]),)
        return ()

    def _link(self, parent: str) -> ImportedLink:
        to = self._legacy.identify(parent)
        return ImportedLink(kind="parent", to_id=to, to=parent, word="parent", made=self._legacy.attribution())

    def _numbers(self, entry: WrittenEntry, fields: dict[str, Any], metadata: dict[str, Any]) -> None:
        if field := entry.take("pr", "prs", "pull request", "pull requests"):
            numbers = [int(number) for number in re.findall(r"\d{1,9}", field.full_text)]
            fields["pr_numbers"] = tuple(dict.fromkeys(number for number in numbers if number))
        if field := entry.take("priority"):
            word = plain(field.full_text)
            priority = words.PRIORITIES.get(key(word))
            fields |= {"priority": priority} if priority else {}
            self._legacy.word(metadata, "priority", word, priority, field.line)


def _unless_blocked(entry: WrittenEntry, state: State | None) -> State | None:
    """What is to be done and names what it is blocked by waits; the words stay among its description."""
    blockers = [field for name in BLOCKED_BY if (field := entry.fields.get(name))]
    is_blocked = any(not words.is_unknown(plain(field.full_text)) for field in blockers)
    return words.OF_ITEMS["waiting"] if is_blocked and state in (None, words.OF_ITEMS["planned"]) else state


def _is_in_a_tree(entry: WrittenEntry) -> bool:
    return entry.is_heading or is_record(entry.head.strip())


def _short(head: str, entry: WrittenEntry) -> tuple[str, str | None]:
    """A title, and the whole text where the title is only its beginning."""
    bold = re.match(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*:?\s*(.*)$", head)
    if bold and not entry.is_heading:
        return plain(bold[1]).rstrip(":："), plain(bold[2]) or None
    whole = plain(head).rstrip(":：")
    if len(whole) <= LONGEST_TITLE:
        return whole, None
    sentence = re.split(r"(?<=[.!?])\s", whole)[0]
    if len(sentence) <= LONGEST_TITLE:
        return sentence, whole
    return whole[: LONGEST_TITLE - 3].rsplit(" ", 1)[0] + "...", whole


def _description(entry: WrittenEntry) -> str | None:
    """Everything below the first line that became no field of its own."""
    parts = [
        f"{field.name}: {field.value}".rstrip() + "".join(f"\n- {line}" for line in field.below)
        for field in entry.fields.values()
    ]
    parts = [*(line for line in entry.below), *parts]
    return "\n".join(parts) or None
