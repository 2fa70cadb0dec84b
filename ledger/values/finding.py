"""What an import says of its source besides the facts: taken as found with a warning, or not taken."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """`kind` is a stable word; `where` names the line, the record or the link."""

    kind: str
    where: str
