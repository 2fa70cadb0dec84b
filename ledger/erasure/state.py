"""What the facts of one erasure add up to."""

from msgspec import Struct

from ledger.envelope import Fact
from ledger.erasure.events import TextsErased


class Erasure(Struct, frozen=True, kw_only=True):
    """How many payloads it has erased."""

    payloads: int = 0


def evolve(erasure: Erasure, fact: Fact) -> Erasure:
    match fact:
        case TextsErased(payloads=payloads):
            return Erasure(payloads=erasure.payloads + len(payloads))
        case _:
            return erasure  # an unknown fact of a newer program is carried, not interpreted
