"""Operations on the configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.configuration.decider import CATEGORY
from ledger.aggregates.configuration.state import ContextType
from ledger.aggregates.work_item.state import ItemType
from ledger.envelope import configuration_id
from ledger.errors import Invalid, LedgerError
from ledger.problems import Problem, check, problem
from ledger.values.moment import text
from ledger.values.states import Category
from projections.application.view import LedgerView
from projections.maintenance.current_report import queued
from projections.maintenance.repository import git
from projections.operations.base import Input, Operation, Writes, carry_out, sent_fields
from projections.operations.inputs.argument_values import NULL_IS_A_VALUE
from projections.operations.inputs.fields import AnyObject, AsArray, AsObject, Commit, Name, Version
from projections.questions import configuration as questions
from projections.questions.answers import Answered
from projections.questions.conflicts import open_count
from projections.questions.references import resolve

REVISABLE = ("active_context_type", "git_branch", "git_head_commit", "default_token_budget")
FROM_GIT = ("git_branch", "git_head_commit")


class SettingsInput(Input):
    """What holds for all. Of `roles` a null drops one, `reviewer` null leaves reviews to administrators, and
    `currency` null leaves costs without one."""

    depth_limit: int = 0
    archive_days: int = 0
    lease_minutes: int = 0
    write_status_file: bool = False
    only_asked_answer: bool = False
    roles: Annotated[dict[Name, tuple[Name, ...] | None], AsObject] = {}
    review_types: Annotated[tuple[ItemType, ...], AsArray] = ()
    reviewer: Annotated[Name | None, Field(json_schema_extra=NULL_IS_A_VALUE)] = None
    currency: Annotated[Name | None, Field(json_schema_extra=NULL_IS_A_VALUE)] = None


class OwnState(Input):
    """A state of the ledger's own, see ledger.values.states."""

    name: str
    category: Category
    on_claim: bool = False


class GetProjectConfigurationInput(Input):
    """Nothing: there is one configuration."""


class UpdateProjectConfigurationInput(Writes):
    version: Version
    active_context_type: Annotated[ContextType, Field(description="What the project is busy with")] = "feature"
    current_session_id: Annotated[
        str | None,
        Field(
            description="Item of the running session, like w-7k3qd; null empties it", json_schema_extra=NULL_IS_A_VALUE
        ),
    ] = None
    git_branch: Annotated[
        Name | None, Field(description="Branch that is worked on; null empties it", json_schema_extra=NULL_IS_A_VALUE)
    ] = None
    git_head_commit: Annotated[
        Commit | None,
        Field(description="Its newest commit, 7 to 40 hex digits; null empties it", json_schema_extra=NULL_IS_A_VALUE),
    ] = None
    default_token_budget: Annotated[
        int, Field(ge=1_000, le=1_000_000, description="Tokens a session may use, 1000 to 1000000")
    ] = 200_000
    settings: Annotated[
        SettingsInput,
        AsObject,
        AnyObject,
        Field(
            description="Those that change: depth_limit, archive_days, lease_minutes, write_status_file; roles like"
            ' {"lead": ["ann"]}; only_asked_answer; currency, like EUR; review_types: types completed only when'
            " reviewer, a person or role, approves"
        ),
    ] = SettingsInput()
    states: Annotated[
        tuple[Annotated[OwnState, AnyObject], ...],
        AsArray,
        Field(
            description='All own states in order, like [{"name": "in_review", "category": "review"}]. Categories: '
            "planned, active, waiting, review, done, dropped. on_claim: true moves what is claimed there"
        ),
    ] = ()
    from_git: Annotated[bool, Field(description="true takes branch and commit from the working tree")] = False


def get_project_configuration(view: LedgerView, _: GetProjectConfigurationInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        configuration = questions.current(snapshot, configuration_id(view.identity.ledger))
        elsewhere = questions.items_elsewhere(snapshot, configuration["id"])
        conflicts = open_count(snapshot)
    configuration |= _elsewhere(elsewhere)
    health = questions.health(view.tables, view.layer.source, "embedded" if view.settings.dsn is None else "given")
    return configuration | {"health": health | _own_copy(view) | {"conflicts": conflicts}}


def _elsewhere(found: list[Answered]) -> Answered:
    return {"items_in_other_states": found} if found else {}


def _own_copy(view: LedgerView) -> Answered:
    """How far this machine's journal is, when it was last known to be the whole log, and what waits beside it."""
    try:
        contact = view.local.contact()
        head = view.local.journal.head.position
        return {"journal": head, "last_contact": contact and text(contact), "queued": queued(view)}
    except LedgerError as error:  # a disk that cannot be used is what health has to tell
        return {"journal": None, "working_files": error.message}


def update_project_configuration(view: LedgerView, request: UpdateProjectConfigurationInput) -> Answered:
    check(_given_twice(request))
    fields: dict[str, Any] = sent_fields(request, *REVISABLE) | request.settings.model_dump(exclude_unset=True)
    if "states" in request.model_fields_set:
        fields["states"] = [state.model_dump(exclude_defaults=True) for state in request.states]
    if "current_session_id" in request.model_fields_set:
        session = request.current_session_id
        fields["current_session_id"] = session and resolve(view.tables, "work_item", session, "current_session_id")
    if request.from_git:
        fields |= working_tree(view.identity.project)

    command = ChangeConfiguration(id=configuration_id(view.identity.ledger), expected=request.version, fields=fields)

    answer = carry_out(view, request, CATEGORY, command, questions.current)
    if "states" not in request.model_fields_set:
        return answer
    with view.tables.snapshot() as snapshot:
        return answer | _elsewhere(questions.items_elsewhere(snapshot, answer["id"]))


def working_tree(project: Path) -> dict[str, str | None]:
    """Branch and head of the project's repository; no branch on a detached head, no head before the first commit."""
    try:
        git(project, "rev-parse", "--git-dir", needed=True)
    except Invalid as error:
        why = error.details["why"]
        raise Invalid(
            f"from_git: {error.message}",
            next_step=f"{error.next_step}, or send git_branch and git_head_commit yourself",
            fields=[problem("from_git", f"needs a git repository: {why}", True)],
        ) from error
    return {
        "git_branch": git(project, "symbolic-ref", "--quiet", "--short", "HEAD"),
        "git_head_commit": git(project, "rev-parse", "--verify", "--quiet", "HEAD"),
    }


def _given_twice(request: UpdateProjectConfigurationInput) -> Iterator[Problem]:
    for field in FROM_GIT:
        if request.from_git and field in request.model_fields_set:
            yield problem(field, "is given, and to be taken from git: send one of them", getattr(request, field))


OPERATIONS = (
    Operation(
        name="get_project_configuration",
        title="Read the configuration",
        summary="Read settings, states and the health of the ledger.",
        toolset="configuration",
        input=GetProjectConfigurationInput,
        run=get_project_configuration,
    ),
    Operation(
        name="update_project_configuration",
        title="Change the configuration",
        summary="Change the settings of the project. Only what is sent changes.",
        toolset="configuration",
        input=UpdateProjectConfigurationInput,
        run=update_project_configuration,
        scope="admin",
        commands={ChangeConfiguration: UpdateProjectConfigurationInput},
    ),
)
