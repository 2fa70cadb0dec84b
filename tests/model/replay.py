"""Runs of the model, repeated by the real program step by step: after each, both must be in the same state.

    python -m tests.model.replay [--seeds 1,2,3] [--traces 20] [--steps 30] [--seconds 3600]

Says of a difference in which run and after which step, and what both have there.
"""

import argparse
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from ledger.aggregates.conflict.events import CommandFulfilled, CommandWithdrawn, ConflictFound
from ledger.catalog import fact_of
from ledger.envelope import RecordedEvent, id_of, stream_id
from ledger.postgres.connection.database import Database
from tests.model.explore import seeds
from tests.model.program import BEFORE, ITEMS, NAME_OF, Machine, Program, change_of
from tests.model.quint import SPEC, run, traces
from tests.model.server import Server, running

State = dict[str, Any]
ENDS = {ConflictFound: "conflict", CommandFulfilled: "fulfilled", CommandWithdrawn: "withdrawn"}


class Different(Exception):
    """The program is not where the model is."""


def follow(program: Program, states: list[State]) -> Counter[str]:
    """Does what the run did. Raises Different at the first step after which the two differ."""
    steps: Counter[str] = Counter()
    for number, (before, after) in enumerate(pairwise(states), 1):
        kind, given = after["did"]
        perform(program, kind, given, before)
        steps[kind] += 1
        compare(f"step {number}, {kind} {given}", of_model(after), of_program(program))
    return steps


def compare(where: str, wanted: State, found: State) -> None:
    """Raises Different, with what the two have where they differ."""
    differing = [
        f"{name}: the model has {wanted[name]}, the program {found[name]}"
        for name in wanted
        if wanted[name] != found[name]
    ]
    if differing:
        raise Different("\n".join([where, *differing]))


def perform(program: Program, kind: str, given: Any, before: State) -> None:
    match kind:
        case "Asked" | "Queued":
            command = given["command"]
            do = program.ask if kind == "Asked" else program.queue
            do(command["id"], command["by"], change_of(command), command["stream"], given["expected"])
        case "Arrived":
            program.arrive(given["id"], given["isHeard"])
        case "GaveUp":
            program.give_up(given, before["machines"][given]["sent"][0]["event"]["command"]["id"])
        case "Drained":
            program.drain(given["name"], many=given["many"], is_written=given["isWritten"])
        case "CaughtUp":
            program.catch_up(given["name"], given["many"])
        case "Ticked":
            program.tick()
        case "FailedOver":
            program.fail_over(given)
        case "FoundOut":
            program.find_out(given)
        case "Mended":
            program.mend(given["name"], by_database=given["byDatabase"])
        case _:
            raise ValueError(kind)


def of_model(state: State) -> State:
    """What can be compared of a state of the model."""
    found: State = {
        "log": [_event(event) for event in state["log"]],
        "answers": {number: answer["said"] for number, answer in state["answers"].items()},
    }
    for name, machine in state["machines"].items():
        reached = len(machine["journal"])
        lines = [line for line in machine["outbox"] if not line["outcome"] or line["position"] > reached]
        found[name] = {
            "journal": [_event(event) for event in machine["journal"]],
            "outbox": [
                (line["event"]["command"]["id"], line["kind"], line["outcome"], line["position"])
                for line in lines
                if line["kind"] != "sent"
            ],
            "sent": [line["event"]["command"]["id"] for line in machine["sent"]],
            "told": machine["told"]["position"],
            "sees": _seen(machine, lines),
        }
    return found


def _event(event: dict[str, Any]) -> tuple[Any, ...]:
    command = event["command"]
    if event["became"] != "done":
        return command["id"], event["became"]
    what, other = command["path"]
    return (
        command["id"],
        command["stream"],
        event["version"],
        _field(what, other, command["value"]),
        event["rebased"],
        event["until"],
    )


def _field(what: str, other: Any, value: str) -> str:
    return {"Blocks": f"blocks {other}", "Claim": f"claimed by {value}"}.get(what, f"{what.lower()} {value}")


def _seen(machine: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Whose changes the machine sees of each item, in their order."""
    known = {event["command"]["id"] for event in machine["journal"] if event["became"] == "done"}
    shown = [line for line in lines if line["kind"] != "withdrawal" and line["event"]["command"]["id"] not in known]
    ahead = [line["event"] for line in sorted(shown, key=lambda line: line["kind"] != "sent")]
    events = [event for event in [*machine["journal"], *ahead] if event["became"] == "done"]
    return {name: [e["command"]["id"] for e in events if e["command"]["stream"] == name] for name in ITEMS}


def of_program(program: Program) -> State:
    """The same of the program."""
    log = list(program.log.read_all(BEFORE))
    found: State = {"log": [_recorded(program, event) for event in log], "answers": dict(program.answers)}
    for name, machine in program.machines.items():
        found[name] = _machine(program, machine)
    return found


def _machine(program: Program, machine: Machine) -> State:
    local, reached = machine.local, machine.local.journal.head.position
    lines = [line for line in local.outbox.waiting_after(reached) if line.first is None]
    ends = {line.command_id: found for line in lines if (found := local.outbox.find(line.command_id))}
    reported = local.acknowledged.read()
    store = machine.layer().store
    streams = {name: stream_id("work_item", item) for name, item in ITEMS.items()}
    pasts = store.read_streams(streams.values()).events
    return {
        "journal": [_recorded(program, event) for event in local.journal.read_all(BEFORE)],
        "outbox": [
            (program.commands[line.command_id], line.kind, end[1] or "", (end[2] or BEFORE) - BEFORE)
            for line in lines
            if (end := ends[line.command_id])
        ],
        "sent": program.unanswered(machine),
        "told": reported.position - BEFORE if reported else 0,
        "sees": {
            name: [program.commands[event.command_id] for event in pasts[stream][1:]]
            for name, stream in streams.items()
        },
    }


def _recorded(program: Program, event: RecordedEvent) -> tuple[Any, ...]:
    number, fact = program.commands[event.command_id], fact_of(event)
    if type(fact) in ENDS:
        return number, ENDS[type(fact)]
    stream = NAME_OF[id_of(event.stream_id)]
    what, until = _fact(program, event.by, fact)
    return number, stream, event.version - 1, what, fact.rebased_from is not None, until


def _fact(program: Program, by: str, fact: Any) -> tuple[str, int]:
    match type(fact).__name__:
        case "WorkItemRevised":
            [(field, change)] = fact.changes.items()
            return f"{field} {change.new}", 0
        case "WorkItemLinked":
            return f"blocks {NAME_OF[fact.to_id]}", 0
        case "WorkItemClaimed" | "WorkItemClaimRenewed":
            return f"claimed by {by}", program.ticks(fact.until)
        case "WorkItemClaimReleased":
            return "claimed by ", 0
        case name:
            return name, 0


def generated(seed: int, count: int, steps: int) -> list[list[State]]:
    with tempfile.TemporaryDirectory(prefix="traces-") as folder:
        pattern = Path(folder) / "run_{seq}.itf.json"
        result = run(SPEC, f"--out-itf={pattern}", f"--n-traces={count}", seed=seed, samples=count, steps=steps)
        if result.returncode:
            raise SystemExit(result.stdout + result.stderr)
        return traces("run_*.itf.json", Path(folder))


def replayed(server: Server, seed: int, count: int, steps: int) -> Counter[str]:
    done: Counter[str] = Counter()
    database = Database(server.dsn)
    try:
        for number, states in enumerate(generated(seed, count, steps)):
            with tempfile.TemporaryDirectory(prefix="replay-", dir=server.root) as folder:
                program = Program(server, database, Path(folder))
                try:
                    done += follow(program, states)
                except Exception as error:
                    done_before = "\n".join(f"  {n} {state['did']}" for n, state in enumerate(states))
                    raise SystemExit(f"seed {seed}, run {number}: {error!r}\n{error}\n{done_before}") from error
                finally:
                    program.close()
    finally:
        database.close()
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--traces", type=int, default=20, help="runs of each seed")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=float, help="go on with further seeds as long as this")
    given = parser.parse_args()
    done: Counter[str] = Counter()
    with running() as server:
        for seed in seeds(given.seeds, given.seconds):
            done += replayed(server, seed, given.traces, given.steps)
    print(f"the program did what the model does, {done.total()} steps:", dict(done))


if __name__ == "__main__":
    main()
