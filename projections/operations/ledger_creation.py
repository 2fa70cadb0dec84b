"""The operation that gives a folder its ledger: assistants are offered it as long as there is none."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ledger import identity
from ledger.errors import Refused
from ledger.settings import Settings
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation
from projections.operations.inputs.fields import NotBlank
from projections.questions.answers import Answered


class CreateLedgerInput(Input):
    folder: Annotated[
        str,
        NotBlank,
        Field(
            description="Absolute path of the project's folder, as the error no_ledger names it: check that it is right"
        ),
    ]
    name: Annotated[
        str | None,
        NotBlank,
        Field(max_length=identity.NAME_LENGTH, description="What the project is called; its folder's name if left out"),
    ] = None


def create_ledger(settings: Settings, request: CreateLedgerInput) -> Answered:
    """Creates it in the folder that this process works in: what stands elsewhere would not be found again."""
    folder = settings.project
    if Path(request.folder).expanduser() != folder:
        raise Refused(
            f"this server works in {folder}, not in {request.folder}",
            next_step=f"have it started with `--project {request.folder}`, or name {folder} if that is right",
            rule="other_folder",
            folder=str(folder),
        )
    if (fault := unusable(folder)) is not None:
        raise Refused(
            f"{folder} {fault}, so it gets no ledger",
            next_step="have the server started with `--project FOLDER`, the project's own folder",
            rule="no_project_folder",
            folder=str(folder),
        )
    made = identity.create(folder, request.name)
    return _answer(made, "created")


def unusable(folder: Path) -> str | None:
    """Why a folder cannot be meant as a project's; None if it can."""
    if not folder.is_dir():
        return "is no folder"
    return "holds more than one project" if identity.holds_many_projects(folder) else None


def _existing(view: LedgerView, _: CreateLedgerInput) -> Answered:
    return _answer(view.identity, "unchanged")


def _answer(made: identity.Identity, outcome: str) -> Answered:
    return {
        "outcome": outcome,
        "ledger": str(made.ledger),
        "name": made.name,
        "folder": str(made.project),
        "next_step": f"commit {identity.FOLDER}/{identity.FILE} to version control, then call prime",
    }


CREATE_LEDGER = Operation(
    name="create_ledger",
    title="Create the ledger",
    summary="Give the project's folder its ledger, once. Only when a call answered no_ledger and its folder is right.",
    toolset="status",
    input=CreateLedgerInput,
    run=_existing,
    scope="admin",
    without_ledger=create_ledger,
)
