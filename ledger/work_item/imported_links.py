"""The links of one source as the ledger keeps them: a parent each, and what every owner's stream shall hold."""

from collections import Counter
from collections.abc import Callable

from msgspec import Struct

from ledger.values.finding import Finding
from ledger.work_item.commands import ImportedItem, ImportedLink, ImportWorkItems, Mark

LinkKey = tuple[str, str]  # kind, to_id


class Wish(Struct, kw_only=True):
    """A link as its owner's stream will have it."""

    note: str | None
    made: Mark


class Links(Struct, kw_only=True):
    """`found` and `taken` count by the source's word; `unfinished` have an open child or wait for an open item."""

    items: frozenset[str]
    parents: dict[str, ImportedLink] = {}
    owned: dict[str, dict[LinkKey, Wish]] = {}
    unfinished: set[str] = set()
    found: Counter[str]
    taken: Counter[str]
    warnings: list[Finding] = []
    not_taken: list[Finding] = []


def arranged(command: ImportWorkItems, recorded: Callable[[str], bool]) -> Links:
    """`recorded` tells whether an item is in the ledger already: links to others outside the source are not taken."""
    links = Links(items=frozenset(item.id for item in command.items), found=Counter(), taken=Counter())
    for item in command.items:
        for link in item.links:
            links.found[link.word] += 1
            where = f"{item.external_id} -> {link.to} ({link.word})"
            if link.to_id == item.id:
                links.not_taken.append(Finding("link_to_itself", where))
            elif link.to_id not in links.items and not recorded(link.to_id):
                links.not_taken.append(Finding("link_to_absent_id", where))
            else:
                links.taken[link.word] += 1
                _arrange(item, link, where, links)
    _find_unfinished(command, links)
    return links


def _arrange(item: ImportedItem, link: ImportedLink, where: str, links: Links) -> None:
    if link.kind == "parent" and item.id not in links.parents:
        links.parents[item.id] = link
        return
    if link.kind == "parent":
        links.warnings.append(Finding("second_parent", where))
    owner, key, note = item.id, (link.kind, link.to_id), None
    if link.kind == "depends_on":  # the mirror of blocks, stored once
        owner, key = link.to_id, ("blocks", item.id)
    elif link.kind in ("parent", "relates_to"):
        key, note = ("relates_to", link.to_id), link.word
    wishes = links.owned.setdefault(owner, {})
    known = wishes.setdefault(key, Wish(note=note, made=link.made))
    if note is not None and known.note is not None and note not in known.note.split(", "):
        known.note = f"{known.note}, {note}"


def _find_unfinished(command: ImportWorkItems, links: Links) -> None:
    unfinished = {item.id for item in command.items if item.status != "completed" and item.removed is None}
    links.unfinished.update(link.to_id for child, link in links.parents.items() if child in unfinished)
    for owner in unfinished & links.owned.keys():
        links.unfinished.update(to for kind, to in links.owned[owner] if kind == "blocks")
