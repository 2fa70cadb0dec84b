"""What can be asked of deployments. `id` is the whole UUID; `expected` the version the writer has read."""

from typing import Any

from msgspec import field

from ledger.envelope import Command
from ledger.pending import Version


class RecordDeployment(Command, frozen=True, kw_only=True):
    """The same commit, pull request and environment a second time is the first one, unless it is a `redeployment`."""

    id: str
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


class AmendDeployment(Command, frozen=True, kw_only=True):
    """Changes some fields, each to its new value; test_summary and metadata merge key by key, links are replaced."""

    id: str
    expected: Version
    fields: dict[str, Any] = field(default_factory=dict)


DeploymentCommand = RecordDeployment | AmendDeployment
