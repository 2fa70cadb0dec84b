"""Random work of the real program, held against the model: a step that the model cannot take is named.

    python -m tests.model.record [--seeds 1,2,3] [--runs 8] [--actions 25] [--seconds 3600]

The simulator goes along the steps of a run as far as the model lets it, and where it stops the program did what the
model does not have.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from ledger.postgres.connection.database import Database
from tests.model.explore import seeds
from tests.model.program import Program
from tests.model.recorded import Work
from tests.model.replay import Different, compare, of_model
from tests.model.server import Server, running
from tests.model.steps import State, Step, action_of, walked

Steps = list[tuple[Step, State | None]]


def worked(server: Server, database: Database, random: Random, actions: int) -> Steps:
    """A run of the program."""
    with tempfile.TemporaryDirectory(prefix="record-", dir=server.root) as folder:
        program = Program(server, database, Path(folder))
        try:
            work = Work(program, random)
            for _ in range(actions):
                work.go_on()
            return work.steps
        finally:
            program.close()


def check(runs: list[Steps]) -> None:
    """Raises Different where the model does not follow."""
    steps: Steps = [one for steps in runs for one in [(("Began", ()), None), *steps]]
    states, said = walked([action_of(step) for step, _ in steps])
    if not states:
        raise Different(said)
    for number, ((_, seen), state) in enumerate(zip(steps, states, strict=False)):
        if seen is not None:
            compare(_where(steps, number, "after"), of_model(state), seen)
    taken = len(states)
    if taken < len(steps):
        raise Different(f"{_where(steps, taken, 'the model cannot take')}\nit is at {of_model(states[-1])}")
    if said:
        raise Different(said)


def _where(steps: Steps, number: int, what: str) -> str:
    """The step, with those of its run before it."""
    began = max(n for n in range(number + 1) if steps[n][0][0] == "Began")
    named = [f"{n} {kind} {given}" for n, ((kind, given), _) in enumerate(steps[began : number + 1])]
    return "\n  ".join(["", *named[:-1]]) + f"\n{what} step {named[-1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--runs", type=int, default=8, help="runs of each seed")
    parser.add_argument("--actions", type=int, default=25)
    parser.add_argument("--seconds", type=float, help="go on with further seeds as long as this")
    given = parser.parse_args()
    done: Counter[str] = Counter()
    with running() as server:
        database = Database(server.dsn)
        for seed in seeds(given.seeds, given.seconds):
            random = Random(seed)
            runs = [worked(server, database, random, given.actions) for _ in range(given.runs)]
            try:
                check(runs)
            except Different as different:
                raise SystemExit(f"seed {seed}\n{different}") from None
            done += Counter(step[0] for steps in runs for step, _ in steps)
        database.close()
    print(f"the model does what the program did, {done.total()} steps:", dict(done))


if __name__ == "__main__":
    main()
