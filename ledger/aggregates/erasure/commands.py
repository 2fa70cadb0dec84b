"""What can be asked of an erasure."""

from ledger.aggregates.erasure.events import ErasedPayload
from ledger.envelope import Command


class EraseTexts(Command, frozen=True, kw_only=True):
    """The payloads, made by ledger.across.erasure, in the order of their positions."""

    id: str
    payloads: tuple[ErasedPayload, ...]
