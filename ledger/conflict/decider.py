"""Conflicts as a category: found by the drain (ledger.offline.delivery), ended by ledger.across.conflict_resolution."""

from uuid import UUID

from ledger.annotation.commands import AnnotationCommand
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.annotation_decider import decide as annotate
from ledger.conflict.commands import ResolveConflict
from ledger.conflict.events import CommandFulfilled, CommandWithdrawn, ConflictFound, ConflictResolved
from ledger.conflict.state import Conflict, evolve
from ledger.decider import Decided, Decider
from ledger.envelope import Command, minted_id, stream_id
from ledger.world import World

CATEGORY = "conflict"


def conflict_id(command_id: UUID) -> str:
    """The id of the conflict that a command becomes, if it does."""
    return minted_id(command_id, CATEGORY)


def conflict_stream(command_id: UUID) -> str:
    return stream_id(CATEGORY, conflict_id(command_id))


def decide(command: Command, world: World) -> Decided:
    """Resolving one carries out a command of another category, so its rule stands above all of them."""
    if isinstance(command, AnnotationCommand):
        return annotate(command, world)
    raise TypeError(f"no rule for {type(command).__name__}")


decider: Decider[Conflict] = Decider(
    category=CATEGORY,
    initial=Conflict(),
    evolve=evolve,
    decide=decide,
    facts=(ConflictFound, ConflictResolved, CommandFulfilled, CommandWithdrawn, *ANNOTATION_FACTS),
    commands=(ResolveConflict,),
)
