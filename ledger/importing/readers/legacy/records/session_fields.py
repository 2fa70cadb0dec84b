"""What a session's front matter and text say, as the fields of its work item."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ledger.importing.readers.legacy import words
from ledger.importing.readers.legacy.outline import plain
from ledger.importing.readers.words.written_state import WrittenState, key, state_of
from ledger.importing.readers.words.written_time import written_time
from ledger.values.states import State

LONGEST_BODY = 2**20  # bytes that are kept to be searched
LONGEST_TITLE = 200  # characters
DATES = ("session_date", "date", "created", "created_at", "started", "started_at", "last_updated", "updated")
TIMES = ("session_time", "time")
ZONES = ("timezone", "time_zone", "tz", "zone")
FEWEST_WORDS = 3  # of a sentence
BUDGET = range(1000, 1_000_001)

_ENDED = re.compile(r"(?:(?:session|status|state)[-_:/ ]+)?(?:complete|completed|done|finished|closed|ended)")

Warn = Callable[[str, str], None]  # kind, what


def session_fields(
    title: str, front_matter: dict[str, Any] | None, body: str, warn: Warn
) -> tuple[dict[str, Any], datetime | None, State | None]:
    """Fields, beginning and state. `title` counts where the front matter has none.

    The front matter is kept whole; what it lacks of today's rules (schema_version, token_budget, prompts_count) is
    named and not made up.
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
    status = status_of(_text(front, "status") or "", tags or (), metadata, warn)
    return fields | {"metadata": metadata}, begun(front, metadata, warn), status


def status_of(written: str, tags: Iterable[str], metadata: dict[str, Any], warn: Warn) -> State | None:
    """The status by its words; a sentence, or a tag that calls it complete, tells of a session that is over."""
    state = state_of(written)
    ended = next((tag for tag in tags if _ENDED.fullmatch(tag)), None)
    category = state.category if state else None
    if state is not None and category is None and len(key(written).split()) >= FEWEST_WORDS:
        category = "done"
    if state is None and ended is not None:
        state, category = WrittenState(ended), "done"
    if state is None:
        return None
    said = words.item_state(WrittenState(state.written, category))
    if said is None or said.name != state.written.lower():
        metadata["source_status"] = written or state.written
    if said is None:
        warn("state_not_understood", written[:80])
    elif said.name != state.written.lower():
        warn("word_of_the_source", f"status {state.written[:80]!r} taken as {said.name!r}")
    return said or words.NOT_UNDERSTOOD


def begun(front: dict[str, Any], metadata: dict[str, Any], warn: Warn) -> datetime | None:
    """Date, time of day and zone together. What is not stated is named."""
    date = _text(front, *DATES)
    if date is None:
        return None
    found = written_time(date)
    clock, zone = _text(front, *TIMES), _text(front, *ZONES)
    if found and found.doubt == "no_time_of_day" and clock:
        found = written_time(f"{found.spelling} {clock}") or found
    if found and found.doubt == "no_zone" and zone:
        found = written_time(f"{found.spelling} {zone}") or found
    if found is None or found.at is None:
        warn("time_not_understood", f"{found.spelling}: {found.problem}" if found else date[:50])
    elif found.doubt:
        warn(found.doubt, found.spelling[:50])
    if found and (found.at is None or found.doubt):
        metadata["source_session_date"] = found.spelling
    return found.at if found else None


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
