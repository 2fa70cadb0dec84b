"""One item, vendor or deployment as a person reads it: what it is, who has it, its text, what is around it."""

from datetime import datetime
from typing import Any

from ledger.catalog import NAME_FIELDS
from projections.cli.terminal.output import (
    draw_markdown,
    fields,
    heading,
    on_terminal,
    planned,
    printable,
    say,
    size,
    table,
)
from projections.cli.terminal.wording import EMPTY, Refs, ago, awaited, cost_heading, in_words
from projections.questions.answers import Entity

LISTS = ("ancestors", "descendants", "dependencies", "work")
SPENT = ("minutes", "tokens", "cost")
TEXTS = ("description", "notes", "findings")
VERDICTS = {"approve": "approved it", "refuse": "refused it", "choose": "chose", "answer": "answered"}
SAID = {  # in the lines above the fields, or of no use to a person
    *("id", "ref", "version", "title", "name", "item_type", "status", "category", "priority", "assignee", "tags"),
    *("due", "not_before", "estimate", "recurrence", "effort", "effort_minutes", "effort_tokens", "effort_cost"),
    *("claim", "question", "answer", "ready", "not_ready_because", "block_reason", "links"),
    *("comments", "comment_count", "attachments", "attachment_count"),
    *("created_at", "created_by", "updated_at", "updated_by", "source", "as_of", "warnings", "parent_id"),
    *LISTS,
    *TEXTS,
}


def print_entity(category: str, entity: Entity, refs: Refs, now: datetime) -> None:
    name = next(filter(None, map(entity.get, NAME_FIELDS)), category.replace("_", " "))
    say(f"{entity.get('ref', '')}  {printable(name)}".strip(), style="bold")
    lines = (_what_it_is(entity), _who_has_it(entity, now), _decided(entity, now), _plans(entity), _when(entity, now))
    for line in lines:
        if line:
            say(printable(line))
    _why_not_ready(entity)
    rest = {key: value for key, value in entity.items() if key not in SAID and value not in (None, [], {}, (), False)}
    shown_whole = {key for key in rest if key.endswith("_ids") and key.replace("_ids", "s") in rest}
    named = {key.replace("_", " "): _field(key, rest[key], refs, now) for key in rest if key not in shown_whole}
    fields((name, value) for name, value in named.items() if value)
    for part in TEXTS:
        if entity.get(part):
            heading(part)
            text(entity[part])
    for part in LISTS:
        if entity.get(part):
            heading({"ancestors": "part of", "descendants": "parts", "dependencies": "links"}.get(part, part))
            table(("ref", "", "title", "status"), (_neighbour(part, item) for item in entity[part]))
    if any(_spent(entity).get(name) for name in SPENT):
        heading("effort")
        _print_effort(entity["effort"], now)
    if entity.get("attachments"):
        heading("attachments")
        table(("kind", "name", "size", "where"), map(_attached, entity["attachments"]))
    if entity.get("comments"):
        heading("comments")
        for comment in entity["comments"]:
            corrected = ", corrected" if "corrected_at" in comment else ""
            say(f"{printable(comment['by'])}, {ago(comment['at'], now)}{corrected}  ({comment['id']})", style="bold")
            text(comment["text"])


def text(written: str) -> None:
    """Markdown, drawn on a terminal; elsewhere as it was written, line by line."""
    if on_terminal():
        draw_markdown(written)
    else:
        for line in written.splitlines():
            say(printable(line) if line else "")


def _what_it_is(entity: Entity) -> str:
    priority = entity.get("priority")
    tags = " ".join(f"#{tag}" for tag in entity.get("tags") or ())
    parts = (entity.get("item_type"), entity.get("status"), priority and f"priority {priority}", tags)
    return ", ".join(str(part) for part in parts if part)


def _who_has_it(entity: Entity, now: datetime) -> str:
    claim, question = entity.get("claim"), entity.get("question")
    parts = []
    if entity.get("assignee"):
        parts.append(f"for {entity['assignee']}")
    if claim:
        ends = "its claim ended" if claim.get("expired") else "its claim ends"
        parts.append(f"held by {claim['by']}, {ends} {ago(claim['until'], now)}")
    if question:
        text = "" if question.get("completes") else f": {question['text']}"
        parts.append(f"waits for {'a ' if question.get('completes') else ''}{awaited(question)}{text}")
    if entity.get("block_reason"):
        word = "dropped" if entity.get("category") == "dropped" else "blocked"
        parts.append(f"{word}: {entity['block_reason']}")
    return "; ".join(parts)


def _decided(entity: Entity, now: datetime) -> str:
    """What was asked last, and what came of it."""
    answer = entity.get("answer")
    if not answer:
        return ""
    question = answer["question"]
    verdict = f"{VERDICTS[answer['verdict']]} {answer.get('choice') or ''}".strip()
    words = f": {answer['text']}" if answer.get("text") else ""
    asked = f"{question['by']} asked {question['whom']}: {question['text']}"
    return f"{asked}; {answer['by']} {verdict} {ago(answer['at'], now)}{words}"


def _plans(entity: Entity) -> str:
    named = {
        "due": entity.get("due") and f"due {planned(entity['due'])}",
        "not_before": entity.get("not_before") and f"not before {planned(entity['not_before'])}",
        "estimate": entity.get("estimate") and f"takes {entity['estimate']} minutes",
        "recurrence": entity.get("recurrence") and f"comes again {entity['recurrence']}",
    }
    return ", ".join(part for part in named.values() if part)


def _spent(entity: Entity) -> Entity:
    """What went into an item and all that is below it; empty for anything else."""
    spent: Entity = (entity.get("effort") or {}).get("with_subtree") or {}
    return spent


def _print_effort(effort: Entity, now: datetime) -> None:
    """The entries, then the sum over the item and all that is below it."""
    whole = effort["with_subtree"]
    rows = [
        (
            ago(entry["at"], now),
            entry["by"],
            *(entry.get(name) or None for name in SPENT),
            entry.get("note"),
            entry["id"],
        )
        for entry in effort["entries"]
    ]
    over = f"{whole['items']} items" if whole["items"] > 1 else "this item"
    rows.append((over, None, *(whole[name] or None for name in SPENT), None, None))
    table(("", "by", *SPENT[:-1], cost_heading(whole), "note", "id"), rows)


def _when(entity: Entity, now: datetime) -> str:
    if not entity.get("created_at"):
        return ""
    created = f"created {ago(entity['created_at'], now)} by {entity['created_by']}"
    if entity["updated_at"] != entity["created_at"]:
        created += f", changed {ago(entity['updated_at'], now)} by {entity['updated_by']}"
    return f"{created}, version {entity['version']}"


def _why_not_ready(entity: Entity) -> None:
    for why in entity.get("not_ready_because") or ():
        if why["id"] != entity["id"]:
            reason = why["reason"].replace("_", " ")
            whom = f", for {why['by']}" if "by" in why else ""
            until = f", until {why['until'][:10]}" if "until" in why else ""
            cause = f"{reason} {why['ref']} {why['title']}, {why['status']}{whom}{until}"
            say(printable(f"not ready: {cause}"), style="yellow")


def _field(key: str, value: Any, refs: Refs, now: datetime) -> str:
    if key.endswith("_at") and isinstance(value, str):
        return ago(value, now)
    if isinstance(value, dict) and value.get("ref"):
        return printable(f"{value['ref']} {value.get('title') or value.get('name') or ''}".strip())
    if isinstance(value, dict):
        kept = ((name, inner) for name, inner in value.items() if inner not in EMPTY)
        return ", ".join(f"{name.replace('_', ' ')} {_field(name, inner, refs, now)}" for name, inner in kept)
    if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        return "; ".join(_field(key, inner, refs, now) for inner in value)
    return printable(value) if isinstance(value, (bool, int, str)) and value not in refs else in_words(value, refs)


def _attached(attachment: Entity) -> tuple[object, ...]:
    bytes_of = attachment.get("size")
    return (
        attachment["kind"].replace("_", " "),
        attachment.get("name"),
        None if bytes_of is None else size(bytes_of),
        attachment["url"],
    )


def _neighbour(part: str, item: Entity) -> tuple[object, ...]:
    indent = "  " * (item["depth"] - 1) if part == "descendants" else ""
    kind = str(item.get("kind") or item.get("item_type") or "").replace("_", " ")
    return item["ref"], kind, indent + item["title"], item["status"]
