"""Operations on work items."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET
from pydantic import Field

from ledger.decider import check, problem
from ledger.envelope import Command, minted_id
from ledger.moment import parse
from ledger.work_item.commands import CreateWorkItem, LinkWorkItems, UpdateWorkItem
from projections.app import App, Done
from projections.operations.base import (
    Answered,
    Commits,
    Input,
    Limit,
    Metadata,
    Moment,
    Name,
    Operation,
    Priority,
    PullRequests,
    Tags,
    Text,
    Texts,
    Title,
    Version,
    Writes,
    command_id,
    given,
    receipt,
)
from projections.questions import work_items as questions
from projections.questions.references import resolve

CATEGORY = "work_item"
ItemType = Literal["project", "session", "task", "research"]
Status = Literal["active", "blocked", "completed"]
CLEARABLE = ("description", "notes", "assignee", "parent_id", "branch_name", "commits", "pr_numbers", "tags", "priority")
REVISABLE = ("title", "description", "notes", "metadata", "branch_name", "commits", "pr_numbers", "priority", "tags", "assignee")


class CreateWorkItemInput(Writes):
    item_type: Annotated[ItemType, Field(description="project, session, task or research.")]
    title: Annotated[Title, Field(description="What it is, 1-200 characters.")]
    description: Annotated[Text | None, Field(description="Longer text; required for a project.")] = None
    metadata: Annotated[Metadata, Field(description="By type; a session needs token_budget, prompts_count, yaml_frontmatter.")] = {}
    parent_id: Annotated[str | None, Field(description="Id or ref of the item this is part of.")] = None
    branch_name: Annotated[Name | None, Field(description="Git branch.")] = None
    commits: Annotated[Commits, Field(description="Commit hashes.")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="Pull request numbers.")] = ()
    priority: Annotated[Priority, Field(description="1 (highest) to 5.")] = 3
    tags: Annotated[Tags, Field(description="Labels, stored in lower case.")] = ()
    assignee: Annotated[Name | None, Field(description="Who should do it.")] = None


class UpdateWorkItemInput(Writes):
    id: Annotated[str, Field(description="Id or ref.")]
    version: Version
    title: Annotated[Title, Field(description="New title.")] = ""
    description: Annotated[Text, Field(description="New description.")] = ""
    notes: Annotated[Text, Field(description="New notes; they replace the old ones.")] = ""
    status: Annotated[Status | None, Field(description="active, blocked (needs reason) or completed.")] = None
    reason: Annotated[str | None, Field(max_length=500, description="Why it is blocked, or forced.")] = None
    metadata: Annotated[Metadata, Field(description="Merged key by key; null removes a key.")] = {}
    parent_id: Annotated[str, Field(description="Moves it below this item.")] = ""
    branch_name: Annotated[Name, Field(description="Git branch.")] = ""
    commits: Annotated[Commits, Field(description="Replaces the list.")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="Replaces the list.")] = ()
    priority: Annotated[Priority, Field(description="1 (highest) to 5.")] = 3
    tags: Annotated[Tags, Field(description="Replaces the list.")] = ()
    assignee: Annotated[Name, Field(description="Who should do it.")] = ""
    deleted: Annotated[bool | None, Field(description="true deletes, false restores.")] = None
    cascade: Annotated[bool, Field(description="Delete its descendants too.")] = False
    force: Annotated[bool, Field(description="Complete despite unfinished children or blockers; needs reason.")] = False
    clear: Annotated[Texts, Field(description="Names of fields to empty; parent_id makes a root.")] = ()


class QueryWorkItemInput(Input):
    id: Annotated[str, Field(description="Id or ref.")]
    include: Annotated[Texts, Field(description="Any of ancestors, descendants, dependencies.")] = ()
    max_depth: Annotated[int, Field(ge=1, le=5, description="How deep descendants go, 1-5.")] = 5


class ListWorkItemsInput(Input):
    item_type: Annotated[ItemType | None, Field(description="Only this type.")] = None
    status: Annotated[Status | None, Field(description="Only this status.")] = None
    parent_id: Annotated[str | None, Field(description="Only direct children of this item.")] = None
    roots_only: Annotated[bool, Field(description="Only items without a parent.")] = False
    tag: Annotated[str | None, Field(description="Only items with this tag.")] = None
    changed_since: Annotated[str | int | None, Field(description="Only items changed after this position or time.")] = None
    include_deleted: Annotated[bool, Field(description="Deleted ones too.")] = False
    include_archived: Annotated[bool, Field(description="Archived ones too.")] = False
    order: Annotated[questions.Order, Field(description="updated (newest first), created, priority or tree.")] = "updated"
    limit: Limit = 50
    offset: Annotated[int, Field(ge=0, description="Skip this many; prefer cursor.")] = 0
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None
    fields: Annotated[Texts, Field(description="Names of the fields wanted.")] = ()
    detail: Annotated[bool, Field(description="Whole items instead of summaries.")] = False


class LinkWorkItemsInput(Writes):
    id: Annotated[str, Field(description="Id or ref of the item that has the link.")]
    kind: Annotated[
        Literal["blocks", "depends_on", "relates_to", "discovered_from"],
        Field(description="id blocks / depends_on / relates_to / was discovered_from to_id."),
    ]
    to_id: Annotated[str, Field(description="Id or ref of the other item.")]
    remove: Annotated[bool, Field(description="Take the link away.")] = False


def create_work_item(app: App, wanted: CreateWorkItemInput) -> Answered:
    fields = wanted.model_dump(exclude={"by", "command_id", "detail", "parent_id"})
    parent = resolve(app.tables, CATEGORY, wanted.parent_id, "parent_id") if wanted.parent_id else None

    def make(command_id: UUID) -> Command:
        return CreateWorkItem(id=minted_id(command_id), parent_id=parent, **fields)

    done = app.do(make, category=CATEGORY, by=wanted.by, command_id=command_id(wanted.command_id))
    return _answer(app, wanted, done)


def update_work_item(app: App, wanted: UpdateWorkItemInput) -> Answered:
    _check_update(wanted)
    thing = resolve(app.tables, CATEGORY, wanted.id)
    fields = given(wanted, *REVISABLE) | {name: _emptied(name) for name in wanted.clear if name != "parent_id"}
    parent: Any = UNSET
    if "parent_id" in wanted.clear:
        parent = None
    elif "parent_id" in wanted.model_fields_set:
        parent = resolve(app.tables, CATEGORY, wanted.parent_id, "parent_id")

    def make(_: UUID) -> Command:
        return UpdateWorkItem(
            id=thing,
            expected=wanted.version,
            fields=fields,
            status=wanted.status,
            reason=wanted.reason,
            parent_id=parent,
            deleted=wanted.deleted,
            cascade=wanted.cascade,
            force=wanted.force,
        )

    done = app.do(make, category=CATEGORY, by=wanted.by, command_id=command_id(wanted.command_id))
    return _answer(app, wanted, done)


def link_work_items(app: App, wanted: LinkWorkItemsInput) -> Answered:
    thing = resolve(app.tables, CATEGORY, wanted.id)
    other = resolve(app.tables, CATEGORY, wanted.to_id, "to_id")

    def make(_: UUID) -> Command:
        return LinkWorkItems(id=thing, kind=wanted.kind, to_id=other, remove=wanted.remove)

    done = app.do(make, category=CATEGORY, by=wanted.by, command_id=command_id(wanted.command_id))
    return _answer(app, wanted, done)


def query_work_item(app: App, wanted: QueryWorkItemInput) -> Answered:
    parts = ("ancestors", "descendants", "dependencies")
    check(problem("include", "is not something to include", name, allowed=parts) for name in wanted.include if name not in parts)
    thing = resolve(app.tables, CATEGORY, wanted.id)
    with app.tables.snapshot() as snapshot:
        item = questions.shown(snapshot, [questions.row(snapshot, thing)])[0]
        if "ancestors" in wanted.include:
            item["ancestors"] = questions.lineage(snapshot, thing)
        if "descendants" in wanted.include:
            item["descendants"] = questions.descendants(snapshot, thing, wanted.max_depth)
        if "dependencies" in wanted.include:
            item["dependencies"] = questions.dependencies(snapshot, thing)
    return item


def list_work_items(app: App, wanted: ListWorkItemsInput) -> Answered:
    parent = resolve(app.tables, CATEGORY, wanted.parent_id, "parent_id") if wanted.parent_id else None
    filters = questions.Filter(
        item_type=wanted.item_type,
        status=wanted.status,
        parent_id=parent,
        roots_only=wanted.roots_only,
        tag=wanted.tag.strip().lower() if wanted.tag else None,
        since=_position(app, wanted.changed_since),
        include_deleted=wanted.include_deleted,
        include_archived=wanted.include_archived,
    )
    with app.tables.snapshot() as snapshot:
        page = questions.listed(
            snapshot, filters, order=wanted.order, limit=wanted.limit, offset=wanted.offset, cursor=wanted.cursor
        )
    if not wanted.detail:
        page["items"] = [_summary(item, wanted.fields) for item in page["items"]]
    return page


def _answer(app: App, wanted: Writes, done: Done) -> Answered:
    answer = receipt(app, done)
    if wanted.detail:
        with app.tables.snapshot() as snapshot:
            answer = questions.shown(snapshot, [questions.row(snapshot, done.id)])[0] | answer
    return answer


def _check_update(wanted: UpdateWorkItemInput) -> None:
    both = set(wanted.clear) & wanted.model_fields_set
    check(
        [
            *(problem("clear", "is not a field that can be empty", name, allowed=CLEARABLE) for name in wanted.clear if name not in CLEARABLE),
            *(problem(name, "is given and cleared at once") for name in sorted(both)),
        ]
    )


def _emptied(name: str) -> Any:
    return () if name in ("commits", "pr_numbers", "tags") else None


def _position(app: App, since: str | int | None) -> int | None:
    """A position as it is; the last position at or before a time."""
    if since is None or isinstance(since, int):
        return since
    if since.isdigit():
        return int(since)
    try:
        moment = parse(since)
    except ValueError:
        check([problem("changed_since", "must be a position or a time like 2026-11-22T15:00:00Z", since)])
        raise
    return app.store.position_at(moment)


def _summary(item: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    names = fields or questions.SUMMARY
    check(problem("fields", "is not a field of a work item", name, allowed=sorted(item)) for name in names if name not in item)
    chosen = {name: item[name] for name in names}
    if fields:
        return {"id": item["id"], "ref": item["ref"], "version": item["version"], **chosen}
    return {name: value for name, value in chosen.items() if value is not None}


OPERATIONS = (
    Operation(
        name="create_work_item",
        title="Create a work item",
        summary="Record a new project, session, task or research item. To change one that exists use update_work_item.",
        input=CreateWorkItemInput,
        run=create_work_item,
        writes=True,
    ),
    Operation(
        name="update_work_item",
        title="Change a work item",
        summary="Change fields, status, parent or deletion of one item, at the version you read. Only what you name changes.",
        input=UpdateWorkItemInput,
        run=update_work_item,
        writes=True,
        destructive=True,
    ),
    Operation(
        name="query_work_item",
        title="Read a work item",
        summary="One item, whole, with ancestors, descendants or dependencies if asked. To find items use list_work_items.",
        input=QueryWorkItemInput,
        run=query_work_item,
    ),
    Operation(
        name="list_work_items",
        title="List work items",
        summary="Find items by filter, a page at a time.",
        input=ListWorkItemsInput,
        run=list_work_items,
    ),
    Operation(
        name="link_work_items",
        title="Link work items",
        summary="Say that one item blocks, depends on, relates to, or was discovered from another; or take that back.",
        input=LinkWorkItemsInput,
        run=link_work_items,
        writes=True,
    ),
)
