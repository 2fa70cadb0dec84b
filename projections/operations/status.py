"""Operations on the ledger as a whole: the report, and what an assistant reads first."""

from typing import Annotated, Literal

from pydantic import Field

from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.envelope import configuration_id
from ledger.settings import Settings
from ledger.world import Asker
from projections.application import clones
from projections.application.view import LedgerView
from projections.maintenance import current_report
from projections.operations.base import Asks, Input, Operation
from projections.operations.inputs.fields import Limit
from projections.operations.ledger_creation import unusable
from projections.operations.work.needs import of_asker
from projections.questions import configuration
from projections.questions.answers import Answered
from projections.reports import prime as primer
from projections.reports import report

LEFT_OUT = ("id", "created_at", "updated_at")  # of an entry that has its reference


class ProjectStatusInput(Input):
    format: Annotated[Literal["json", "markdown"], Field(description="markdown is for people")] = "json"
    limit: Limit = 5


class PrimeInput(Asks):
    """Who asks is all that it takes."""


def project_status(view: LedgerView, request: ProjectStatusInput) -> Answered:
    if request.format == "markdown":
        document = current_report.document(view, report.IN_MARKDOWN)
        return {"as_of": document["as_of"], "markdown": report.markdown(document)}
    document = current_report.document(view, report.Shown(vendors=request.limit, lines=request.limit))
    return _brief(report.folded(document, request.limit))


def prime(view: LedgerView, request: PrimeInput) -> Answered:
    asker = Asker(name=view.actor(request.by), holder=token_digest(view.token_of(request.by)))
    origin = primer.Origin(
        project=view.identity.name,
        actor=view.actor(None),
        source=current_report.source(view),
        is_live=current_report.is_live(view),
        queued=current_report.queued(view),
        is_published=clones.is_in_project(view.identity.project),
    )
    with view.tables.snapshot() as snapshot:
        waiting = of_asker(view, snapshot, request.by, primer.CLAIMS)["items"]
        configured = configuration.current(snapshot, configuration_id(view.identity.ledger))
        document = primer.document(view.store, snapshot, origin, asker, waiting, configured)
    return {"position": document["position"], "text": primer.markdown(document)}


def prime_without_ledger(settings: Settings, _: PrimeInput) -> Answered:
    folder = settings.project
    text = primer.without_ledger(folder, usable=unusable(folder) is None)
    return {"position": None, "folder": str(folder), "text": text}


def _brief(document: Answered) -> Answered:
    """The report without what is empty or said by a reference already: it is read at every session."""
    health, work, ready = (document[name] for name in ("vendor_health", "active_work_items", "ready"))
    due = {name: document[name] for name in ("overdue", "due_this_week")}
    brief = {name: entry for name, entry in document.items() if name not in due}
    brief |= {
        name: listed | {"items": [_short(item) for item in listed["items"]]}
        for name, listed in due.items()
        if listed["items"]
    }
    return brief | {
        "vendor_health": health | {"vendors": [_short(vendor) for vendor in health["vendors"]]},
        "active_work_items": work | {"items": [_short(item) for item in work["items"]]},
        "ready": ready | {"items": [_short(item) for item in ready["items"]]},
        "recent_deployments": [_short(deployment) for deployment in document["recent_deployments"]],
        "pending_enhancements": [_short(enhancement) for enhancement in document["pending_enhancements"]],
    }


def _short(entry: Answered) -> Answered:
    return {name: value for name, value in entry.items() if name not in LEFT_OUT and value not in (None, [], ())}


OPERATIONS = (
    Operation(
        name="project_status",
        title="Read the status report",
        summary="Read the report on the whole project: vendors, work, deployments, plans. To begin a session: prime.",
        toolset="status",
        input=ProjectStatusInput,
        run=project_status,
    ),
    Operation(
        name="prime",
        title="Read this first",
        summary="Call this first: the project, what you hold, what waits for you, is ready or blocked, what changed "
        "since you were last here, and how to work.",
        toolset="status",
        input=PrimeInput,
        run=prime,
        without_ledger=prime_without_ledger,
    ),
)
