"""The links of one source as the ledger keeps them: a parent each, and what every owner's stream shall hold."""

from collections import Counter
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedItem, ImportedLink, ImportWorkItems, Stated
from ledger.aggregates.work_item.state import WorkItem
from ledger.values.finding import Finding

LinkKey = tuple[str, str]  # kind, to_id
ORDER = {"parent": 0, "child": 1}  # what lies below what decides of others
STATED_AS = {"blocks": "depends_on"}  # by the item that waits


class OwnedLink(Struct, kw_only=True):
    """A link as its owner's stream will have it."""

    note: str | None
    made: Attribution


class Links(Struct, kw_only=True):
    """`found` and `taken` count by the source's word; `unfinished` have an open child or wait for an open item.

    `stated` tells of which links the source speaks, by the items that state them.
    """

    items: frozenset[str]
    stated: dict[str, Stated]
    parents: dict[str, ImportedLink] = {}
    owned: dict[str, dict[LinkKey, OwnedLink]] = {}
    unfinished: set[str] = set()
    found: Counter[str]
    taken: Counter[str]
    warnings: list[Finding] = []
    not_taken: list[Finding] = []

    def remaining(self, owner: str, key: LinkKey, note: str | None) -> list[str | None]:
        """The words under which a link is known that the source gives no more, and of which it does not speak."""
        kind, to = key
        stated = self.stated.get(to if kind == "blocks" else owner)
        words: list[str | None] = [*note.split(", ")] if note else [None]
        return [word for word in words if not stated or not stated.holds(f"links.{word or STATED_AS.get(kind, kind)}")]


def arranged(command: ImportWorkItems, recorded: Callable[[str], WorkItem]) -> Links:
    """`recorded` gives an item as the ledger has it: links to others that it has not either are not taken."""
    links = Links(
        items=frozenset(item.id for item in command.items),
        stated={item.id: item.stated for item in command.items},
        found=Counter(),
        taken=Counter(),
    )
    known = [(item, link) for item in command.items for link in item.links if _is_known(item, link, links, recorded)]
    for item, link in sorted(known, key=lambda one: ORDER.get(one[1].kind, len(ORDER))):
        where = f"{item.external_id} -> {link.to} ({link.word})"
        if link.kind == "child":
            _arrange_child(item, link, where, links, recorded)
            continue
        if link.kind in ("depends_on", "blocks") and _are_above(item.id, link.to_id, links, recorded):
            links.warnings.append(Finding("waits_within_its_own_line", where))
            link = replace(link, kind="relates_to")
        _arrange(item, link, where, links)
    _find_unfinished(command, links)
    return links


def _is_known(item: ImportedItem, link: ImportedLink, links: Links, recorded: Callable[[str], WorkItem]) -> bool:
    links.found[link.word] += 1
    where = f"{item.external_id} -> {link.to} ({link.word})"
    if link.to_id == item.id:
        links.not_taken.append(Finding("link_to_itself", where))
        return False
    if link.to_id not in links.items and not recorded(link.to_id).exists:
        links.not_taken.append(Finding("link_to_absent_id", where))
        return False
    links.taken[link.word] += 1
    return True


def _are_above(one: str, other: str, links: Links, recorded: Callable[[str], WorkItem]) -> bool:
    """Whether one of the two lies above the other: it waits for what is below it in any case."""
    return other in _line(one, links, recorded) or one in _line(other, links, recorded)


def _line(entity_id: str, links: Links, recorded: Callable[[str], WorkItem]) -> set[str]:
    """What lies above an item, by the source; where that does not tell of an item, by the ledger."""
    above: set[str] = set()
    at: str | None = entity_id
    while at is not None:
        parent = links.parents[at].to_id if at in links.parents else None
        is_stated = at in links.stated and links.stated[at].holds("parent_id")
        at = parent if is_stated or parent else recorded(at).parent_id
        if at in above:
            break
        above |= {at} if at else set()
    return above


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
    owned = links.owned.setdefault(owner, {})
    known = owned.setdefault(key, OwnedLink(note=note, made=link.made))
    if note is not None and known.note is not None and note not in known.note.split(", "):
        known.note = f"{known.note}, {note}"


def _arrange_child(
    item: ImportedItem, link: ImportedLink, where: str, links: Links, recorded: Callable[[str], WorkItem]
) -> None:
    """What lies below an item by the item's own list. The other's own word comes first; nothing lies below itself."""
    child = link.to_id
    parent = links.parents[child].to_id if child in links.parents else item.id
    if parent != item.id or child in _line(item.id, links, recorded):
        links.warnings.append(Finding("parent_disagrees", where))
        return
    links.parents.setdefault(child, replace(link, kind="parent", to_id=item.id, to=item.external_id))


def _find_unfinished(command: ImportWorkItems, links: Links) -> None:
    unfinished = {item.id for item in command.items if not item.finished and item.removed is None}
    links.unfinished.update(link.to_id for child, link in links.parents.items() if child in unfinished)
    for owner in unfinished & links.owned.keys():
        links.unfinished.update(to for kind, to in links.owned[owner] if kind == "blocks")
