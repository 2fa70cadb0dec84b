"""What an import records of deployments."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from ledger.aggregates.deployment.decider import CATEGORY
from ledger.aggregates.deployment.events import DeploymentAmended, DeploymentRecorded
from ledger.aggregates.deployment.state import Deployment, deployment_key
from ledger.aggregates.work_item.commands import Attribution
from ledger.envelope import Fact, imported_id, stream_id
from ledger.importing.commands import Import, ImportedDeployment
from ledger.importing.import_plan import ImportPlan
from ledger.importing.three_way_merge import ThreeWayMerge, mapping, news, three_way_merge
from ledger.values.finding import Finding
from ledger.values.revision import Change
from ledger.world import World

PLAIN = ("deployed_at", "commit_hash", "pr_number", "pr_title", "constitutional_compliance", "environment")
MAPPINGS = ("test_summary", "metadata")
LINKS = ("vendor_ids", "work_item_ids")
SHORTEST_HASH = 7  # characters by which two commits are distinguished

DeploymentKey = tuple[str, str]  # pull request, environment


class Others(Struct, frozen=True, kw_only=True):
    """What deployments link to: ids of vendors by lower-cased name, of work items by their id in the source."""

    vendors: dict[str, str]
    work_items: dict[str, str]


class KnownDeployments:
    """Deployments that are there already, in the ledger or earlier in the same source, by what tells them apart."""

    def __init__(self, keys: dict[str, str]) -> None:
        self._commits: dict[DeploymentKey, dict[str, str]] = {}
        for key, entity_id in keys.items():
            commit, number, environment = key.split(":", 2)
            self._commits.setdefault((number, environment), {})[commit] = entity_id

    def add(self, imported: ImportedDeployment, entity_id: str) -> None:
        fields = imported.fields
        key = deployment_key(fields.get("commit_hash"), fields.get("pr_number"), fields.get("environment"))
        if key is not None and not fields.get("redeployment"):
            place = (str(fields["pr_number"]), fields.get("environment") or "")
            self._commits.setdefault(place, {}).setdefault(fields["commit_hash"], entity_id)

    def find(self, commit: str | None, number: int | None, environment: str | None) -> str | None:
        """The one of the same pull request and environment whose commit is, as far as both are known, the same."""
        if commit is None or number is None:
            return None
        commits = self._commits.get((str(number), environment or ""), {})
        if commit in commits:
            return commits[commit]
        same = {entity_id for other, entity_id in commits.items() if same_commit(commit, other)}
        return same.pop() if len(same) == 1 else None


def same_commit(one: str, other: str) -> bool:
    """Whether one is the other, or a beginning of it.

    >>> same_commit("84b0fb4", "84b0fb4c1"), same_commit("84b0", "84b0fb4c1")
    (True, False)
    """
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= SHORTEST_HASH and long.startswith(short))


def ids(command: Import, world: World) -> list[str]:
    """The id of each deployment of the source, in their order."""
    own = [
        imported_id(world.ledger, f"{command.source} {CATEGORY}", imported.external_id)
        for imported in command.deployments
    ]
    world.look([stream_id(CATEGORY, entity_id) for entity_id in own])
    known = KnownDeployments(world.holders("deployment_key") if own else {})
    found = []
    for entity_id, imported in zip(own, command.deployments, strict=True):
        is_there = bool(world.past(stream_id(CATEGORY, entity_id)))
        found.append(entity_id if is_there else _existing_id(imported, known) or entity_id)
        known.add(imported, found[-1])
    return found


def plan(command: Import, ids: Iterable[str], others: Others, world: World, made: ImportPlan) -> None:
    seen: set[str] = set()
    for imported, entity_id in zip(command.deployments, ids, strict=True):
        if entity_id in seen:
            made.not_taken.append(Finding("repeated_record", f"deployment {imported.external_id}"))
            continue
        seen.add(entity_id)
        merge = three_way_merge(world, CATEGORY, entity_id, command.source)
        facts = _facts(imported, entity_id, _linked(imported, others, made), merge, made)
        made.add(CATEGORY, entity_id, imported.external_id, facts, is_new=merge is None)


def _existing_id(imported: ImportedDeployment, known: KnownDeployments) -> str | None:
    fields = imported.fields
    if fields.get("redeployment"):
        return None
    return known.find(fields.get("commit_hash"), fields.get("pr_number"), fields.get("environment"))


def _linked(imported: ImportedDeployment, others: Others, made: ImportPlan) -> dict[str, Any]:
    """All fields, the links among them; what cannot be linked is kept as it was imported."""
    vendors = {name: others.vendors.get(name.casefold()) for name in imported.vendors}
    items = {name: others.work_items.get(name) for name in imported.work_items}
    metadata = dict(imported.fields.get("metadata", {}))
    for word, found in (("vendors", vendors), ("work_items", items)):
        absent = [name for name, entity_id in found.items() if entity_id is None]
        if absent:
            metadata[word] = absent
            made.warnings += [Finding("link_kept_as_text", f"{imported.external_id} -> {name}") for name in absent]
    return {
        **imported.fields,
        "metadata": metadata,
        "vendor_ids": tuple(dict.fromkeys(entity_id for entity_id in vendors.values() if entity_id)),
        "work_item_ids": tuple(dict.fromkeys(entity_id for entity_id in items.values() if entity_id)),
    }


def _facts(
    imported: ImportedDeployment, entity_id: str, fields: dict[str, Any], merge: ThreeWayMerge | None, made: ImportPlan
) -> list[tuple[Fact, Attribution]]:
    if merge is None:
        return [(DeploymentRecorded(**fields), imported.created)]
    base: Deployment = merge.base
    ours: Deployment = merge.ours
    wanted: dict[str, Any] = {field: fields.get(field) for field in PLAIN}
    wanted |= {field: mapping(getattr(base, field), fields.get(field, {})) for field in MAPPINGS}
    wanted |= {field: fields[field] for field in LINKS}
    longer = None
    if ours.commit_hash and wanted["commit_hash"] and same_commit(ours.commit_hash, wanted["commit_hash"]):
        longer = max(ours.commit_hash, wanted["commit_hash"], key=len)
        del wanted["commit_hash"]
    changes = news(merge, wanted, entity_id, f"deployment {imported.external_id}", made)
    if longer is not None and longer != ours.commit_hash and not ours.withdrawn:
        changes["commit_hash"] = Change(ours.commit_hash, longer)
    return [(DeploymentAmended(changes=changes), merge.when(imported.changed))] if changes else []
