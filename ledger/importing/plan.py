"""What an import has to record, over all categories: the difference to what its source said before."""

from msgspec.structs import replace

from ledger.aggregates.deployment.decider import CATEGORY as DEPLOYMENT
from ledger.aggregates.enhancement.decider import CATEGORY as ENHANCEMENT
from ledger.aggregates.vendor.decider import CATEGORY as VENDOR
from ledger.aggregates.work_item.commands import ImportedItem, ImportWorkItems
from ledger.aggregates.work_item.imported import item_plan as work_items
from ledger.aggregates.work_item.imported.source_state import CATEGORY as WORK_ITEM
from ledger.envelope import stream_id
from ledger.importing import deployments, enhancements, vendors
from ledger.importing.commands import Import
from ledger.importing.import_plan import ImportPlan
from ledger.importing.import_warnings import as_found
from ledger.values.finding import Finding
from ledger.world import World


def plan(command: Import, world: World) -> ImportPlan:
    """All that happened in the source, in the order of time; each stream's own order stays."""
    made = ImportPlan()
    vendor_ids = vendors.ids(command, world)
    deployment_ids = deployments.ids(command, world)
    enhancement_ids = enhancements.ids(command, world)
    world.look(stream_id(VENDOR, entity_id) for entity_id in vendor_ids.values())
    world.look(stream_id(DEPLOYMENT, entity_id) for entity_id in deployment_ids)
    world.look(stream_id(ENHANCEMENT, entity_id) for entity_id in enhancement_ids)
    vendors.plan(command, vendor_ids, world, made)
    _plan_items(command, vendor_ids, world, made)
    deployments.plan(command, deployment_ids, _others(command, vendor_ids, world), world, made)
    enhancements.plan(command, enhancement_ids, world, made)
    made.decided.sort(key=lambda entry: entry[3])  # type: ignore[misc]  # every entry of an import has its time
    made.warnings += as_found(command)
    return made


def _plan_items(command: Import, vendor_ids: dict[str, str], world: World, made: ImportPlan) -> None:
    if not command.items:
        return
    items = _with_vendors(command, vendor_ids, world, made)
    wanted = ImportWorkItems(source=command.source, items=items, older_wins=command.older_wins)
    planned = work_items.plan(wanted, world)
    made.decided += planned.decided
    made.present = planned.present
    made.links_found, made.links_taken = planned.links_found, planned.links_taken
    made.warnings += planned.warnings
    made.not_taken += planned.not_taken
    ids = {item.external_id: item.id for item in items}
    made.ids[WORK_ITEM] = {name: ids[name] for name in planned.created if name in ids}
    tally = made.tally(WORK_ITEM)
    tally.created, tally.changed = len(planned.created), len(planned.changed)
    tally.unchanged = len(planned.present) - tally.created - tally.changed


def _with_vendors(
    command: Import, vendor_ids: dict[str, str], world: World, made: ImportPlan
) -> tuple[ImportedItem, ...]:
    """The items, those that name vendors with the ids of the vendors that are there."""
    if not any(item.vendors for item in command.items):
        return command.items
    known = world.holders("vendor_name") | vendor_ids
    items = []
    for item in command.items:
        found = [known[name.casefold()] for name in item.vendors if name.casefold() in known]
        absent = [name for name in item.vendors if name.casefold() not in known]
        made.warnings += [Finding("link_kept_as_text", f"{item.external_id} -> {name}") for name in absent]
        metadata = item.fields.get("metadata", {}) | ({"vendor_ids": found} if found else {})
        items.append(replace(item, fields=item.fields | {"metadata": metadata}))
    return tuple(items)


def _others(command: Import, vendor_ids: dict[str, str], world: World) -> deployments.Others:
    """What deployments may link to: first what this source tells, then what the ledger has."""
    named = any(deployment.vendors for deployment in command.deployments)
    held = world.holders("vendor_name") if named else {}
    items = {item.external_id: item.id for item in command.items}
    prefix = f"{command.source}:"
    if any(name not in items for deployment in command.deployments for name in deployment.work_items):
        known = world.holders("external_id")
        items = {
            key.removeprefix(prefix): entity_id for key, entity_id in known.items() if key.startswith(prefix)
        } | items
    return deployments.Others(vendors=held | vendor_ids, work_items=items)
