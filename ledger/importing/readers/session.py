"""What a session's front matter and text say, as the fields of its work item."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.outline import plain

LONGEST_BODY = 2**20  # bytes that are kept to be searched
LONGEST_TITLE = 200  # characters
DATES = ("session_date", "date", "created", "created_at", "started", "started_at", "last_updated", "updated")
TIMES = ("session_time", "time")
BUDGET = range(1000, 1_000_001)

Warn = Callable[[str, str], None]  # kind, what


def session_fields(
    title: str, front_matter: dict[str, Any] | None, body: str, warn: Warn
) -> tuple[dict[str, Any], datetime | None, str | None]:
    """Fields, beginning and status. `title` counts where the front matter has none.

    The front matter is kept whole; what it lacks of today's rules (schema_version, token_budget, prompts_count) is
    told and not made up.
    """
    front = front_matter or {}
    metadata: dict[str, Any] = {}
    if front_matter is not None:
        metadata["yaml_frontmatter"] = front_matter
    for name in ("token_budget", "prompts_count"):
        if isinstance(front.get(name), int) and not isinstance(front[name], bool):
            metadata[name] = front[name]
        elif front.get(name) is not None:
            warn("field_not_understood", f"{name}: {str(front[name])[:50]}")
    missing = [name for name in ("token_budget", "prompts_count") if name not in metadata]
    missing += ["schema_version"] if front.get("schema_version") is None else []
    if missing:
        warn("not_stated", ", ".join(missing))
    if "token_budget" in metadata and metadata["token_budget"] not in BUDGET:
        warn("out_of_range", f"token_budget: {metadata['token_budget']}")
    if len(body.encode()) > LONGEST_BODY:
        warn("longer_than_the_limit", f"body: {len(body.encode()):,} bytes, the first {LONGEST_BODY:,} are kept")
        body = body.encode()[:LONGEST_BODY].decode("utf-8", "ignore")
    if body.strip():
        metadata["body"] = body
    fields: dict[str, Any] = {"item_type": "session", "title": _short(_text(front, "title") or title)}
    if branch := _text(front, "branch", "git_branch", "branch_name"):
        fields["branch_name"] = branch.split()[0]  # a branch has no blanks: what follows is a remark
    if tags := _tags(front.get("tags")):
        fields["tags"] = tags
    status = status_of(_text(front, "status") or "", metadata, warn)
    return fields | {"metadata": metadata}, begun(front, metadata, warn), status


def status_of(written: str, metadata: dict[str, Any], warn: Warn) -> str | None:
    """By the table of words; any other word is kept, and the session is as one whose status is not given."""
    if not written:
        return None
    first = re.split(r"\s*[(:,;–—]\s*|\s-\s", written)[0]
    said = words.ITEM_STATUSES.get(words.key(written)) or words.ITEM_STATUSES.get(words.key(first))
    if said is None:
        warn("unknown_status", written[:80])
    if said != written.lower():
        metadata["source_status"] = written
        if said is not None:
            warn("word_of_the_source", f"status {written[:80]!r} taken as {said!r}")
    return said


def begun(front: dict[str, Any], metadata: dict[str, Any], warn: Warn) -> datetime | None:
    """Date and time of day together. Without a zone they count as UTC."""
    date = _text(front, *DATES)
    if date is None:
        return None
    found = words.moment(date)
    clock = _text(front, *TIMES)
    if found and not found[1] and clock:
        found = words.moment(f"{found[2]} {clock}") or found
    if found is None:
        warn("time_not_understood", date[:50])
        return None
    if not found[1]:
        metadata["source_session_date"] = date
        warn("no_time_of_day", date[:50])
    return found[0]


def _text(front: dict[str, Any], *names: str) -> str | None:
    for name in names:
        value = front.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


def _tags(value: Any) -> tuple[str, ...]:
    given = re.split(r"[,;]", value) if isinstance(value, str) else value if isinstance(value, list) else []
    tags = [str(tag).strip().lower() for tag in given if isinstance(tag, (str, int))]
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= LONGEST_TITLE))


def _short(title: str) -> str:
    title = plain(title)
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 3].rsplit(" ", 1)[0] + "..."
