"""Draws what peers.py has measured: `python benchmarks/plot.py FILE.json docs/peers.svg`.

One bar a contestant, as long as its median is beside the longest of the same work; a thin line from the slowest to the
fastest round.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

WIDTH, LABEL, BAR, LINE, GAP = 900, 250, 420, 22, 34
OURS, OTHERS = "#2f6f4f", "#9aa5b1"


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    target.write_text(drawn(json.loads(source.read_text(encoding="utf-8"))["rates"]), encoding="utf-8")


def drawn(measured: dict[str, dict[str, list[float]]]) -> str:
    lines, height = list(_works(measured)), 20
    height += sum(GAP + LINE * len(contestants) for contestants in measured.values())
    style = "<style>text{font:13px sans-serif;fill:#222}.work{font-weight:bold}</style>"
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    return "\n".join([frame, style, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *lines, "</svg>", ""])


def _works(measured: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    top = 10
    for what, contestants in measured.items():
        yield f'<text class="work" x="10" y="{top + 16}">{escape(what)}, a second</text>'
        top += GAP - 8
        longest = max(max(rates) for rates in contestants.values())
        for name, rates in contestants.items():
            yield from _bar(name, rates, top, BAR / longest)
            top += LINE
        top += 8


def _bar(name: str, rates: list[float], top: int, scale: float) -> Iterator[str]:
    middle, colour = statistics.median(rates), OURS if name.startswith("this") else OTHERS
    yield f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
    yield f'<rect x="{LABEL}" y="{top + 2}" width="{max(middle * scale, 1):.1f}" height="14" fill="{colour}"/>'
    low, high = LABEL + min(rates) * scale, LABEL + max(rates) * scale
    yield f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{top + 9}" y2="{top + 9}" stroke="#222" stroke-width="1"/>'
    yield f'<text x="{max(high, LABEL + middle * scale) + 8:.1f}" y="{top + 13}">{middle:,.0f}</text>'


if __name__ == "__main__":
    main()
