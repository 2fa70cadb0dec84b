"""The operation on attachments: what belongs to an entity and stays where it is, named by its URL."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from ledger.annotation.commands import AddAttachment, AnnotationCommand, RemoveAttachment
from ledger.annotation.state import AttachmentKind
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, carry_out
from projections.operations.inputs.fields import NotBlank
from projections.questions import entities
from projections.questions.answers import Answered
from projections.questions.lookup import find

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_IN_PROJECT = re.compile(r"(?![/\\])[^\s:]+")
HASH = re.compile(r"[0-9a-f]{7,64}")  # of a commit, as git prints it
_COMMIT = re.compile(r"commit:[0-9a-f]{7,64}|.*/commits?/[0-9a-f]{7,64}", re.IGNORECASE)
_ITEM = re.compile(r"ledger:[0-9a-f-]{36}/[0-9a-f-]{36}")  # of another ledger, by both their ids
_PULL_REQUEST = re.compile(r"https?://.*/(?:pull|pull-requests|pullrequest|merge_requests)/\d+(?:[/?#].*)?")


def _url(value: str) -> str:
    value = value.strip()
    if not (ELSEWHERE.fullmatch(value) or _IN_PROJECT.fullmatch(value)):
        raise ValueError(
            "must be a URL like https://example.org/x or commit:84b0fb4, or a path in the project; %20 for a blank"
        )
    return value


class AttachInput(Writes):
    id: Annotated[str, Field(description="What it belongs to: reference or id of an item, vendor, deployment, ...")]
    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2000,
            description="Where it is: https://..., commit:84b0fb4, or a path in the project like docs/plan.md",
        ),
        AfterValidator(_url),
    ]
    kind: Annotated[
        AttachmentKind | None, Field(description="From the URL if left out; file if it has a size or sha256")
    ] = None
    name: Annotated[
        Annotated[str, Field(max_length=200), NotBlank] | None, Field(description="What people call it, like Plan")
    ] = None
    size: Annotated[int | None, Field(ge=0, le=2**53, description="Of a file, in bytes")] = None
    sha256: Annotated[
        Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$"), AfterValidator(str.lower)] | None,
        Field(description="Of a file's bytes, 64 hexadecimal digits: they stay where they are"),
    ] = None
    remove: Annotated[bool, Field(description="true takes this attachment away")] = False


def attach(view: LedgerView, request: AttachInput) -> Answered:
    category, entity_id = find(view.tables, request.id)
    command = attachment_command(request, category, entity_id)
    return carry_out(
        view, request, category, command, lambda snapshot, known: entities.by_id(snapshot, category, known)
    )


def attachment_command(request: AttachInput, category: str, entity_id: str) -> AnnotationCommand:
    """Raises Invalid. The bare hash of a commit is one."""
    is_file = request.sha256 is not None or request.size is not None
    is_commit = not is_file and request.kind in (None, "commit") and HASH.fullmatch(request.url)
    url = f"commit:{request.url}" if is_commit and not request.remove else request.url
    kind = request.kind or ("file" if is_file else kind_of(url))
    check(_problems(request, category, kind))
    if request.remove:
        return RemoveAttachment(category=category, id=entity_id, url=request.url)
    return AddAttachment(
        category=category,
        id=entity_id,
        url=url,
        kind=kind,
        name=request.name,
        size=request.size,
        sha256=request.sha256,
    )


def kind_of(url: str) -> AttachmentKind:
    """What a URL leads to, by its form.

    >>> kind_of("https://github.com/o/r/pull/7"), kind_of("commit:84b0fb4"), kind_of("docs/plan.md")
    ('pull_request', 'commit', 'document')
    >>> kind_of("ledger:5f0c9b1e-3d1c-4a52-9f58-0c6d2f1f8a10/0f2b6d0c-4e3c-5f0e-9d3e-6a5a4c1b2d3e")
    'item'
    """
    if _COMMIT.fullmatch(url):
        return "commit"
    if _ITEM.fullmatch(url):
        return "item"
    return "pull_request" if _PULL_REQUEST.fullmatch(url) else "document"


def _problems(request: AttachInput, category: str, kind: AttachmentKind) -> Iterator[Problem]:
    if category == "configuration":
        yield problem("id", "names the configuration, which takes no attachments", request.id)
    if kind != "file" and (request.sha256 or request.size is not None):
        yield problem("kind", "must be file for what has a size or a sha256", kind)


OPERATIONS = (
    Operation(
        name="attach",
        title="Attach",
        summary="Attach a pull request, commit, document or file to an item or anything else by its URL, or take it "
        "away. For a link between items: link_work_items.",
        toolset="work",
        input=AttachInput,
        run=attach,
        scope="write",
        commands=dict.fromkeys((AddAttachment, RemoveAttachment), AttachInput),
        by_default=False,
    ),
)
