"""Conflicts as a category: found by the drain (ledger.offline.delivery), ended by ledger.across.conflict_resolution."""

from typing import get_args
from uuid import UUID

from ledger.aggregates.annotation_decider import decide as annotate
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.conflict.events import ConflictFact
from ledger.aggregates.conflict.state import Conflict, evolve
from ledger.aggregates.decider import Decider
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.envelope import minted_id, stream_id

CATEGORY = "conflict"


def conflict_id(command_id: UUID) -> str:
    """The id of the conflict that a command becomes, if it does."""
    return minted_id(command_id, CATEGORY)


def conflict_stream(command_id: UUID) -> str:
    return stream_id(CATEGORY, conflict_id(command_id))


decider: Decider[Conflict] = Decider(
    category=CATEGORY,
    initial=Conflict(),
    evolve=evolve,
    decide=annotate,  # resolving one carries out a command of another category: ledger.across.conflict_resolution
    facts=(*get_args(ConflictFact), *ANNOTATION_FACTS),
    commands=(ResolveConflict,),
)
