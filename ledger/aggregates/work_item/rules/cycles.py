"""Cycles in what must come before what: an import records them as found and names them.

What comes before what: start(x) -> finish(x), start(parent) -> start(child), finish(child) -> finish(parent),
finish(blocker) -> start(blocked).
"""

from collections.abc import Iterable, Mapping

from ledger.world import Endpoint


def cycles(parents: Mapping[str, str], blocks: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The groups of items that wait for themselves, by `child -> parent` and (blocker, blocked); ids in order."""
    edges: dict[Endpoint, list[Endpoint]] = {}
    for child, parent in parents.items():
        edges.setdefault(("start", parent), []).append(("start", child))
        edges.setdefault(("finish", child), []).append(("finish", parent))
    for blocker, blocked in blocks:
        edges.setdefault(("finish", blocker), []).append(("start", blocked))
    for entity_id in {entity_id for edge in list(edges.items()) for _, entity_id in (edge[0], *edge[1])}:
        edges.setdefault(("start", entity_id), []).append(("finish", entity_id))
    groups = {
        tuple(sorted({entity_id for _, entity_id in group}))
        for group in _strongly_connected_components(edges)
        if len(group) > 1
    }
    return [list(group) for group in sorted(groups)]


def _strongly_connected_components(edges: Mapping[Endpoint, list[Endpoint]]) -> Iterable[list[Endpoint]]:
    """Strongly connected components after Tarjan, without recursion: a source may be as deep as it likes."""
    order: dict[Endpoint, int] = {}
    lowest: dict[Endpoint, int] = {}
    waiting: list[Endpoint] = []
    inside: set[Endpoint] = set()
    for root in edges:
        walk = [(root, iter(edges.get(root, ())))] if root not in order else []
        while walk:
            endpoint, onward = walk[-1]
            if endpoint not in order:
                order[endpoint] = lowest[endpoint] = len(order)
                waiting.append(endpoint)
                inside.add(endpoint)
            fresh = None
            for other in onward:
                if other not in order:
                    fresh = other
                    break
                if other in inside:
                    lowest[endpoint] = min(lowest[endpoint], order[other])
            if fresh is not None:
                walk.append((fresh, iter(edges.get(fresh, ()))))
                continue
            walk.pop()
            if walk:
                lowest[walk[-1][0]] = min(lowest[walk[-1][0]], lowest[endpoint])
            if lowest[endpoint] == order[endpoint]:
                at = _place(waiting, endpoint)
                component, waiting[at:] = waiting[at:], []
                inside.difference_update(component)
                yield component


def _place(waiting: list[Endpoint], endpoint: Endpoint) -> int:
    return next(at for at in range(len(waiting) - 1, -1, -1) if waiting[at] == endpoint)
