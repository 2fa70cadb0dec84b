"""What can happen to a deployment. Never edited after release; a changed shape is a new schema with an upcast."""

from typing import Any

from msgspec import field

from ledger.envelope import Fact
from ledger.values.revision import Changes


class DeploymentRecorded(Fact, frozen=True, kw_only=True):
    """Fields an imported source did not state are absent, never a default that looks like a fact.

    `deployed_at` is RFC 3339 text. `redeployment` means: once more, although the same was deployed before.
    """

    deployed_at: str | None = None
    commit_hash: str | None = None
    pr_number: int | None = None
    pr_title: str | None = None
    test_summary: dict[str, int] = field(default_factory=dict)
    constitutional_compliance: bool | None = None
    vendor_ids: tuple[str, ...] = ()
    work_item_ids: tuple[str, ...] = ()
    environment: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    redeployment: bool = False


class DeploymentAmended(Fact, frozen=True, kw_only=True):
    """Links and corrections, old and new."""

    changes: Changes


class DeploymentReverted(Fact, frozen=True, kw_only=True):
    """Fields are again what they were before the command `undoes`, old and new."""

    changes: Changes
    undoes: str


class DeploymentWithdrawn(Fact, frozen=True, kw_only=True):
    """Its creation by the command `undoes` was undone: it is kept and hidden, what was unique in it is free again."""

    undoes: str


class DeploymentReinstated(Fact, frozen=True, kw_only=True):
    """It is back, because its withdrawal by the command `undoes` was undone."""

    undoes: str


DeploymentFact = (
    DeploymentRecorded | DeploymentAmended | DeploymentReverted | DeploymentWithdrawn | DeploymentReinstated
)
