"""What runs of the model take: each action in each kind of outcome, and the fewest runs that take all of them.

A kind is the action, what it was about, and what came of it: `Drained queued edit: rebased`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from tests.model.quint import SPEC, SPECS
from tests.model.steps import State

WANTED = (SPECS / "kinds.txt").read_text().splitlines()
SETUP = 8  # steps that a run costs before its first one


def actions() -> list[str]:
    """Those of the model, by the names of its steps."""
    [said] = re.findall(r"type Step = (.*?)\n\n", SPEC.read_text(), re.DOTALL)
    return [name for name in re.findall(r"(?:^|\|) *(\w+)", said) if name != "Began"]


def missing(found: set[str]) -> list[str]:
    """The kinds that were not taken, and the actions of which none is known."""
    known = {kind.partition(" ")[0] for kind in WANTED}
    unknown = [f"{name}, of which no kind is named" for name in actions() if name not in known]
    return [*unknown, *(kind for kind in WANTED if kind not in found)]


def chosen(runs: Sequence[list[State]]) -> list[list[State]]:
    """Beginnings of runs that take all that the runs take, in about as few steps as possible."""
    taken = [[kinds(before, after) for before, after in pairwise(states)] for states in runs]
    left = set[str]().union(*(step for steps in taken for step in steps))
    found: list[list[State]] = []
    while left:
        gains = ((*gain, number) for number, steps in enumerate(taken) for gain in _gains(steps, left))
        _, length, number = max(gains, key=lambda gain: gain[0])
        found.append(runs[number][: length + 1])
        left -= set[str]().union(*taken[number][:length])
    return _needed(found)


def _gains(steps: list[set[str]], left: set[str]) -> Iterator[tuple[float, int]]:
    """How much each beginning of a run takes for what it costs, and its length."""
    got = set[str]()
    for length, step in enumerate(steps, 1):
        if new := step & left - got:
            got |= new
            yield len(got) / (SETUP + length), length


def _needed(runs: list[list[State]]) -> list[list[State]]:
    """Without those whose kinds the others take as well."""
    for one in sorted(runs, key=len, reverse=True):
        others = [run for run in runs if run is not one]
        if kinds_of_runs([one]) <= kinds_of_runs(others):
            runs = others
    return runs


def kinds_of_runs(runs: Iterable[list[State]]) -> set[str]:
    return {kind for states in runs for before, after in pairwise(states) for kind in kinds(before, after)}


def kinds(before: State, after: State) -> set[str]:
    """Of one step."""
    action, given = after["did"]
    return {f"{action} {kind}" for kind in _OF[action](before, after, given)}


def _decided(before: State, after: State, given: Any) -> Iterator[str]:
    """A command that is asked for on the database, or queued."""
    command = given["command"]
    said = after["answers"][command["id"]]["said"]
    if said == "diverged":
        yield said
    elif said == "dependency_cycle":
        machine = before["machines"][command["by"]]
        shown = [*machine["journal"], *(line["event"] for line in machine["outbox"])]
        known = before["log"] if after["did"][0] == "Asked" else shown
        yield f"link: a cycle of {'two' if _is_answered(command, known) else 'three'}"
    else:
        yield f"{_what(command)}: {said}"
    if said == "sent" and _what(command) == "claim":
        held = _holder(before["log"], command["stream"], before["now"]["time"])
        yield f"claim: sent, {held if held in ('free', 'ended') else 'renewed'}"


def _is_answered(command: dict[str, Any], events: list[State]) -> bool:
    """Whether the other item of a link has one to this one."""
    stream, (_, other) = command["stream"], command["path"]
    return any(event["command"]["stream"] == other and event["command"]["path"][1] == stream for event in events)


def _arrived(before: State, after: State, given: Any) -> Iterator[str]:
    number = given["id"]
    [proposal] = [one for one in before["flying"] if one["event"]["command"]["id"] == number]
    command = proposal["event"]["command"]
    if len(after["log"]) > len(before["log"]):
        verdict = "recorded"
    elif number in _ids(before["log"]):
        verdict = "repeated"
    else:
        verdict = after["answers"][number]["said"] if given["isHeard"] else "refused"
    yield f"{'heard' if given['isHeard'] else 'unheard'}, {_what(command)}: {verdict}"
    machine = before["machines"][command["by"]]
    if number not in _numbers(machine["sent"]):
        yield f"late, {_whereabouts(machine, number)}: {verdict}"


def _gave_up(before: State, after: State, name: Any) -> Iterator[str]:
    [line] = before["machines"][name]["sent"]
    command = line["event"]["command"]
    flying = {one["event"]["command"]["id"] for one in before["flying"]}
    what = "claim" if _what(command) == "claim" else "other"
    if command["id"] in _ids(before["log"]):
        yield f"{what}: recorded"
    else:
        yield f"{what}: {'on its way' if command['id'] in flying else 'gone'}"


def _drained(before: State, after: State, given: Any) -> Iterator[str]:
    machine, ended = before["machines"][given["name"]], after["machines"][given["name"]]
    waiting = [line for line in machine["outbox"] if not line["outcome"]][: given["many"]]
    known = _ids(before["log"])
    together = "several" if given["many"] > 1 else "one"
    if not given["isWritten"]:
        for line in waiting:
            yield f"killed, {together}: {'found' if _number(line) in known else _end(after['log'], _number(line))}"
        return
    conflicts = {_number(line) for line in machine["outbox"] if line["outcome"] == "conflict"}
    for line in waiting:
        number = _number(line)
        [now] = [other for other in ended["outbox"] if _number(other) == number and other["outcome"]]
        how = "found " if number in known else ""
        yield f"{line['kind']} {_what(line['event']['command'])}: {how}{now['outcome']}"
        if _is_on_the_edge(line, waiting, before["log"], {_number(one) for one in machine["outbox"]}):
            yield f"{line['kind']}, decided just behind a link: {how}{now['outcome']}"
        if _is_overtaken(line, before["log"], {_number(one) for one in machine["outbox"]}):
            yield f"{line['kind']}, others changed the same: {how}{now['outcome']}"
        if not how and line["bases"].get(line["event"]["command"]["stream"]) in conflicts:
            yield f"on a conflict: {now['outcome']}"
        if now["outcome"] == "conflict":
            conflicts.add(number)
    yield f"{together}: written"


def _is_overtaken(line: State, log: list[State], own: set[int]) -> bool:
    """Whether others gave the field that it changes a value, since it was decided."""
    wanted = line["event"]["command"]
    others = [event["command"] for event in log[line["asOf"] :] if event["became"] == "done" and _id(event) not in own]
    return any((one["stream"], one["path"]) == (wanted["stream"], wanted["path"]) for one in others)


def _is_on_the_edge(line: State, waiting: list[State], log: list[State], own: set[int]) -> bool:
    """Whether another's link is the last event that the line was decided on, and lines that wait with it look further
    back."""
    last = log[line["asOf"] - 1] if 0 < line["asOf"] <= len(log) else None
    if last is None or not line["looksAtLinks"] or min(one["asOf"] for one in waiting) >= line["asOf"]:
        return False
    return _what(last["command"]) == "link" and last["became"] == "done" and last["command"]["id"] not in own


def _caught_up(before: State, after: State, given: Any) -> Iterator[str]:
    machine, then = before["machines"][given["name"]], after["machines"][given["name"]]
    yield "all" if len(then["journal"]) == len(after["log"]) else "a part"
    if machine["outbox"]:
        yield "outbox kept" if then["outbox"] else "outbox cleared"
    if machine["sent"]:
        yield "sent kept" if then["sent"] else "sent cleared"


def _ticked(before: State, after: State, _: Any) -> Iterator[str]:
    was, now = (_holder(before["log"], "a", state["now"]["time"]) for state in (before, after))
    yield "a lease ends" if now != was else "no lease ends"


def _failed_over(before: State, after: State, kept: Any) -> Iterator[str]:
    if before["flying"]:
        yield "with something on its way"
    if kept == len(before["log"]):
        yield "nothing lost"
        return
    yield "all lost" if not kept else "some lost"
    for machine in before["machines"].values():
        if machine["told"]["position"] > kept >= len(machine["journal"]):
            yield "only the newest receipt lost"
        if len(machine["journal"]) > kept:
            yield "what a journal holds lost"


def _found_out(before: State, after: State, name: Any) -> Iterator[str]:
    machine, log = before["machines"][name], before["log"]
    journal = machine["journal"]
    told = machine["told"]
    is_told = not told["position"] or [_id(event) for event in log[told["position"] - 1 : told["position"]]] == [
        told["id"]
    ]
    receipt = "the receipt holds" if is_told else "so does the receipt"
    if log[: len(journal)] == journal:
        yield "by a receipt"
    elif len(journal) > len(log):
        yield "by a journal that is longer"
    else:
        yield f"by a journal that differs, {receipt}"


def _mended(before: State, after: State, given: Any) -> Iterator[str]:
    how = "by the database" if given["byDatabase"] else "by the journal"
    machine, then = before["machines"][given["name"]], after["machines"][given["name"]]
    waited = {_number(line): line["kind"] for line in machine["outbox"] if not line["outcome"]}
    lines = [line for line in then["outbox"] if not line["outcome"]]
    new = [line for line in lines if _number(line) not in waited]
    for line in new:
        event = line["event"]
        what = _what(event["command"]) if event["became"] == "done" else event["became"]
        yield f"{how}: {line['kind']} {what}"
    if not lines:
        yield f"{how}: nothing waits"
    if len(lines) > len(new):
        yield f"{how}: what waited before {'behind what came back' if new else 'alone'}"
    if machine["sent"]:
        yield f"{how}: with something unanswered"


_OF = {
    "Asked": _decided,
    "Queued": _decided,
    "Arrived": _arrived,
    "GaveUp": _gave_up,
    "Drained": _drained,
    "CaughtUp": _caught_up,
    "Ticked": _ticked,
    "FailedOver": _failed_over,
    "FoundOut": _found_out,
    "Mended": _mended,
}


def _what(command: dict[str, Any]) -> str:
    match command["path"]:
        case ("Blocks", _):
            return "link"
        case ("Claim", _):
            return "claim" if command["value"] else "release"
        case _:
            return "edit"


def _holder(log: list[dict[str, Any]], stream: str, time: int) -> str:
    """Who holds the item, or that it is free or that its lease has ended."""
    for event in reversed(log):
        command = event["command"]
        if event["became"] == "done" and command["stream"] == stream and command["path"][0] == "Claim":
            if not command["value"]:
                return "free"
            return str(command["value"]) if time < event["until"] else "ended"
    return "free"


def _whereabouts(machine: State, number: int) -> str:
    """What the machine knows by now of a command that it gave up."""
    for line in machine["outbox"]:
        if _number(line) == number:
            return f"{line['kind']} that {'has ended' if line['outcome'] else 'waits'}"
    return "forgotten"


def _end(log: list[dict[str, Any]], number: int) -> str:
    [event] = [event for event in log if event["command"]["id"] == number]
    return "rebased" if event["rebased"] else str(event["became"])


def _ids(log: list[dict[str, Any]]) -> set[int]:
    return {_id(event) for event in log}


def _id(event: dict[str, Any]) -> int:
    return int(event["command"]["id"])


def _numbers(lines: list[dict[str, Any]]) -> set[int]:
    return {_number(line) for line in lines}


def _number(line: dict[str, Any]) -> int:
    return int(line["event"]["command"]["id"])
