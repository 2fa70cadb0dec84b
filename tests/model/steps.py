"""Steps of the model, written down as its actions, and the model taken along them.

They become a module of Quint in which each may be taken only when those before it were. So the simulator comes as far
as the model lets it.
"""

import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from shutil import copy
from typing import Any

from tests.model.explore import INVARIANTS
from tests.model.quint import SPECS, run, traces

Step = tuple[str, Any]
State = dict[str, Any]
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


def walked(actions: Sequence[str]) -> tuple[list[State], str]:
    """The states behind these steps, as far as the model can take them, and what it says of a broken promise or an
    error."""
    with tempfile.TemporaryDirectory(prefix="recorded-") as name:
        folder = Path(name)
        for spec in SPECS.glob("*.qnt"):
            copy(spec, folder)
        lines = [f"    all {{ at == {n}, {action}, at' = {n + 1} }}," for n, action in enumerate(actions)]
        (folder / "recorded.qnt").write_text(MODULE.format(steps="\n".join(lines)))
        states, said = _simulated(folder, len(actions))
        if not states:  # a step means nothing to the model where it is, so it ended without a trace
            failing = bisect_left(range(len(actions)), True, key=lambda count: not _simulated(folder, count)[0])
            states, _ = _simulated(folder, failing - 1)
    return states[1:], said


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


def _simulated(folder: Path, count: int) -> tuple[list[State], str]:
    """The states that the model comes to in so many steps, and what it says of a broken promise or an error."""
    trace = folder / "run.itf.json"
    trace.unlink(missing_ok=True)
    options = ["--init=begin", "--step=onward", "--main=recorded", f"--out-itf={trace}", "--invariants", *INVARIANTS]
    result = run(folder / "recorded.qnt", *options, seed=1, samples=1, steps=count)
    [states] = traces(trace.name, folder) or [[]]
    return states, result.stdout + result.stderr if result.returncode else ""


def _command(command: dict[str, Any]) -> str:
    what, other = command["path"]
    path = f'{what}("{other}")' if what == "Blocks" else what
    names = f'by: "{command["by"]}", stream: "{command["stream"]}"'
    return f'{{ id: {command["id"]}, {names}, path: {path}, value: "{command["value"]}" }}'


def _bool(value: bool) -> str:
    return "true" if value else "false"
