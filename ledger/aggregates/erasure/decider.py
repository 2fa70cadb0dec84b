"""Erasures as a category: each is a stream of its own, which is never added to."""

from ledger.aggregates.decider import Decided, Decider
from ledger.aggregates.erasure.commands import EraseTexts
from ledger.aggregates.erasure.events import TextsErased
from ledger.aggregates.erasure.state import Erasure, evolve
from ledger.aggregates.guards import check_administrator
from ledger.envelope import stream_id
from ledger.world import World

CATEGORY = "erasure"
PORTION = 500  # payloads in one event: a follower takes it in while a caller waits


def decide(command: EraseTexts, world: World) -> Decided:
    check_administrator(world, "texts are erased")
    given = command.payloads
    stream = stream_id(CATEGORY, command.id)
    return [(stream, TextsErased(payloads=given[n : n + PORTION])) for n in range(0, len(given), PORTION)]


decider: Decider[Erasure] = Decider(
    category=CATEGORY,
    initial=Erasure(),
    evolve=evolve,
    decide=decide,
    facts=(TextsErased,),
    commands=(EraseTexts,),
)
