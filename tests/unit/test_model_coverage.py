"""Which runs of the model the program repeats: those that together take every action in every kind of outcome."""

from typing import Any

from tests.model.coverage import WANTED, actions, chosen, kinds, missing
from tests.model.quint import CHOSEN
from tests.model.steps import State

CALLS = {
    "Asked": "ask(",
    "Arrived": "arrive(",
    "GaveUp": "giveUp(",
    "Queued": "queue(",
    "Drained": "drain(",
    "CaughtUp": "catchUp(",
    "Ticked": "tick",
    "FailedOver": "failOver(",
    "FoundOut": "findOut(",
    "Mended": "mend(",
}


def test_every_action_of_the_model_is_wanted_and_in_the_chosen_runs() -> None:
    text = CHOSEN.read_text(encoding="utf-8")

    assert set(actions()) == CALLS.keys()
    assert missing(set(WANTED)) == []
    assert [action for action, call in CALLS.items() if f".then({call}" not in text] == []


def test_a_kind_that_no_run_takes_is_named() -> None:
    assert missing(set(WANTED) - {"Mended by the journal: nothing waits"}) == ["Mended by the journal: nothing waits"]


def test_a_run_that_takes_nothing_new_is_not_chosen_and_one_ends_with_its_last_new_step() -> None:
    lease_ends = [state("Began"), state("Ticked", time=1), state("Ticked", time=2), state("Ticked", time=3)]
    nothing_new = [state("Began", time=1), state("Ticked", time=2)]

    assert kinds(*lease_ends[:2]) == {"Ticked no lease ends"}
    assert chosen([nothing_new, lease_ends]) == [lease_ends[:3]]


def state(did: str, time: int = 0) -> State:
    """The item `a` is claimed until the second moment."""
    command = {"id": 1, "by": "office", "stream": "a", "path": ("Claim", ()), "value": "office"}
    event: dict[str, Any] = {"command": command, "became": "done", "version": 1, "until": 2}
    return {"did": (did, ()), "log": [event], "now": {"time": time, "timeline": 0}}
