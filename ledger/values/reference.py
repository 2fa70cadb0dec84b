"""Short references: a letter for the kind, and a prefix of the id in Crockford base 32, as git shortens commits.

`w-7k3qd` is the work item whose id begins with those 25 bits. A longer prefix always works; which prefix is
the shortest unambiguous one depends on the other ids, so `shorten` is given those that begin alike.
"""

import re
from collections.abc import Iterable
from uuid import UUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SHORTEST = 5  # characters
FULL = 26  # 130 bits hold the 128 of a UUID
LETTERS = {
    "work_item": "w",
    "vendor": "v",
    "deployment": "d",
    "enhancement": "e",
    "configuration": "g",
    "conflict": "x",
}
CATEGORIES = {letter: category for category, letter in LETTERS.items()}
_ALIASES = str.maketrans("oil", "011")  # Crockford: what people misread is read as what was meant
_PATTERN = re.compile(rf"([{''.join(CATEGORIES)}])-([0-9a-z]{{{SHORTEST},{FULL}}})")


def encode(entity_id: str, length: int = FULL) -> str:
    """The first characters, all 26 unless fewer are wanted.

    >>> encode("00000000-0000-0000-0000-000000000000", 5)
    '00000'
    """
    bits = _number(entity_id) << 2
    return "".join([ALPHABET[bits >> shift & 31] for shift in range(125, 125 - 5 * length, -5)])


def decode(text: str) -> UUID | None:
    """The id that all 26 characters spell; None if they spell none.

    >>> decode(encode("7d444840-9dc0-41d1-b245-5ffdce74fad2"))
    UUID('7d444840-9dc0-41d1-b245-5ffdce74fad2')
    """
    value = 0
    for letter in text:
        value = value << 5 | ALPHABET.index(letter)
    return UUID(int=value >> 2) if len(text) == FULL and value >> 2 < 1 << 128 and not value & 3 else None


def shorten(category: str, entity_id: str, others: Iterable[str]) -> str:
    """The shortest reference that none of the others shares.

    >>> shorten("work_item", "7d444840-9dc0-41d1-b245-5ffdce74fad2", ["7d444841-0000-4000-8000-000000000000"])
    'w-fn24gg4'
    """
    own = _number(entity_id)
    alike = max((128 - (own ^ _number(other)).bit_length() for other in others if other != entity_id), default=0)
    return f"{LETTERS[category]}-{encode(entity_id, min(max(SHORTEST, alike // 5 + 1), FULL))}"


def shortest_range(entity_id: str) -> tuple[str, str]:
    """The lowest and the highest id that begin with the same five characters, which are 25 bits or 6.25 hex digits."""
    if entity_id[6] < "8":
        return f"{entity_id[:6]}00-0000-0000-0000-000000000000", f"{entity_id[:6]}7f-ffff-ffff-ffff-ffffffffffff"
    return f"{entity_id[:6]}80-0000-0000-0000-000000000000", f"{entity_id[:6]}ff-ffff-ffff-ffff-ffffffffffff"


def brief(category: str, entity_id: str) -> str:
    """Eight characters, where no store can be asked for the shortest: ambiguous about once in a billion."""
    return f"{LETTERS[category]}-{encode(entity_id, 8)}"


def parse(reference: str) -> tuple[str, UUID, UUID] | None:
    """(category, lowest id, highest id) that the reference can mean; None if it is not one.

    >>> parse("w-00000")[0]
    'work_item'
    >>> parse("hello") is None
    True
    """
    match = _PATTERN.fullmatch(reference.strip().lower())
    if match is None:
        return None
    prefix = match[2].translate(_ALIASES)
    if any(letter not in ALPHABET for letter in prefix):
        return None
    value = 0
    for letter in prefix:
        value = value << 5 | ALPHABET.index(letter)
    missing = 5 * (FULL - len(prefix))
    lowest = (value << missing) >> 2
    highest = ((value << missing) | ((1 << missing) - 1)) >> 2
    if highest >= 1 << 128:
        return None
    return CATEGORIES[match[1]], UUID(int=lowest), UUID(int=highest)


def _number(entity_id: str) -> int:
    return int(entity_id.replace("-", ""), 16)
