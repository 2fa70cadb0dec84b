"""The shape of every category: what there is at first, how facts add up, and what may happen.

`evolve(state, fact) -> state` and `decide(command, world) -> facts` are pure: time, ids and everything
they look at come in as arguments.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Command, Fact
from ledger.values.revision import Changes, apply
from ledger.world import World

State = TypeVar("State", bound=Struct)
FactType = TypeVar("FactType", bound=Fact)

# (stream, fact) in the order in which they happen; an import adds who did it, and when, as its source states
Decided = list[tuple[str, Fact] | tuple[str, Fact, str, datetime]]
Turns = dict[str, tuple[State, State]]  # the entities that an undo changes: id -> (state now, state after it)


class Undo(Command, frozen=True, kw_only=True):
    """Takes back what the command `undone` did to these streams, all it touched or some of them.

    With `only_untouched` what others changed since stays as it is; without, such a change is a reason to refuse.
    """

    undone: str
    streams: tuple[str, ...]
    only_untouched: bool = False


class Undoable(Struct, Generic[State], frozen=True, kw_only=True):
    """How an undo is said in a category's facts. `check` refuses one after which a rule would not hold,
    `restrained` says what of the changes may be restored, and what happens instead of the rest.

    `kept` are the fields that no undo touches. The fields of a group in `together` say one thing: none goes back
    where another of them was changed since. Without `withdrawn` there is nothing to create, hence to withdraw.
    """

    reverted: type[Any]
    withdrawn: type[Any] | None = None
    reinstated: type[Any] | None = None
    kept: frozenset[str] = frozenset()
    together: tuple[frozenset[str], ...] = ()
    check: Callable[[World, Turns[State]], None] = lambda *_: None
    restrained: Callable[[World, State, Changes], tuple[Changes, tuple[Fact, ...]]] = lambda _world, _now, changes: (
        changes,
        (),
    )


class Decider(Struct, Generic[State], frozen=True, kw_only=True):
    """`evolve` takes the category's facts and unknown ones, `decide` its commands; see ledger.world.

    `revised` is the fact that applies its `changes` and does nothing else, so that several can be applied at once.
    `unique` are the relations of its read model under which a value has one holder at most.
    """

    category: str
    initial: State
    evolve: Callable[[State, Any], State]
    decide: Callable[[Any, Any], Decided]
    facts: tuple[type[Fact], ...]
    commands: tuple[type[Command], ...]
    undoable: Undoable[State] | None = None
    revised: type[Any] | None = None
    unique: tuple[str, ...] = ()

    def after(self, state: State, fact: Fact) -> State:
        """The state after one more fact, with the fields that the same command revised."""
        state = self.evolve(state, fact)
        return apply(state, fact.also) if fact.also else state


class Planned(Protocol):
    """What a rule found besides what it decided, which is part of it."""

    @property
    def decided(self) -> Decided: ...


Plan = TypeVar("Plan", bound=Planned)


class LastPlan(Generic[Plan]):
    """A rule that keeps the plan which it made when it was asked last: that is what was recorded."""

    def __init__(self, plan: Callable[[Any, World], Plan], made: Plan) -> None:
        self._plan = plan
        self.made = made

    def __call__(self, command: Any, world: World) -> Decided:
        self.made = self._plan(command, world)
        return self.made.decided


def fold(decider: Decider[State], facts: Iterable[Fact]) -> State:
    """What a history adds up to."""
    state = decider.initial
    for fact in facts:
        state = decider.after(state, fact)
    return state


def with_also(fact: FactType, changes: Changes) -> FactType:
    """The fact, with fields that the same command revised."""
    return replace(fact, also={**fact.also, **changes}) if changes else fact
