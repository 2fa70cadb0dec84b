"""The states of work: the three original words, and those that a ledger's configuration adds, each in a category.

The rules look at the category only: what can be begun, what is finished, what keeps others waiting. Words are for
people. That work will not be done can be said in every ledger: one without a state for it has the word `dropped`.
"""

from collections.abc import Iterable
from typing import Literal, get_args

from msgspec import Struct

Category = Literal["planned", "active", "waiting", "review", "done", "dropped"]
CATEGORIES: tuple[str, ...] = get_args(Category)
WORKABLE = ("planned", "active")  # what can be begun, or goes on
FINISHED = ("done", "dropped")
REASONLESS = (*WORKABLE, "done")  # of these the log alone says why
SUSPENDING = ("waiting", "dropped")  # what is below such an item is not begun either
ORIGINAL: dict[str, Category] = {"active": "active", "blocked": "waiting", "completed": "done"}
LONGEST = 40  # characters of a word


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A state of a ledger's own. With `on_claim` a claim moves the item there, and giving it back moves it back."""

    name: str
    category: Category
    on_claim: bool = False


DROPPED = State(name="dropped", category="dropped")
States = tuple[State, ...]  # in the order in which people want to see them


def key(word: str) -> str:
    """The form of a word in which all its spellings are the same.

    >>> key("In Progress") == key("in_progress") == key("IN-PROGRESS")
    True
    """
    return word.strip().casefold().replace(" ", "_").replace("-", "_")


def find_state(states: Iterable[State], word: str) -> State | None:
    """The state that a word means, original or of this ledger; None if it means none."""
    wanted = key(word)
    if wanted in ORIGINAL:
        return State(name=wanted, category=ORIGINAL[wanted])
    return next((state for state in states if key(state.name) == wanted), None)


def in_order(states: Iterable[State]) -> list[State]:
    """All states as a board shows them: by category; in each the original word first, then the ledger's own.

    >>> [state.name for state in in_order(())]
    ['active', 'blocked', 'completed', 'dropped']
    """
    own = list(states)
    every = [State(name=name, category=category) for name, category in ORIGINAL.items()] + own
    if not any(state.category == DROPPED.category or key(state.name) == DROPPED.name for state in own):
        every.append(DROPPED)
    return sorted(every, key=lambda state: CATEGORIES.index(state.category))


def first_state(states: Iterable[State]) -> State:
    """Where a new item begins: in the first planned state of the ledger's own, or the original word."""
    planned = (state for state in states if state.category == "planned")
    return next(planned, State(name="active", category="active"))


def claimed_state(states: Iterable[State]) -> State | None:
    """Where a claim moves an item, if anywhere."""
    return next((state for state in states if state.on_claim), None)
