"""What can be asked of the configuration, and of the server that answers."""

import time
from collections import Counter

import msgspec

from ledger.aggregates.configuration.decider import CATEGORY
from ledger.aggregates.configuration.state import Configuration, Webhook
from ledger.problems import check, problem
from ledger.values.moment import text
from ledger.values.states import CATEGORIES, ORIGINAL, States, in_order, key
from ledger.values.states import find_state as state_of
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.questions.work import item_lists
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.configurations import configurations
from projections.read_models.projection import Row, Stamps
from projections.tables.contract import Answer, Snapshot, Tables

SETTINGS = (
    "depth_limit",
    "archive_days",
    "lease_minutes",
    "write_status_file",
    "only_asked_answer",
    "roles",
    "review_types",
    "reviewer",
    "currency",
)
EXAMPLES = 10  # items that are named, of each state that the configuration does not have
NEVER = dict.fromkeys(Stamps.__struct_fields__)


def current(snapshot: Snapshot, entity_id: str) -> Entity:
    """The configuration, flat, its settings in one group. At version 0 the defaults hold and nothing was set.

    Webhooks have a question of their own.
    """
    ref = references(snapshot, CATEGORY, [entity_id])[entity_id]
    row = _row(snapshot, entity_id)
    configuration = entities.flat(row, ref)
    if row.version == 0:
        configuration |= NEVER
    own = msgspec.convert(configuration["states"], States)
    configuration["states"] = [msgspec.to_builtins(state) for state in in_order(own)]
    configuration["settings"] = {name: configuration.pop(name) for name in SETTINGS}
    del configuration["webhooks"]
    session = configuration["current_session_id"]
    if session is not None:
        configuration["current_session"] = entities.with_fields(snapshot, "work_item", [session], "title")[session]
    return configuration


def state_in(tables: Tables, entity_id: str) -> Configuration:
    """The configuration as it is now, in one round trip."""
    question, given = entities.row_question(CATEGORY, entity_id)
    state: Configuration = _row_of(tables.ask(question, **given)[1], entity_id).state
    return state


def states(snapshot: Snapshot, entity_id: str) -> States:
    """The states that the ledger of this configuration has besides the original ones."""
    return tuple(_row(snapshot, entity_id).state.states)


def webhooks(snapshot: Snapshot, entity_id: str) -> dict[str, Webhook]:
    """The webhooks of the ledger, by name."""
    found: dict[str, Webhook] = _row(snapshot, entity_id).state.webhooks
    return found


def roles_of(snapshot: Snapshot, entity_id: str, person: str) -> list[str]:
    """The roles that the settings give a person."""
    roles = _row(snapshot, entity_id).state.roles
    return [role for role, people in roles.items() if person in people]


def state_word(snapshot: Snapshot, entity_id: str, given: str) -> str | None:
    """The state that is meant, as items have it: one of the configuration, or one that items have nevertheless."""
    if key(given) in ORIGINAL:
        return key(given)
    known = states(snapshot, entity_id)
    if (meant := state_of(known, given)) is not None:
        return meant.name
    others = sorted({line["status"] for line in snapshot.ask("status/counts")} - {state.name for state in known})
    allowed = [state.name for state in in_order(known)] + [word for word in others if word not in ORIGINAL]
    if (word := next((word for word in others if key(word) == key(given)), None)) is None:
        check([problem("status", "is no state of this ledger or of an item in it", given, allowed=allowed)])
    return word


def states_meant(snapshot: Snapshot, entity_id: str, given: str | None) -> dict[str, str | None]:
    """{status} or {category}, as a list filters by them: a word that is no state can be a category of states."""
    if given is None:
        return {}
    word = key(given)
    if word in CATEGORIES and word not in ORIGINAL and state_of(states(snapshot, entity_id), given) is None:
        return {"category": word}
    return {"status": state_word(snapshot, entity_id, given)}


def items_elsewhere(snapshot: Snapshot, entity_id: str) -> list[Entity]:
    """States that items are in and the configuration does not have: {state, category, items, examples}."""
    known = {state.name for state in in_order(states(snapshot, entity_id))}
    counted: Counter[tuple[str, str]] = Counter()
    for line in snapshot.ask("status/counts"):
        if line["status"] not in known:
            counted[line["status"], line["category"]] += line["items"]
    return [
        {"state": word, "category": category, "items": items, "examples": item_lists.in_state(snapshot, word, EXAMPLES)}
        for (word, category), items in sorted(counted.items())
    ]


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


def _row(snapshot: Snapshot, entity_id: str) -> Row:
    generation = snapshot.generation(BY_CATEGORY[CATEGORY].name)
    found = snapshot.ask("entities/by_id", category=CATEGORY, generation=generation, id=entity_id)
    return _row_of(found, entity_id)


def _row_of(found: Answer, entity_id: str) -> Row:
    return entities.rows(CATEGORY, found)[0] if found else _unchanged(entity_id)


def _unchanged(entity_id: str) -> Row:
    stamps = Stamps(created_at="", created_by="", updated_at="", updated_by="")
    return Row(id=entity_id, version=0, position=0, stamps=stamps, state=configurations.decider.initial)
