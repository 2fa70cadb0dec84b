"""Random work of the real program, held against the model: a step that the model cannot take is named.

    python -m tests.model.record [--seeds 1,2,3] [--runs 8] [--actions 25] [--seconds 3600]

The steps of a run become a module of Quint in which each may be taken only when those before it were. So the simulator
comes as far as the model lets it, and where it stops the program did what the model does not have.
"""

import argparse
import tempfile
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from random import Random
from shutil import copy
from typing import Any

from ledger.postgres.connection.database import Database
from tests.model.explore import INVARIANTS, seeds
from tests.model.program import Program
from tests.model.quint import SPECS, run, traces
from tests.model.recorded import Step, Work
from tests.model.replay import Different, State, compare, of_model
from tests.model.server import Server, running

Steps = list[tuple[Step, State | None]]
MODULE = """module recorded {{
  import log.* from "./log"
  import machine.* from "./machine"
  import ledger.* from "./ledger"

  var at: int
  action begin = all {{ init, at' = 0 }}
  action onward = any {{
{steps}
  }}
}}
"""


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
    with tempfile.TemporaryDirectory(prefix="recorded-") as name:
        folder = Path(name)
        for spec in SPECS.glob("*.qnt"):
            copy(spec, folder)
        lines = [f"    all {{ at == {n}, {action_of(step)}, at' = {n + 1} }}," for n, (step, _) in enumerate(steps)]
        (folder / "recorded.qnt").write_text(MODULE.format(steps="\n".join(lines)))
        states, said = _simulated(folder, len(steps))
        if not states:  # a step means nothing to the model where it is, so it ended without a trace
            failing = bisect_left(range(len(steps)), True, key=lambda count: not _simulated(folder, count)[0])
            states, _ = _simulated(folder, failing - 1)
    if not states:
        raise Different(said)
    for number, ((_, seen), state) in enumerate(zip(steps, states[1:], strict=False)):
        if seen is not None:
            compare(_where(steps, number, "after"), of_model(state), seen)
    taken = len(states) - 1
    if taken < len(steps):
        raise Different(f"{_where(steps, taken, 'the model cannot take')}\nit is at {of_model(states[-1])}")
    if said:
        raise Different(said)


def _simulated(folder: Path, count: int) -> tuple[list[dict[str, Any]], str]:
    """The states that the model comes to in so many steps, and what it says of a broken promise or an error."""
    trace = folder / "run.itf.json"
    trace.unlink(missing_ok=True)
    options = ["--init=begin", "--step=onward", "--main=recorded", f"--out-itf={trace}", "--invariants", *INVARIANTS]
    result = run(folder / "recorded.qnt", *options, seed=1, samples=1, steps=count)
    [states] = traces(trace.name, folder) or [[]]
    return states, result.stdout + result.stderr if result.returncode else ""


def _where(steps: Steps, number: int, what: str) -> str:
    """The step, with those of its run before it."""
    began = max(n for n in range(number + 1) if steps[n][0][0] == "Began")
    named = [f"{n} {kind} {given}" for n, ((kind, given), _) in enumerate(steps[began : number + 1])]
    return "\n  ".join(["", *named[:-1]]) + f"\n{what} step {named[-1]}"


def action_of(step: Step) -> str:
    """The step as the model's action."""
    kind, given = step
    match kind:
        case "Began":
            return "init"
        case "Asked" | "Queued":
            verb = "ask" if kind == "Asked" else "queue"
            return f"{verb}({_command(given['command'])}, {given['expected']})"
        case "Arrived":
            return f"arrive({given['id']}, {_bool(given['isHeard'])})"
        case "GaveUp":
            return f'giveUp("{given}")'
        case "Drained":
            return f'drain("{given["name"]}", {given["many"]}, {_bool(given["isWritten"])})'
        case "CaughtUp":
            return f'catchUp("{given["name"]}", {given["many"]})'
        case "Ticked":
            return "tick"
        case "FailedOver":
            return f"failOver({given})"
        case "FoundOut":
            return f'findOut("{given}")'
        case "Mended":
            return f'mend("{given["name"]}", {_bool(given["byDatabase"])})'
        case _:
            raise ValueError(kind)


def _command(command: dict[str, Any]) -> str:
    what, other = command["path"]
    path = f'{what}("{other}")' if what == "Blocks" else what
    names = f'by: "{command["by"]}", stream: "{command["stream"]}"'
    return f'{{ id: {command["id"]}, {names}, path: {path}, value: "{command["value"]}" }}'


def _bool(value: bool) -> str:
    return "true" if value else "false"


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
