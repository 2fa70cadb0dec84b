"""What the facts of one erasure add up to."""

from typing import assert_never

from msgspec import Struct

from ledger.aggregates.erasure.events import TextsErased
from ledger.envelope import UnknownFact


class Erasure(Struct, frozen=True, kw_only=True):
    """How many payloads it has erased."""

    payloads: int = 0


def evolve(erasure: Erasure, fact: TextsErased | UnknownFact) -> Erasure:
    match fact:
        case TextsErased(payloads=payloads):
            return Erasure(payloads=erasure.payloads + len(payloads))
        case UnknownFact():
            return erasure  # carried, not interpreted
        case _:
            assert_never(fact)
