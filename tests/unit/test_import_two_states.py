"""Whatever two states of an export are imported one after the other, the ledger then holds what the second one says."""

import tempfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from ledger.catalog import fold_stream
from ledger.codec import encode, schema_of
from ledger.decider import Decided
from ledger.envelope import Past, RecordedEvent
from ledger.importers import beads
from ledger.moment import parse
from ledger.work_item.commands import ImportWorkItems
from ledger.work_item.importing import plan
from ledger.world import World
from tests.support.beads import DAY, export, issue, needs
from tests.support.given import LEDGER, Neighbours, numbered

NOW = parse("2026-11-22T12:00:00Z")
NAMES = [f"n-{number}" for number in range(5)]
IDS = {name: numbered(number) for number, name in enumerate(NAMES)}


class Log:
    """The streams of a ledger that only imports wrote to."""

    def __init__(self) -> None:
        self._streams: dict[str, list[RecordedEvent]] = {}

    def bring(self, issues: list[dict[str, Any]]) -> Decided:
        with tempfile.TemporaryDirectory() as folder:
            reading = beads.read(export(Path(folder), *issues), IDS.__getitem__, NOW)
        command = ImportWorkItems(source="beads", items=tuple(reading.items))
        decided = plan(command, World(LEDGER, self._read, fold_stream, Neighbours())).decided
        for entry in decided:
            self._record(*entry)
        return decided

    def standing(self) -> dict[str, dict[str, Any]]:
        """What each stream adds up to; with what force it was completed depends on when."""
        states = {stream: asdict(fold_stream(stream, past)) for stream, past in self._streams.items()}
        return {
            stream: state
            | {"forced": None, "links": sorted((link.kind, link.to_id, link.note) for link in state["links"])}
            for stream, state in states.items()
        }

    def times_rise(self) -> bool:
        pasts = self._streams.values()
        return all(a.occurred_at <= b.occurred_at for past in pasts for a, b in pairwise(past))

    def _read(self, streams: Iterable[str]) -> Past:
        return Past(head=0, now=NOW, events={name: self._streams[name] for name in streams if name in self._streams})

    def _record(self, stream: str, fact: Any, by: str, at: Any) -> None:
        past = self._streams.setdefault(stream, [])
        past.append(
            RecordedEvent(
                position=1,
                stream_id=stream,
                version=len(past) + 1,
                command_id=LEDGER,
                n=0,
                command="Import beads",
                command_digest=b"",
                type=type(fact).__name__,
                schema=schema_of(type(fact).__name__),
                topics=(),
                data=encode(fact),
                by=by,
                occurred_at=at,
                recorded_at=NOW,
                digest=b"",
            )
        )


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@st.composite
def an_issue(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kinds = st.sampled_from(["blocks", "parent-child", "discovered-from", "tracks", "related"])
    links = draw(
        st.lists(st.tuples(st.sampled_from(NAMES), kinds, st.integers(1, 9)), max_size=3, unique_by=lambda x: x[:2])
    )
    status = draw(st.sampled_from(["open", "hooked", "blocked", "closed"]))
    optional = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "description": texts(),
                "assignee": texts(),
                "labels": st.lists(texts(), max_size=3),
                "custom": st.one_of(st.none(), st.integers(-9, 9), st.lists(texts(), max_size=2)),
                "close_reason": texts(),
            },
        )
    )
    return issue(
        name,
        title=draw(texts()),
        status=status,
        issue_type=draw(st.sampled_from(["epic", "task", "bug"])),
        priority=draw(st.integers(0, 4)),
        updated_at=DAY.format(draw(st.integers(1, 9))),
        closed_at=DAY.format(draw(st.integers(1, 9))) if status == "closed" else None,
        dependencies=[needs(name, to, kind, created_at=DAY.format(day)) for to, kind, day in links],
        **optional,
    )


def exports() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.tuples(*(an_issue(name) for name in NAMES)).map(list)


@settings(max_examples=150, deadline=None)
@given(exports(), exports())
def test_after_both_the_ledger_holds_the_second(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    one_after_the_other, at_once = Log(), Log()
    one_after_the_other.bring(first)
    at_once.bring(second)

    one_after_the_other.bring(second)

    assert one_after_the_other.standing() == at_once.standing()
    assert one_after_the_other.times_rise()
    assert one_after_the_other.bring(second) == []


@settings(max_examples=50, deadline=None)
@given(exports(), st.integers(1, len(NAMES) - 1))
def test_half_of_an_export_and_then_all_of_it_is_the_same_as_all_of_it(whole: list[dict[str, Any]], half: int) -> None:
    in_two, at_once = Log(), Log()
    in_two.bring(whole[:half])
    at_once.bring(whole)

    in_two.bring(whole)

    assert in_two.standing() == at_once.standing()
