"""What the facts of one deployment add up to."""

from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.deployment.events import (
    DeploymentAmended,
    DeploymentFact,
    DeploymentRecorded,
    DeploymentReinstated,
    DeploymentReverted,
    DeploymentWithdrawn,
)
from ledger.annotation.events import Annotation, AnnotationFact
from ledger.annotation.state import Attachment, Comment, annotate
from ledger.envelope import UnknownFact, stated
from ledger.values.revision import apply


class Deployment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deployment; one that is not `recorded` is not there. None is unknown: an import did not say."""

    recorded: bool = False
    deployed_at: str | None = None
    commit_hash: str | None = None
    pr_number: int | None = None
    pr_title: str | None = None
    test_summary: dict[str, int] = {}
    constitutional_compliance: bool | None = None
    vendor_ids: tuple[str, ...] = ()
    work_item_ids: tuple[str, ...] = ()
    environment: str | None = None
    metadata: dict[str, Any] = {}
    redeployment: bool = False
    comments: dict[str, Comment] = {}
    attachments: dict[str, Attachment] = {}  # by URL
    withdrawn: bool = False

    @property
    def exists(self) -> bool:
        return self.recorded

    @property
    def key(self) -> str | None:
        """What only one deployment may have; None for a redeployment, and where an import left it unknown."""
        if self.redeployment:
            return None
        return deployment_key(self.commit_hash, self.pr_number, self.environment)


def deployment_key(commit_hash: str | None, pr_number: int | None, environment: str | None) -> str | None:
    """
    >>> deployment_key("84b0fb4", 123, None)
    '84b0fb4:123:'
    """
    if commit_hash is None or pr_number is None:
        return None
    return f"{commit_hash}:{pr_number}:{environment or ''}"


def evolve(deployment: Deployment, fact: DeploymentFact | Annotation | UnknownFact) -> Deployment:
    match fact:
        case AnnotationFact():
            return annotate(deployment, fact)
        case DeploymentRecorded():
            return Deployment(recorded=True, **stated(fact))
        case DeploymentAmended(changes=changes) | DeploymentReverted(changes=changes):
            return apply(deployment, changes)
        case DeploymentWithdrawn():
            return replace(deployment, withdrawn=True)
        case DeploymentReinstated():
            return replace(deployment, withdrawn=False)
        case UnknownFact():
            return deployment  # carried, not interpreted
        case _:
            assert_never(fact)
