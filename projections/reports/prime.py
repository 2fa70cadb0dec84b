"""What an assistant needs at the start of a conversation: what this ledger is, how to work with it, what is going on.

It is never longer than BYTES, whatever the ledger's texts hold: titles are cut, then lines are left out and counted.
"""

import json
from pathlib import Path
from typing import Any

from ledger.values.moment import text
from projections.questions import status
from projections.questions import work_items as questions
from projections.reports.markdown import inline, one_line
from projections.reports.templates import rendered
from projections.tables.contract import Snapshot

TEMPLATE = "prime.md.j2"
WITHOUT = "prime_without_ledger.md.j2"
BYTES = 5_600  # as JSON text: 1,400 tokens of four bytes each, so that what stands around it still fits
TITLE_BYTES = 90
CLAIMS = 10  # of one's own, and as many of others
COUNTED = 500  # claims that are looked at

Document = dict[str, Any]


def document(snapshot: Snapshot, name: str, holder: str, source: str, queued: int) -> Document:
    """Everything as plain data; `holder` is the digest of the token whose claims are the reader's own, `source` the
    layer that answers, and `queued` how many writes of this machine wait for the database."""
    held = questions.claimed(snapshot, COUNTED)
    mine = [item for item in held if item["holder"] == holder]
    others = [item for item in held if item["holder"] != holder]
    found = status.ready(snapshot, snapshot.as_of.now)
    return {
        "project": name,
        "position": snapshot.as_of.position,
        "time": snapshot.as_of.time and text(snapshot.as_of.time),
        "counts": status.active_counts(snapshot),
        "conflicts": status.open_conflicts(snapshot),
        "source": source,
        "queued": queued,
        "mine": mine,
        "others": others,
        "ready": found["items"],
        "ready_folded": found["has_more"],
    }


def markdown(document: Document) -> str:
    """The text for an assistant, with as many claims and ready items as fit."""
    for most in range(CLAIMS, -1, -1):
        shown = _rendered(document, most)
        if _size(shown) <= BYTES:
            break
    return shown


def without_ledger(folder: Path, *, usable: bool) -> str:
    """The text for an assistant in a folder that has no ledger yet; `usable` is whether it can be a project's."""
    return rendered(WITHOUT, {"folder": str(folder), "usable": usable}, brief=brief)


def brief(value: object, most: int = TITLE_BYTES) -> str:
    """A text as the beginning of one line, of at most so many bytes as JSON text.

    >>> brief("a *b*\\nc"), brief("x" * 100, 10)
    ('a \\\\*b\\\\* c', 'xxx...')
    """
    kept = one_line(value)
    if _size(line := inline(kept)) <= most:
        return line
    kept = kept[:most]
    while _size(inline(kept)) > most - len("..."):
        kept = kept[: min(len(kept) - 1, len(kept) * 9 // 10)]
    return inline(kept) + "..."


def _rendered(document: Document, most: int) -> str:
    mine, others, ready = (document[name][:most] for name in ("mine", "others", "ready"))
    folded = len(document["mine"]) + len(document["others"]) - len(mine) - len(others)
    more = document["ready_folded"] or len(ready) < len(document["ready"])
    given = {**document, "mine": mine, "others": others, "ready": ready, "claims_folded": folded, "ready_folded": more}
    return rendered(TEMPLATE, given, brief=brief)


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
