"""An importer of one's own: what a package offers as entry point in the group `tracking_ledger.importers`."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import Records


class Importer(Struct, frozen=True, kw_only=True):
    """How a tool's files are known and read. The entry point's name is what `import NAME` and the records say.

    `called` completes "it looks like ...", `sentence` is the help of the command. `recognises` is True only for what is
    sure. `records` yields a SourceItem for each record of the file or folder, and names with `left_out` those that it
    does not take; it raises `unreadable` for a file of another kind. `is_dated` says that records tell when they last
    changed, so that an older file undoes nothing.
    """

    called: str
    sentence: str
    recognises: Callable[[Sample], bool]
    records: Records
    argument: Literal["FILE", "FOLDER"] = "FILE"
    is_dated: bool = True
