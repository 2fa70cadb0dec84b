"""Who answers: the first layer that can. Whatever did not come live from the database says so, in every answer.

Live is tried first, and once more on fresh connections when they broke. Then the same work, with the same command id,
is done on this machine's own copy, and what only reads goes on down.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.moment import text
from projections.app import App
from projections.layers import STALE, WARNINGS, Layer, Witness
from projections.tables import AsOf

Answered = dict[str, Any]
Result = TypeVar("Result")


def answer(app: App, run: Callable[[App], Answered], *, writes: bool = False) -> Answered:
    """What `run` answers on the first layer that can, with where it comes from."""
    layered, answered = ask(app, run, writes=writes)
    return answered if app.layer is not None else answered | provenance(layered, answered, writes=writes)


def ask(app: App, run: Callable[[App], Result], *, writes: bool = False) -> tuple[App, Result]:
    """What `run` answers, and the App it ran on: that of the first layer that can answer."""
    if app.layer is not None:
        return app, run(app)
    try:
        return _live(app, run)
    except (Unavailable, OutcomeUnknown) as error:
        return _away(app, run, error, writes=writes)


def provenance(layered: App, answered: Answered, *, writes: bool = False) -> Answered:
    """What an answer says of where it comes from. The database's own receipts need none: they name their position."""
    layer = layered.layer
    assert layer is not None
    if writes and layer.source == "postgres":
        return {}
    said: Answered = {"source": layer.source}
    witness = layered.tables
    if isinstance(witness, Witness) and witness.as_of is not None:
        said["as_of"] = _as_of(layer, witness.as_of) | _known(answered)
    if warnings := warnings_of(layer, layered.clock()):
        said["warnings"] = [*answered.get("warnings", ()), *warnings]
    return said


def warnings_of(layer: Layer, now: datetime) -> list[str]:
    """The codes of what is not as usual about a layer's answers."""
    old = layer.source == "journal" and (layer.contact is None or now - layer.contact > STALE)
    return [*WARNINGS[layer.source], *(["stale_journal"] if old else []), *layer.warnings]


def _live(app: App, run: Callable[[App], Result]) -> tuple[App, Result]:
    live = _witnessed(app, app.live())
    try:
        return live, run(live)
    except (Unavailable, OutcomeUnknown) as error:
        app.contact.lost(waited=_has_waited(error))
        live = _witnessed(app, app.live())
        return live, run(live)


def _away(app: App, run: Callable[[App], Result], error: LedgerError, *, writes: bool) -> tuple[App, Result]:
    for layer in _below(app, writes=writes):
        layered = _witnessed(app, layer)
        try:
            return layered, run(layered)
        except (Unavailable, OutcomeUnknown):
            continue
    raise error


def _below(app: App, *, writes: bool) -> Iterator[Layer]:
    yield app.journal()


def _witnessed(app: App, layer: Layer) -> App:
    return app.through(replace(layer, tables=Witness(layer.tables)))


def _has_waited(error: LedgerError) -> bool:
    """Whether the caller has given the database its second: nobody was there to connect to, or it fell silent."""
    if "given_up" in error.details:
        return True
    return isinstance(error, Unavailable) and "sqlstate" not in error.details


def _as_of(layer: Layer, seen: AsOf) -> Answered:
    said: Answered = {"position": seen.position, "time": seen.time and text(seen.time)}
    if layer.source != "postgres":
        since = layer.contact or seen.time
        said["age"] = None if since is None else max(0, round((seen.now - since).total_seconds()))
    return said


def _known(answered: Answered) -> Answered:
    """What the answer itself says it is true for: an earlier point."""
    as_of = answered.get("as_of")
    return as_of if isinstance(as_of, dict) else {}
