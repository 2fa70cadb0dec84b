"""What can become of a queued command that is not recorded as it was meant. Never edited after release.

Each stands under the command's own id, so that a late original of it finds itself recorded and writes nothing.
"""

from typing import Any

from msgspec import Struct

from ledger.envelope import Fact


class Base(Struct, frozen=True, kw_only=True):
    """The newest event of a stream that a decision knew: the n-th of a command. Version 0 is a stream without one."""

    version: int
    command_id: str | None = None
    n: int = 0


class Met(Struct, frozen=True, kw_only=True):
    """A field that the command changes and another command has changed since its base. `now` is what stands there."""

    stream: str
    field: str
    base: Any = None
    mine: Any = None
    now: Any = None
    by: str | None = None


class ConflictFound(Fact, frozen=True, kw_only=True):
    """A queued command met changes of others (`met`) or a rule (`refusal`: code, message and details).

    `arguments` are the command, whole, and `schema` theirs. `about` are the streams it would change; `bases` what it
    was decided on, and `standing` the versions that those streams had reached. `waits_for` are the conflicts of
    the commands that it builds on. `proposed` are its facts, each with its stream, where they are all that is known.
    """

    command: str
    schema: int
    arguments: dict[str, Any]
    about: tuple[str, ...]
    proposed: tuple[dict[str, Any], ...] = ()
    bases: dict[str, Base] = {}
    standing: dict[str, int] = {}
    met: tuple[Met, ...] = ()
    refusal: dict[str, Any] | None = None
    waits_for: tuple[str, ...] = ()


class ConflictResolved(Fact, frozen=True, kw_only=True):
    """`choice` is mine (the command was carried out on what stood there), theirs (it was dropped) or edited.

    `arguments` are those that were carried out instead, for edited.
    """

    choice: str
    arguments: dict[str, Any] | None = None


class CommandFulfilled(Fact, frozen=True, kw_only=True):
    """A queued command found everything it asks for to be so already: others had done the same."""

    command: str


class CommandWithdrawn(Fact, frozen=True, kw_only=True):
    """A command whose answer was lost, and which may not be queued, was not recorded and never will be."""

    command: str


ConflictFact = ConflictFound | ConflictResolved | CommandFulfilled | CommandWithdrawn
