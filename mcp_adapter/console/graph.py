"""What must come before what, drawn in layers: the layout is computed here, the template makes SVG of it.

Each item lies one layer right of the last item that it waits for; within a layer items lie near what they are joined
to (the barycenter of their neighbours, swept a few times).
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from msgspec import Struct

WIDTH, HEIGHT = 220, 44  # of a box
GAP_X, GAP_Y = 70, 18
SWEEPS = 8

Edge = tuple[str, str]  # (what comes first, what waits for it)


class GraphBox(Struct, frozen=True, kw_only=True):
    """Where an item is drawn."""

    id: str
    x: int
    y: int
    is_critical: bool


class Drawing(Struct, frozen=True, kw_only=True):
    """`lines` are (x1, y1, x2, y2, is_critical); `critical` the longest chain of items that wait for one another."""

    boxes: tuple[GraphBox, ...]
    lines: tuple[tuple[int, int, int, int, bool], ...]
    critical: tuple[str, ...]
    width: int
    height: int


def draw(ids: Iterable[str], edges: Iterable[Edge]) -> Drawing:
    """A drawing of the items that an edge joins. An edge that closes a cycle does not count for the layers."""
    known = set(ids)
    joined = [(first, then) for first, then in dict.fromkeys(edges) if first in known and then in known]
    before = _without_cycles(joined)
    layer = _layers(before)
    rows = _ordered(layer, joined)
    critical = _longest(before, layer)
    chain = set(pairwise(critical))
    place = {id: (column, row) for column, items in enumerate(rows) for row, id in enumerate(items)}
    boxes = tuple(
        GraphBox(id=id, x=column * (WIDTH + GAP_X), y=row * (HEIGHT + GAP_Y), is_critical=id in critical)
        for id, (column, row) in place.items()
    )
    at = {box.id: box for box in boxes}
    lines = tuple(
        (at[a].x + WIDTH, at[a].y + HEIGHT // 2, at[b].x, at[b].y + HEIGHT // 2, (a, b) in chain) for a, b in joined
    )
    tallest = max((len(items) for items in rows), default=0)
    return Drawing(
        boxes=boxes,
        lines=lines,
        critical=critical,
        width=max(0, len(rows) * (WIDTH + GAP_X) - GAP_X),
        height=max(0, tallest * (HEIGHT + GAP_Y) - GAP_Y),
    )


def _without_cycles(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """The items that come before each, without the edges that close a cycle."""
    before: dict[str, list[str]] = {}
    for first, then in edges:
        before.setdefault(first, [])
        if first != then and not _reaches(before, first, then):
            before.setdefault(then, []).append(first)
        else:
            before.setdefault(then, [])
    return before


def _reaches(before: Mapping[str, list[str]], start: str, sought: str) -> bool:
    seen, left = {start}, [start]
    while left:
        for id in before.get(left.pop(), ()):
            if id == sought:
                return True
            if id not in seen:
                seen.add(id)
                left.append(id)
    return False


def _layers(before: Mapping[str, list[str]]) -> dict[str, int]:
    """The length of the longest chain that leads to each item, found without recursion."""
    layer: dict[str, int] = {}
    left = list(before)
    while left:
        id = left[-1]
        missing = [other for other in before[id] if other not in layer]
        if missing:
            left += missing
            continue
        left.pop()
        layer[id] = max((layer[other] + 1 for other in before[id]), default=0)
    return layer


def _ordered(layer: Mapping[str, int], edges: Iterable[Edge]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for id, column in layer.items():
        rows[column].append(id)
    neighbours: dict[str, list[str]] = {}
    for first, then in edges:
        neighbours.setdefault(first, []).append(then)
        neighbours.setdefault(then, []).append(first)
    for sweep in range(SWEEPS):
        place = {id: row for items in rows for row, id in enumerate(items)}
        for items in rows if sweep % 2 == 0 else reversed(rows):
            items.sort(key=lambda id: _mean([place[other] for other in neighbours.get(id, [id])]))
            place |= {id: row for row, id in enumerate(items)}
    return rows


def _mean(values: list[int]) -> float:
    return sum(values) / len(values)


def _longest(before: Mapping[str, list[str]], layer: Mapping[str, int]) -> tuple[str, ...]:
    if not layer:
        return ()
    id = max(layer, key=lambda each: (layer[each], each))
    chain = [id]
    while before[id]:
        id = max(before[id], key=lambda each: (layer[each], each))
        chain.append(id)
    return tuple(reversed(chain)) if len(chain) > 1 else ()
