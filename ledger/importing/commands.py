"""What a source tells of vendors, deployments and enhancements, as its reader understood it, and the import of it all.

Nothing is refused for a rule of today: `fields` hold what the source says, also a short hash or an odd number, and a
field that is not in them is absent in the source. A reader never fills one in. What has no place among the fields (the
source's own words) goes into `fields["metadata"]`. Work items are given as
`ledger.aggregates.work_item.commands.ImportedItem`.
"""

from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution, ImportedItem
from ledger.envelope import Command, import_of


class ImportedVendor(Struct, frozen=True, kw_only=True):
    """A vendor as a source states it. The ledger has it already if it has one of that name, ignoring case.

    `fields` are those of VendorCreated without the name: status, extractor_version, format_support (of the formats
    that the source mentions), test_results (a TestResults, None in it is unknown), manifest_compliant, metadata.
    `created` is when the source first has it, `changed` when it became as it is now.
    """

    name: str
    fields: dict[str, Any]
    created: Attribution
    changed: Attribution


class ImportedDeployment(Struct, frozen=True, kw_only=True):
    """A deployment as a source states it. `external_id` is what the source knows it by, whatever else changes in it.

    The ledger has it already if this source brought that id, or if it has one of the same pull request and environment
    whose commit is the same, of which one of the two may know only the beginning. `fields` are those of
    DeploymentRecorded without the links. `vendors` are names, `work_items` the ids that items have in this source; what
    is neither in the source nor in the ledger is kept in the metadata, under the same words, with a warning.
    """

    external_id: str
    fields: dict[str, Any]
    created: Attribution
    changed: Attribution
    vendors: tuple[str, ...] = ()
    work_items: tuple[str, ...] = ()


class ImportedEnhancement(Struct, frozen=True, kw_only=True):
    """An enhancement as a source states it: by the id it has there, or by its title where it has none.

    The ledger has it already if this source brought that id, or if it has one of that title, ignoring case. `fields`
    are those of EnhancementRecorded without depends_on; `depends_on` are ids of others in this source.
    """

    external_id: str
    fields: dict[str, Any]
    created: Attribution
    changed: Attribution
    depends_on: tuple[str, ...] = ()


class Import(Command, frozen=True, kw_only=True):
    """All that one source says, at once. It is compared with what it said before: only what changed is recorded.

    `source` is the source's short name, like `beads`. It is recorded with the command, so that each source is compared
    with its own words, not with another's. `older_wins` takes work items too that are older than what is known of them.
    """

    source: str
    items: tuple[ImportedItem, ...] = ()
    vendors: tuple[ImportedVendor, ...] = ()
    deployments: tuple[ImportedDeployment, ...] = ()
    enhancements: tuple[ImportedEnhancement, ...] = ()
    older_wins: bool = False

    @property
    def recorded_as(self) -> str:
        return import_of(self.source)
