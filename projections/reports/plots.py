"""Where each bar and dot of a drawing lies, for reports and the console. `plots.html.j2` makes SVG of it."""

from collections import Counter
from collections.abc import Sequence

from ledger.values.moment import parse
from projections.questions.answers import Entity

BAR, GAP, HEIGHT, SCALE = 8, 3, 36, 40  # of the bars of test runs, and the room for their scale at the left
LANES = 5  # environments with a line of their own
LEFT, RIGHT, LANE_HEIGHT = 140, 960, 34  # of the timeline, in its own units
TICKS = 5
FAILED = frozenset({"failed", "failures", "errors", "error"})  # what test summaries call a test that did not pass


def bars(runs: Sequence[Entity]) -> Entity:
    """Test runs from the oldest to the newest: a bar each, as high as its part of the tests that passed."""
    return {
        "width": SCALE + len(runs) * (BAR + GAP),
        "height": HEIGHT,
        "scale": SCALE,
        "bars": [_bar(run, SCALE + n * (BAR + GAP)) for n, run in enumerate(runs)],
    }


def timeline(deployments: Sequence[Entity]) -> Entity:
    """Where each deployment stands: from the left to the right its time, a line for each environment.

    They are given from the newest to the oldest.
    """
    placed = [deployment for deployment in deployments if deployment["deployed_at"]][::-1]
    if not placed:
        return {"dots": []}
    frequent = [name for name, _ in Counter(_lane(deployment) for deployment in placed).most_common(LANES)]
    lanes = sorted(frequent) + (["others"] if any(_lane(one) not in frequent for one in placed) else [])
    heights = {name: 18 + LANE_HEIGHT * n for n, name in enumerate(lanes)}
    times = [parse(deployment["deployed_at"]).timestamp() for deployment in placed]
    first, last = times[0], max(times[-1], times[0] + 1)
    return {
        "height": 18 + LANE_HEIGHT * len(lanes) + 14,
        "left": LEFT,
        "right": RIGHT,
        "lanes": [{"name": _cut(name, 18), "y": y} for name, y in heights.items()],
        "ticks": _ticks(placed[0]["deployed_at"], placed[-1]["deployed_at"]),
        "first": placed[0]["deployed_at"][:10],
        "last": placed[-1]["deployed_at"][:10],
        "dots": [
            {
                "ref": deployment["ref"],
                "x": round(LEFT + (RIGHT - LEFT) * (time - first) / (last - first), 1),
                "y": heights.get(_lane(deployment), 18 + LANE_HEIGHT * (len(lanes) - 1)),
                "state": judged(deployment),
                "label": f"{deployment['deployed_at'][:10]} {deployment['pr_title'] or 'without a title'}",
            }
            for deployment, time in zip(placed, times, strict=True)
        ],
    }


def judged(deployment: Entity) -> str:
    """`bad` where a test failed or it is not compliant, `good` where it is, else `unknown`."""
    failed = any(count for name, count in deployment["test_summary"].items() if name.lower() in FAILED)
    compliant = deployment["constitutional_compliance"]
    if failed or compliant is False:
        return "bad"
    return "good" if compliant else "unknown"


def _bar(run: Entity, x: int) -> Entity:
    passing, total, skipped = run["passing"] or 0, run["total"] or 0, run["skipped"] or 0
    height = round(HEIGHT * passing / total) if total else 0
    return {
        "undone": False,
        **run,
        "x": x,
        "height": max(height, 1 if passing else 0),
        "state": "bad" if passing + skipped < total else "good",
    }


def _ticks(first: str, last: str) -> list[Entity]:
    """A few days along the time, each named once."""
    beginning, end = parse(first), parse(last)
    days: dict[str, float] = {}
    for n in range(TICKS):
        day = beginning + (end - beginning) * n / (TICKS - 1)
        days.setdefault(f"{day:%Y-%m-%d}", round(LEFT + (RIGHT - LEFT) * n / (TICKS - 1), 1))
    return [{"x": x, "label": day} for day, x in days.items()]


def _lane(deployment: Entity) -> str:
    return deployment["environment"] or "no environment"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
