"""What can be asked of the configuration, and of the server that answers."""

import time
from typing import Any

from ledger.configuration.decider import CATEGORY
from ledger.values.moment import text
from projections.questions import entities
from projections.questions.references import references
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.configurations import configurations
from projections.read_models.projection import Row, Stamps
from projections.tables.contract import Snapshot, Tables

Entity = dict[str, Any]

SETTINGS = ("depth_limit", "archive_days", "lease_minutes", "write_status_file")
NEVER = dict.fromkeys(Stamps.__struct_fields__)


def standing(snapshot: Snapshot, entity_id: str) -> Entity:
    """The configuration, flat, its settings in one group. At version 0 the defaults hold and nobody set them."""
    generation = snapshot.generation(BY_CATEGORY[CATEGORY].name)
    found = snapshot.ask("entities/by_id", category=CATEGORY, generation=generation, id=entity_id)
    ref = references(snapshot, CATEGORY, [entity_id])[entity_id]
    configuration = entities.flat(entities.rows(CATEGORY, found)[0] if found else _unchanged(entity_id), ref)
    if not found:
        configuration |= NEVER
    configuration["settings"] = {name: configuration.pop(name) for name in SETTINGS}
    session = configuration["current_session_id"]
    if session is not None:
        configuration["current_session"] = entities.named(snapshot, "work_item", [session], "title")[session]
    return configuration


def health(tables: Tables, source: str, database: str) -> Entity:
    """What answers now, up to which position, and how long it took to ask. Read when asked, never stored."""
    begun = time.perf_counter()
    as_of, found = tables.ask("configurations/server")
    return {
        "source": source,
        "database": database,
        "server_version": found[0]["version"],
        "position": as_of.position,
        "last_recorded_at": as_of.time and text(as_of.time),
        "as_of": text(as_of.now),
        "checked_ms": round((time.perf_counter() - begun) * 1000, 1),
    }


def _unchanged(entity_id: str) -> Row:
    stamps = Stamps(created_at="", created_by="", updated_at="", updated_by="")
    return Row(id=entity_id, version=0, position=0, stamps=stamps, state=configurations.decider.initial)
