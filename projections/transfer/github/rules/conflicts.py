"""Fields that both sides changed, as conflicts of the ledger: GitHub's value waits as a command until it is decided.

`mine` is that command's side, so it takes GitHub's value, and `theirs` keeps what the ledger has, which is sent then.
A conflict's id follows from the item, the field and GitHub's value: found again it is the same one.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID, uuid5

from ledger.aggregates.conflict.decider import CATEGORY as CONFLICT
from ledger.aggregates.conflict.events import Base, ConflictFound, ConflictResolved, Met
from ledger.aggregates.conflict.state import Conflict
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.commands import CorrectComment
from ledger.command_codec import arguments_of, schema_of
from ledger.envelope import Command, Fact, stream_id
from ledger.settings import Policy
from ledger.values.states import find_state
from ledger.world import World
from projections.transfer.github.interface.issues import Issue
from projections.transfer.github.rules.sides import COMMENT, OPEN, REASONS, Values, state_of

NAMES = {
    "body": "description",
    "state": "status",
    "labels": "tags",
    "milestone": "milestone_id",
    "parent": "parent_id",
}  # fields by their names here


def id_of(item_id: str, field: str, theirs: Any) -> str:
    return str(uuid5(UUID(item_id), f"github {field} {theirs}"))


def policy_of(item_id: str, field: str, theirs: Any, usual: Policy, world: World) -> Policy:
    """What was decided of this very conflict, else what is usual. Decided for GitHub, it was changed here since, or it
    was dropped only, because the word is no state of this ledger."""
    known: Conflict = world.state(CONFLICT, id_of(item_id, field, theirs))
    if not known.exists or known.status == "open":
        return usual
    is_nearly = field == "state" and known.status == "mine" and state_of(world.state(CATEGORY, item_id)) != OPEN
    return "github" if is_nearly and theirs in REASONS else "ledger"


def found(
    item_id: str, fields: Iterable[str], base: Values, theirs: Values, issue: Issue, world: World
) -> Iterator[tuple[str, Fact]]:
    """The conflicts that are new."""
    for field in sorted(fields):
        own = id_of(item_id, field, theirs[field])
        if not world.state(CONFLICT, own).exists:
            yield stream_id(CONFLICT, own), _fact(item_id, field, base, issue, world)


def closed(
    item_id: str, fields: Iterable[str], theirs: Values, waiting: Iterable[str], world: World
) -> Iterator[tuple[str, Fact]]:
    """Closes the open conflicts of the item that no longer hold: both agree, or GitHub's value is another one."""
    current = {id_of(item_id, field, theirs[field]) for field in fields}
    for own in waiting:
        conflict: Conflict = world.state(CONFLICT, own)
        about_it = conflict.about == (stream_id(CATEGORY, item_id),)
        if about_it and conflict.status == "open" and own not in current and _is_of_github(conflict):
            yield stream_id(CONFLICT, own), ConflictResolved(choice="theirs")


def _is_of_github(conflict: Conflict) -> bool:
    return any(met.by == BY for met in conflict.met)


BY = "GitHub and the ledger"  # in what met


def _fact(item_id: str, field: str, base: Values, issue: Issue, world: World) -> ConflictFound:
    stream = stream_id(CATEGORY, item_id)
    version = world.version(stream)
    now: WorkItem = world.state(CATEGORY, item_id)
    command = _command(item_id, field, issue, version, world)
    name = field.removeprefix(COMMENT) if field.startswith(COMMENT) else NAMES.get(field, field)
    before = base[field] if field in ("title", "state", "assignee") else None
    met = Met(stream=stream, field=name, base=before, mine=_theirs(field, issue), now=_ours(field, now), by=BY)
    return ConflictFound(
        command=type(command).__name__,
        schema=schema_of(type(command).__name__),
        arguments=arguments_of(command),
        about=(stream,),
        bases={stream: Base(version=version)},
        standing={stream: version},
        met=(met,),
    )


def _command(item_id: str, field: str, issue: Issue, version: int, world: World) -> Command:
    """What takes GitHub's value. Of a state that this ledger does not have the command only drops the item: the next
    run takes it, as it does without a conflict."""
    value = _theirs(field, issue)
    if field.startswith(COMMENT):
        own = field.removeprefix(COMMENT)
        return CorrectComment(category=CATEGORY, id=item_id, comment_id=own, text=value)
    if field == "state":
        is_known = find_state(world.settings().states, value) is not None
        return UpdateWorkItem(id=item_id, expected=version, status=value if is_known else "dropped")
    if field == "parent":
        return UpdateWorkItem(id=item_id, expected=version, parent_id=value)
    return UpdateWorkItem(id=item_id, expected=version, fields={NAMES.get(field, field): value})


def _theirs(field: str, issue: Issue) -> Any:
    if field.startswith(COMMENT):
        assert issue.remarks is not None, "a comment that was not read is in no conflict"
        return issue.remarks[field.removeprefix(COMMENT)].text
    match field:
        case "title":
            return issue.record["title"]
        case "body":
            return issue.body
        case "assignee":
            return issue.logins[0] if issue.logins else None
        case "milestone":
            return issue.milestone_id
        case "due":
            return issue.due
        case "parent":
            return issue.parent
        case _:
            return word_of(issue)


def _ours(field: str, now: WorkItem) -> Any:
    if field.startswith(COMMENT):
        return now.comments[field.removeprefix(COMMENT)].text
    return getattr(now, NAMES.get(field, field))


def word_of(issue: Issue) -> str:
    """The state in our words."""
    if issue.record["state"] == "open":
        return "active"
    return REASONS.get(issue.record.get("state_reason") or "completed", "completed")
