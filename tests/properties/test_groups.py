"""The law of a group: what threads have recorded together is what would be recorded one by one, but for the times."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from msgspec.structs import replace

from ledger.codec import digest, origin_digest
from ledger.envelope import Proposal, Recorded
from ledger.errors import LedgerError
from ledger.handler import Handler
from ledger.postgres.connection.database import Database
from ledger.world import World
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose
from projections.tables.replay import check
from tests.support.examples import examples
from tests.support.ledgers import FIRST_DAY, Ledger, on_postgres
from tests.support.random_histories import ACTIONS, BEGINNING, Action, actions_of, attempt, attempt_all, command

# A ledger's configuration has an id of its own, and a claim says until when by the time of its ledger.
SAME_IN_TWO = [kind for kind, _ in ACTIONS if kind not in ("configure", "claim", "undo")]
AWRY = [*[None] * 15, "another version", "the id before", "looks at all", "decided before", "too late", "in time"]
MOVED = "hierarchy"  # a topic that many of these commands touch
members = some.lists(
    some.tuples(actions_of(*SAME_IN_TWO, "claim") | actions_of("link", "move", "retitle"), some.sampled_from(AWRY)),
    min_size=2,
    max_size=3,
)


class Proposing(Handler):
    """Decides commands and records none."""

    proposed: Proposal | None = None

    def _append(self, proposal: Proposal, world: World) -> Recorded:
        self.proposed = proposal
        return Recorded(positions=(), streams={}, recorded_at=None)


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(some.lists(actions_of(*SAME_IN_TWO), max_size=4), some.lists(members, min_size=3, max_size=3))
def test_a_group_records_what_its_commands_record_one_by_one(
    database: Database, history: list[Action], groups: list[list[tuple[Action, str | None]]]
) -> None:
    together, apart = on_postgres(database, uuid4()), on_postgres(database, uuid4())
    assert attempt_all(together, BEGINNING + history) == attempt_all(apart, BEGINNING + history)

    for place, group in enumerate(groups):
        proposals = _proposals(together, group, 100 * place)
        verdicts = together.store.append_group(proposals)
        assert _short(verdicts) == _short([_one(apart, proposal) for proposal in proposals])

    assert _log(together) == _log(apart)
    for ledger in (together, apart):
        assert check(ledger.store, ledger.tables).equal


def _proposals(ledger: Ledger, group: list[tuple[Action, str | None]], first: int) -> list[Proposal]:
    """What each command would record if it came first, some of it made so that it may be refused."""
    found: list[Proposal] = []
    for number, (doing, awry) in enumerate(group, 100 + first):
        handler = Proposing(ledger.store, TableNeighbourhood(ledger.tables), propose)
        attempt(replace(ledger, handler=handler), number, command(ledger, doing, []))
        if handler.proposed is not None:
            found.append(_made_awry(handler.proposed, awry, found))
    return found


def _made_awry(proposal: Proposal, awry: str | None, before: Sequence[Proposal]) -> Proposal:
    match awry:
        case "another version":
            return replace(proposal, expected={stream: version + 1 for stream, version in proposal.expected.items()})
        case "the id before" if before:
            taken = before[-1].submission.command_id
            return replace(proposal, submission=replace(proposal.submission, command_id=taken))
        case "looks at all":
            return replace(proposal, conditions=(*proposal.conditions, MOVED))
        case "decided before":
            return replace(proposal, conditions=(*proposal.conditions, MOVED), as_of=1)
        case "too late":
            return replace(proposal, not_after=FIRST_DAY - timedelta(days=9000))
        case "in time":
            return replace(proposal, not_before=FIRST_DAY - timedelta(days=9000))
    return proposal


def _one(ledger: Ledger, proposal: Proposal) -> Recorded | LedgerError:
    try:
        return ledger.store.append(proposal)
    except LedgerError as error:
        return error


def _short(verdicts: Sequence[Recorded | LedgerError]) -> list[Any]:
    """Without times and the ids beside those that were recorded: later ones of the same group may be among them."""
    return [(one.positions, one.streams, one.repeated) if isinstance(one, Recorded) else type(one) for one in verdicts]


def _log(ledger: Ledger) -> list[Any]:
    """Its events but for their times, which are those of a chain."""
    events = list(ledger.store.read_all())
    previous = origin_digest(ledger.store.ledger)
    for event in events:
        assert event.digest == digest(previous, event)
        previous = event.digest
    return [replace(event, recorded_at=FIRST_DAY, digest=b"") for event in events]
