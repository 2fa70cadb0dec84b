"""What can be asked of a conflict. `expected` is the version the writer has read, so it is resolved once."""

from typing import Any, Literal, get_args

from ledger.envelope import Command
from ledger.pending import Version

Choice = Literal["mine", "theirs", "edited"]
CHOICES: tuple[str, ...] = get_args(Choice)


class ResolveConflict(Command, frozen=True, kw_only=True):
    """`choice` is mine (the command's fields win on what stands there now), theirs (it is dropped) or edited.

    `arguments` are those that differ from the command's, for edited. `after` are the resolving commands that this one
    follows on its own: then it is refused where another has changed something.
    """

    id: str
    expected: Version
    choice: str
    arguments: dict[str, Any] | None = None
    after: tuple[str, ...] = ()
