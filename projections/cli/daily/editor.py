"""`edit` without options: an item as a text with front matter, opened in the editor, and what came back of it merged.

The text is kept among the working files until it is recorded: whatever is refused, nothing typed is lost, and the same
command opens it again. What another changed meanwhile is merged field by field; a field that both changed shows both.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ledger.errors import Invalid, LedgerError, Refused
from ledger.importing.readers.text.front_matter import FENCE, BrokenYaml, parse, split
from projections.cli.daily.shared.calls import perform
from projections.cli.reports.log import refs_in
from projections.cli.terminal.invocation import Invocation
from projections.cli.terminal.output import printable, remark

Fields = dict[str, Any]

SHORT = ("title", "status", "reason", "priority", "assignee", "parent", "tags", "notes")  # of the front matter
BODY = "description"
OURS, BETWEEN, THEIRS = "<<<<<<< yours", "=======", ">>>>>>> theirs"
_PLAIN = re.compile(r"[^\W\d_][\w .,/()'-]*(?<! )")
_WORDS = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)


def edit_text(invocation: Invocation, ref: str) -> Fields:
    """The receipt of what was changed in the editor; `unchanged` where nothing was."""
    item = perform(invocation, "query_work_item", id=ref)
    draft = _Draft(invocation.app.home / "edits", item["id"])
    base = draft.base()
    if base is None:
        base = _fields(invocation, item)
        draft.keep(_text(item, base, {}), base)
        before: str | None = draft.text()
    else:
        remark(f"continuing with the text that was not recorded, in {printable(draft.file)}", style="yellow")
        before = None  # it is to be recorded as it is, too
    try:
        return _recorded(invocation, item["id"], draft, base, before)
    except LedgerError as error:
        if draft.file.exists():
            kept = f"your text is kept: tracking-ledger edit {item['ref']} opens it again"
            error.next_step = f"{error.next_step}; {kept}" if error.next_step else kept
        raise


def _recorded(invocation: Invocation, entity_id: str, draft: "_Draft", base: Fields, before: str | None) -> Fields:
    while True:
        _open(draft.file)
        text = draft.text()
        item = perform(invocation, "query_work_item", id=entity_id)
        if text == before:
            draft.forget()
            return {**item, "unchanged": True}
        wanted, now = _read(text), _fields(invocation, item)
        mine = {name for name in wanted if wanted[name] != base.get(name)}
        both = sorted(name for name in mine if now[name] not in (base.get(name), wanted[name]))
        if not both:
            changed = {name: wanted[name] for name in mine if wanted[name] != now[name]}
            answered = _update(invocation, item, changed) if changed else {**item, "unchanged": True}
            draft.forget()
            return {**answered, "title": wanted.get("title", item["title"])}
        remark(f"{item['updated_by']} changed {', '.join(both)} too: both are in the text", style="yellow")
        merged = now | {name: wanted[name] for name in mine}
        draft.keep(_text(item, merged, {name: now[name] for name in both}), now)
        before, base = None, now


def _update(invocation: Invocation, item: Fields, changed: Fields) -> Fields:
    named = {{"parent": "parent_id"}.get(name, name): value for name, value in changed.items()}
    emptied = [name for name, value in named.items() if value is None]
    given = {name: value for name, value in named.items() if value is not None}
    return perform(
        invocation, "update_work_item", id=item["id"], version=item["version"], **given, clear=emptied or None
    )


def _fields(invocation: Invocation, item: Fields) -> Fields:
    """What can be edited, each as the text has it."""
    parent = item.get("parent_id")
    known = refs_in(invocation.app, [parent]) if parent else {}
    own = {name: item.get(name) for name in (*SHORT, BODY)}
    return own | {"parent": known.get(str(parent)), "tags": item.get("tags") or [], "reason": item.get("block_reason")}


def _text(item: Fields, fields: Fields, theirs: Fields) -> str:
    head = [f"# {item['ref']}, a {item['item_type']}: change what you like; the text below the second line is its"]
    head += ["# description, in Markdown. Left as it is, nothing is changed."]
    for name in SHORT:
        if name != "reason" or fields[name]:
            head += _lines(name, fields[name])
        if name in theirs:
            head += [f"# {line}" for line in ("theirs, the line above is yours:", *_lines(name, theirs[name]))]
    body = fields[BODY] or ""
    if BODY in theirs:
        body = "\n".join((OURS, body, BETWEEN, theirs[BODY] or "", THEIRS))
    return "\n".join((FENCE, *head, FENCE, body)) + "\n"


def _lines(name: str, value: Any) -> Iterator[str]:
    if value is None:
        yield f"{name}:"
    elif isinstance(value, list):
        yield f"{name}: [{', '.join(map(_scalar, value))}]"
    elif isinstance(value, str) and "\n" in value and value.replace("\n", "").isprintable():
        yield f"{name}: |2{'+' if value.endswith(chr(10)) else '-'}"
        yield from (f"  {line}" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    text = str(value)
    if not isinstance(value, str) or (_PLAIN.fullmatch(text) and not _WORDS.fullmatch(text) and "," not in text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in quoted)


def _read(text: str) -> Fields:
    """The fields of an edited text. Raises Invalid for one that is none any more."""
    try:
        head, body, _ = split(text)
        read = parse(f"{head or ''}\n")
    except BrokenYaml as error:
        raise _wrong("text", f"line {error.line + 1}: {error.problem}") from None
    if head is None:
        raise _wrong("text", f"the front matter between two lines of {FENCE} is gone")
    unknown = sorted(read.keys() - set(SHORT))
    if unknown:
        raise _wrong(unknown[0], f"is no field that can be edited; there are {', '.join(SHORT)}")
    if any(line in (OURS, THEIRS) for line in body.splitlines()):
        raise _wrong(BODY, f"both texts are still there: keep one of them, without the lines {OURS} to {THEIRS}")
    fields = {name: _value(name, value) for name, value in read.items()}
    return fields | {BODY: body.removesuffix("\n") or None}


def _value(name: str, value: Any) -> Any:
    if name == "tags":
        listed = value if isinstance(value, list) else str(value or "").split(",")
        return [str(tag).strip().lower() for tag in listed if str(tag).strip()]
    if name == "priority" or value is None:
        return value
    return str(value) or None


def _open(file: Path) -> None:
    try:
        click.edit(filename=str(file))
    except click.ClickException as error:
        raise Refused(
            f"the editor failed: {error.format_message()}",
            rule="no_editor",
            items=[],
            next_step="set EDITOR to a program that is installed, or name the fields: tracking-ledger edit --help",
        ) from error


def _wrong(field: str, problem: str) -> Invalid:
    return Invalid(f"{field}: {problem}", next_step="correct it", fields=[{"field": field, "problem": problem}])


class _Draft:
    """What is typed, and the fields from which it started."""

    def __init__(self, folder: Path, entity_id: str) -> None:
        self.file = folder / f"{entity_id}.md"
        self._base = folder / f"{entity_id}.json"

    def base(self) -> Fields | None:
        """None where nothing is kept from before."""
        if not self.file.exists() or not self._base.exists():
            return None
        read: Fields = json.loads(self._base.read_text(encoding="utf-8"))
        return read

    def text(self) -> str:
        try:
            with self.file.open(encoding="utf-8", newline="") as stream:
                return stream.read().replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            raise _wrong("text", f"{self.file} cannot be read as UTF-8: {error}") from None

    def keep(self, text: str, base: Fields) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._base.write_text(json.dumps(base), encoding="utf-8")
        self.file.write_text(text, encoding="utf-8", newline="")

    def forget(self) -> None:
        for file in (self.file, self._base):
            file.unlink(missing_ok=True)
