"""Runs of the model, repeated by the real program step by step: after each, both must be in the same state.

    python -m tests.model.replay [--seeds 1,2,3] [--traces 20] [--steps 30] [--seconds 3600]

First those that were chosen because together they take every action of the model in every kind of outcome
(`tests.model.choose`), and then so many of each seed. Says of a difference in which run and after which step, and what
both have there, and which kinds the chosen ones do not take any more.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from ledger.aggregates.conflict.events import CommandFulfilled, CommandWithdrawn, ConflictFound
from ledger.catalog import fact_of
from ledger.envelope import RecordedEvent, id_of, stream_id
from ledger.postgres.connection.database import Database
from tests.model import quint
from tests.model.coverage import kinds_of_runs, missing
from tests.model.explore import seeds
from tests.model.program import BEFORE, ITEMS, NAME_OF, Machine, Program, change_of
from tests.model.quint import CHOSEN
from tests.model.server import Server, running
from tests.model.steps import State

AGAIN = "choose them again: python -m tests.model.choose"
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
        flying = {one["event"]["command"]["id"] for one in after["flying"]}
        wanted, found = of_model(after) | {"flying": flying}, of_program(program) | {"flying": set(program.flying)}
        compare(f"step {number}, {kind} {given}", wanted, found)
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
        "closed": state["closed"],
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
            "agrees": _agrees(machine, state["log"]),
            "sees": _seen(machine, lines),
        }
    if state["did"][0] == "CaughtUp":  # then what the journal has is let go of; what was sent is another file here
        name = state["did"][1]["name"]
        lines = state["machines"][name]["outbox"]
        if all(line["kind"] != "sent" for line in lines):
            found[f"{name}'s file"] = {line["event"]["command"]["id"] for line in lines}
    return found


def _agrees(machine: dict[str, Any], log: list[dict[str, Any]]) -> bool:
    """Whether the log is still the history that the machine knows."""
    journal, position = machine["journal"], machine["told"]["position"]
    holds = not position or [event["command"]["id"] for event in log[position - 1 : position]] == [
        machine["told"]["id"]
    ]
    return holds and log[: len(journal)] == journal


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
    found: State = {
        "log": [_recorded(program, event) for event in log],
        "answers": dict(program.answers),
        "closed": program.is_closed(),
    }
    for name, machine in program.machines.items():
        found[name] = _machine(program, machine)
        outbox = machine.local.outbox
        found[f"{name}'s file"] = {program.commands[command] for command in outbox.own_before(outbox.sequence + 1)}
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
        "agrees": program.agrees(machine),
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


def replayed(server: Server, where: str, runs: Iterable[list[State]]) -> Counter[str]:
    done: Counter[str] = Counter()
    database = Database(server.dsn)
    try:
        for number, states in enumerate(runs):
            with tempfile.TemporaryDirectory(prefix="replay-", dir=server.root) as folder:
                program = Program(server, database, Path(folder))
                try:
                    done += follow(program, states)
                except Exception as error:
                    done_before = "\n".join(f"  {n} {state['did']}" for n, state in enumerate(states))
                    raise SystemExit(f"{where}, run {number}: {error!r}\n{error}\n{done_before}") from error
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
    runs = quint.written(CHOSEN)
    with running() as server:
        done = replayed(server, "chosen", runs)
        if left := missing(kinds_of_runs(runs)):
            raise SystemExit(f"the runs of {CHOSEN.name} never take\n  " + "\n  ".join(left) + f"\n{AGAIN}")
        for seed in seeds(given.seeds, given.seconds):
            done += replayed(server, f"seed {seed}", quint.runs("mixed", seed, given.traces, given.steps))
    print(f"the program did what the model does, {done.total()} steps:", dict(done))


if __name__ == "__main__":
    main()
