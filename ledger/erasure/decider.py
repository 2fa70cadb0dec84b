"""Erasures as a category: each is a stream of its own, which is never added to."""

from msgspec import Struct

from ledger.decider import Decided, Decider, check_administrator
from ledger.envelope import Fact, stream_id
from ledger.erasure.commands import EraseTexts
from ledger.erasure.events import TextsErased
from ledger.world import World

CATEGORY = "erasure"
PORTION = 500  # payloads in one event: a follower takes it in while a caller waits


class Erasure(Struct, frozen=True, kw_only=True):
    """How many payloads it has erased."""

    payloads: int = 0


def evolve(erasure: Erasure, fact: Fact) -> Erasure:
    match fact:
        case TextsErased(payloads=payloads):
            return Erasure(payloads=erasure.payloads + len(payloads))
        case _:
            return erasure  # an unknown fact of a newer program is carried, not interpreted


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
