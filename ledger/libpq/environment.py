"""The variables that libpq reads by itself and that no connection string overrides.

They are exported for other programs and other servers. A process of ours takes them out of its environment before its
first connection; what one of them says for a given server is put into that server's connection string.
"""

import os

SERVICE = "PGSERVICE"
PLANNER = "PGGEQO"
NOT_OVERRIDABLE = (SERVICE, PLANNER, "PGDATESTYLE", "PGTZ")

_taken: dict[str, str] = {}


def take_variables() -> None:
    """Call before the first connection; a program that only uses this as a library keeps its environment."""
    for name in NOT_OVERRIDABLE:
        if name in os.environ:
            _taken[name] = os.environ.pop(name)


def exported(name: str) -> str | None:
    """What such a variable was exported as; an empty one counts as not set."""
    return _taken.get(name) or os.environ.get(name) or None
