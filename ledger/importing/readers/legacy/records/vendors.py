"""Vendors of legacy files: a line each, a few lines, a heading with fields, or a row of a table."""

import re
from typing import Any

from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.vendor.state import FORMATS
from ledger.importing.commands import ImportedVendor
from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.addresses import addresses, with_addresses
from ledger.importing.readers.legacy.entries import Grammar, WrittenEntry, WrittenField, split_long
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import plain, unmarked
from ledger.importing.readers.words.written_state import STRIKE, WrittenState, key, state_before, state_of

_STATUS = re.compile(
    r"(?<![\w-])(not[ _-]operational|non[ _-]operational|ready[ _-]for[ _-]production|in[ _-]development|operational"
    r"|broken|planned|deprecated)(?![\w-])",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"no[nt][ _-]operational", re.IGNORECASE)
_BRACKETS = re.compile(r"\[([^\]\[]*)\]")
_FORMAT = re.compile(
    r"\b(no |without )?(excel|xlsx|xls|csv|pdf|ocr)\b(?:\s*[:=]?\s*(✓|✔|✅|☑|✗|✘|❌|✕|✖|yes\b|no\b|true\b|false\b))?",
    re.IGNORECASE,
)
_MARKED = re.compile(r"([✓✔✅☑✗✘❌✕✖])\ufe0f?\s*(excel|xlsx|xls|csv|pdf|ocr)\b", re.IGNORECASE)
_MARK_FIRST = re.compile(
    r"^(?:(?!\b(?:excel|xlsx?|csv|pdf|ocr)\b).)*[✓✔✅☑✗✘❌✕✖]\ufe0f?\s*(?:excel|xlsx?|csv|pdf|ocr)\b", re.IGNORECASE
)
_VERSION = re.compile(
    r"\b(?:extractor\s+)?(?:version|ver\.?)\s*[:=]?\s*v?(\d[\w.+-]*)|(?<![\w.])v(\d[\w.+-]*)", re.IGNORECASE
)
_BARE_VERSION = re.compile(r"(?<![\w./-])(\d+\.\d+(?:\.\d+)?(?:[-+][\w.]+)?)(?![\w/.-])")
_MANIFEST = re.compile(
    r"\b(non[ -]|not )?manifest(?:[ _-]?(non-compliant|not compliant|compliant|compliance))?"
    r"\s*[:=]?\s*([^\w\s,;()\[\]|]+|(?:yes|no|true|false|ok)\b)?",
    re.IGNORECASE,
)
_PATH = re.compile(r"`([^`\s]*/[^`\s]*)`|(?<![\w/.-])((?:[\w.-]+/)+[\w.-]*)")
_OUTPUT = re.compile(
    r"\boutput(?:[ _-]?type)?\s*[:=]?\s*(single|dual)\b|\b(single|dual)(?:[ -]output)?\b", re.IGNORECASE
)
_EXTRACTOR = re.compile(r"\bextractor(?: path)?\s*[:=]?\s*$", re.IGNORECASE)
_LABEL = re.compile(r"\b(?:formats?|supports?|status|tests?|version|manifest)\s*[:=]?\s*(?=$|[,;|(\[])", re.IGNORECASE)
_GROUP = re.compile(r"(?:.* )?vendors(?: .*)?|(?:active|inactive|" + "|".join(words.VENDOR_STATUSES) + ")(?: vendor)?")
_FIELDS = frozenset(
    """status,state,tests,test results,tests passing,test status,results,passing,total,skipped,formats,format,
    format support,supported formats,excel,csv,pdf,ocr,version,extractor version,manifest,manifest compliant,
    manifest compliance,extractor,extractor path,path,output,output type,note,notes""".replace("\n    ", "").split(",")
)
BAR = "\ue000"  # stands for a pipe that is part of a name
_COLON = re.compile(r"\s*(?:：|:(?=\s|$|\*|operational|broken|planned|deprecated|in.dev|ready))", re.IGNORECASE)
_NAME_END = re.compile(r"\s+[-–—|→=]+\s+|\s*(?=[(\[])|\s+(?=[✓✔✅☑✗✘❌✕✖🟢🔴])")
_BOLD = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)\s*(?P<colon>[:：]?)\s*(?P<rest>.*)$")


def is_record(text: str) -> bool:
    """Whether a line outside any list reads like a vendor, and not like a field of one."""
    named = re.match(r"([^:：]{1,100})(?::\s|：)", text)
    if named is None or key(named[1]) in _FIELDS:
        return False
    return bool(_STATUS.search(text) or words.results(text))


def is_group(title: str) -> bool:
    """Whether a heading names a kind of vendors, not one of them."""
    bare = key(re.sub(r"\(.*?\)|\d+", "", title))
    return _GROUP.fullmatch(bare) is not None


GRAMMAR = Grammar(
    is_group,
    is_record,
    ("vendor", "vendors", "name", "vendor name", "supplier", "company", "bank"),
)


def take(entry: WrittenEntry, heading: str, legacy: LegacyFile) -> None:
    """`heading` says what is true of all below it, if anything."""
    state, head = state_before(entry.head)
    name, rest = _of_row(head) if entry.is_row else _split(head)
    if not name or (entry.is_row and key(name) in words.VENDOR_STATUSES):
        legacy.refuse("vendor_without_a_name", entry.line, entry.head)
        return
    if entry.is_without_head and not _is_of_vendor(entry, rest):
        legacy.refuse("row_of_no_vendor", entry.line, " | ".join([entry.head, *entry.prose]))
        return
    links, found = addresses(entry), _Found(entry, state, legacy)
    found.read(rest, entry.group or heading)
    legacy.reading.found += 1
    attribution = legacy.attribution()
    legacy.reading.vendors.append(
        ImportedVendor(
            name=name, fields=with_addresses(found.fields(), links), created=attribution, changed=attribution
        )
    )


def _is_of_vendor(entry: WrittenEntry, rest: str) -> bool:
    """Whether the cells beside a name, which no head explains, say anything that is said of vendors."""
    cells = [cell for cell in (rest, *entry.prose) if cell.strip()]
    return bool(entry.fields) or not cells or any(map(_says_something, cells))


def _says_something(cell: str) -> bool:
    state = state_of(words.tidy(plain(cell)))
    found = _STATUS.search(cell) or words.results(cell) or _FORMAT.search(cell) or _VERSION.search(cell)
    is_verdict = (
        words.verdict(cell) is not None or words.is_unknown(plain(cell)) or (state is not None and state.category)
    )
    return bool(found or is_verdict)


def _of_row(cell: str) -> tuple[str, str]:
    """The name in a cell, which is all of it unless it says something else of the vendor."""
    name, rest = _split(cell.replace("|", BAR))
    if _STATUS.search(rest) or words.results(rest) or _FORMAT.search(rest) or _VERSION.search(rest):
        return name.replace(BAR, "|"), rest.replace(BAR, "|")
    return plain(cell).strip(" :："), ""


def _split(head: str) -> tuple[str, str]:
    """The name, and what is said beside it."""
    bold = _BOLD.match(head)
    if bold and _is_name(bold):
        name, rest = bold[1], bold["rest"]
    elif bold:
        name, rest = _cut(bold[1])
        rest = f"{rest} {bold['rest']}"
    else:
        name, rest = _cut(head)
    return plain(name).strip(" :："), rest.strip()


def _is_name(bold: re.Match[str]) -> bool:
    """Whether all that is bold is the name, as a colon behind it says: `**Bank (EU)**: operational`."""
    has_state = (
        _STATUS.search(bold[1]) or words.results(bold[1]) or any(map(_FORMAT.search, _BRACKETS.findall(bold[1])))
    )
    return bool(bold["colon"]) and not has_state


def _cut(head: str) -> tuple[str, str]:
    """Cuts at the first colon that stands in no bracket, else at the first character that is no part of a name."""
    for colon in _COLON.finditer(head):
        before = head[: colon.start()]
        if before.count("(") == before.count(")"):
            return before, head[colon.end() :]
    end = _NAME_END.search(head)
    name, rest = (head[: end.start()], head[end.end() :]) if end else (head, "")
    status = _STATUS.search(name)
    if status and name[: status.start()].strip():
        name, rest = name[: status.start()], f"{name[status.start() :]} {rest}"
    return name, rest


class _Found:
    """What the texts of one entry say of a vendor: each part is taken out of the text, what is left is kept."""

    def __init__(self, entry: WrittenEntry, state: WrittenState | None, legacy: LegacyFile) -> None:
        self._entry, self._state = entry, state
        self._legacy = legacy
        self._metadata: dict[str, Any] = {}
        self._formats: dict[str, bool] = {}
        self._fields: dict[str, Any] = {}

    def read(self, rest: str, heading: str) -> None:
        entry = self._entry
        self._named_fields()
        texts, more = split_long([rest, *entry.prose])
        if entry.blocks:
            self._metadata["code"] = entry.blocks
            self._legacy.warn("text_kept", entry.line, f"code: {entry.blocks[:80]}")
        if more:
            self._metadata["text"] = more
        text = self._free_text(" ".join(texts).strip())
        if "status" not in self._fields and "source_status" not in self._metadata:
            text = self._status(text, heading)
        text = words.tidy(plain(text))
        if text.strip("*_~` "):
            self._metadata["note"] = text
            self._legacy.warn("text_kept", entry.line, text[:80])
        for field in entry.fields.values():
            self._metadata[_key(field.name)] = unmarked(field.full_text)

    def fields(self) -> dict[str, Any]:
        formats = {"format_support": dict.fromkeys(FORMATS, False) | self._formats} if self._formats else {}
        metadata = {"metadata": self._metadata} if self._metadata else {}
        return self._fields | formats | metadata

    def _named_fields(self) -> None:
        take = self._entry.take
        if (field := take("status", "state", "")) and (left := words.tidy(self._status(field.full_text, ""))):
            self._keep("status_note", left)
        if field := take("tests", "test results", "test_results", "tests passing", "test status", "results"):
            self._counts(field)
        for name in ("passing", "total", "skipped"):
            if field := take(name, f"tests {name}"):
                self._count(name, field)
        if field := take("formats", "format support", "supported formats", "format", "format_support"):
            self._list_of_formats(field.full_text.strip("[] "), explicit=True)
        for name in ("excel", "csv", "pdf", "ocr"):
            if (field := take(name)) and (verdict := words.verdict(field.full_text)) is not None:
                self._formats[name] = verdict
        field = take("version", "extractor version", "extractor_version")
        if field and not words.is_unknown(plain(field.full_text)):
            self._fields["extractor_version"] = plain(field.full_text).removeprefix("v")
        if field := take("manifest", "manifest compliant", "manifest_compliant", "manifest compliance"):
            self._manifest(field.full_text)
        if field := take("extractor", "extractor path", "extractor_path", "path"):
            self._metadata["extractor_path"] = plain(field.full_text)
        if field := take("output", "output type", "output_type"):
            self._metadata["output_type"] = plain(field.full_text).lower()

    def _free_text(self, text: str) -> str:
        text = self._brackets(text)
        paths = (found for found in _PATH.finditer(text) if re.search(r"[^\W\d]", found[0]))
        if "extractor_path" not in self._metadata and (path := next(paths, None)):
            self._metadata["extractor_path"] = path[1] or path[2]
            text = _EXTRACTOR.sub("", text[: path.start()]) + text[path.end() :]
        if "manifest_compliant" not in self._fields and (found := _MANIFEST.search(text)):
            verdict = False if found[1] or (found[2] or "").startswith("no") else words.verdict(found[3] or "compliant")
            self._fields |= {} if verdict is None else {"manifest_compliant": verdict}
            text = f"{text[: found.start()]} {text[found.end() :]}"
        if "extractor_version" not in self._fields and (found := _VERSION.search(text) or _BARE_VERSION.search(text)):
            self._fields["extractor_version"] = next(group for group in found.groups() if group).rstrip(".,")
            text = f"{text[: found.start()]} {text[found.end() :]}"
        if "test_results" not in self._fields and (counts := words.results(text)):
            self._fields["test_results"], text = counts
        if "output_type" not in self._metadata and (found := _OUTPUT.search(text)):
            self._metadata["output_type"] = (found[1] or found[2]).lower()
            text = f"{text[: found.start()]} {text[found.end() :]}"
        if not self._formats:
            text = self._list_of_formats(text, explicit=False)
        return _LABEL.sub(" ", text)

    def _status(self, text: str, heading: str) -> str:
        """Takes the status out of a text; a sign counts where no word does, the heading where neither does."""
        line, before = self._entry.line, self._state
        if found := _STATUS.search(text):
            negated = _NEGATED.fullmatch(found[0])
            status = "broken" if negated else words.VENDOR_STATUSES[key(found[0])]
            if negated or key(found[0]) != status:
                self._legacy.word(self._metadata, "status", found[0], status, line)
            elif before is not None and _vendor_status(before) not in (None, status):
                self._legacy.word(self._metadata, "status", f"{before.written} {found[0]}", status, line)
            self._fields["status"] = status
            return _without_marks(f"{text[: found.start()]} {text[found.end() :]}")
        signs = "".join(mark for mark in text if mark in words.YES + words.NO)
        if before is None and words.verdict(signs) is not None:
            self._by_sign(WrittenState(signs[0]))
            return _without_marks(text)
        if before is not None:
            self._by_sign(before)
            return text
        if (found := _STATUS.search(heading)) and key(found[0]) in words.VENDOR_STATUSES:
            self._fields["status"] = words.VENDOR_STATUSES[key(found[0])]
            return text
        return self._unknown_status(text)

    def _by_sign(self, state: WrittenState) -> None:
        status, line = _vendor_status(state), self._entry.line
        if status is None:
            self._metadata["source_status"] = state.written
            self._legacy.warn("state_not_understood", line, state.written[:80])
        else:
            self._fields["status"] = status
            self._legacy.word(self._metadata, "status", state.written, status, line)

    def _unknown_status(self, text: str) -> str:
        """What stands where a status does; a word for a state of work says how far it is."""
        word = words.tidy(plain(re.split(r"[,;(\[]", text)[0]))
        state = state_of(word)
        if state is None or words.is_unknown(word):
            return text
        self._by_sign(state)
        return text.replace(word, " ", 1)

    def _counts(self, field: WrittenField) -> None:
        found = words.results(plain(field.full_text))
        if found is None:
            self._keep("tests", field.full_text)
            return
        self._fields["test_results"], left = found
        if re.sub(r"\btests?\b|[()\s]", "", left):
            self._keep("tests_note", left)

    def _count(self, name: str, field: WrittenField) -> None:
        number = re.search(r"\d{1,9}", field.value)
        if number is None:
            self._keep(name, field.full_text)
            return
        known: TestResults = self._fields.get("test_results", TestResults())
        counts = {one: getattr(known, one) for one in known.__struct_fields__} | {name: int(number[0])}
        self._fields["test_results"] = TestResults(**counts)

    def _brackets(self, text: str) -> str:
        """Takes the first bracket that lists formats, or says that there are none."""
        for found in _BRACKETS.finditer(text):
            inner = found[1].strip()
            if not inner or inner.lower() in ("none", "-", "keine") or _FORMAT.search(inner):
                self._list_of_formats(inner, explicit=True)
                return f"{text[: found.start()]} {text[found.end() :]}"
        return text

    def _list_of_formats(self, text: str, *, explicit: bool) -> str:
        """What a list names is supported, unless it says no. In free text only the words of formats count."""
        if _MARK_FIRST.search(text) and len(_MARKED.findall(text)) > 1:  # a single mark is the status
            for found in _MARKED.finditer(text):
                self._formats[words.FORMATS[found[2].lower()]] = words.verdict(found[1]) is not False
            text = _MARKED.sub(" ", text)
        for found in _FORMAT.finditer(text):
            verdict = words.verdict(found[3]) if found[3] else None
            self._formats[words.FORMATS[found[2].lower()]] = verdict if verdict is not None else not found[1]
        if explicit:
            others = [word for word in re.split(r"[\s,;/|+&]+", _FORMAT.sub(" ", text)) if re.search(r"\w", word)]
            if not self._formats and (not others or others[0].lower() in ("none", "keine")):
                self._formats = dict.fromkeys(FORMATS, False)
            elif others:
                self._keep("other_formats", " ".join(others))
        elif not self._formats and re.search(r"\bnone\b", text, re.IGNORECASE):
            self._formats = dict.fromkeys(FORMATS, False)
            text = re.sub(r"\bnone\b", " ", text, count=1, flags=re.IGNORECASE)
        return _FORMAT.sub(" ", text)

    def _manifest(self, text: str) -> None:
        verdict = words.verdict(text)
        if verdict is not None:
            self._fields["manifest_compliant"] = verdict
        elif not words.is_unknown(text):
            self._keep("manifest", text)

    def _keep(self, name: str, text: str) -> None:
        if words.is_unknown(plain(text)):
            return
        self._metadata[name] = plain(text)
        self._legacy.warn("text_kept", self._entry.line, f"{name}: {plain(text)[:80]}")


def _vendor_status(state: WrittenState) -> str | None:
    """What a state means of a vendor; a box that is not ticked means nothing, and one that is struck out is gone."""
    if STRIKE in state.written:
        return words.OF_VENDORS["dropped"]
    verdict = words.verdict(state.written)
    if verdict is not None:
        return "operational" if verdict else "broken"
    return words.OF_VENDORS[state.category] if state.category and not state.is_plain else None


def _without_marks(text: str) -> str:
    return "".join(letter for letter in text if letter not in words.YES + words.NO and letter != "\ufe0f")


def _key(name: str) -> str:
    return re.sub(r"\W+", "_", plain(name).lower()).strip("_") or "field"
