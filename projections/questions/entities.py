"""What is asked of entities of every category alike: one by its id, the short forms in which others show it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ledger.annotation.state import visible_comments
from ledger.errors import NotFound
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.projection import Row
from projections.tables.contract import Answer, GenerationOf, Question, Snapshot, Tables

SCALARS = {str, int, float, bool, type(None)}  # which JSON has as they are: most fields of most entities
UNSAID = {"recorded": True, "withdrawn": False}  # what holds of every entity that is shown, but for what was undone


def row(snapshot: Snapshot, category: str, entity_id: str, next_step: str) -> Row:
    """The entity's row. Raises NotFound."""
    question, given = row_question(category, entity_id)
    return _one(category, entity_id, snapshot.ask(question, **given), next_step)


def row_in(tables: Tables, category: str, entity_id: str, next_step: str) -> Row:
    """The same in a view of its own and one round trip."""
    question, given = row_question(category, entity_id)
    return _one(category, entity_id, tables.ask(question, **given)[1], next_step)


def row_question(category: str, entity_id: str) -> Question:
    """The question for an entity's row."""
    generation = GenerationOf(BY_CATEGORY[category].name)
    return "entities/by_id", {"category": category, "generation": generation, "id": entity_id}


def _one(category: str, entity_id: str, found: Answer, next_step: str) -> Row:
    if not found:
        raise missing(category, entity_id, next_step)
    return rows(category, found)[0]


def missing(category: str, entity_id: str, next_step: str) -> NotFound:
    noun = category.replace("_", " ")
    return NotFound(f"there is no {noun} {entity_id} in this ledger", next_step=next_step, id=entity_id)


def rows(category: str, answer: Answer) -> list[Row]:
    read = BY_CATEGORY[category].row
    return [read(line["id"], line["version"], line["position"], line["doc"]) for line in answer]


def flat(row: Row, ref: str) -> Entity:
    """The entity as every answer has it: all fields, defaults too, its stamps, its annotations as counts."""
    values = zip(row.state.__struct_fields__, msgspec.structs.astuple(row.state), strict=True)
    fields = {name: value if type(value) in SCALARS else _plain(value) for name, value in values}
    fields = {name: value for name, value in fields.items() if name not in UNSAID or value is not UNSAID[name]}
    if fields.pop("comments", None) is not None:
        fields["comment_count"] = len(visible_comments(row.state.comments))
    if attached := fields.pop("attachments", None):
        fields["attachment_count"] = len(attached)
    waits = {"pending": True} if isinstance(row.version, str) else {}  # its newest change is not in the log yet
    return {"id": row.id, "ref": ref, "version": row.version, **waits, **fields, **msgspec.to_builtins(row.stamps)}


def by_id(snapshot: Snapshot, category: str, entity_id: str) -> Entity:
    """The entity, whole. Raises NotFound."""
    found = row(snapshot, category, entity_id, "check the id")
    return complete(found, references(snapshot, category, [entity_id])[entity_id])


def complete(row: Row, ref: str) -> Entity:
    """The entity with everything that is said of it."""
    return flat(row, ref) | annotations(row)


def newest_comment(row: Row) -> str | None:
    """The text of the newest comment; None without one."""
    listed = visible_comments(row.state.comments)
    return listed[-1][1].text if listed else None


def annotations(row: Row, most: int | None = None) -> Entity:
    """Its comments, at most the newest so many, and {attachments: [{url, kind, by, at, ...}]} as they were attached."""
    attached = getattr(row.state, "attachments", {})
    listed = [{"url": url, **msgspec.to_builtins(attachment)} for url, attachment in attached.items()]
    return comments(row, most) | ({"attachments": listed} if listed else {})


def comments(row: Row, most: int | None = None) -> Entity:
    """{comments: [{id, by, at, text, corrected_at?}]}, in the order of writing, at most the newest so many."""
    if not hasattr(row.state, "comments"):
        return {}
    listed = visible_comments(row.state.comments)[-most if most else 0 :]
    return {"comments": [{"id": comment_id, **msgspec.to_builtins(comment)} for comment_id, comment in listed]}


def with_fields(snapshot: Snapshot, category: str, entity_ids: Iterable[str], *fields: str) -> dict[str, Entity]:
    """Each of the entities as {id, ref, <fields>}, by id; the fields of one that is not there are None."""
    ids = sorted(set(entity_ids))
    if not ids:
        return {}
    generation = snapshot.generation(BY_CATEGORY[category].name)
    found = rows(category, snapshot.ask("entities/by_ids", category=category, generation=generation, ids=ids))
    states = {row.id: row.state for row in found}
    refs = references(snapshot, category, ids)
    return {
        entity_id: {
            "id": entity_id,
            "ref": refs[entity_id],
            **{name: getattr(states.get(entity_id), name, None) for name in fields},
        }
        for entity_id in ids
    }


def _plain(value: Any) -> Any:
    plain = msgspec.to_builtins(value)
    return list(plain) if isinstance(plain, tuple) else plain
