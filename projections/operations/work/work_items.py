"""Operations on work items."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.aggregates.work_item.rules.enhancement_links import ENHANCEMENT
from ledger.aggregates.work_item.state import IMPLEMENTS, WorkItem
from ledger.envelope import configuration_id, stream_id
from ledger.problems import Problem, check, problem
from ledger.values.dates import ends
from ledger.values.moment import parse
from ledger.values.states import ORIGINAL
from ledger.world import Asker
from projections.application.view import LedgerView
from projections.operations.base import Operation, carry_out, new_id, sent_fields
from projections.operations.inputs.fields import Point
from projections.operations.work.consequences import with_freed
from projections.operations.work.duplicates import still_ready
from projections.operations.work.work_item_inputs import (
    REVISABLE,
    CreateWorkItemInput,
    LinkWorkItemsInput,
    ListWorkItemsInput,
    QueryWorkItemInput,
    Resolve,
    UpdateWorkItemInput,
)
from projections.questions import deployments, entities
from projections.questions.answers import Answered
from projections.questions.configuration import states_meant
from projections.questions.log.as_of import is_position, point_as_answer, position_of, row_at
from projections.questions.log.history import history, short_changes_of
from projections.questions.references import reference, resolve
from projections.questions.work import item_lists, readiness
from projections.questions.work import work_items as questions
from projections.read_models import search_terms
from projections.tables.contract import Snapshot

CATEGORY = "work_item"


def create_work_item(view: LedgerView, request: CreateWorkItemInput) -> Answered:
    command = creation(request, new_id(request), _resolve_in(view))

    return carry_out(view, request, CATEGORY, command, questions.by_id)


def creation(request: CreateWorkItemInput, entity_id: str, resolved: Resolve) -> CreateWorkItem:
    """The command for an item of this id."""
    fields = request.model_dump(exclude={"by", "command_id", "detail", "parent_id", "milestone_id"})
    if request.description is None and isinstance(request.metadata.get("description"), str):
        fields["metadata"] = {name: value for name, value in request.metadata.items() if name != "description"}
        fields["description"] = request.metadata["description"]  # where the original contract had it
    parent = resolved(request.parent_id, "parent_id") if request.parent_id else None
    milestone = resolved(request.milestone_id, "milestone_id") if request.milestone_id else None
    return CreateWorkItem(id=entity_id, parent_id=parent, milestone_id=milestone, **fields)


def update_work_item(view: LedgerView, request: UpdateWorkItemInput) -> Answered:
    command = update(request, _resolve_in(view))

    answer = with_freed(
        view,
        [command.id] if could_free(command) else [],
        lambda: carry_out(view, request, CATEGORY, command, questions.by_id, token=request.token),
    )
    if "parent_id" in {*request.model_fields_set, *request.clear}:
        with view.tables.snapshot() as snapshot:
            stream = stream_id(CATEGORY, command.id)
            answer |= short_changes_of(view.store, snapshot, [stream], str(request.command_id))[stream]
    if request.status is not None:
        item: WorkItem = questions.row_in(view.tables, command.id).state
        if item.next_id is not None:
            with view.tables.snapshot() as snapshot:
                answer |= followed(snapshot, item)
        answer |= under_review(item)
    return answer


def followed(snapshot: Snapshot, item: WorkItem) -> Answered:
    """{next_item?}: what comes after an item that has ended."""
    if not item.finished or item.next_id is None:
        return {}
    return {"next_item": questions.brief_of(snapshot, item.next_id)}


def could_free(command: UpdateWorkItem) -> bool:
    """Whether it changes what readiness depends on."""
    moves = command.status is not None or command.deleted is not None or command.parent_id is not UNSET
    return moves or not {"not_before", "assignee"}.isdisjoint(command.fields)


def under_review(item: WorkItem) -> Answered:
    """What a completion that needs a review came to; nothing of any other item."""
    if item.question is None or item.question.completes is None:
        return {}
    whom = item.question.whom
    return {"waits_for": whom, "next_step": f"leave it: it is completed when {whom} approves (question, action answer)"}


def update(request: UpdateWorkItemInput, resolved: Resolve) -> UpdateWorkItem:
    _check_update(request)
    parent: Any = UNSET
    if "parent_id" in request.clear:
        parent = None
    elif "parent_id" in request.model_fields_set:
        parent = resolved(request.parent_id, "parent_id")
    fields = sent_fields(request, *REVISABLE) | {name: _emptied(name) for name in request.clear if name != "parent_id"}
    if "milestone_id" in request.model_fields_set:
        fields["milestone_id"] = resolved(request.milestone_id, "milestone_id")
    return UpdateWorkItem(
        id=resolved(request.id, "id"),
        expected=request.version,
        fields=fields,
        status=request.status,
        reason=request.reason,
        parent_id=parent,
        deleted=request.deleted,
        cascade=request.cascade,
        force=request.force,
    )


def link_work_items(view: LedgerView, request: LinkWorkItemsInput) -> Answered:
    entity_id = resolve(view.tables, CATEGORY, request.id)
    other = resolve(view.tables, linked_category(request), request.to_id, "to_id")

    command = LinkWorkItems(id=entity_id, kind=request.kind, to_id=other, remove=request.remove)

    answer = with_freed(
        view,
        (entity_id, other) if request.remove else (),
        lambda: carry_out(view, request, CATEGORY, command, questions.by_id),
    )
    return answer | still_ready(view, repeating([command]))


def linked_category(request: LinkWorkItemsInput) -> str:
    """What the other end of a link is."""
    return ENHANCEMENT if request.kind == IMPLEMENTS else CATEGORY


def repeating(changes: Iterable[Any]) -> Iterator[str]:
    """The items that some changes link to what they repeat."""
    for change in changes:
        if isinstance(change, LinkWorkItems) and change.kind == "duplicates" and not change.remove:
            yield change.id


def query_work_item(view: LedgerView, request: QueryWorkItemInput) -> Answered:
    if request.as_of is None and not request.include:
        return _with_progress(view, questions.by_name(view.tables, request.id, asker(view)))
    entity_id = resolve(view.tables, CATEGORY, request.id)
    if request.as_of is not None and not set(request.include) - {"history", "comments"}:
        return _at_position(view, entity_id, request)
    if request.as_of is not None:  # what was not there yet is said to come later, not to be nowhere
        row_at(view.store, CATEGORY, entity_id, position_of(view.store, request.as_of))
    with view.snapshot(request.as_of) as snapshot:
        item = questions.by_id(snapshot, entity_id)
        item |= readiness.explained(snapshot, entity_id, snapshot.as_of.now, asker(view))
        if "effort" in request.include:
            item["effort"] = (item["effort"] or {}) | questions.effort(snapshot, entity_id)
        if "ancestors" in request.include:
            item["ancestors"] = questions.lineage(snapshot, entity_id)
        if "descendants" in request.include:
            item["descendants"] = questions.descendants(snapshot, entity_id, request.max_depth)
        if "dependencies" in request.include:
            item["dependencies"] = questions.dependencies(snapshot, entity_id)
        if "comments" in request.include:
            item |= entities.comments(questions.row(snapshot, entity_id))
        if "deployments" in request.include:
            item["deployments"] = deployments.of_work_item(snapshot, entity_id)
        as_of = snapshot.as_of.position
    if "history" in request.include:
        item["history"] = history(view.store, CATEGORY, entity_id, as_of=as_of)["items"]
    item = _with_progress(view, item) if request.as_of is None else item
    return item if request.as_of is None else item | {"as_of": point_as_answer(view.store, as_of)}


def _with_progress(view: LedgerView, item: Answered) -> Answered:
    """The answer with how far it is, if it is a milestone."""
    if item["item_type"] != "milestone":
        return item
    with view.tables.snapshot() as snapshot:
        return item | {"progress": questions.progress(snapshot, item["id"])}


def _at_position(view: LedgerView, entity_id: str, request: QueryWorkItemInput) -> Answered:
    """An item as it was, without what stood around it: that costs no more than its own past."""
    as_of = position_of(view.store, request.as_of or 0)
    row = row_at(view.store, CATEGORY, entity_id, as_of)
    with view.tables.snapshot() as snapshot:
        item = questions.to_entities(snapshot, [row])[0]
    most = None if "comments" in request.include else questions.NEWEST
    item |= entities.annotations(row, most)
    if "history" in request.include:
        item["history"] = history(view.store, CATEGORY, entity_id, as_of=as_of)["items"]
    return item | {"as_of": point_as_answer(view.store, as_of)}


def list_work_items(view: LedgerView, request: ListWorkItemsInput) -> Answered:
    filters = _filter(view, request)
    default: item_lists.Order = "relevance" if request.text is not None else "updated"
    with view.snapshot(request.as_of) as snapshot:
        page = item_lists.listed(
            snapshot,
            replace(filters, **states_meant(snapshot, configuration_id(view.identity.ledger), request.status)),
            order=request.order or default,
            limit=request.limit,
            offset=request.offset,
            cursor=request.cursor,
        )
    if not request.detail:
        page["items"] = [summary(item, request.fields) for item in page["items"]]
    return page


def _filter(view: LedgerView, request: ListWorkItemsInput) -> item_lists.WorkItemFilter:
    """What the list is limited to, but for the states, which a snapshot's configuration gives a meaning."""
    parent = resolve(view.tables, CATEGORY, request.parent_id, "parent_id") if request.parent_id else None
    milestone = _milestone(view, request.milestone_id) if request.milestone_id else None
    check(_list_problems(request))
    given = request.model_dump(include=set(item_lists.WorkItemFilter.__struct_fields__), exclude={"status"})
    resolved = {
        "terms": tuple(search_terms.wanted(request.text or "")),
        "parent_id": parent,
        "milestone_id": milestone,
        "due_until": ends(request.due_until) if request.due_until else None,
        "tag": request.tag.strip().lower() if request.tag else None,
        "since": _position(view, request.changed_since),
        "asker": asker(view),
    }
    return item_lists.WorkItemFilter(**given | resolved)


def _milestone(view: LedgerView, given: str) -> str:
    milestone = resolve(view.tables, CATEGORY, given, "milestone_id")
    with view.tables.snapshot() as snapshot:
        item_type = questions.row(snapshot, milestone).state.item_type
    if item_type != "milestone":
        found = f"{reference(view.tables, CATEGORY, milestone)} is a {item_type}"
        check([problem("milestone_id", f"must be a milestone, and {found}", given)])
    return milestone


def asker(view: LedgerView) -> Asker:
    """The one for whom readiness is asked."""
    return Asker(name=view.actor(None), holder=token_digest(view.token_of(None)))


def _list_problems(request: ListWorkItemsInput) -> Iterator[Problem]:
    if request.text is not None and not search_terms.wanted(request.text):
        yield problem("text", "holds no word to look for", request.text)
    if request.order in ("tree", "relevance") and (request.text is None) == (request.order == "relevance"):
        yield problem("order", "goes with text" if request.text is None else "does not go with text", request.order)


def _resolve_in(view: LedgerView) -> Resolve:
    return lambda given, field: resolve(view.tables, CATEGORY, given, field)


def _check_update(request: UpdateWorkItemInput) -> None:
    both = set(request.clear) & request.model_fields_set
    check(problem(name, "is given and cleared at once") for name in sorted(both))


def _emptied(name: str) -> Any:
    return () if name in ("commits", "pr_numbers", "tags") else None


def _position(view: LedgerView, since: Point | None) -> int | None:
    """A position as it is; the last position at or before a time."""
    if since is None:
        return None
    if is_position(since):
        return int(since)
    try:
        moment = parse(since)
    except ValueError:
        check([problem("changed_since", "must be a position or a time like 2026-11-22T15:00:00Z", since)])
        raise
    return view.store.position_at(moment)


def summary(item: dict[str, Any], fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """The item as a list shows it; raises Invalid for fields that no item has."""
    names = fields or item_lists.SUMMARY
    unknown = [name for name in names if name not in item]
    check(problem("fields", "is not a field of a work item", name, allowed=sorted(item)) for name in unknown)
    chosen = {name: item[name] for name in names}
    if fields:
        return {"id": item["id"], "ref": item["ref"], "version": item["version"], **chosen}
    if item["status"] in ORIGINAL:  # whose category needs no word
        del chosen["category"]
    because = {name: item[name] for name in ("not_ready_because", "not_ready_more") if name in item}
    return {name: value for name, value in chosen.items() if value not in (None, 0)} | because


OPERATIONS = (
    Operation(
        name="create_work_item",
        title="Create a work item",
        summary="Record new work, under its parent if any. Many at once, with links: bulk_work_items. "
        "Search first: list_work_items with text.",
        toolset="work",
        input=CreateWorkItemInput,
        run=create_work_item,
        scope="write",
        commands={CreateWorkItem: CreateWorkItemInput},
    ),
    Operation(
        name="update_work_item",
        title="Change a work item",
        summary="Change one item: fields, state, parent, deleted. Only what is sent changes. Completing answers what "
        "became ready. For a remark: comment; to take work: claim_work_item.",
        toolset="work",
        input=UpdateWorkItemInput,
        run=update_work_item,
        scope="write",
        destructive=True,
        commands={UpdateWorkItem: UpdateWorkItemInput},
    ),
    Operation(
        name="query_work_item",
        title="Read a work item",
        summary="Read one item in full: also whether it can begin, or why not. To find items: list_work_items.",
        toolset="work",
        input=QueryWorkItemInput,
        run=query_work_item,
    ),
    Operation(
        name="list_work_items",
        title="List work items",
        summary="Find items by filters or words, with who holds them. For what to begin next: ready_work.",
        toolset="work",
        input=ListWorkItemsInput,
        run=list_work_items,
    ),
    Operation(
        name="link_work_items",
        title="Link work items",
        summary="Link two items, so that one waits for the other or is related; or take a link away.",
        toolset="work",
        input=LinkWorkItemsInput,
        run=link_work_items,
        scope="write",
    ),
)
