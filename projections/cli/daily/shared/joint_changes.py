"""Changes of several items as one command: all are recorded, or none is and the refusal says why."""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ledger.errors import Invalid, LedgerError, NotFound, NotUnique, Refused, VersionConflict
from ledger.problems import sentence
from projections.cli.daily.shared.calls import perform
from projections.cli.terminal.invocation import Invocation
from projections.questions.answers import Answered

PLACE = re.compile(r"items\[(\d+)\]\.(.+)")
KINDS = {kind.code: kind for kind in (Invalid, NotFound, NotUnique, Refused, VersionConflict)}


class TypedChange(Struct, frozen=True):
    """A change as `bulk_work_items` takes it (None: not given); `source` is the word or line that it comes from."""

    given: Answered
    source: str = ""


def perform_at_once(invocation: Invocation, changes: Sequence[TypedChange]) -> Answered:
    """The answer of `bulk_work_items`, with whole items. Raises the refusal of the first change that is refused, which
    names the others."""
    try:
        return perform(invocation, "bulk_work_items", items=[change.given for change in changes], detail=True)
    except (Invalid, Refused) as error:
        if error.details.get("items"):
            raise _refusal(error.details["items"], changes) from error
        if faults := list(_faults(error, changes)):
            raise Invalid(
                f"{'; '.join(faults)}; nothing was recorded", next_step=error.next_step, **error.details
            ) from error
        raise


def _refusal(verdicts: list[Answered], changes: Sequence[TypedChange]) -> LedgerError:
    first = verdicts[0]
    details = {name: value for name, value in first["details"].items() if name != "status"}
    return KINDS[first["code"]]("; ".join(_sentences(verdicts, changes)), next_step=first["next_step"], **details)


def _faults(error: LedgerError, changes: Sequence[TypedChange]) -> Iterator[str]:
    """What no database can hold, by its place among the changes: items[2].title."""
    for fault in error.details.get("fields") or ():
        if place := PLACE.fullmatch(fault["field"]):
            source = changes[int(place[1])].source
            words = sentence([{**fault, "field": place[2]}])
            yield f"{source}: {words}" if source else words


def _sentences(verdicts: list[Answered], changes: Sequence[TypedChange]) -> Iterator[str]:
    for verdict in verdicts:
        for number in (verdict["index"], *verdict.get("also", ())):
            source = changes[number].source
            yield f"{source}: {verdict['message']}" if source else verdict["message"]
    if len(changes) > 1:
        yield "nothing was recorded"
