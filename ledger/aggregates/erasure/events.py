"""What can be erased from the log. Never edited after release; a changed shape is a new schema with an upcast."""

from msgspec import Struct

from ledger.envelope import Fact


class ErasedPayload(Struct, frozen=True, kw_only=True):
    """What stands at an earlier position from now on, byte for byte: its JSON begins with the digest of what it was."""

    position: int
    data: str


class TextsErased(Fact, frozen=True, kw_only=True):
    """Texts are gone for good: what they stood in has these payloads now, here and in every copy of the log.

    Position and payload travel and no rule, so every program erases the same bytes.
    """

    payloads: tuple[ErasedPayload, ...]
