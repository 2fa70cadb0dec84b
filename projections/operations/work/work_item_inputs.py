"""What the operations on work items are given."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ledger.aggregates.work_item.rules.recurrence import rule_of
from ledger.aggregates.work_item.state import ItemType, LinkKind
from ledger.annotation.state import AttachmentKind
from ledger.values.dates import MOST_MINUTES, planned
from ledger.values.states import LONGEST as LONGEST_WORD
from ledger.values.states import Category
from projections.operations.base import Input, Writes
from projections.operations.inputs.fields import (
    LARGEST_NUMBER,
    AnyText,
    AsOf,
    Commits,
    Cursor,
    Limit,
    Metadata,
    Name,
    Point,
    Priority,
    PullRequests,
    Tags,
    Text,
    Texts,
    Title,
    Token,
    Version,
)
from projections.questions.work import item_lists


def _planned(value: str) -> str:
    try:
        return planned(value)
    except ValueError:
        raise ValueError("must be a day like 2026-12-15 or a time with its zone like 2026-12-15T12:00:00Z") from None


def _recurrence(value: str) -> str:
    return str(rule_of(value))


Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD)]
Sought = Annotated[str, Field(min_length=1, max_length=500)]
DUE = "Day or time it must be done by, like 2026-12-15"
NOT_BEFORE = "Not ready before this day or time"
ESTIMATE = "Minutes it should take, like 90"
MILESTONE = "The milestone it belongs to"
RECURRENCE = "Completing it makes the next: weekdays, every 2 weeks after completion"
Minutes = Annotated[int, Field(ge=1, le=MOST_MINUTES)]
Planned = Annotated[str, AfterValidator(_planned)]
Recurrence = Annotated[str, AfterValidator(_recurrence)]
Resolve = Callable[[str, str], str]  # (what was given, its field) -> the id
PLANS = ("due", "not_before", "estimate", "milestone_id", "recurrence")
Clearable = Literal[
    "description",
    "notes",
    "assignee",
    "parent_id",
    "branch_name",
    "commits",
    "pr_numbers",
    "tags",
    "priority",
    "due",
    "not_before",
    "estimate",
    "milestone_id",
    "recurrence",
]
Part = Literal["ancestors", "descendants", "dependencies", "deployments", "comments", "effort", "history"]
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
    *(name for name in PLANS if name != "milestone_id"),
)


class CreateWorkItemInput(Writes):
    item_type: Annotated[ItemType, Field(description="What kind of work; task if unsure")]
    title: Annotated[Title, Field(description="What is to be done, at most 200 characters")]
    description: Annotated[Text | None, Field(description="What and why, in Markdown")] = None
    metadata: Metadata = Field(
        default_factory=dict,
        description="Anything else by name; a session needs token_budget, prompts_count, yaml_frontmatter",
    )
    parent_id: Annotated[str | None, Field(description="Item it is part of, like w-7k3qd")] = None
    branch_name: Annotated[Name | None, Field(description="Its Git branch")] = None
    commits: Annotated[Commits, Field(description="Commit hashes, 7 to 40 hex digits")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="Numbers of pull requests")] = ()
    priority: Annotated[Priority, Field(description="1 (most urgent) to 5 (least); 3 if left out")] = 3
    tags: Annotated[Tags, Field(description='Labels, like ["docs"]')] = ()
    assignee: Annotated[Name | None, Field(description="Who is to do it; to begin: claim_work_item")] = None
    due: Annotated[Planned | None, Field(description=DUE)] = None
    not_before: Annotated[Planned | None, Field(description=NOT_BEFORE)] = None
    estimate: Annotated[Minutes | None, Field(description=ESTIMATE)] = None
    milestone_id: Annotated[str | None, Field(description=MILESTONE)] = None
    recurrence: Annotated[Recurrence | None, Field(description=RECURRENCE)] = None


class UpdateWorkItemInput(Writes):
    id: Annotated[str, Field(description="Id or reference, like w-7k3qd")]
    version: Version
    title: Annotated[Title, Field(description="Its new title")] = ""
    description: Annotated[Text, Field(description="New text, replaces the old")] = ""
    notes: Annotated[Text, Field(description="New text, replaces the old")] = ""
    status: Annotated[
        Word | None,
        Field(
            description="active, blocked (with reason), completed, dropped or one that get_project_configuration lists"
        ),
    ] = None
    reason: Annotated[str | None, Field(max_length=500, description="Why; blocked and force need it")] = None
    metadata: Metadata = Field(default_factory=dict, description="Entries to set; one of null is removed")
    parent_id: Annotated[str, Field(description="Move it under this item; to the top: clear")] = ""
    branch_name: Annotated[Name, Field(description="Its Git branch")] = ""
    commits: Annotated[Commits, Field(description="All commit hashes; replaces the list")] = ()
    pr_numbers: Annotated[PullRequests, Field(description="All pull requests; replaces the list")] = ()
    priority: Annotated[Priority, Field(description="1 (most urgent) to 5 (least)")] = 3
    tags: Annotated[Tags, Field(description="All tags; replaces the list")] = ()
    assignee: Annotated[Name, Field(description="Who is to do it")] = ""
    due: Annotated[Planned, Field(description="New due, day or time")] = ""
    not_before: Annotated[Planned, Field(description="New first day or time")] = ""
    estimate: Annotated[Minutes, Field(description="New estimate in minutes")] = 0
    milestone_id: Annotated[str, Field(description=MILESTONE)] = ""
    recurrence: Annotated[Recurrence, Field(description="New rule, like weekdays")] = ""
    deleted: Annotated[bool | None, Field(description="true deletes it, false brings it back")] = None
    cascade: Annotated[bool, Field(description="With deleted: all below it, too")] = False
    force: Annotated[bool, Field(description="true despite open children, blockers, another's claim")] = False
    token: Annotated[Token | None, Field(description="Only if it was claimed with one")] = None
    clear: Annotated[
        tuple[Annotated[Clearable, AnyText], ...],
        Field(description='Fields to empty, like ["assignee", "due"]'),
    ] = ()


class QueryWorkItemInput(Input):
    id: Annotated[str, Field(description="Id or reference, like w-7k3qd")]
    include: Annotated[
        tuple[Part, ...],
        Field(description="What else to answer; comments: all of them; effort: entries, and sums over all below"),
    ] = ()
    max_depth: Annotated[int, Field(ge=1, le=5, description="Levels of descendants, 1 to 5")] = 5
    as_of: AsOf = None


class ListWorkItemsInput(Input):
    item_type: Annotated[ItemType | None, AnyText, Field(description="Of this type, like task or milestone")] = None
    status: Annotated[Word | None, Field(description="In this state, like active or in_review")] = None
    category: Annotated[
        Category | None,
        AnyText,
        Field(description="Planned, active, waiting, review, done or dropped items"),
    ] = None
    assignee: Annotated[Name | None, Field(description="Assigned to this person")] = None
    parent_id: Annotated[str | None, Field(description="Children of this item, like w-7k3qd")] = None
    milestone_id: Annotated[str | None, Field(description="Of this milestone")] = None
    priority: Annotated[Priority | None, Field(description="Of this priority, 1 to 5")] = None
    due_until: Annotated[Planned | None, Field(description="Due by this day, like 2026-12-15")] = None
    overdue: Annotated[bool, Field(description="Only unfinished and past due")] = False
    deferred: Annotated[bool | None, Field(description="Only deferred by not_before (false: not)")] = None
    roots_only: Annotated[bool, Field(description="Only without parent")] = False
    tag: Annotated[str | None, Field(description="With this tag")] = None
    attachment: Annotated[
        AttachmentKind | None, AnyText, Field(description="Has attached: pull_request, commit, document, file, item")
    ] = None
    text: Annotated[Sought | None, Field(description="With all these words")] = None
    ready: Annotated[bool | None, Field(description="Only what can begin now (false: cannot)")] = None
    blocked: Annotated[bool | None, Field(description="Only what waits for others (false: does not)")] = None
    claimed_by: Annotated[Name | None, Field(description="Claimed by this person")] = None
    unfinished: Annotated[bool, Field(description="Only what is not finished")] = False
    changed_since: Annotated[Point | None, Field(description="Changed after position 120 or RFC 3339 time")] = None
    include_deleted: Annotated[bool, Field(description="Deleted items, too")] = False
    include_archived: Annotated[bool, Field(description="Archived items, too")] = False
    order: Annotated[
        item_lists.Order | None,
        AnyText,
        Field(description="updated (newest first, if left out), created, priority, due or tree; with text relevance"),
    ] = None
    limit: Limit = 50
    offset: Annotated[int, Field(ge=0, le=LARGEST_NUMBER, description="To skip; better: cursor")] = 0
    cursor: Cursor = None
    fields: Annotated[Texts, Field(description='Only these fields, like ["title", "notes"]')] = ()
    detail: Annotated[bool, Field(description="true answers items in full")] = False
    as_of: AsOf = None


class LinkWorkItemsInput(Writes):
    id: Annotated[str, Field(description="Item the link begins at, like w-7k3qd")]
    kind: Annotated[
        Literal[LinkKind, "depends_on", "implements"],
        Field(description="id KIND to_id. A depends_on B: A cannot begin before B is done; so says B blocks A"),
    ]
    to_id: Annotated[str, Field(description="The other item (w-9m2fa); implements: an enhancement (e-7k3qd)")]
    remove: Annotated[bool, Field(description="true takes this link away")] = False
