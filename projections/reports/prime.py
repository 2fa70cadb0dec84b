"""What an assistant needs at the start of a conversation: what this ledger is, how to work with it, what is going on.

It is never longer than BYTES, whatever the ledger's texts hold: titles are cut, then lines are left out and counted.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from ledger.aggregates.work_item.events import QuestionAnswered
from ledger.store import EventStore
from ledger.values.moment import text
from ledger.values.states import DROPPED, in_order
from ledger.world import Asker
from projections.questions import enhancements, vendors
from projections.questions.conflicts import open_count
from projections.questions.log import changes
from projections.questions.log.event_filter import EventFilter
from projections.questions.overviews import status
from projections.questions.work import item_lists
from projections.questions.work import work_items as questions
from projections.reports.markdown import inline, one_line
from projections.reports.templates import rendered
from projections.tables.contract import Snapshot

TEMPLATE = "prime.md.j2"
WITHOUT = "prime_without_ledger.md.j2"
BYTES = 5_600  # as JSON text: 1,400 tokens of four bytes each, so that what stands around it still fits
TITLE_BYTES = 90
CLAIMS = 10  # lines of each list at most
COUNTED = 500  # claims, and open questions, that are looked at
LOOKED_BACK = 300  # positions in which the reader's own newest change is looked for
BROKEN = 5  # vendors, and enhancements whose work is done, that are named
GIVEN = [state.name for state in in_order(())]  # states of a ledger without its own
STATES, DONE = 12, 4  # states that are named, and those of them that mean done
CAUSES, CAUSE_TITLE = 3, 32  # what an item waits for that is named, and characters of its title
OWN_REASON = 100  # characters of an item's own reason
KNOWN = 8  # names of others that are said
NEWS = 5  # changes that are named; all in reach are counted
NEXT = {  # the tool that ends the waiting, by the kind of what waits
    "review": "To review: question, action answer, verdict approve, or refuse with the reason",
    "question": "To answer: question, action answer",
    "conflict": "To decide: resolve_conflict",
    "refused": "Refused; to go on: claim_work_item, action claim, then complete it or ask again",
    "expired_claim": "To go on: claim_work_item, action claim",
    "blocks": "To complete, for others wait: update_work_item, status completed",
    "due": "To complete: update_work_item, status completed, or a later due",
}

Document = dict[str, Any]


class Origin(Struct, frozen=True, kw_only=True):
    """Whose text it is and where it comes from: `project` is the ledger's name, `actor` acts where none is named,
    `source` is the layer that answers, from the database where it `is_live`, `queued` is how many writes of this
    machine wait for the database, and `is_published` says whether the journal was published into the project."""

    project: str
    actor: str
    source: str
    is_live: bool
    queued: int
    is_published: bool


def document(
    log: EventStore, snapshot: Snapshot, origin: Origin, asker: Asker, waiting: list[Document], configured: Document
) -> Document:
    """Everything as plain data, for the one who asks and for whom `waiting` waits.

    `configured` is the ledger's configuration, see projections.questions.configuration.
    """
    work = _work(snapshot, asker)
    return {
        **asdict(origin),
        "asker": asker.name,
        "known": _known_names(configured, work, asker.name),
        "about": _about(snapshot),
        "position": snapshot.as_of.position,
        "time": snapshot.as_of.time and text(snapshot.as_of.time),
        "counts": status.active_counts(snapshot),
        "conflicts": open_count(snapshot),
        "waiting": waiting,
        **_words(configured),
        **work,
        "carried_out": enhancements.carried_out(snapshot, BROKEN),
        "broken": [vendor["name"] for vendor in _broken(snapshot)],
        "news": _news(log, snapshot, asker.name),
    }


def _work(snapshot: Snapshot, asker: Asker) -> Document:
    """{mine, others, asked, yours, blocked, blocked_more, ready, ready_folded}: who holds what, what waits, and what
    can begin; `blocked_more` where others may wait."""
    held = questions.claimed(snapshot, COUNTED)
    mine = [item for item in held if item["holder"] == asker.holder or item["by"] == asker.name]
    asked = questions.asked_by(snapshot, COUNTED, asker.name)
    claimed, awaited = {item["ref"] for item in held}, {item["ref"] for item in asked}
    found = status.ready(snapshot, snapshot.as_of.now)
    yours = _unfinished(snapshot, assignee=asker.name)["items"]
    blocked = _unfinished(snapshot, blocked=True)
    return {
        "mine": mine,
        "others": [item for item in held if item not in mine],
        "asked": asked,
        "yours": [item for item in yours if item["ref"] not in claimed],
        "blocked": [_as_blocked(item) for item in blocked["items"] if item["ref"] not in awaited],
        "blocked_more": blocked["has_more"],
        "ready": found["items"],
        "ready_folded": found["has_more"],
    }


def _known_names(configured: Document, work: Document, asker: str) -> list[str]:
    """Names that `by`, an assignee or a question can mean: of roles and who has them, of holders, of assignees."""
    roles: dict[str, list[str]] = configured["settings"]["roles"]
    people = {person for named in roles.values() for person in named}
    people |= {item["by"] for item in (*work["mine"], *work["others"])}
    people |= {item["assignee"] for item in (*work["ready"], *work["blocked"]) if item.get("assignee")}
    return sorted((people | roles.keys()) - {asker})[:KNOWN]


def _words(configured: Document) -> Document:
    """{states, states_folded, dropped, done, reviewed, reviewer}: the states, if some are the ledger's own; the one of
    what will not be done, those that mean done; the types that are completed by a review, and by whose."""
    found = configured["states"]
    settings = configured["settings"]
    return {
        "states": found[:STATES] if [state["name"] for state in found] != GIVEN else [],
        "states_folded": len(found) > STATES,
        "dropped": next((state["name"] for state in found if state["category"] == DROPPED.category), DROPPED.name),
        "done": [state["name"] for state in found if state["category"] == "done"][:DONE],
        "reviewed": settings["review_types"],
        "reviewer": settings["reviewer"] or "an administrator",
    }


def _about(snapshot: Snapshot) -> list[Document]:
    """The projects at the top, with what they are: {ref, title, description}."""
    wanted = item_lists.WorkItemFilter(item_type="project", roots_only=True)
    found = item_lists.beginning(snapshot, wanted, order="created", limit=2)["items"]
    return [{name: item[name] for name in ("ref", "title", "description")} for item in found]


def _unfinished(snapshot: Snapshot, **wanted: Any) -> Document:
    """The most urgent of what is not finished: {items, has_more}."""
    filters = item_lists.WorkItemFilter(unfinished=True, **wanted)
    return item_lists.beginning(snapshot, filters, order="priority", limit=2 * CLAIMS)


def _as_blocked(item: Document) -> Document:
    """What waits: {ref, title, assignee, why}."""
    return {
        "ref": item["ref"],
        "title": item["title"],
        "assignee": item["assignee"],
        "why": ", ".join(_reasons(item)),
    }


def _reasons(item: Document) -> Iterator[str]:
    """All that it waits for: its own reason first, then what else is in the way."""
    if own := _why(item):
        yield one_line(own)[:OWN_REASON]
    causes = [cause for cause in item["not_ready_because"] if not own or cause["reason"] not in ("status", "waiting")]
    yield from (_cause(cause) for cause in causes[:CAUSES])
    if (more := len(causes) - CAUSES + item.get("not_ready_more", 0)) > 0:
        yield f"and {more} more"


def _why(item: Document) -> str | None:
    asked, reason = item["question"], item["block_reason"]
    if not asked:
        return str(reason) if reason else None
    return f"in review by {asked['whom']}" if "completes" in asked else f"waits for {asked['whom']}: {asked['text']}"


def _broken(snapshot: Snapshot) -> list[Document]:
    found: list[Document] = vendors.listed(snapshot, status="broken", format=None, limit=BROKEN, cursor=None)["items"]
    return found


def _cause(cause: Document) -> str:
    until = f" until {cause['until'][:10]}" if "until" in cause else ""
    title = f" {one_line(cause['title'])[:CAUSE_TITLE]}" if "title" in cause else ""
    return f"{cause['reason'].replace('_', ' ')} {cause['ref']}{title}{until}"


def _news(log: EventStore, snapshot: Snapshot, asker: str) -> Document | None:
    """The reader's own newest change, and what others changed after it, answers first if not all are named.

    None if the reader's own is not among the newest of the log.
    """
    head = snapshot.as_of.position
    events = list(log.read_all(max(0, head - LOOKED_BACK), head))
    own = [event.position for event in events if event.by == asker]
    if not own:
        return None
    page = changes.changes_since(log, snapshot, own[-1], EventFilter(), NEWS)
    first = EventFilter(types=(QuestionAnswered.__name__,)) if page["has_more"] else None
    answers = changes.changes_since(log, snapshot, own[-1], first, NEWS)["items"] if first else []
    items = [*answers, *(item for item in page["items"] if item not in answers)][:NEWS]
    last = changes.changes_since(log, snapshot, own[-1] - 1, EventFilter(), 1)["items"]
    news = [item | {"said": changes.author_text(item)} for item in items]
    return {"since": own[-1], "last": last, "count": head - own[-1], "items": news}


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
    shown = {
        name: document[name][:most] for name in ("waiting", "asked", "mine", "others", "ready", "yours", "blocked")
    }
    mine, others, ready = shown["mine"], shown["others"], shown["ready"]
    folded = len(document["mine"]) + len(document["others"]) - len(mine) - len(others)
    more = document["ready_folded"] or len(ready) < len(document["ready"])
    blocked_folded = len(shown["blocked"]) < len(document["blocked"])
    asked_folded = len(document["asked"]) - len(shown["asked"])
    given = {
        **document,
        **shown,
        "claims_folded": folded,
        "ready_folded": more,
        "blocked_folded": blocked_folded,
        "asked_folded": asked_folded,
    }
    return rendered(TEMPLATE, given | {"next_steps": NEXT}, brief=brief)


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
