"""Chooses the runs of the model that the program repeats: few, and every action in every kind of outcome is in them.

    python -m tests.model.choose [--seeds 1,2,3] [--samples 80] [--steps 40]

Writes them to `specs/chosen.qnt`, which is kept: after a change of the model they are chosen again. Ends with the kinds
that no candidate takes, and those that one takes and `specs/kinds.txt` does not have.
"""

import argparse
from itertools import pairwise

from tests.model import quint
from tests.model.coverage import WANTED, chosen, kinds_of_runs, missing
from tests.model.quint import CHOSEN, EXAMPLES
from tests.model.steps import State, action_of

WAYS = ("step", "racing", "meeting", "parting")  # actions of `specs/focused.qnt`, each with more of something
MODULE = """/// Runs that together take every action in every kind of outcome, made by `python -m tests.model.choose`.
module chosen {{
  import log.* from "./log"
  import machine.* from "./machine"
  import ledger.* from "./ledger"

{runs}
}}
"""


def without_looks(states: list[State]) -> list[State]:
    """An example without what only looks at the state, and without the end that cannot come."""
    steps = [state for state in states if "did" in state]
    return [steps[0], *(after for before, after in pairwise(steps) if before != after)]


def text(number: int, states: list[State]) -> str:
    """A run as Quint has it."""
    first, *others = [action_of(state["did"]) for state in states]
    return f"  run chosen{number:02}Test = {first}" + "".join(f"\n    .then({action})" for action in others)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--samples", type=int, default=80, help="runs of each seed and way")
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    runs = [states for way in WAYS for seed in seeds for states in quint.runs(way, seed, given.samples, given.steps)]
    best = chosen([*map(without_looks, quint.written(EXAMPLES)), *runs])
    CHOSEN.write_text(MODULE.format(runs="\n\n".join(text(number, states) for number, states in enumerate(best, 1))))
    print(f"{len(best)} runs of {len(runs)}, {sum(len(states) - 1 for states in best)} steps")
    found = kinds_of_runs(best)
    for kind in sorted(found - set(WANTED)):
        print("not in specs/kinds.txt:", kind)
    if left := missing(found):
        raise SystemExit("never taken:\n  " + "\n  ".join(left))


if __name__ == "__main__":
    main()
