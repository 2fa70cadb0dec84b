"""What waits for one person, of whatever kind, as one list."""

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.reviews import ADMINISTRATOR
from ledger.values.dates import DAY, ends
from ledger.values.moment import text
from ledger.values.states import FINISHED
from projections.questions import configuration, conflicts, entities
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.questions.work.readiness import COUNTED
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

KINDS = ("review", "question", "conflict", "refused", "expired_claim", "blocks", "due")  # in the order of the list
NAMED = 10  # items that one item keeps waiting and that are named


def of_person(snapshot: Snapshot, person: str, configuration_id: str, *, is_administrator: bool, limit: int) -> Entity:
    """{items, total_count, returned, has_more}; of each kind the most urgent first.

    A question is one to them or to a role of theirs, a review one whose approval completes the item, a conflict any
    that is open, `refused` what a refusal gave back to them, a claim theirs; `blocks` are items that they hold, that
    wait for no answer and that others wait for, `due` those assigned to them or held that are due today or overdue.
    """
    roles = configuration.roles_of(snapshot, configuration_id, person)
    names = [person, *roles, *([ADMINISTRATOR] if is_administrator else [])]
    found = sorted(
        [*_work(snapshot, person, names), *_conflicts(snapshot)], key=lambda entry: KINDS.index(entry["kind"])
    )
    exact = len(found) <= COUNTED
    total = {"total_count": len(found)} if exact else {"total_count": None, "total_is_at_least": COUNTED}
    return {"items": found[:limit], **total, "returned": min(limit, len(found)), "has_more": len(found) > limit}


def _work(snapshot: Snapshot, person: str, names: list[str]) -> list[Entity]:
    moment = text(snapshot.as_of.now)
    today = ends(moment[:DAY])
    asked = {"names": names, "person": person, "moment": moment, "today": today, "limit": COUNTED + 1}
    lines = snapshot.ask("work_items/needing", **asked)
    found = [(_kind(line["kind"], row), row) for line, row in zip(lines, entities.rows(CATEGORY, lines), strict=True)]
    refs = references(snapshot, CATEGORY, [row.id for _, row in found])
    waiting = _waiting(snapshot, [row for kind, row in found if kind == "blocks"])
    return [
        {"kind": kind, "id": row.id, "ref": refs[row.id], "title": row.state.title}
        | ({"priority": row.state.priority} if row.state.priority else {})
        | _more(kind, row, waiting)
        for kind, row in found
    ]


def _kind(kind: str, row: Row) -> str:
    return "review" if kind == "question" and row.state.question.completes is not None else kind


def _more(kind: str, row: Row, waiting: dict[str, Entity]) -> Entity:
    match kind:
        case "review" | "question":
            question = row.state.question
            choices = {"choices": list(question.choices)} if question.choices else {}
            return {
                "question": question.text,
                **choices,
                "whom": question.whom,
                "by": question.by,
                "since": question.at,
            }
        case "refused":
            answer = row.state.answer
            return {"question": answer.question.text, "reason": answer.text, "by": answer.by, "since": answer.at}
        case "expired_claim":
            return {"since": row.state.claim.until}
        case "due":
            return {"due": row.state.due}
        case _:
            blocked = [waiting[link.to_id] for link in row.state.links if link.to_id in waiting]
            return {"until": row.state.claim.until, "blocks": blocked[:NAMED], "blocks_count": len(blocked)}


def _waiting(snapshot: Snapshot, held: list[Row]) -> dict[str, Entity]:
    """The unfinished items that those held keep waiting, by id: {ref, title}."""
    ids = [link.to_id for row in held for link in row.state.links if link.kind == "blocks"]
    fields = ("title", "category", "deleted", "archived", "withdrawn")
    found = entities.with_fields(snapshot, CATEGORY, ids, *fields)
    return {
        entity_id: {"ref": item["ref"], "title": item["title"]}
        for entity_id, item in found.items()
        if item["category"] not in FINISHED and not (item["deleted"] or item["archived"] or item["withdrawn"])
    }


def _conflicts(snapshot: Snapshot) -> list[Entity]:
    return [
        {"kind": "conflict", "id": conflict["id"], "ref": conflict["ref"], "title": conflict["command"]}
        | {"about": conflict["about"], "by": conflict["by"], "since": conflict["at"]}
        for conflict in conflicts.waiting(snapshot, limit=COUNTED + 1)["items"]
    ]
