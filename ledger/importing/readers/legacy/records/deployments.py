"""Deployments of legacy files: a heading with a date and a pull request, a list item, a row, or one section."""

import re
from datetime import datetime
from typing import Any

from ledger.importing.commands import ImportedDeployment
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.addresses import addresses, with_addresses
from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry, WrittenField
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import plain, unmarked
from ledger.importing.readers.words.written_state import key, state_in
from ledger.importing.readers.words.written_time import written_time
from ledger.values.moment import parse, text

_PULL_REQUEST = re.compile(r"\b(?:PR|MR|pull request)\s*[:#]?\s*#?(\d{1,9})\b|(?<![\w#])#(\d{1,9})\b", re.IGNORECASE)
_HASH = re.compile(r"`([0-9A-Za-z]{4,64})`|\b(?=[0-9a-f]*\d)([0-9a-f]{7,64})\b")
_ADDRESS = re.compile(r"https?://\S+/(?:pull|pulls|merge_requests|pullrequests?)/(\d{1,9})\S*")
FULL_HASH = 40  # digits
_GROUP = re.compile(
    r"(?:earlier|older|recent|previous|last|this|production|staging|archived?)(?: .*)?|deployments?(?: .*)?"
    r"|(?:[^\W\d]+ )?\d{4}|q[1-4] \d{4}|\d{4} (?:\d{2}|q[1-4])|week .*"
)
_COUNT = re.compile(r"(?:^|[,;])\s*([^\W\d][\w .-]*?)\s*[:=]\s*(\d{1,9})\s*(?=$|[,;(])")
_PAIR = re.compile(r"\b(\d{1,9})\s+([^\W\d][\w-]*)")


def is_record(line: str) -> bool:
    return _PULL_REQUEST.search(line) is not None and written_time(line) is not None


def is_group(title: str) -> bool:
    """Whether a heading only says of when, or where, the deployments below it are."""
    return _GROUP.fullmatch(key(re.sub(r"\(.*?\)", "", title))) is not None


GRAMMAR = Grammar(
    is_group,
    is_record,
    ("title", "change", "changes", "description", "summary", "what", "release", "name", "pr title"),
)


def take(entry: WrittenEntry, legacy: LegacyFile) -> None:
    metadata: dict[str, Any] = {}
    links, reader = addresses(entry), _Fields(entry, metadata, legacy)
    fields = reader.read()
    number, commit, at = fields.get("pr_number"), fields.get("commit_hash"), fields.get("deployed_at")
    if number is None and commit is None and at is None:
        legacy.refuse("deployment_not_understood", entry.line, entry.head)
        return
    legacy.reading.found += 1
    if at is None and not metadata.keys() & {"source_deployed_at", "date"}:
        legacy.warn("no_time_known", entry.line, entry.head[:80])
    name = f"#{number} {commit or ''}".strip() if number is not None else commit or str(at)
    vendors = _names(entry.take("vendors", "vendor", "affected vendors", "vendors affected"))
    items = _names(entry.take("work items", "work item", "tasks", "work_items", "items"))
    for field in entry.fields.values():
        metadata[re.sub(r"\W+", "_", field.name.lower()).strip("_")] = _list_or_text(field)
    if notes := [unmarked(line) for line in entry.prose if line != reader.line_of_number]:
        metadata["notes"] = notes
    if entry.blocks:
        metadata["code"] = entry.blocks
    attribution = legacy.attribution(_moment_of(at))
    legacy.reading.deployments.append(
        ImportedDeployment(
            external_id=legacy.name("deployment", name, entry.line),
            fields=with_addresses(fields | ({"metadata": metadata} if metadata else {}), links),
            created=attribution,
            changed=attribution,
            vendors=vendors,
            work_items=tuple(item.lstrip("#") for item in items),
        )
    )


class _Fields:
    def __init__(self, entry: WrittenEntry, metadata: dict[str, Any], legacy: LegacyFile) -> None:
        self._entry, self._metadata, self._legacy = entry, metadata, legacy
        self._found: dict[str, Any] = {}
        self.line_of_number: str | None = None

    def read(self) -> dict[str, Any]:
        state, head = state_in(self._entry.head)
        left = self._head(head)
        if state is not None:
            self._metadata["source_status"] = state.written
            self._legacy.warn("text_kept", self._entry.line, f"status: {state.written[:80]}")
        take = self._entry.take
        if field := take("pr", "pull request", "pr number", "pr_number"):
            self._pull_request(field)
        elif "pr_number" not in self._found:
            self._number_below()
        if field := take("date", "deployed", "deployed at", "deployed_at", "time", "when"):
            self._when(field.full_text, field.line)
        if field := take("commit", "commit hash", "hash", "commit_hash", "sha", "merge commit"):
            self._commit(field)
        if field := take("title", "pr title", "pr_title"):
            self._found["pr_title"] = plain(field.full_text)
        if field := take("tests", "test summary", "test results", "test_summary"):
            self._tests(field)
        if field := take("constitutional compliance", "constitutional_compliance", "compliance", "constitutional"):
            self._compliance(field)
        if field := take("environment", "env"):
            self._found["environment"] = plain(field.full_text)
        if left and "pr_title" not in self._found:
            self._found["pr_title"] = left
        elif left:
            self._metadata["heading"] = left
        return self._found

    def _head(self, head: str) -> str:
        """Time, number and commit out of the first line; answers what is left: a title, if anything."""
        if found := written_time(head):
            self._when(head, self._entry.line)
            head = head.replace(found.spelling, " ", 1)
        if number := _PULL_REQUEST.search(head):
            self._found["pr_number"] = int(number[1] or number[2])
            head = f"{head[: number.start()]} {head[number.end() :]}"
        if commit := max(_HASH.finditer(head), key=_likeness, default=None):
            self._found["commit_hash"] = (commit[1] or commit[2]).lower()
            head = f"{head[: commit.start()]} {head[commit.end() :]}"
        return words.tidy(plain(head))

    def _when(self, written: str, line: int) -> None:
        """The time, if it is certain; what is not is named and kept."""
        at = self._legacy.moment(self._metadata, "deployed_at", written, line)
        if at is not None:
            self._found["deployed_at"] = text(at)
        elif written_time(written) is None:
            self._metadata["date"] = plain(written)
            self._legacy.warn("time_not_understood", line, plain(written)[:80])

    def _number_below(self) -> None:
        """Out of the first line below that begins with one: `- PR #5: Hang the door`."""
        for line in self._entry.prose:
            if number := _PULL_REQUEST.match(plain(line)):
                self.line_of_number = line
                self._found["pr_number"] = int(number[1] or number[2])
                if title := words.tidy(plain(line)[number.end() :]):
                    self._found["pr_title"] = title
                return

    def _pull_request(self, field: WrittenField) -> None:
        field.value = _ADDRESS.sub(r"#\1", field.value)
        number = re.search(r"\d{1,9}", field.full_text)
        if number is None:
            self._metadata["pr"] = plain(field.full_text)
            return
        self._found["pr_number"] = int(number[0])
        left = words.tidy(plain(field.full_text.replace(number[0], " ", 1)).replace("#", " "))
        if re.sub(r"\bPR\b", "", left, flags=re.IGNORECASE).strip():
            self._found["pr_title"] = left

    def _commit(self, field: WrittenField) -> None:
        """The hash as it is found, also one that is none; a hash that is one is lower-cased."""
        written = plain(field.full_text)
        if words.is_unknown(written):
            return
        token, _, more = written.partition(" ")
        token = token.rstrip("/").rpartition("/")[2]  # of an address the last part
        self._found["commit_hash"] = token.lower() if re.fullmatch(r"[0-9A-Fa-f]+", token) else token
        if words.tidy(more):
            self._metadata["commit_note"] = words.tidy(more)

    def _tests(self, field: WrittenField) -> None:
        """`k: v` pairs, else `v k` pairs; of `a/b passed` both counts."""
        written = words.ungrouped(plain(", ".join([part for part in (field.value, *field.below) if part])))
        if words.is_unknown(written):
            return
        counts = {name.strip(): int(count) for name, count in _COUNT.findall(written)}
        if not counts:
            ratio = re.search(r"(?<![\d/])(\d{1,9})\s*(?:/|of)\s*(\d{1,9})(?![\d/])", written)
            if ratio:
                counts = {"passed": int(ratio[1]), "total": int(ratio[2])}
                written = f"{written[: ratio.start()]} {written[ratio.end() :]}"
            counts |= {name.lower(): int(count) for count, name in _PAIR.findall(written)}
        if counts:
            self._found["test_summary"] = counts
        left = words.tidy(re.sub(r"\([^()]*\)", " ", _PAIR.sub(" ", _COUNT.sub(",", written))))
        if not counts or re.search(r"\d", left):
            self._metadata["tests"] = written
            self._legacy.warn("text_kept", field.line, f"tests: {written[:80]}")

    def _compliance(self, field: WrittenField) -> None:
        verdict = words.verdict(re.sub(r"[*_`]", "", field.full_text))
        if verdict is not None:
            self._found["constitutional_compliance"] = verdict
        elif not words.is_unknown(field.full_text):
            self._metadata["compliance"] = plain(field.full_text)
            self._legacy.warn("text_kept", field.line, f"compliance: {field.full_text[:80]}")


def _likeness(found: re.Match[str]) -> tuple[bool, bool]:
    """How much it looks like a commit among all that might be one; of equals the first counts."""
    written = found[1] or found[2]
    return len(written) == FULL_HASH and not re.search("[^0-9A-Fa-f]", written), found[1] is not None


def _names(field: WrittenField | None) -> tuple[str, ...]:
    if field is None:
        return ()
    parts = [plain(part).strip(" .") for part in re.split(r"[,;]", ",".join([field.value, *field.below]))]
    return tuple(dict.fromkeys(part for part in parts if not words.is_unknown(part)))


def _list_or_text(field: WrittenField) -> Any:
    lines = [unmarked(line) for line in field.below]
    return [*([unmarked(field.value)] if field.value else []), *lines] if lines else unmarked(field.value)


def _moment_of(at: str | None) -> datetime | None:
    return parse(at) if at else None
