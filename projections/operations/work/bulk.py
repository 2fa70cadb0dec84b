"""The operation that changes many work items at once."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace
from pydantic import Field

from ledger.aggregates.decider import LastPlan
from ledger.aggregates.work_item.bulk import REFUSALS, Outcome, Plan, plan, refusal, waits_for
from ledger.aggregates.work_item.commands import ChangeWorkItems, CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.aggregates.work_item.decider import decide
from ledger.annotation.commands import AnnotationCommand, comment_id_of
from ledger.envelope import Recorded, id_of, minted_id
from ledger.errors import LedgerError
from ledger.problems import check, problem
from ledger.world import World
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, checked, command_id, where
from projections.operations.inputs.fields import AnyObject, AsArray, Metadata
from projections.operations.work.attachments import AttachInput, attachment_command
from projections.operations.work.comments import CommentInput, comment_command
from projections.operations.work.consequences import with_freed
from projections.operations.work.duplicates import still_ready
from projections.operations.work.effort import LogEffortInput, effort_command
from projections.operations.work.work_item_inputs import CreateWorkItemInput, LinkWorkItemsInput, UpdateWorkItemInput
from projections.operations.work.work_items import CATEGORY, could_free, creation, linked_category, repeating, update
from projections.questions.answers import Answered
from projections.questions.entities import rows
from projections.questions.references import look_up, resolve
from projections.questions.work import work_items as questions

MOST = 1000
OF_THE_CALL = ("by", "command_id", "detail", "token")  # these are said once for all items
Item = CreateWorkItemInput | UpdateWorkItemInput | LinkWorkItemsInput | CommentInput | LogEffortInput | AttachInput
NAMING = ("id", "to_id", "parent_id", "milestone_id")  # the fields of an item that name others
KINDS: dict[str, type[Item]] = {
    "create": CreateWorkItemInput,
    "update": UpdateWorkItemInput,
    "link": LinkWorkItemsInput,
    "comment": CommentInput,
    "effort": LogEffortInput,
    "attach": AttachInput,
}

Change = CreateWorkItem | UpdateWorkItem | LinkWorkItems | AnnotationCommand
Unread = dict[int, LedgerError]  # the items that could not be read, by their numbers


class BulkWorkItemsInput(Writes):
    items: Annotated[
        tuple[Annotated[Metadata, AnyObject], ...],
        AsArray,
        Field(
            min_length=1,
            max_length=MOST,
            description='Like {"op":"create","key":"a","item_type":"task","title":"T"}, {"op":"link","id":"$a",'
            '"kind":"blocks","to_id":"w-7k3qd"}; op also update, comment, attach (url), effort (minutes, tokens, cost)',
        ),
    ]
    all_or_nothing: Annotated[bool, Field(description="false skips refused changes")] = True


def bulk_work_items(view: LedgerView, request: BulkWorkItemsInput) -> Answered:
    own = command_id(request.command_id) or view.new_command_id()
    reading = _Reading(view, own, request.items)
    read = [reading.read(number, item) for number, item in enumerate(request.items)]
    changes = tuple(change for change in read if not isinstance(change, LedgerError))
    unread = {number: change for number, change in enumerate(read) if isinstance(change, LedgerError)}
    if not changes:
        raise refusal(unread, len(read))
    rule = LastPlan(partial(_planned, unread=unread, total=len(read)), Plan(decided=[], outcomes=()))
    command = ChangeWorkItems(changes=changes, refused_are_left_out=not request.all_or_nothing)

    def carried_out() -> Answered:
        recorded = view.record(command, by=request.by, command_id=own, decide=rule)
        numbered = _numbered(_outcomes(recorded, changes, rule.made), unread, len(read))
        return _answer(view, request, recorded, {"command_id": str(own)}, [outcome for _, outcome in numbered])

    answer = with_freed(view, dict.fromkeys(_freeing(changes)), carried_out)
    return answer | still_ready(view, repeating(changes))


def _freeing(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        match change:
            case UpdateWorkItem() if could_free(change):
                yield change.id
            case LinkWorkItems(remove=True):
                yield from (change.id, change.to_id)


class _Reading:
    """The items of one call, one after another: an item may name those before it by their keys."""

    def __init__(self, view: LedgerView, command_id: UUID, items: Iterable[dict[str, Any]]) -> None:
        self._view = view
        self._command_id = command_id
        self._keys: dict[str, str] = {}
        self._known = look_up(view.tables, _names(items))
        self._refused: dict[str, int] = {}  # the keys of items that are refused, and their numbers

    def read(self, number: int, item: dict[str, Any]) -> Change | LedgerError:
        try:
            return self._change(number, item)
        except REFUSALS as error:
            if isinstance(key := item.get("key"), str):
                self._refused.setdefault(key, number)
            return error

    def _change(self, number: int, item: dict[str, Any]) -> Change:
        given = dict(item)
        op, key = given.pop("op", None), given.pop("key", None)
        check(self._problems(op, key, item))
        fresh = op == "update" and str(given.get("id", "")).startswith("$") and "version" not in given
        request: Item = checked(KINDS[op], given | ({"version": 1} if fresh else {}))
        match request:
            case CreateWorkItemInput():
                entity_id = minted_id(self._command_id, str(number))
                made = creation(request, entity_id, self._id_of)
                if key is not None:
                    self._keys[key] = entity_id
                return made
            case UpdateWorkItemInput():
                changed = update(request, self._id_of)
                return replace(changed, expected=None) if fresh else changed
            case CommentInput():
                fresh_id = comment_id_of(minted_id(self._command_id, str(number)))
                return comment_command(request, CATEGORY, self._id_of(request.id, "id"), fresh_id)
            case LogEffortInput():
                fresh_id = comment_id_of(minted_id(self._command_id, str(number)))
                return effort_command(self._view, request, self._id_of(request.id, "id"), fresh_id)
            case AttachInput():
                return attachment_command(request, CATEGORY, self._id_of(request.id, "id"))
            case LinkWorkItemsInput():
                return LinkWorkItems(
                    id=self._id_of(request.id, "id"),
                    kind=request.kind,
                    to_id=self._id_of(request.to_id, "to_id", linked_category(request)),
                    remove=request.remove,
                )

    def _id_of(self, given: str, field: str, category: str = CATEGORY) -> str:
        if not given.startswith("$"):
            return resolve(self._view.tables, category, given, field, self._known)
        if given[1:] not in self._keys and given[1:] in self._refused:
            raise waits_for(self._refused[given[1:]])
        if given[1:] not in self._keys:
            check([problem(field, "is the key of no item before this one", given, allowed=list(self._keys)[:20])])
        return self._keys[given[1:]]

    def _problems(self, op: Any, key: Any, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if op not in KINDS:
            yield problem("op", "must say what to do", op, allowed=list(KINDS))
        if key is not None and (op != "create" or not isinstance(key, str) or key in self._keys):
            yield problem("key", "names a created item: a text, another one for each", key)
        for name in OF_THE_CALL:
            if name in item:
                yield problem(name, "is given once for all items, beside them")


def _names(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """By what the items name others, but for keys."""
    given = (item.get(field) for item in items for field in NAMING)
    return (name for name in given if isinstance(name, str) and not name.startswith("$"))


def _planned(command: ChangeWorkItems, world: World, unread: Unread, total: int) -> Plan:
    """What the bulk records. Raises one refusal of all that is refused, read or not, unless that is left out."""
    made = plan(command, world, decide)
    refused = {number: one.refused for number, one in _numbered(made.outcomes, unread, total) if one.refused}
    if refused and not command.refused_are_left_out:
        raise refusal(refused, total)
    return made


def _outcomes(recorded: Recorded, changes: tuple[Change, ...], made: Plan) -> Iterable[Outcome]:
    """What became of each change, with the version that its item was recorded with."""
    versions = {id_of(stream): version for stream, version in recorded.streams.items()}
    if recorded.repeated:  # what was left out then is not known any more, only what was recorded
        return (Outcome(id=change.id, version=versions.get(change.id, 0)) for change in changes)
    if recorded.place is not None:  # what waits has no numbers yet
        return (replace(one, version=versions.get(one.id, one.version)) for one in made.outcomes)
    return made.outcomes


def _numbered(outcomes: Iterable[Outcome], unread: Unread, total: int) -> list[tuple[int, Outcome]]:
    """One for each item of the call: those that could not be read are among them."""
    made = iter(outcomes)
    refused = {number: Outcome(id="", refused=error) for number, error in unread.items()}
    return [(number, refused[number] if number in refused else next(made)) for number in range(total)]


def _answer(
    view: LedgerView, request: BulkWorkItemsInput, recorded: Recorded, more: Answered, outcomes: list[Outcome]
) -> Answered:
    ids = list(dict.fromkeys(outcome.id for outcome in outcomes if outcome.refused is None))
    with view.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        found = snapshot.ask("entities/by_ids", category=CATEGORY, generation=generation, ids=ids)
        whole = {item["id"]: item for item in questions.to_entities(snapshot, rows(CATEGORY, found))}
    if not request.detail:
        whole = {name: _brief(item) for name, item in whole.items()}
    refused = sum(outcome.refused is not None for outcome in outcomes)
    return {
        **where(view, recorded),
        **more,
        **({"repeated": True} if recorded.repeated else {}),
        "taken": len(outcomes) - refused,
        "refused": refused,
        "results": [
            _verdict(number, item, outcome, whole)
            for number, (item, outcome) in enumerate(zip(request.items, outcomes, strict=True))
        ],
    }


def _brief(item: Answered) -> Answered:
    reviewed = item["question"] is not None and "completes" in item["question"]
    waits = {"waits_for": item["question"]["whom"]} if reviewed else {}
    return {"ref": item["ref"], "title": item["title"], **waits}


def _verdict(number: int, item: dict[str, Any], outcome: Outcome, whole: dict[str, Answered]) -> Answered:
    named = {"index": number, **({"key": item["key"]} if "key" in item else {})}
    if outcome.refused is not None:
        return {**named, "error": outcome.refused.as_answer()["error"]}
    return named | whole[outcome.id] | {"version": outcome.version}


OPERATIONS = (
    Operation(
        name="bulk_work_items",
        title="Change many work items",
        summary="Create, update, link and comment on up to 1,000 items in one command: all or nothing.",
        toolset="work",
        input=BulkWorkItemsInput,
        run=bulk_work_items,
        scope="write",
        destructive=True,
    ),
)
