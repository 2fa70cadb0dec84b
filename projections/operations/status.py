"""Operations on the ledger as a whole: the report, and what an assistant reads first."""

from typing import Annotated, Literal

from pydantic import Field

from ledger.work_item.claiming import token_digest
from projections import prime as primer
from projections import report, report_now
from projections.app import App
from projections.operations.base import Answered, Input, Limit, Operation


class ProjectStatusInput(Input):
    format: Annotated[Literal["json", "markdown"], Field(description="Data or text")] = "json"
    limit: Limit = 20


class PrimeInput(Input):
    """Nothing: it is the same for every reader, but for whose claims are whose."""


def project_status(app: App, wanted: ProjectStatusInput) -> Answered:
    document = report_now.document(app)
    if wanted.format == "markdown":
        return {"as_of": document["as_of"], "markdown": report.markdown(document)}
    return report.folded(document, wanted.limit)


def prime(app: App, _: PrimeInput) -> Answered:
    with app.tables.snapshot() as snapshot:
        document = primer.document(snapshot, app.identity.name, token_digest(app.token))
    return {"position": document["position"], "text": primer.markdown(document)}


OPERATIONS = (
    Operation(
        name="project_status",
        title="Read the status report",
        summary="The report: vendors, work, ready, deployments, plans.",
        input=ProjectStatusInput,
        run=project_status,
    ),
    Operation(
        name="prime",
        title="Read this first",
        summary="Read first: how to work here, what is going on.",
        input=PrimeInput,
        run=prime,
    ),
)
