"""After two states of a source, one after the other, the ledger then holds what the second one says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from ledger.aggregates.decider import Decided
from ledger.aggregates.vendor.events import TestResults
from ledger.catalog import fold_stream
from ledger.envelope import category_of
from ledger.importing.commands import Import
from ledger.importing.plan import plan
from ledger.world import Holder, World
from tests.support.examples import examples
from tests.support.given import LEDGER, Neighbours
from tests.support.import_builders import deployment, enhancement, vendor
from tests.support.imported_log import Streams

DAYS = st.integers(1, 9)
TEXTS = st.text("abcd", max_size=3)


class Log(Streams):
    """The streams of a ledger that only imports of one source wrote to."""

    def bring(self, wanted: Import) -> Decided:
        names = {
            ("vendor_name", state["name"].casefold()): Holder(id=stream[-36:], label=state["name"])
            for stream, state in self.current_states().items()
            if category_of(stream) == "vendor"
        }
        decided = plan(wanted, World(LEDGER, self._read, fold_stream, Neighbours(holder=names))).decided
        for entry in decided:
            self._record(*entry, command="Import notes")  # type: ignore[call-arg]  # every entry of an import has its author and time
        return decided

    def current_states(self) -> dict[str, dict[str, Any]]:
        return {stream: asdict(fold_stream(stream, past)) for stream, past in self._streams.items()}


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def results() -> st.SearchStrategy[TestResults]:
    counts = st.one_of(st.none(), st.integers(0, 5))
    return st.builds(TestResults, passing=counts, total=counts, skipped=counts)


METADATA = st.dictionaries(TEXTS.filter(bool), st.one_of(st.integers(0, 3), TEXTS), max_size=2)
VENDORS = st.tuples(
    DAYS,
    st.fixed_dictionaries(
        {"test_results": results()},  # a run that was reported once is never taken back
        optional={
            "status": st.sampled_from(["operational", "broken"]),
            "extractor_version": TEXTS,
            "format_support": st.dictionaries(st.sampled_from(["excel", "csv"]), st.booleans()),
            "manifest_compliant": st.booleans(),
            "metadata": METADATA,
        },
    ),
)
DEPLOYMENTS = st.tuples(
    DAYS,
    st.lists(st.sampled_from(["A", "B", "nobody"]), unique=True),
    optional(
        pr_title=TEXTS,
        test_summary=st.dictionaries(st.sampled_from(["passed", "failed"]), st.integers(0, 9)),
        constitutional_compliance=st.booleans(),
        metadata=METADATA,
    ),
)
ENHANCEMENTS = st.tuples(
    DAYS,
    st.booleans(),
    optional(
        description=TEXTS,
        priority=st.integers(1, 5),
        status=st.sampled_from(["planned", "approved", "dropped"]),
        principles=st.lists(TEXTS).map(tuple),
        metadata=METADATA,
    ),
)


@st.composite
def states(draw: st.DrawFn) -> Import:
    (one, first), (two, second) = draw(VENDORS), draw(VENDORS)
    day, names, fields = draw(DEPLOYMENTS)
    when, waits, planned = draw(ENHANCEMENTS)
    return Import(
        source="notes",
        vendors=(vendor("A", day=one, **first), vendor("B", day=two, **second)),
        deployments=(deployment("#7", day=day, vendors=tuple(names), **fields),),
        enhancements=(
            enhancement("one", day=when, needs=("two",) if waits else (), **planned),
            enhancement("two"),
        ),
    )


@examples(100)
@given(states(), states())
def test_after_both_the_ledger_holds_the_second(first: Import, second: Import) -> None:
    one_after_the_other, at_once = Log(), Log()
    one_after_the_other.bring(first)
    at_once.bring(second)

    one_after_the_other.bring(second)

    assert one_after_the_other.current_states() == at_once.current_states()
    assert one_after_the_other.bring(second) == []
