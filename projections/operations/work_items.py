"""Operations on work items."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace
from pydantic import Field

from ledger.decider import Problem, check, problem
from ledger.envelope import Command, minted_id
from ledger.values.moment import parse
from ledger.work_item.claiming import token_digest
from ledger.work_item.commands import CreateWorkItem, LinkWorkItems, UpdateWorkItem
from projections.application.app import App
from projections.operations.base import (
    LARGEST_NUMBER,
    Answered,
    AnyText,
    Commits,
    Input,
    Limit,
    Metadata,
    Name,
    Operation,
    Point,
    Priority,
    PullRequests,
    Tags,
    Text,
    Texts,
    Title,
    Token,
    Version,
    Writes,
    carry_out,
    given,
)
from projections.questions import deployments, readiness
from projections.questions import work_items as questions
from projections.questions.as_of import position_of, row_at, shown_point
from projections.questions.history import history
from projections.questions.references import resolve
from projections.read_models import search_terms

CATEGORY = "work_item"
ItemType = Literal["project", "session", "task", "research"]
Status = Literal["active", "blocked", "completed"]
Sought = Annotated[str, Field(min_length=1, max_length=500)]
Meant = Callable[[str, str], str]  # (what was given, the field it stands in) -> the id that is meant
CLEARABLE = (
    "description",
    "notes",
    "assignee",
    "parent_id",
    "branch_name",
    "commits",
    "pr_numbers",
    "tags",
    "priority",
)
PARTS = ("ancestors", "descendants", "dependencies", "deployments", "history")
REVISABLE = (
    "title",
    "description",
    "notes",
    "metadata",
    "branch_name",
    "commits",
    "pr_numbers",
    "priority",
    "tags",
    "assignee",
)


class CreateWorkItemInput(Writes):
    item_type: Annotated[ItemType, Field(description="Kind")]
    title: Annotated[Title, Field(description="1-200")]
    description: Annotated[Text | None, Field(description="For projects")] = None
    metadata: Metadata = Field(
        default_factory=dict, description="Session: token_budget, prompts_count, yaml_frontmatter"
    )
    parent_id: Annotated[str | None, Field(description="Or ref")] = None
    branch_name: Annotated[Name | None, Field(description="Branch")] = None
    commits: Annotated[Commits, Field(description="Hashes")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="Numbers")] = ()
    priority: Annotated[Priority, Field(description="1-5")] = 3
    tags: Annotated[Tags, Field(description="Labels")] = ()
    assignee: Annotated[Name | None, Field(description="Whose")] = None


class UpdateWorkItemInput(Writes):
    id: Annotated[str, Field(description="Or ref")]
    version: Version
    title: Annotated[Title, Field(description="New")] = ""
    description: Annotated[Text, Field(description="New")] = ""
    notes: Annotated[Text, Field(description="New")] = ""
    status: Annotated[Status | None, Field(description="blocked: reason")] = None
    reason: Annotated[str | None, Field(max_length=500, description="Why")] = None
    metadata: Metadata = Field(default_factory=dict, description="Merged; null drops")
    parent_id: Annotated[str, Field(description="Move")] = ""
    branch_name: Annotated[Name, Field(description="Branch")] = ""
    commits: Annotated[Commits, Field(description="Replaces")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="Replaces")] = ()
    priority: Annotated[Priority, Field(description="1-5")] = 3
    tags: Annotated[Tags, Field(description="Replaces")] = ()
    assignee: Annotated[Name, Field(description="Whose")] = ""
    deleted: Annotated[bool | None, Field(description="false restores")] = None
    cascade: Annotated[bool, Field(description="Subtree")] = False
    force: Annotated[bool, Field(description="Anyway")] = False
    token: Annotated[Token | None, Field(description="Its claim's")] = None
    clear: Annotated[Texts, Field(description="To empty")] = ()


class QueryWorkItemInput(Input):
    id: Annotated[str, Field(description="Or ref")]
    include: Annotated[Texts, Field(description="ancestors, descendants, dependencies, deployments, history")] = ()
    max_depth: Annotated[int, Field(ge=1, le=5, description="Below, 1-5")] = 5
    as_of: Annotated[Point | None, Field(description="Position, time")] = None


class ListWorkItemsInput(Input):
    item_type: Annotated[ItemType | None, AnyText, Field(description="Only")] = None
    status: Annotated[Status | None, AnyText, Field(description="Only")] = None
    parent_id: Annotated[str | None, Field(description="Its children")] = None
    roots_only: Annotated[bool, Field(description="No parent")] = False
    tag: Annotated[str | None, Field(description="Has it")] = None
    text: Annotated[Sought | None, Field(description="Words")] = None
    ready: Annotated[bool | None, Field(description="Can begin")] = None
    blocked: Annotated[bool | None, Field(description="Waiting")] = None
    claimed_by: Annotated[Name | None, Field(description="Holder")] = None
    changed_since: Annotated[Point | None, Field(description="Position, time")] = None
    include_deleted: Annotated[bool, Field(description="Too")] = False
    include_archived: Annotated[bool, Field(description="Too")] = False
    order: Annotated[questions.Order | None, AnyText, Field(description="Or created, priority, tree")] = None
    limit: Limit = 50
    offset: Annotated[int, Field(ge=0, le=LARGEST_NUMBER, description="Skip")] = 0
    cursor: Annotated[str | None, Field(description="next_cursor")] = None
    fields: Annotated[Texts, Field(description="Names")] = ()
    detail: Annotated[bool, Field(description="Whole items")] = False
    as_of: Annotated[Point | None, Field(description="Position, time")] = None


class LinkWorkItemsInput(Writes):
    id: Annotated[str, Field(description="Who")]
    kind: Annotated[
        Literal["blocks", "depends_on", "relates_to", "discovered_from"],
        Field(description="Does what"),
    ]
    to_id: Annotated[str, Field(description="To whom")]
    remove: Annotated[bool, Field(description="Unlink")] = False


def create_work_item(app: App, wanted: CreateWorkItemInput) -> Answered:
    meant = _meant(app)
    command = creation(wanted, "", meant)

    def make(command_id: UUID) -> Command:
        return replace(command, id=minted_id(command_id))

    return carry_out(app, wanted, CATEGORY, make, questions.by_id)


def creation(wanted: CreateWorkItemInput, thing: str, meant: Meant) -> CreateWorkItem:
    """The command for an item of this id."""
    fields = wanted.model_dump(exclude={"by", "command_id", "detail", "parent_id"})
    if wanted.description is None and isinstance(wanted.metadata.get("description"), str):
        fields["metadata"] = {name: value for name, value in wanted.metadata.items() if name != "description"}
        fields["description"] = wanted.metadata["description"]  # where the original contract had it
    parent = meant(wanted.parent_id, "parent_id") if wanted.parent_id else None
    return CreateWorkItem(id=thing, parent_id=parent, **fields)


def update_work_item(app: App, wanted: UpdateWorkItemInput) -> Answered:
    command = update(wanted, _meant(app))

    def make(_: UUID) -> Command:
        return command

    answer = carry_out(app, wanted, CATEGORY, make, questions.by_id, token=wanted.token)
    if wanted.status == "completed":
        with app.tables.snapshot() as snapshot:
            answer |= readiness.became_ready(snapshot, command.id, snapshot.as_of.now)
    return answer


def update(wanted: UpdateWorkItemInput, meant: Meant) -> UpdateWorkItem:
    _check_update(wanted)
    parent: Any = UNSET
    if "parent_id" in wanted.clear:
        parent = None
    elif "parent_id" in wanted.model_fields_set:
        parent = meant(wanted.parent_id, "parent_id")
    return UpdateWorkItem(
        id=meant(wanted.id, "id"),
        expected=wanted.version,
        fields=given(wanted, *REVISABLE) | {name: _emptied(name) for name in wanted.clear if name != "parent_id"},
        status=wanted.status,
        reason=wanted.reason,
        parent_id=parent,
        deleted=wanted.deleted,
        cascade=wanted.cascade,
        force=wanted.force,
    )


def link_work_items(app: App, wanted: LinkWorkItemsInput) -> Answered:
    thing = resolve(app.tables, CATEGORY, wanted.id)
    other = resolve(app.tables, CATEGORY, wanted.to_id, "to_id")

    def make(_: UUID) -> Command:
        return LinkWorkItems(id=thing, kind=wanted.kind, to_id=other, remove=wanted.remove)

    return carry_out(app, wanted, CATEGORY, make, questions.by_id)


def query_work_item(app: App, wanted: QueryWorkItemInput) -> Answered:
    unknown = [name for name in wanted.include if name not in PARTS]
    check(problem("include", "is not something to include", name, allowed=PARTS) for name in unknown)
    if wanted.as_of is None and not wanted.include:
        return questions.meant(app.tables, wanted.id, token_digest(app.token))
    thing = resolve(app.tables, CATEGORY, wanted.id)
    if wanted.as_of is not None and not set(wanted.include) - {"history"}:
        return _alone(app, thing, wanted)
    with app.snapshot(wanted.as_of) as snapshot:
        item = questions.by_id(snapshot, thing)
        item |= readiness.explained(snapshot, thing, snapshot.as_of.now, token_digest(app.token))
        if "ancestors" in wanted.include:
            item["ancestors"] = questions.lineage(snapshot, thing)
        if "descendants" in wanted.include:
            item["descendants"] = questions.descendants(snapshot, thing, wanted.max_depth)
        if "dependencies" in wanted.include:
            item["dependencies"] = questions.dependencies(snapshot, thing)
        if "deployments" in wanted.include:
            item["deployments"] = deployments.of_work_item(snapshot, thing)
        as_of = snapshot.as_of.position
    if "history" in wanted.include:
        item["history"] = history(app.store, CATEGORY, thing, as_of=as_of)["items"]
    return item if wanted.as_of is None else item | {"as_of": shown_point(app.store, as_of)}


def _alone(app: App, thing: str, wanted: QueryWorkItemInput) -> Answered:
    """An item as it was, without what stood around it: that costs no more than its own past."""
    as_of = position_of(app.store, wanted.as_of or 0)
    row = row_at(app.store, CATEGORY, thing, as_of)
    with app.tables.snapshot() as snapshot:
        item = questions.shown(snapshot, [row])[0]
    if "history" in wanted.include:
        item["history"] = history(app.store, CATEGORY, thing, as_of=as_of)["items"]
    return item | {"as_of": shown_point(app.store, as_of)}


def list_work_items(app: App, wanted: ListWorkItemsInput) -> Answered:
    parent = resolve(app.tables, CATEGORY, wanted.parent_id, "parent_id") if wanted.parent_id else None
    check(_list_problems(wanted))
    filters = questions.Filter(
        terms=tuple(search_terms.wanted(wanted.text or "")),
        item_type=wanted.item_type,
        status=wanted.status,
        parent_id=parent,
        roots_only=wanted.roots_only,
        tag=wanted.tag.strip().lower() if wanted.tag else None,
        since=_position(app, wanted.changed_since),
        ready=wanted.ready,
        blocked=wanted.blocked,
        claimed_by=wanted.claimed_by,
        holder=token_digest(app.token),
        include_deleted=wanted.include_deleted,
        include_archived=wanted.include_archived,
    )
    default: questions.Order = "relevance" if wanted.text is not None else "updated"
    with app.snapshot(wanted.as_of) as snapshot:
        page = questions.listed(
            snapshot,
            filters,
            order=wanted.order or default,
            limit=wanted.limit,
            offset=wanted.offset,
            cursor=wanted.cursor,
        )
    if not wanted.detail:
        page["items"] = [summary(item, wanted.fields) for item in page["items"]]
    return page


def _list_problems(wanted: ListWorkItemsInput) -> Iterator[Problem]:
    if wanted.text is not None and not search_terms.wanted(wanted.text):
        yield problem("text", "holds no word to look for", wanted.text)
    if wanted.order in ("tree", "relevance") and (wanted.text is None) == (wanted.order == "relevance"):
        yield problem("order", "goes with text" if wanted.text is None else "does not go with text", wanted.order)


def _meant(app: App) -> Meant:
    return lambda given, field: resolve(app.tables, CATEGORY, given, field)


def _check_update(wanted: UpdateWorkItemInput) -> None:
    both = set(wanted.clear) & wanted.model_fields_set
    full = [name for name in wanted.clear if name not in CLEARABLE]
    check(
        [
            *(problem("clear", "is not a field that can be empty", name, allowed=CLEARABLE) for name in full),
            *(problem(name, "is given and cleared at once") for name in sorted(both)),
        ]
    )


def _emptied(name: str) -> Any:
    return () if name in ("commits", "pr_numbers", "tags") else None


def _position(app: App, since: Point | None) -> int | None:
    """A position as it is; the last position at or before a time."""
    if since is None:
        return None
    if since.isdigit():
        return int(since)
    try:
        moment = parse(since)
    except ValueError:
        check([problem("changed_since", "must be a position or a time like 2026-11-22T15:00:00Z", since)])
        raise
    return app.store.position_at(moment)


def summary(item: dict[str, Any], fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """The item as a list shows it; raises Invalid for fields that no item has."""
    names = fields or questions.SUMMARY
    unknown = [name for name in names if name not in item]
    check(problem("fields", "is not a field of a work item", name, allowed=sorted(item)) for name in unknown)
    chosen = {name: item[name] for name in names}
    if fields:
        return {"id": item["id"], "ref": item["ref"], "version": item["version"], **chosen}
    return {name: value for name, value in chosen.items() if value is not None}


OPERATIONS = (
    Operation(
        name="create_work_item",
        title="Create a work item",
        summary="Record new work.",
        input=CreateWorkItemInput,
        run=create_work_item,
        writes=True,
    ),
    Operation(
        name="update_work_item",
        title="Change a work item",
        summary="Change, move, complete or delete an item.",
        input=UpdateWorkItemInput,
        run=update_work_item,
        writes=True,
        destructive=True,
    ),
    Operation(
        name="query_work_item",
        title="Read a work item",
        summary="One item, whole. To find: list_work_items.",
        input=QueryWorkItemInput,
        run=query_work_item,
    ),
    Operation(
        name="list_work_items",
        title="List work items",
        summary="Find items. What to begin: ready_work.",
        input=ListWorkItemsInput,
        run=list_work_items,
    ),
    Operation(
        name="link_work_items",
        title="Link work items",
        summary="Link two items, or unlink.",
        input=LinkWorkItemsInput,
        run=link_work_items,
        writes=True,
    ),
)
