"""From what a person types to an id, and from ids to the short references that people read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec import Struct

from ledger.envelope import category_of, id_of
from ledger.errors import Invalid, NotFound
from ledger.values.reference import CATEGORIES, LETTERS, parse, shorten, shortest_range
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.work_items import SOURCE_ID, source_id_key
from projections.tables.contract import Answer, GenerationOf, Question, Snapshot, Tables

READERS = {
    "work_item": "query_work_item",
    "vendor": "query_vendor_status",
    "deployment": "query_deployments",
    "enhancement": "list_enhancements",
    "configuration": "get_project_configuration",
}  # the tool for a reference of each kind

_GITHUB_ISSUE = re.compile(
    r"gh-(?P<short>\d+)|https?://[^/\s]+/(?P<repository>[^/\s]+/[^/\s]+)/issues/(?P<number>\d+)(?:[/?#]\S*)?",
    re.IGNORECASE,
)
HEX_DIGITS = 32  # of a UUID, which may have more signs and never fewer


class KnownNames(Struct, frozen=True, kw_only=True):
    """What was found for names before they are used: by the category and the lowest and highest id that a reference
    can mean, and by the key of an id in a source."""

    in_ranges: Mapping[tuple[str, str, str], Answer] = {}
    of_sources: Mapping[str, Answer] = {}


NO_NAMES = KnownNames()


def references(snapshot: Snapshot, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
    """The shortest unambiguous reference of each id, whether or not the entity exists."""
    ids = sorted(set(entity_ids))
    if not ids:
        return {}
    if category == "configuration":  # a ledger has one: no reference is confused with it
        return _shortened(category, ids, ())
    question, given = _rivals(category, ids)
    return _shortened(category, ids, snapshot.ask(question, **given))


def _rivals(category: str, ids: list[str]) -> Question:
    lowest, highest = zip(*map(shortest_range, ids), strict=True)
    return f"{BY_CATEGORY[category].name}/rivals", {"ids": ids, "lowest": list(lowest), "highest": list(highest)}


def _shortened(category: str, ids: Iterable[str], found: Iterable[dict[str, Any]]) -> dict[str, str]:
    rivals: dict[str, list[str]] = {}
    for row in found:
        rivals.setdefault(row["id"], []).append(row["rival"])
    return {entity_id: shorten(category, entity_id, rivals.get(entity_id, ())) for entity_id in ids}


def references_of(snapshot: Snapshot, streams: Iterable[str]) -> dict[str, str]:
    """The same by the id of each stream, whatever its category."""
    by_category: dict[str, list[str]] = {}
    for stream in streams:
        by_category.setdefault(category_of(stream), []).append(id_of(stream))
    return {
        entity_id: ref
        for category, entity_ids in by_category.items()
        for entity_id, ref in references(snapshot, category, entity_ids).items()
    }


def references_of_ids(snapshot: Snapshot, entity_ids: Iterable[str]) -> dict[str, str]:
    """The same of ids whose categories are not known; what is not there has none."""
    ids = sorted(set(entity_ids))
    found: dict[str, str] = {}
    for category, projection in BY_CATEGORY.items() if ids else ():
        generation = snapshot.generation(projection.name)
        own = snapshot.ask("entities/by_ids", category=category, generation=generation, ids=ids)
        found |= references(snapshot, category, [row["id"] for row in own])
    return found


def all_references(category: str, entity_ids: list[str]) -> dict[str, str]:
    """The same for all entities of a category, given in the order of their ids: each is most like those beside it."""
    padded = ["", *entity_ids, ""]
    neighbours = zip(padded, entity_ids, padded[2:], strict=False)
    return {
        entity_id: shorten(category, entity_id, filter(None, (before, after)))
        for before, entity_id, after in neighbours
    }


def reference(tables: Tables, category: str, entity_id: str) -> str:
    return references_in(tables, category, [entity_id])[entity_id]


def references_in(tables: Tables, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
    """The same as `references`, in a view of its own and one round trip."""
    ids = sorted(set(entity_ids))
    if not ids or category == "configuration":
        return _shortened(category, ids, ())
    question, given = _rivals(category, ids)
    return _shortened(category, ids, tables.ask(question, **given)[1])


def resolve(tables: Tables, category: str, given: str, field: str = "id", known: KnownNames = NO_NAMES) -> str:
    """The id that a UUID, a reference, or the id in its source names. Of a UUID it is not known whether it exists."""
    lowest, highest = range_of(tables, category, given, field, known)
    if lowest == highest:
        return lowest
    found = known.in_ranges.get((category, lowest, highest))
    if found is None:
        found = _found(tables, {category: [(lowest, highest)]}, []).in_ranges[category, lowest, highest]
    of_source = by_source_id(tables, category, given, field, known) if not found else None
    entity_id: str = of_source or the_one(category, given, found, field)["id"]
    return entity_id


def look_up(tables: Tables, names: Iterable[str]) -> KnownNames:
    """What `resolve` would ask for each of the names, asked for all of them at once."""
    ranges: dict[str, set[tuple[str, str]]] = {}
    keys: set[str] = set()
    for name in names:
        if is_uuid(name):
            continue
        keys.update(_source_keys(name))
        if len(name) < HEX_DIGITS and (read := parse(name)) is not None and read[0] in BY_CATEGORY:
            ranges.setdefault(read[0], set()).add((str(read[1]), str(read[2])))
    return _found(tables, {category: sorted(wanted) for category, wanted in ranges.items()}, sorted(keys))


def is_uuid(given: str) -> bool:
    if len(given) < HEX_DIGITS:
        return False
    try:
        UUID(given.strip())
    except ValueError:
        return False
    return True


def by_source_id(
    tables: Tables, category: str, given: str, field: str = "id", known: KnownNames = NO_NAMES
) -> str | None:
    """The work item that a source gave this id, in any case; None if there is none, Invalid if there are several.

    What GitHub reads as one of its issues, `GH-12` or the issue's address, means `#12` or `owner/repo#12`.
    """
    if category != "work_item":
        return None
    keys, found = _source_keys(given), known.of_sources
    if not found.keys() >= set(keys):
        found = _found(tables, {}, keys).of_sources
    held = next(filter(None, map(found.__getitem__, keys)), None)
    return str(the_one(category, given, held, field)["id"]) if held else None


def _found(tables: Tables, ranges: Mapping[str, Sequence[tuple[str, str]]], keys: Sequence[str]) -> KnownNames:
    """What is in these ranges of ids of each category, and under these keys of sources: one round trip."""
    asked = [_in_ranges(category, wanted) for category, wanted in ranges.items()]
    if not asked and not keys:
        return NO_NAMES
    _, answers = tables.ask_all([*asked, *([_of_sources(keys)] if keys else [])])
    in_ranges: dict[tuple[str, str, str], Answer] = {
        (category, *each): [] for category, wanted in ranges.items() for each in wanted
    }
    for category, answer in zip(ranges, answers, strict=False):
        for line in answer:
            in_ranges[category, line["lowest"], line["highest"]].append(line)
    of_sources: dict[str, Answer] = {key: [] for key in keys}
    for line in answers[-1] if keys else ():
        of_sources[line["target"]].append(line)
    return KnownNames(in_ranges=in_ranges, of_sources=of_sources)


def _in_ranges(category: str, ranges: Sequence[tuple[str, str]]) -> Question:
    lowest, highest = map(list, zip(*ranges, strict=True))
    generation = GenerationOf(BY_CATEGORY[category].name)
    return "entities/in_ranges", {
        "category": category,
        "generation": generation,
        "lowest": lowest,
        "highest": highest,
    }


def _of_sources(keys: Sequence[str]) -> Question:
    generation = GenerationOf(BY_CATEGORY["work_item"].name)
    return "entries/holders_of", {"generation": generation, "relation": SOURCE_ID, "targets": list(keys)}


def _source_keys(given: str) -> list[str]:
    return [source_id_key(name) for name in (given, _github_name(given.strip())) if name]


def _github_name(given: str) -> str | None:
    found = _GITHUB_ISSUE.fullmatch(given)
    return f"{found['repository'] or ''}#{found['number'] or found['short']}" if found else None


def range_of(
    tables: Tables, category: str, given: str, field: str = "id", known: KnownNames = NO_NAMES
) -> tuple[str, str]:
    """The same as `id_range`, also for the id that a source gave."""
    try:
        return id_range(category, given, field)
    except Invalid:
        entity_id = by_source_id(tables, category, given, field, known)
        if entity_id is None:
            raise
        return entity_id, entity_id


def id_range(category: str, given: str, field: str = "id") -> tuple[str, str]:
    """The lowest and the highest id that a UUID or a reference can mean: of a UUID both are itself."""
    if len(given) >= HEX_DIGITS:
        with suppress(ValueError):
            entity_id = str(UUID(given.strip()))
            return entity_id, entity_id
    read = parse(given)
    if read is None or read[0] != category:
        raise _not_an_id(category, given.strip(), field)
    return str(read[1]), str(read[2])


def the_one(category: str, given: str, found: Answer, field: str = "id") -> dict[str, Any]:
    """The one line of those found in the range of what was given. Raises NotFound; Invalid for an ambiguous one."""
    if len(found) == 1:
        return found[0]
    given, noun = given.strip(), category.replace("_", " ")
    if not found:
        raise NotFound(
            f"there is no {noun} {given} in this ledger", next_step="check it, or list what there is", id=given
        )
    candidates = list(all_references(category, sorted(row["id"] for row in found)).values())
    raise Invalid(
        f"{field}: {given} could be {', '.join(candidates)}",
        next_step="send more characters of the reference, or the whole id",
        fields=[{"field": field, "problem": "is ambiguous", "value": given, "allowed": candidates}],
    )


def category_of_reference(given: str) -> str | None:
    """The category whose letter a reference begins with; None for anything else."""
    return CATEGORIES.get(given[:1].lower()) if given[1:2] == "-" else None


def _not_an_id(category: str, given: str, field: str) -> Invalid:
    shown = given if len(given) <= 80 else given[:77] + "..."
    other = category_of_reference(given)
    if other != category and other in READERS and parse(given) is not None:
        return _of_another_category(category, other, shown, field)
    wanted = f"a UUID or a reference like {LETTERS[category]}-7k3qd"
    of_source = ", or the id that a tracker gave an item that was imported from it" if category == "work_item" else ""
    return Invalid(
        f"{field}: {shown!r} is not {wanted}",
        next_step=f"send {wanted}{of_source}",
        fields=[{"field": field, "problem": f"must be {wanted}", "value": shown}],
    )


def _of_another_category(category: str, other: str, shown: str, field: str) -> Invalid:
    noun, named = _with_article(category), _with_article(other)
    return Invalid(
        f"{field}: {shown!r} refers to {named}, not to {noun}",
        next_step=f"{READERS[other]} reads {named}; here a reference like {LETTERS[category]}-7k3qd is needed",
        fields=[{"field": field, "problem": f"must refer to {noun}", "value": shown}],
    )


def _with_article(category: str) -> str:
    """
    >>> _with_article("work_item"), _with_article("enhancement")
    ('a work item', 'an enhancement')
    """
    return f"{'an' if category[0] in 'aeiou' else 'a'} {category.replace('_', ' ')}"
