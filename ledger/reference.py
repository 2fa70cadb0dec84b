"""Short references: a letter for the kind, and a prefix of the id in Crockford base 32, as git shortens commits.

`w-7k3qd` is the work item whose id begins with those 25 bits. A longer prefix always works; which prefix is
the shortest unambiguous one depends on the ids beside it, so `shorten` is given its neighbours.
"""

import re
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


def encode(thing: UUID) -> str:
    """All 26 characters.

    >>> encode(UUID(int=0))
    '00000000000000000000000000'
    """
    bits = thing.int << 2
    return "".join(ALPHABET[(bits >> shift) & 31] for shift in range(125, -1, -5))


def shorten(category: str, thing: UUID, before: UUID | None, after: UUID | None) -> str:
    """The shortest reference that no neighbour in id order shares.

    >>> shorten("work_item", UUID(int=0), None, UUID(int=1))
    'w-00000000000000000000000000'
    """
    own = encode(thing)
    length = max(SHORTEST, *(_common(own, encode(other)) + 1 for other in (before, after, thing) if other not in (None, thing)), 0)
    return f"{LETTERS[category]}-{own[: min(length, FULL)]}"


def brief(category: str, thing: str) -> str:
    """Eight characters, for messages: always accepted, ambiguous about once in a billion."""
    return f"{LETTERS[category]}-{encode(UUID(thing))[:8]}"


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


def _common(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), FULL)
