"""Enhancements of legacy files: a title with priority and quarter around it, or in fields below it."""

import re
from typing import Any

from ledger.importing.commands import ImportedEnhancement
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.addresses import addresses, with_addresses
from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import plain, unmarked
from ledger.importing.readers.words.written_state import WORDS, WrittenState, key, state_in, state_of

_NAMED = re.compile(r"\b(?:priority|prio)\s*[:=]?\s*(P?[0-5]|critical|high|medium|low)\b", re.IGNORECASE)
_LEVEL = re.compile(r"(?<![\w-])\[?(P[0-4])\]?(?![\w-])")
_BEFORE = re.compile(r"\b(critical|high|medium|low)[ -]priority\b", re.IGNORECASE)
_BARE = re.compile(r"(?<=[(\[,;|/])\s*(critical|high|medium|low)\s*(?=[)\],;|/]|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_STATUS = "|".join(sorted((word.replace(" ", "[ _-]") for word in words.ENHANCEMENT_STATUSES), key=len, reverse=True))
_STATUS_WORD = re.compile(rf"(?:\bstatus\s*[:=]\s*)?\b({_STATUS})\b", re.IGNORECASE)
_TARGET = re.compile(r"\b(?:target(?: quarter)?|quarter|due|planned for)\s*[:=]?\s*$", re.IGNORECASE)
_GROUP = re.compile(
    r"(?:p[0-4]|critical|high|medium|low|priority|prio|q[1-4]|\d{4}|future|planned|other|and|or|enhancements?|items?|"
    r"ideas|approved|implementing|completed|dropped|deferred|in progress|blocked|backlog|[\s&/,:()-])+"
)


def is_record(text: str) -> bool:
    return bool((_NAMED.search(text) or _LEVEL.search(text) or words.quarter(text)) and re.search(r"[^\W\d]{3}", text))


def is_group(title: str) -> bool:
    """Whether a heading names a priority, a quarter or a status, and nothing else."""
    return _GROUP.fullmatch(re.sub(r"\(\d+(?: \w+)?\)", "", title.lower()).strip()) is not None


GRAMMAR = Grammar(
    is_group,
    is_record,
    ("title", "enhancement", "feature", "name", "item", "idea", "what", "description"),
)


def take(entry: WrittenEntry, legacy: LegacyFile) -> None:
    links = addresses(entry)
    title, fields, metadata = _Found(entry, legacy).read()
    if not title:
        legacy.refuse("enhancement_without_a_title", entry.line, entry.head)
        return
    legacy.reading.found += 1
    attribution = legacy.attribution()
    legacy.reading.enhancements.append(
        ImportedEnhancement(
            external_id=legacy.name("enhancement", title, entry.line),
            fields=with_addresses({"title": title} | fields | ({"metadata": metadata} if metadata else {}), links),
            created=attribution,
            changed=attribution,
        )
    )


class _Found:
    def __init__(self, entry: WrittenEntry, legacy: LegacyFile) -> None:
        self._entry, self._legacy = entry, legacy
        self._fields: dict[str, Any] = {}
        self._metadata: dict[str, Any] = {}

    def read(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        entry, take = self._entry, self._entry.take
        if field := take("priority", "prio"):
            self._priority(field.full_text)
        if field := take("target quarter", "target_quarter", "quarter", "target", "timeline", "due"):
            self._quarter(field.full_text)
        state, head = state_in(entry.head)
        if field := take("status", "state", "done", "progress", ""):
            self._status(state_of(field.full_text))
        elif state is not None and not (state.is_plain and state.category == "planned"):
            self._status(state)
        if field := take("description", "details", "summary", "what"):
            self._fields["description"] = plain(field.full_text)
        if field := take("constitutional principles", "principles", "constitutional_principles"):
            parts = re.split(r"[,;]", ",".join([field.value, *field.below]))
            self._fields["principles"] = tuple(plain(part) for part in parts if plain(part))
        title = self._title(head)
        self._from_group()
        for left in entry.fields.values():
            self._metadata[re.sub(r"\W+", "_", left.name.lower()).strip("_")] = unmarked(left.full_text)
        sentences = " ".join(filter(None, (self._fields.get("description"), *map(plain, entry.prose))))
        if text := "\n".join(filter(None, (sentences, entry.blocks))):
            self._fields["description"] = text
        return title, self._fields, self._metadata

    def _title(self, head: str) -> str:
        """Takes priority, quarter and status out of the first line, where they stand apart from the title."""
        for pattern in (_NAMED, _LEVEL, _BEFORE, _BARE):
            found = pattern.search(head)
            if found and "priority" not in self._fields and "source_priority" not in self._metadata:
                self._priority(found[1])
                head = f"{head[: found.start()]} {head[found.end() :]}"
        if "target_quarter" not in self._fields and (when := words.quarter(head)):
            start = head.index(when[1])
            self._quarter(when[1])
            head = f"{_TARGET.sub('', head[:start])} {head[start + len(when[1]) :]}"
        for bracket in _BRACKETED.finditer(head):
            if "status" not in self._fields and (found := _STATUS_WORD.search(bracket[1])):
                self._status(WrittenState(found[1], WORDS.get(key(found[1]))))
                at = bracket.start(1)
                head = f"{head[: at + found.start()]} {head[at + found.end() :]}"
                break
        bold = re.match(r"\W*(?:\*\*|__)(.+?)(?:\*\*|__)\s*[:–—-]?\s*(.*)$", head)
        if bold and words.tidy(plain(bold[1])):
            rest = words.tidy(plain(bold[2]))
            if rest:
                self._fields.setdefault("description", rest)
            return words.tidy(plain(bold[1]))
        return words.tidy(plain(words.tidy(head)))

    def _from_group(self) -> None:
        """What the heading above says, where the entry itself does not."""
        group = self._entry.group
        if "priority" not in self._fields and "source_priority" not in self._metadata:
            found = re.search(r"\b(p[0-4]|critical|high|medium|low)\b", group, re.IGNORECASE)
            if found:
                self._priority(found[1])
        if "target_quarter" not in self._fields and words.quarter(group):
            self._quarter(group)

    def _priority(self, written: str) -> None:
        word = words.tidy(plain(written))
        first = re.search(r"(?<!\w)(p?[0-5]|critical|high|medium|low)(?!\w)", word, re.IGNORECASE)
        priority = words.PRIORITIES.get(first[1].lower()) if first else None
        if priority is not None:
            self._fields["priority"] = priority
        if priority is None and not words.is_unknown(word):
            self._metadata["source_priority"] = word
            self._legacy.warn("unknown_priority", self._entry.line, word[:80])
        elif priority is not None and word != str(priority):
            self._legacy.word(self._metadata, "priority", word, priority, self._entry.line)

    def _quarter(self, written: str) -> None:
        found = words.quarter(written)
        if found is None:
            if not words.is_unknown(written):
                self._metadata["source_target_quarter"] = plain(written)
                self._legacy.warn("quarter_not_understood", self._entry.line, plain(written)[:80])
            return
        self._fields["target_quarter"] = found[0]
        if found[1] != found[0]:
            self._legacy.word(self._metadata, "target_quarter", found[1], found[0], self._entry.line)

    def _status(self, state: WrittenState | None) -> None:
        if state is None:
            return
        status = words.ENHANCEMENT_STATUSES.get(key(state.written))
        status = status or (words.OF_ENHANCEMENTS[state.category] if state.category else None)
        self._fields |= {"status": status} if status else {}
        self._legacy.state(self._metadata, state, status, self._entry.line)
